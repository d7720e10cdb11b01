"""Read LINE's webhook events, tolerantly and with suspicion.

LINE adds event types, message types and fields without notice, so nothing here refuses an event: an
event that is not understood is stored, marked and never acted on. The models of LINE's SDK
refuse a whole body for one odd event. So they read the events that are acted on (``bot.incoming``),
not those that are stored (docs/decisions/0011-where-a-measurement-keeps-a-library-out.md).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.errors import BadInput

ACTED_ON = frozenset({"follow", "unfollow", "message", "postback", "unsend"})
"""Event types that Todoke processes; all others are stored and ignored."""

STANDBY = "another module has the conversation"
MAX_TIMESTAMP_MS = 2**53
MOST_EVENTS = 1_000
"""LINE sends at most 100 at once; hundreds of thousands would delay all others."""
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_KIND = re.compile(r"[0-9A-Za-z_.-]{1,32}")
_USER = re.compile(r"U[0-9a-f]{32}")


@dataclass(frozen=True)
class ReceivedEvent:
    """One event in the form in which it is stored.

    ``timestamp_ms`` is LINE's time in milliseconds since 1970 (0 when the event has none);
    ``line_user_id`` is set only for events from a one-to-one chat; ``actionable`` says whether a
    worker must process it; ``reason`` says why not, for the log.
    """

    event_id: str
    kind: str
    line_user_id: str | None
    timestamp_ms: int
    payload: str
    actionable: bool
    reason: str = ""


@dataclass(frozen=True)
class Received:
    """A webhook's body: the account that it is for, if given, and its events."""

    destination: str | None
    events: list[ReceivedEvent]


def read_events(body: str | bytes) -> list[ReceivedEvent]:
    """Read the events of a webhook's body; errors as for :func:`read_webhook`."""
    return read_webhook(body).events


def read_webhook(body: str | bytes) -> Received:
    """Read a webhook's body.

    Raises
    ------
    BadInput
        The body is not a JSON object with a list of events, or has more than LINE ever sends.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The webhook's body is not JSON.") from error
    events = content.get("events") if isinstance(content, dict) else None
    if not isinstance(events, list):
        raise BadInput("The webhook's body has no list of events.")
    if len(events) > MOST_EVENTS:
        raise BadInput(f"The webhook's body has {len(events):,} events, over {MOST_EVENTS:,}.")
    destination = content.get("destination")
    return Received(
        destination if isinstance(destination, str) else None,
        [read_event(event) for event in events],
    )


def read_event(event: Any) -> ReceivedEvent:
    """Read one event of any kind.

    The payload is stored as ASCII JSON: lone surrogates and NUL, which databases refuse, stay
    escaped.
    """
    payload = json.dumps(event, separators=(",", ":"))
    fields: dict[str, Any] = event if isinstance(event, dict) else {}
    event_id = fields.get("webhookEventId")
    if not (isinstance(event_id, str) and _NAME.fullmatch(event_id)):
        event_id = "none-" + hashlib.sha256(payload.encode()).hexdigest()[:40]
    kind = fields.get("type")
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        kind = "unknown"
    stamp = fields.get("timestamp")
    if not isinstance(stamp, int) or isinstance(stamp, bool):
        stamp = 0
    timestamp_ms = stamp if 0 <= stamp <= MAX_TIMESTAMP_MS else 0
    user, reason = _sender(fields)
    if not reason and kind not in ACTED_ON:
        reason = "event type not acted on"
    return ReceivedEvent(event_id, kind, user, timestamp_ms, payload, not reason, reason)


def unless_forgotten(event: ReceivedEvent, oldest: datetime) -> ReceivedEvent:
    """Return an event that is acted on only if it is newer than what we may have erased.

    A signed webhook stays valid forever. An event before ``oldest`` may have been processed and
    erased since, and would act again. LINE itself redelivers for hours, not days.
    """
    if not event.actionable or not event.timestamp_ms:
        return event
    if event.timestamp_ms >= oldest.timestamp() * 1000:
        return event
    return replace(event, actionable=False, reason="older than what is remembered")


def for_another_account(event: ReceivedEvent) -> ReceivedEvent:
    """Return an event that is stored and not acted on, because it is for another account."""
    return replace(event, actionable=False, reason="for another account")


def _sender(fields: dict[str, Any]) -> tuple[str | None, str]:
    """Return the user of a one-to-one chat, or None and why the event is not acted on."""
    source = fields.get("source")
    if not isinstance(source, dict):
        return None, "no source"
    if source.get("type") != "user":
        return None, "not from a one-to-one chat"
    user = source.get("userId")
    if not (isinstance(user, str) and _USER.fullmatch(user)):
        return None, "no user id"
    if fields.get("mode") == "standby":
        return user, STANDBY
    return user, ""
