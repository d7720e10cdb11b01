"""LINE's webhook events, read lightly and suspiciously.

LINE adds event types, message types and fields without notice, so nothing here refuses an
event: what cannot be understood is kept, marked and never acted on.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput

ACTED_ON = frozenset({"follow", "unfollow", "message", "postback"})
"""Event types that Todoke does something about; all others are kept and ignored."""

MAX_TIMESTAMP_MS = 2**53
_NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_KIND = re.compile(r"[0-9A-Za-z_.-]{1,32}")
_USER = re.compile(r"U[0-9a-f]{32}")


@dataclass(frozen=True)
class ReceivedEvent:
    """One event as it is stored.

    ``timestamp_ms`` is LINE's time in milliseconds since 1970 (0 when the event has none);
    ``line_user_id`` is set only for events from a one-to-one chat; ``actionable`` says
    whether a worker has to look at it; ``reason`` says why not, for the log.
    """

    event_id: str
    kind: str
    line_user_id: str | None
    timestamp_ms: int
    payload: str
    actionable: bool
    reason: str = ""


def read_events(body: bytes) -> list[ReceivedEvent]:
    """Read a webhook's body.

    Raises
    ------
    BadInput
        The body is not a JSON object with a list of events.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The webhook's body is not JSON.") from error
    events = content.get("events") if isinstance(content, dict) else None
    if not isinstance(events, list):
        raise BadInput("The webhook's body has no list of events.")
    return [read_event(event) for event in events]


def read_event(event: Any) -> ReceivedEvent:
    """Read one event, whatever it is.

    The payload is kept as ASCII JSON: lone surrogates and NUL, which databases refuse, stay
    escaped in it.
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
        return user, "another module has the conversation"
    return user, ""
