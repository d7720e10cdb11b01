"""Notices for tests of what the public reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from city.city import Decision
from feeds.models import Notice, Status


def a_notice(now: datetime, identity: str, **changes: Any) -> Notice:
    """Return a public warning of level 3 in two languages."""
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "weather",
        "kind": "レベル３大雨警報",
        "level": 3,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": now,
        "texts": {
            "ja": {"title": f"{identity}の題", "text": "本文です。"},
            "en": {"title": f"{identity} title", "text": "The text."},
        },
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": now,
        **changes,
    }
    return Notice(**values)
