"""Check in at an evacuation site by its QR code, and out again.

The code is a link that opens the chat with :func:`check_in_text` in it; the resident sends it.
"""

from __future__ import annotations

from urllib.parse import quote

from bot import messages
from bot.dialogues import household
from bot.dialogues.kinds import (
    CheckedIn,
    CheckedOut,
    DialogueOutcome,
    DialogueState,
    Incoming,
    Known,
    Pressed,
    TellCity,
)
from bot.understanding.folding import fold
from city.shelters import Shelter
from core.languages import EASY_JAPANESE, mark
from feeds.texts import drill_mark
from response.households import Told
from response.models import Condition, Whereabouts

PREFIX = "#check-in "
POSTER_TITLE = mark("Check in here with LINE")
POSTER_WORDS = mark("Read this code with your phone and send the message.")


def check_in_text(code: str) -> str:
    """Return the message that checks in at the site with this code."""
    return f"{PREFIX}{code}"


def check_in_link(line_id: str, code: str) -> str:
    """Return the address that opens the chat with the message in it.

    Source: https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
    """
    account, text = quote(line_id, safe=""), quote(check_in_text(code), safe="")
    return f"https://line.me/R/oaMessage/{account}/?{text}"


def asked_for(text: str) -> str | None:
    """Return the code of the site in a check-in's message; None for another message."""
    folded = fold(text)
    prefix = fold(PREFIX.strip())
    if not folded.startswith(prefix):
        return None
    return folded.removeprefix(prefix).strip()


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Check in or out; None for another event."""
    match event:
        case Pressed("check-in", {"at": wanted}):
            site = next((s for s in known.shelters if fold(s.code) == wanted), None)
            return _unknown(state, known) if site is None else _arrive(state, site, known)
        case Pressed("check-out", {"drill": drill}):
            words = known.say("You are checked out. Take care on your way.")
            safe = messages.press(known.say("I am safe"), "safe")
            mark_ = drill_mark(known.language) if drill == "1" else ""
            said = messages.text(mark_ + words, safe)
            return DialogueOutcome(state, (said,), (CheckedOut(drill == "1"),), matters=True)
    return None


def _unknown(state: DialogueState, known: Known) -> DialogueOutcome:
    words = known.say("This code is of no evacuation site of the city. Please ask the staff there.")
    return DialogueOutcome(state, (messages.text(words),))


def _arrive(state: DialogueState, site: Shelter, known: Known) -> DialogueOutcome:
    if not known.asks_safety and site.code not in known.shelter_states:
        words = known.say("The evacuation sites are not open now, so you need not check in.")
        return DialogueOutcome(state, (messages.text(words),))
    area = known.preferences.areas[0] if known.preferences.areas else None
    told = Told(
        known.event_id, Condition.EVACUATED, whereabouts=Whereabouts.SHELTER, shelter=site.code
    )
    out = messages.press(known.say("Check out"), "check-out", drill=int(known.in_drill))
    name = site.name if known.language.startswith("ja") else site.english or site.name
    if known.language == EASY_JAPANESE and site.kana:
        name = f"{site.name}（{site.kana}）"
    asked = household.how_many(
        known,
        known.event_id,
        drill=known.in_drill,
        title=known.say("You are checked in: {site}", site=name),
    )
    return DialogueOutcome(
        state,
        (messages.with_more(asked, out),),
        (
            TellCity(told, drill=known.in_drill, area=area),
            CheckedIn(site.code, drill=known.in_drill),
        ),
        matters=True,
    )
