"""An evacuation order for everybody, which benchmarks send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from city.city import Decision
from feeds.models import Notice, Status


def an_order(now: datetime, texts: Mapping[str, Mapping[str, str]]) -> Notice:
    """Return a notice that everybody gets.

    Parameters
    ----------
    texts
        ``title`` and ``text`` by language.
    """
    return Notice(
        identity="benchmark:1",
        topic="evacuation",
        level=4,
        status=Status.ISSUED,
        drill=False,
        emergency=True,
        reported_at=now,
        texts={code: dict(words) for code, words in texts.items()},
        decision=Decision.SEND,
        decided_by="rule:benchmark",
        created_at=now,
    )
