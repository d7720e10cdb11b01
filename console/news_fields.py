"""The fields of the composer of news, to compare what two people write."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from alerts.news.checks import MOST_LINKS
from alerts.news.models import News, Repeat, When
from alerts.news.segments import Wanted
from console import words
from console.merging import Fields, merged, same
from console.news_form import local
from console.web import Visit
from core.languages import LANGUAGES, mark
from core.web import Form

BEGAN = "began"
"""The form's own field with the values that it was made with, as JSON."""
CARRIED = ("csrf", "then", "no_picture", "preview_language")
NAMES = {
    "topic": mark("Topic"),
    "title": mark("Title"),
    "text": mark("Text"),
    "alt": mark("What the picture shows, for who does not see it"),
    "url": mark("Links"),
    "label": mark("Name of the link"),
    "whole_city": mark("The whole city"),
    "areas": mark("Where"),
    "for_language": mark("Language"),
    "child_from": mark("Age of a child"),
    "child_through": mark("Age of a child"),
    "followed_from": mark("Follows since"),
    "followed_before": mark("Follows since"),
    "form": mark("Picture and form"),
    "picture_id": mark("Picture"),
    "when": mark("When"),
    "send_at": mark("When"),
    "repeat": mark("Repeated"),
    "until": mark("Until (last day)"),
    "media": mark("Ways to residents"),
}


@dataclass(frozen=True)
class Both:
    """A field that two people changed: what it is called, and what the colleague wrote."""

    name: str
    theirs: str


def fields_of(news: News, visitor: Visit) -> Fields:
    """Return the stored values of the composer's form."""
    wanted = Wanted.from_json(news.segment)
    codes = list(LANGUAGES)
    found: Fields = {
        "topic": [news.topic],
        "whole_city": ["yes"] if news.whole_city else [],
        "areas": list(news.areas),
        "for_language": list(wanted.languages),
        "child_from": ["" if wanted.child_from is None else str(wanted.child_from)],
        "child_through": ["" if wanted.child_through is None else str(wanted.child_through)],
        "followed_from": [wanted.followed_from],
        "followed_before": [wanted.followed_before],
        "form": ["text" if news.as_text else "card"],
        "picture_id": ["" if news.picture_id is None else str(news.picture_id)],
        "when": [str(news.when)],
        "send_at": [local(news.send_at)],
        "repeat": [str(news.repeat)],
        "until": ["" if news.until is None else news.until.isoformat()],
        "media": list(media_of(news, visitor)),
    }
    for code in codes:
        own = news.texts.get(code, {})
        found[f"title-{code}"] = [own.get("title", "")]
        found[f"text-{code}"] = [own.get("text", "")]
        found[f"alt-{code}"] = [news.alts.get(code, "")]
    for number in range(MOST_LINKS):
        link = news.links[number] if number < len(news.links) else {}
        found[f"url-{number}"] = [link.get("url", "")]
        for code in codes:
            found[f"label-{number}-{code}"] = [link.get("labels", {}).get(code, "")]
    return found


def media_of(news: News, visitor: Visit) -> tuple[str, ...]:
    """Return the media that the form shows as chosen: the news' own, else those of the rules."""
    if news.media is not None:
        return tuple(news.media)
    return tuple(visitor.media.by_rule(visitor.context.city, news.topic, 0))


def filled_from(news: News, visitor: Visit) -> str:
    """Return what the form remembers of the values that it was made with."""
    return json.dumps({name: some for name, some in fields_of(news, visitor).items() if any(some)})


def with_colleagues(news: News, visitor: Visit) -> tuple[Visit, list[Both]]:
    """Put what was changed here into what a colleague saved since the form was made.

    Returns the visit with that form, and what both changed; of that the form has the visitor's.
    A form that does not remember its beginning is returned as it is.
    """
    form = visitor.form
    before = _began(form.text(BEGAN))
    if before is None or form.number("version") == news.version:
        return visitor, []
    stored = fields_of(news, visitor)
    mine = {
        name: form.all(name) for name in stored if not same(form.all(name), before.get(name, ()))
    }
    found = merged(stored, mine, before)
    values = {name: found.form.all(name) for name in stored}
    values |= {name: mine[name] for name in found.conflicts}
    values |= {name: form.all(name) for name in CARRIED}
    values["version"] = [str(news.version)]
    whole = Form([(name, one) for name, some in values.items() for one in some])
    both = [
        Both(_called(name, visitor), _in_words(name, stored[name], visitor))
        for name in found.conflicts
    ]
    return replace(visitor, form=whole), both


def _began(said: str) -> Fields | None:
    try:
        found = json.loads(said)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {
        str(name): [str(one) for one in some]
        for name, some in found.items()
        if isinstance(some, list)
    }


def _called(name: str, visitor: Visit) -> str:
    kind, _, rest = name.partition("-")
    said = visitor.say(NAMES[kind])
    number, _, code = rest.rpartition("-")
    if kind in ("url", "label"):
        said = f"{said} {int(number or rest) + 1}"
    if code in LANGUAGES:
        said = f"{said} ({words.language_name(code, visitor.language)})"
    return said


def _in_words(name: str, values: list[str], visitor: Visit) -> str:
    """Return what a colleague chose or wrote, as the page says it."""
    city, language = visitor.context.city, visitor.language
    if name == "topic" and (topic := city.topic_by_code.get("".join(values))):
        return topic.names.get(language, topic.names["ja"])
    if name == "areas":
        return words.places_of(values, city, language)
    if name == "for_language":
        return words.names_of(values, language)
    if name == "media":
        return ", ".join(words.medium_name(one, language) for one in values)
    if name == "when":
        said = {When.NOW: mark("At once, when it is released"), When.AT: mark("At a time")}
        return visitor.say(said.get(When("".join(values)), mark("In the daily digest")))
    if name == "repeat" and values:
        return visitor.say(words.NEWS_REPEATS[Repeat(values[0])])
    return "\n".join(values) or "–"
