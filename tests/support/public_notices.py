"""Notices for the public pages, and which of them a page shows."""

from __future__ import annotations

from typing import Any

from city.city import Decision
from feeds.models import Notice, Status
from tests.support.office import Office


def notice(office: Office, identity: str, **changes: Any) -> Notice:
    now = office.clock.now()
    values: dict[str, Any] = {
        "identity": identity,
        "topic": "weather",
        "kind": "レベル３大雨警報",
        "level": 3,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": now,
        "texts": {
            "ja": {
                "title": f"{identity}の題",
                "text": "本文です。\nhttps://city.example/a?b=1&c=2",
            },
            "en": {"title": f"{identity} title", "text": "The text."},
        },
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": now,
        **changes,
    }
    return Notice(**values)


def shown(page: Any, section: str) -> list[str]:
    path = f'//section[@aria-labelledby="{section}"]/article/@id'
    return [str(one) for one in page.tree.xpath(path)]
