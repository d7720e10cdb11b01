"""What prevents news from leaving: words, links, picture, time. One sentence for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from alerts.news.models import News, Repeat, When
from alerts.news.segments import OLDEST, Wanted
from alerts.news.times import FARTHEST
from city.city import City
from core.clock import in_japan
from core.faults import FormFault
from core.languages import LANGUAGES, mark
from feeds.texts import drill_mark

TITLE_LIMIT, TEXT_LIMIT, ALT_LIMIT = 60, 1000, 200
MOST_LINKS, MOST_LABEL, MOST_ADDRESS = 4, 40, 1000
"""What a card of LINE shows as buttons."""
_DRILL_MARKS = tuple(drill_mark(code) for code in LANGUAGES)
PAST = mark("The planned time has passed. Choose a time that is still to come.")


def faults(news: News, city: City, now: datetime) -> list[FormFault]:
    """Return all faults that the news alone shows."""
    return [
        *_place_faults(news, city),
        *_word_faults(news),
        *link_faults(news),
        *_picture_faults(news),
        *_segment_faults(news, city),
        *_time_faults(news, now),
    ]


def _place_faults(news: News, city: City) -> Iterator[FormFault]:
    topic = city.topic_by_code.get(news.topic)
    if topic is None:
        yield FormFault("topic", mark("Choose a topic."))
    elif topic.mandatory:
        yield FormFault(
            "topic", mark("Everybody gets this topic, for emergencies. News needs another one.")
        )
    if not news.whole_city and not news.areas:
        yield FormFault("areas", mark("Choose districts, or the whole city."))
    if not set(news.areas) <= set(city.district_by_code):
        yield FormFault("areas", mark("A district does not exist any more. Choose again."))


def _word_faults(news: News) -> Iterator[FormFault]:
    for code, words in news.texts.items():
        title, text = words.get("title", ""), words.get("text", "")
        values = (("language", LANGUAGES[code].name),)
        if not title or not text:
            yield FormFault(f"text-{code}", mark("Write both title and text ({language})."), values)
        if len(title) > TITLE_LIMIT or len(text) > TEXT_LIMIT:
            limits = (("title", TITLE_LIMIT), ("text", TEXT_LIMIT))
            yield FormFault(
                f"text-{code}",
                mark("{language}: a title has at most {title} characters, a text {text}."),
                (*values, *limits),
            )
        if title.startswith(_DRILL_MARKS) or text.startswith(_DRILL_MARKS):
            yield FormFault(
                f"text-{code}", mark("News must not begin like a drill ({language})."), values
            )
    if not news.texts.get("ja", {}).get("text"):
        yield FormFault("text-ja", mark("Write title and text in Japanese."))


def link_faults(news: News) -> Iterator[FormFault]:
    """Return what is wrong with the links. Only secure addresses of the web are taken."""
    if len(news.links) > MOST_LINKS:
        yield FormFault("links", mark("At most {n} links."), (("n", MOST_LINKS),))
    for link in news.links:
        address = str(link.get("url", ""))
        why = refused_address(address)
        if why:
            yield FormFault("links", why, (("address", address[:80]), ("n", MOST_ADDRESS)))
        for label in link.get("labels", {}).values():
            if len(label) > MOST_LABEL:
                yield FormFault(
                    "links", mark("A link's name has at most {n} characters."), (("n", MOST_LABEL),)
                )


def refused_address(address: str) -> str:
    """Return why an address cannot be a link; "" if it can."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return mark("This is no address of a page: {address}")
    scheme = parts.scheme.casefold()
    if scheme != "https":
        if scheme in ("", "http") or host:
            return mark("A link begins with https://, so that nobody can change it: {address}")
        return mark("This is no address of a page and could run something on a phone: {address}")
    if "." not in host or parts.username is not None or any(c.isspace() for c in address):
        return mark("This is no address of a page: {address}")
    if len(address) > MOST_ADDRESS:
        return mark("An address has at most {n} characters: {address}")
    return ""


def _picture_faults(news: News) -> Iterator[FormFault]:
    if news.picture_id is None:
        return
    for code in news.texts:
        if not news.alts.get(code):
            yield FormFault(
                f"alt-{code}",
                mark(
                    "Say in a sentence what the picture shows, for who does not see it "
                    "({language})."
                ),
                (("language", LANGUAGES[code].name),),
            )
    if any(len(alt) > ALT_LIMIT for alt in news.alts.values()):
        yield FormFault(
            "alt", mark("What the picture shows has at most {n} characters."), (("n", ALT_LIMIT),)
        )


def _segment_faults(news: News, city: City) -> Iterator[FormFault]:
    wanted = Wanted.from_json(news.segment)
    if not set(wanted.languages) <= set(city.languages):
        yield FormFault("segment", mark("The city does not have this language."))
    ages = [age for age in (wanted.child_from, wanted.child_through) if age is not None]
    if any(not 0 <= age <= OLDEST for age in ages) or ages != sorted(ages):
        yield FormFault(
            "segment",
            mark("A child's age is from 0 to {n} years, the lower one first."),
            (("n", OLDEST),),
        )
    months = [month for month in (wanted.followed_from, wanted.followed_before) if month]
    if months != sorted(months):
        yield FormFault("segment", mark("The first month comes before the second."))


def _time_faults(news: News, now: datetime) -> Iterator[FormFault]:
    if news.when is When.AT:
        if news.send_at is None:
            yield FormFault("send_at", mark("Choose day and time."))
        elif news.send_at <= now:
            yield FormFault("send_at", PAST)
        elif news.send_at > now + FARTHEST:
            yield FormFault("send_at", mark("That is more than a year ahead."))
    if news.repeat is Repeat.ONCE:
        return
    if news.when is not When.AT:
        yield FormFault("repeat", mark("Repeated news needs a day and a time."))
    elif news.until is None:
        yield FormFault("until", mark("Say until when it is repeated."))
    elif news.send_at is not None and news.until < in_japan(news.send_at).date():
        yield FormFault("until", mark("The repetition ends before it begins."))
    elif news.until > in_japan(now + FARTHEST).date():
        yield FormFault("until", mark("That is more than a year ahead."))
    if news.replaces_id is not None:
        yield FormFault("repeat", mark("A correction is sent once."))
