"""Texts around words by people: articles of city web sites, alerts of staff.

A person's words stay as they are. Heading, place, time and source are in the resident's language,
and the text says in which language the words below are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from city.city import City, Names, name_in
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.models import Status
from feeds.texts import messages as m
from feeds.texts.advice import EVACUATION_LEVELS, evacuation
from feeds.texts.compose import CATALOGUE, Texts, drill_mark, mark_drill, say
from feeds.texts.places import area_names, joined, name_for
from feeds.texts.terms import explained, level_name, term
from feeds.texts.times import day_name, moment

_TITLES = {
    Status.LIFTED: m.TITLE_LIFTED,
    Status.CANCELLED: m.TITLE_WITHDRAWN,
    Status.CORRECTED: m.TITLE_CORRECTED,
    Status.CONTINUED: m.TITLE_UPDATE,
    Status.RAISED: m.TITLE_RAISED,
    Status.LOWERED: m.TITLE_LOWERED,
}
_LINES = {
    Status.LIFTED: m.LINE_LIFTED,
    Status.CANCELLED: m.LINE_WITHDRAWN,
    Status.CORRECTED: m.LINE_CORRECTED,
}
_EVACUATION_KINDS = {level: kind for kind, level in EVACUATION_LEVELS.items()}
_FALL_BACK = (EASY_JAPANESE, "ja", "en")


def topic_name(topic: str, language: str, city: City | None = None) -> str:
    """Return a topic's name: the city's own in ``language``, else ours; its code if unknown."""
    if city is not None and topic in city.topic_by_code:
        names = city.topic_by_code[topic].names
        if language in names or topic not in m.TOPICS:
            return name_in(names, language)
    if topic not in m.TOPICS:
        return topic
    return CATALOGUE.context_text(m.TOPIC_CONTEXT, language, m.TOPICS[topic])


def status_name(status: Status, language: str) -> str:
    """Return the word for a notice's status; empty for none."""
    if status is Status.NONE:
        return ""
    return CATALOGUE.context_text(m.STATUS_CONTEXT, language, m.STATUSES[status.value])


def machine_translated(language: str) -> str:
    """Return the sentence that says that a machine translated the text (promise 6)."""
    return say(language, m.MACHINE_TRANSLATED)


def article_texts(
    title: str,
    summary: str,
    topic: str,
    url: str,
    source_name: Names,
    *,
    city: City | None = None,
    languages: Sequence[str] | None = None,
    translations: Mapping[str, tuple[str, str]] | None = None,
    machine: Collection[str] = (),
    spoken: str = "ja",
    drill: bool = False,
) -> Texts:
    """Return an article in its own words, with a heading in each language.

    Its own title is only in the title, after the topic's name.

    Parameters
    ----------
    translations
        Title and summary by language where there are any.
    machine
        Languages whose translation a machine made; their text says so.
    spoken
        The language of ``title`` and ``summary``.
    """
    texts: Texts = {}
    for language in LANGUAGES if languages is None else languages:
        translated = (translations or {}).get(language)
        own_title, own_summary = translated or (title, summary)
        notes = []
        if translated is not None and language in machine:
            notes.append(machine_translated(language))
        elif translated is None and language != spoken:
            notes.append(
                say(language, m.ARTICLE_IN_JAPANESE)
                if spoken == "ja"
                else text_language(spoken, language)
            )
        last = [say(language, m.MORE, url=url)] if url else []
        last.append(say(language, m.SOURCE, source=name_in(source_name, language)))
        heading = say(
            language,
            m.TITLE_ARTICLE,
            topic=topic_name(topic, language, city),
            title=own_title,
        )
        blocks = ["\n".join(notes), own_summary, "\n".join(last)]
        written = {"title": heading, "text": "\n\n".join(block for block in blocks if block)}
        texts[language] = mark_drill(written, language) if drill else written
    return texts


@dataclass(frozen=True)
class SurveyNote:
    """What a message says of the survey that it asks: whether answers are kept with the resident's
    number, and the last day.
    """

    named: bool
    closes: date | None


@dataclass(frozen=True)
class NewsWords:
    """What staff wrote of routine news.

    Parameters
    ----------
    texts
        Title and text by language; at least one.
    links
        Each address with what it is called by language; where it has no name it is "more".
    machine
        Languages whose words a machine translated; their text says so.
    """

    texts: Mapping[str, tuple[str, str]]
    links: Sequence[tuple[str, Mapping[str, str]]] = ()
    machine: Collection[str] = ()
    survey: SurveyNote | None = None


def news_texts(words: NewsWords, topic: str, city: City, *, corrects: bool = False) -> Texts:
    """Return routine news of staff in every language of the city.

    A language without words of its own gets the easy Japanese or the Japanese ones, and the text
    says in which language they are. A link is a line of its own, which media show as a button.
    """
    return {language: _news(language, words, topic, city, corrects) for language in city.languages}


def _news(
    language: str, words: NewsWords, topic: str, city: City, corrects: bool
) -> dict[str, str]:
    spoken = language if language in words.texts else _spoken_instead(words.texts)
    title, text = words.texts[spoken]
    name = topic_name(topic, language, city)
    notes = [say(language, m.LINE_CORRECTED, name=title)] if corrects else []
    if spoken != language:
        notes.append(text_language(spoken, language))
    elif language in words.machine:
        notes.append(machine_translated(language))
    links = [
        f"{labels[language]}: {url}" if labels.get(language) else say(language, m.MORE, url=url)
        for url, labels in words.links
    ]
    asked = survey_lines(words.survey, language) if words.survey else []
    source = say(language, m.SOURCE, source=name_in(city.name, language))
    blocks = ["\n".join(notes), text, "\n".join(asked), "\n".join(links), source]
    return {
        "title": say(language, m.TITLE_ARTICLE, topic=name, title=title),
        "text": "\n\n".join(block for block in blocks if block),
    }


def survey_lines(survey: SurveyNote, language: str) -> list[str]:
    """Return what everybody is told of a survey before they answer."""
    until = (
        [say(language, m.SURVEY_UNTIL, day=day_name(survey.closes, language))]
        if survey.closes
        else []
    )
    return [
        say(language, m.SURVEY_NAMED if survey.named else m.SURVEY_ANONYMOUS),
        *until,
        say(language, m.SURVEY_HOW, word=survey_word(language)),
    ]


def survey_word(language: str) -> str:
    """Return the word that lists the open surveys in the conversation."""
    return say(language, m.SURVEYS)


def survey_button(language: str) -> str:
    """Return the name of the button that begins a survey."""
    return say(language, m.SURVEY_ANSWER)


def text_language(spoken: str, language: str) -> str:
    """Return the sentence that says in which language the words below are."""
    return say(language, m.TEXT_LANGUAGE, name=_language_name(spoken, language))


def without_topic(title: str, topic: str, language: str) -> str:
    """Return an article's title without the topic's name in front."""
    mark = drill_mark(language)
    drilled, own = title.startswith(mark), title.removeprefix(mark).lstrip()
    before = say(language, m.TITLE_ARTICLE, topic=topic, title="\0").partition("\0")[0]
    own = own.removeprefix(before)
    return f"{mark} {own}" if drilled else own


def alert_heading(topic: str, level: int, language: str, city: City) -> str:
    """Return the name of a staff alert: the official name of the evacuation, or topic and level."""
    if topic == "evacuation" and level in _EVACUATION_KINDS:
        return term(_EVACUATION_KINDS[level], language).text
    return topic_name(topic, language, city)


def alert_texts(
    topic: str,
    level: int,
    texts: Mapping[str, str],
    city: City,
    *,
    drill: bool,
    at: datetime,
    areas: Sequence[str] = (),
    status: Status = Status.ISSUED,
    source: Names | None = None,
    languages: Sequence[str] | None = None,
    machine: Collection[str] = (),
    url: str = "",
) -> Texts:
    """Return a staff alert in every language, around the words the staff wrote.

    A language without words of its own gets the easy Japanese words, else the Japanese ones.
    Heading, advice and place are in its own language, and the text says in which language the words
    are.

    Parameters
    ----------
    texts
        The staff's words by language; at least one.
    areas
        District codes; empty means the whole city.
    source
        Names of the sender, such as a department; by default the city.
    machine
        Languages whose words a machine translated; their text says so.
    """
    if not texts:
        raise ValueError("an alert needs words in at least one language")
    return {
        language: _alert(
            language, topic, level, texts, city, drill, at, areas, status, source, machine, url
        )
        for language in (LANGUAGES if languages is None else languages)
    }


def _alert(
    language: str,
    topic: str,
    level: int,
    texts: Mapping[str, str],
    city: City,
    drill: bool,
    at: datetime,
    areas: Sequence[str],
    status: Status,
    source: Names | None,
    machine: Collection[str],
    url: str,
) -> dict[str, str]:
    name = alert_heading(topic, level, language, city)
    place = joined(area_names(areas, language, city), language)
    over = status in (Status.LIFTED, Status.CANCELLED)
    what = [say(language, _LINES[status], name=name)] if status in _LINES else []
    if level and not over and topic in ("evacuation", "weather"):
        what.append(level_name(level, language))
    meant = _EVACUATION_KINDS.get(level, "") if topic == "evacuation" and not over else ""
    known = [*explained(meant, language)]
    known += [say(language, m.PLACE, place=place), say(language, m.TIME, time=moment(at, language))]
    advised = evacuation(level, drill=drill) if topic == "evacuation" and not over else ()
    spoken = language if language in texts else _spoken_instead(texts)
    notes = []
    if language in machine and language in texts:
        notes.append(machine_translated(language))
    elif spoken != language:
        notes.append(text_language(spoken, language))
    last = []
    if advised and level >= 3 and city.shelter_url:
        last.append(say(language, m.SHELTERS, url=city.shelter_url))
    if url:
        last.append(say(language, m.MORE, url=url))
    last.append(say(language, m.SOURCE, source=name_for(source or city.name, language)))
    blocks = [
        "\n".join(what),
        "\n".join(say(language, sentence) for sentence in advised),
        "\n".join([*notes, texts[spoken]]) if texts[spoken].strip() else "",
        "\n".join(known),
        "\n".join(last),
    ]
    written = {
        "title": say(language, _TITLES.get(status, m.TITLE_ISSUED), name=name, place=place),
        "text": "\n\n".join(block for block in blocks if block),
    }
    return mark_drill(written, language) if drill else written


def _spoken_instead(texts: Mapping[str, object]) -> str:
    return next((code for code in _FALL_BACK if code in texts), next(iter(texts)))


def _language_name(spoken: str, language: str) -> str:
    """Return a language's own name; easy Japanese adds the reading to the name of Japanese.

    For a language that is not ours, return its tag.
    """
    name = LANGUAGES[spoken].name if spoken in LANGUAGES else spoken
    return f"{name}（にほんご）" if (spoken, language) == ("ja", EASY_JAPANESE) else name
