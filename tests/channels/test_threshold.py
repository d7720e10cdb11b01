"""Earthquakes weaker than the city tells everybody of go to those who asked for them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from channels.dispatch import audience_of
from city.city import City, Decision, JmaCodes, Topic
from feeds.models import Notice, Status

CITY = City(
    name={"ja": "見本市"},
    line_name="見本市",
    jma=JmaCodes(municipality="0822000"),
    languages=("ja",),
    topics=(Topic(code="earthquake", names={"ja": "地震"}),),
    districts=(),
)


def quake(intensity: str, urgency: int, **changes: Any) -> Notice:
    values: dict[str, Any] = {
        "identity": "quake",
        "topic": "earthquake",
        "hazard": "earthquake",
        "urgency": urgency,
        "intensity": intensity,
        "status": Status.ISSUED,
        "drill": False,
        "reported_at": datetime(2026, 7, 1, tzinfo=UTC),
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": datetime(2026, 7, 1, tzinfo=UTC),
        **changes,
    }
    return Notice(**values)


@pytest.mark.parametrize(
    ("notice", "asked"),
    [
        (quake("1", 1), True),
        (quake("2", 1), True),
        (quake("3", 2), False),
        (quake("6+", 5), False),
        # The flash said 3, the detail 2: all who heard the flash hear the detail.
        (quake("2", 2, replaces_id=7), False),
        # It takes back what only those heard who asked.
        (quake("2", 1, replaces_id=7, status=Status.CANCELLED), True),
        (quake("", 1, hazard="long-period"), False),
    ],
)
def test_what_is_below_the_threshold_is_for_those_who_asked(notice: Notice, asked: bool) -> None:
    assert audience_of(notice, CITY).asked is asked


def test_the_citys_own_threshold_decides() -> None:
    high = CITY.model_copy(update={"jma": JmaCodes(municipality="0822000", quake_threshold="5-")})
    assert audience_of(quake("4", 3), high).asked
    assert not audience_of(quake("5-", 4), high).asked
