"""Render a notice for a browser's notification: a small JSON object that the service worker shows.

A system shows the first lines of a notification, a few hundred characters at most. What is longer
is cut here, between paragraphs or sentences, and then says in the reader's language that there is
more on the page which opens. So no warning ends in the middle of a sentence.

A message that follows another has the same ``tag``. So its notification takes the place of the
earlier one, and as the ``Topic`` of the request (RFC 8030, 5.4) it replaces one that was not
delivered yet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.medium import Messages, Note, compact_json
from channels.notice_words import notice_words
from channels.webpush.encryption import MOST_BYTES
from city.city import City, name_in
from core.languages import LANGUAGES, script_of, tag_of
from feeds.models import OVER, Notice
from feeds.news_form import form_of
from feeds.texts import CATALOGUE, drill_mark
from feeds.texts.messages import SEVERAL_FROM, THE_REST

MOST_BODY = 400
"""Characters of a notification's text; Chrome on Android shows about 450, others fewer."""
MOST_TITLE = 120
MOST_PAYLOAD = 3_900
"""Bytes of the JSON object; a push message takes 3,993."""
HIGH, NORMAL, LOW = "high", "normal", "low"
"""Urgency (RFC 8030, 5.3). Only ``high`` wakes a phone that saves its battery."""
WARNING_LIFE, NEWS_LIFE = timedelta(days=1), timedelta(days=3)
"""For how long a push service keeps a message without an end, for a browser that is off."""
WAKING_LEVEL = 3
"""From this level on some people have to leave at once."""
DIGEST = "digest"

_SENTENCES = re.compile(r"(?<=[。!?！？။។।॥])\s*|(?<=\.)\s+(?=\S)")
_HIDDEN = re.compile(r"https?://\S+")
assert MOST_PAYLOAD < MOST_BYTES


def render(notice: Notice, language: str, city: City, page: str) -> Messages:
    """Return the one message of ``notice`` for a reader of ``language``.

    Parameters
    ----------
    page
        The address that opens when the notification is tapped.

    Raises
    ------
    BadInput
        The notice has no words, or a real one begins like a drill.
    """
    spoken, title, text = notice_words(notice, language)
    number = notice.id or 0
    ended = notice.status in OVER
    payload = {
        "id": number,
        "tag": tag_of_chain(number),
        "title": title,
        "body": "",
        "lang": tag_of(spoken),
        "dir": script_of(spoken).direction,
        "level": notice.shown_level,
        "look": _look(notice),
        "drill": notice.drill,
        "stays": not ended and not notice.silent and (notice.emergency or notice.reach >= 4),
        "url": page,
        "at": notice.reported_at.isoformat(),
        "until": None if notice.expires_at is None else notice.expires_at.isoformat(),
        **_emblem(city, _look(notice)),
    }
    picture = form_of(notice).picture
    if picture is not None and city.public_url:
        payload["picture"] = picture.address(city.public_url)
    return [_message(payload, text, spoken, notice.drill, _urgency(notice), _life(notice))]


def digest(notices: Sequence[Notice], language: str, city: City, page: str) -> Messages:
    """Return the one message for several notices: their titles, the newest first."""
    words = [notice_words(notice, language) for notice in reversed(notices)]
    known = language if language in LANGUAGES else "ja"
    drill = any(notice.drill for notice in notices)
    title = CATALOGUE.text(known, SEVERAL_FROM, count=len(words), city=name_in(city.name, known))
    text = "\n\n".join(title for _, title, _ in words)
    payload = {
        "id": max((notice.id or 0 for notice in notices), default=0),
        "tag": DIGEST,
        "title": f"{drill_mark(known)} {title}" if drill else title,
        "body": "",
        "lang": tag_of(known),
        "dir": script_of(known).direction,
        "level": 0,
        "look": "drill" if drill else "news",
        "drill": drill,
        "stays": False,
        "url": page,
        "at": max(notice.reported_at for notice in notices).isoformat(),
        "until": None,
        **_emblem(city, "drill" if drill else "news"),
    }
    return [_message(payload, text, known, drill, LOW, WARNING_LIFE)]


def render_note(note: Note, language: str, page: str) -> Messages:
    """Return the one message of a few words that are no notice.

    A service worker takes a message of the same tag whose number is not higher for a repeat.
    """
    known = language if language in LANGUAGES else "ja"
    payload = {
        "id": int(note.at.timestamp()) // 60,
        "tag": note.kind,
        "title": note.title,
        "body": "",
        "lang": tag_of(known),
        "dir": script_of(known).direction,
        "level": 0,
        "look": "news",
        "drill": False,
        "stays": False,
        "url": page,
        "at": note.at.isoformat(),
        "until": note.until.isoformat(),
    }
    life = max(note.until - note.at, timedelta(0))
    return [_message(payload, note.text, known, False, NORMAL, life)]


def tag_of_chain(number: int) -> str:
    """Return the tag of the chain whose first notice has this number."""
    return f"n{number}"


def with_tag(messages: Messages, tag: str, number: int) -> Messages:
    """Return the same messages with another tag, and the number of the delivery's notice."""
    return [
        {**one, "topic": tag, "payload": {**one["payload"], "tag": tag, "id": number}}
        for one in messages
    ]


def _message(
    payload: dict[str, Any],
    text: str,
    language: str,
    drill: bool,
    urgency: str,
    life: timedelta,
) -> dict[str, Any]:
    title = str(payload["title"])
    if len(title) > MOST_TITLE:
        # The whole title comes first in the text; above it is as much as has a sentence's end.
        text = title if text.startswith(title) else f"{title}\n\n{text}"
        payload["title"] = _shortened(title, MOST_TITLE, language, drill)
    room = MOST_BODY
    while True:
        payload["body"] = _body(text, room, language, drill)
        if len(compact_json(payload)) <= MOST_PAYLOAD or room < 20:
            break
        room = room * 3 // 4
    return {
        "topic": payload["tag"],
        "urgency": urgency,
        "life": int(life.total_seconds()),
        "payload": payload,
    }


def _body(text: str, room: int, language: str, drill: bool) -> str:
    """Return the text, or its first whole paragraphs or sentences and that there is more.

    Addresses are left out: nobody can tap them in a notification.
    """
    blocks = (_HIDDEN.sub("", block).strip(" \n:：") for block in re.split(r"\n\s*\n", text))
    paragraphs = [block for block in blocks if block]
    whole = "\n".join(paragraphs)
    if len(whole) <= room:
        return whole
    more = CATALOGUE.text(language, THE_REST)
    kept: list[str] = []
    for paragraph in paragraphs:
        if len("\n".join([*kept, paragraph, more])) > room:
            break
        kept.append(paragraph)
    if not kept or (len(kept) == 1 and kept[0] == drill_mark(language)):
        first = _whole_sentences(paragraphs[0], room - len(more) - 1)
        kept = [first] if first else [drill_mark(language)] if drill else []
    return "\n".join([*kept, more])


def _whole_sentences(text: str, room: int) -> str:
    kept = ""
    for sentence in filter(None, _SENTENCES.split(text)):
        longer = text[: text.index(sentence, len(kept)) + len(sentence)]
        if len(longer) > room:
            break
        kept = longer
    return kept.strip()


def _shortened(title: str, room: int, language: str, drill: bool) -> str:
    """Return a title's whole sentences; our own words if not even one is short enough."""
    found = _whole_sentences(title, room)
    if found and found != drill_mark(language):
        return found
    more = CATALOGUE.text(language, THE_REST)
    return f"{drill_mark(language)} {more}" if drill else more


def _look(notice: Notice) -> str:
    """Return the name of the picture: the colour of the level, or that it is a drill."""
    if notice.drill:
        return "drill"
    if notice.status in OVER:
        return "over"
    if notice.level:
        return f"level-{notice.level}"
    return "warning" if notice.emergency else "news"


def _urgency(notice: Notice) -> str:
    if notice.silent:
        return LOW
    if notice.emergency or notice.reach >= WAKING_LEVEL:
        return HIGH
    return NORMAL if notice.reach else LOW


def _emblem(city: City, look: str) -> dict[str, str]:
    """Return the city's emblem for news; what is grave keeps the picture of its level."""
    path = city.emblem_path("png") if look == "news" else ""
    return {"emblem": path} if path else {}


def _life(notice: Notice) -> timedelta:
    return WARNING_LIFE if notice.reach or notice.emergency else NEWS_LIFE


def seconds_to_keep(life: int, until: str | None, now: datetime) -> int:
    """Return the TTL of a request (RFC 8030, 5.2): not beyond the notice's own end."""
    if until is None:
        return life
    left = (datetime.fromisoformat(until) - now).total_seconds()
    return max(60, int(left))
