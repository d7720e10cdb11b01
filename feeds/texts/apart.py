"""Texts of a follow-up for people whom it does not concern: told before, and not meant now.

A correction, a change or an all-clear goes to everybody who was told of the danger. People who live
elsewhere must neither flee because of it, nor take another district's all-clear for their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from city.city import City
from feeds.models import Notice, Status
from feeds.texts import messages as m
from feeds.texts.advice import evacuation
from feeds.texts.compose import Texts, drill_mark, mark_drill, say
from feeds.texts.free import alert_heading
from feeds.texts.places import area_names, joined, name_for
from feeds.texts.times import moment


def elsewhere_texts(notice: Notice, earlier: tuple[str, int], city: City) -> Texts:
    """Return the texts for people who were told before and whose districts a notice does not mean.

    Somebody who is in one of its places, although they chose others, is not told to stay.

    Parameters
    ----------
    earlier
        Topic and level of the message before this one.
    """
    topic, level = earlier if notice.status is Status.CORRECTED else (notice.topic, notice.level)
    texts: Texts = {}
    for language in city.languages:
        name = alert_heading(topic, level, language, city)
        place = joined(area_names(notice.areas, language, city), language)
        title = say(language, m.TITLE_ELSEWHERE, name=name)
        first = [say(language, m.WHO_IT_IS_FOR, place=place)]
        if notice.status is Status.CORRECTED:
            first.insert(0, say(language, m.TOLD_WRONGLY))
        elif notice.status is Status.LIFTED:
            title = say(language, m.TITLE_LIFTED, name=name, place=place)
            first = [say(language, m.LINE_LIFTED, name=name), say(language, m.NOT_ABOUT_YOU)]
        texts[language] = _written(notice, title, ["\n".join(first)], language, city)
    return texts


def still_texts(
    notice: Notice, standing: Mapping[int, Sequence[str]], city: City, *, told: bool
) -> Texts:
    """Return the texts for districts in which the earlier notice stays in force.

    Parameters
    ----------
    standing
        The districts in which it stays in force, by level.
    told
        Whether they have heard of it.
    """
    only = next(iter(standing)) if len(standing) == 1 else 0
    texts: Texts = {}
    for language in city.languages:
        name = alert_heading(notice.topic, only, language, city)
        title = say(language, m.TITLE_STILL_HERE, name=name)
        blocks = [say(language, m.STILL_HOLDS)] if told else []
        for level, areas in standing.items():
            place = joined(area_names(areas, language, city), language)
            advised = evacuation(level, drill=notice.drill) if notice.topic == "evacuation" else ()
            if not only:
                blocks.append(alert_heading(notice.topic, level, language, city))
            blocks.append("\n".join(say(language, sentence) for sentence in advised))
            blocks.append(say(language, m.PLACE, place=place))
        blocks.append(_title(notice, language))
        texts[language] = _written(notice, title, blocks, language, city)
    return texts


def _title(notice: Notice, language: str) -> str:
    """Return the texts for the others, without a drill's mark."""
    words = notice.texts.get(language, {}).get("title", "")
    return words.removeprefix(drill_mark(language)).lstrip()


def _written(
    notice: Notice, title: str, blocks: Sequence[str], language: str, city: City
) -> dict[str, str]:
    time = say(language, m.TIME, time=moment(notice.reported_at, language))
    source = say(language, m.SOURCE, source=name_for(city.name, language))
    text = "\n\n".join(block for block in (*blocks, time, source) if block)
    written = {"title": title, "text": text}
    return mark_drill(written, language) if notice.drill else written
