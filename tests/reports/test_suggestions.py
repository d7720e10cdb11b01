"""What speaks for two reports being the same thing: place, kind, photo and time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reports.cases import Suggestion
from reports.likeness import ALIKE
from reports.models import Report
from reports.nearby import Nearby
from reports.states import ReportState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


def suggestion(
    metres: float,
    *,
    same_kind: bool = True,
    days: int = 30,
    bits: int | None = None,
    state: ReportState = ReportState.NEW,
) -> Suggestion:
    report = Report(
        number="2026-000001",
        category="pothole",
        department="roads",
        language="ja",
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )
    return Suggestion(Nearby(report, metres), same_kind, days, bits)


@pytest.mark.parametrize(
    ("one", "points"),
    [
        (suggestion(10), 6),
        (suggestion(11), 5),
        (suggestion(25), 5),
        (suggestion(26), 4),
        (suggestion(50, same_kind=False), 1),
        (suggestion(50, days=14), 5),
        (suggestion(50, days=15), 4),
        (suggestion(50, days=90), 4),
        (suggestion(50, days=91), 3),
        (suggestion(50, bits=ALIKE), 7),
        (suggestion(50, bits=ALIKE + 1), 4),
    ],
)
def test_what_is_nearer_younger_and_alike_counts_more(one: Suggestion, points: int) -> None:
    assert one.points == points
    assert one.is_likely == (points >= 5)


def test_what_has_ended_is_not_joined_however_alike_it_is() -> None:
    assert suggestion(0, days=0, bits=0).is_likely
    assert not suggestion(0, days=0, bits=0, state=ReportState.DONE).is_likely
