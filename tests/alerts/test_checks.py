"""What keeps an alert from leaving, whoever writes it and from where."""

from __future__ import annotations

from datetime import datetime

import pytest

from alerts.checks import Before, faults, needs_two
from channels.chain import ChainLink
from city.city import City
from feeds.models import Status
from tests.support.alerts import draft_of


@pytest.mark.parametrize(
    ("changes", "drill", "words"),
    [
        ({"topic": "evacuatoin"}, True, "Choose a topic"),
        ({"level": 6}, True, "Choose a level"),
        ({"level": 0}, True, "needs a level"),
        ({"whole_city": False}, True, "Choose districts"),
        ({"whole_city": False, "areas": ("atlantis",)}, True, "does not exist any more"),
        ({"texts": {"en": ("", "Leave.")}}, True, "in Japanese"),
        ({"texts": {"ja": ("", "あ" * 1001)}}, True, "at most 1000 characters"),
        ({"texts": {"ja": ("あ" * 61, "逃げて")}}, True, "at most 60 characters"),
        ({"texts": {"ja": ("", "逃げて"), "en": ("Leave", "")}}, True, "a title but no text"),
        ({"texts": {"ja": ("", "\u200b\u202e")}}, True, "in Japanese"),
        (
            {"texts": {"ja": ("", "逃げて"), "my": ("", "これは訓練ではありません")}},
            True,
            "not say that it is not one",
        ),
        ({"texts": {"ja": ("", "【訓練】逃げて")}}, False, "must not speak of a drill"),
        ({"valid_hours": 169}, False, "1 to 168 hours"),
    ],
)
def test_an_alert_with_a_fault_does_not_leave(
    city: City, now: datetime, changes: dict[str, object], drill: bool, words: str
) -> None:
    found = [str(fault) for fault in faults(draft_of(now, drill=drill, **changes), city)]
    assert any(words in sentence for sentence in found), found


def test_a_whole_alert_has_no_fault(city: City, now: datetime) -> None:
    assert faults(draft_of(now), city) == []


def before(city: City, now: datetime, level: int, *, drill: bool = False) -> Before:
    """An evacuation order that is in force everywhere at one level."""
    link = ChainLink(
        notice_id=1,
        replaces_id=None,
        delivery_id=1,
        status=Status.ISSUED,
        topic="evacuation",
        level=level,
        areas=(),
        drill=drill,
        reported_at=now,
        source=None,
        decided_by="a@city.example",
        broke_quiet=True,
    )
    return Before(link, {district.code: level for district in city.districts})


@pytest.mark.parametrize(
    ("status", "level", "was", "two"),
    [
        (Status.ISSUED, 3, None, True),
        (Status.ISSUED, 2, None, False),
        # The same again, or less of it, waits for nobody.
        (Status.CORRECTED, 4, 4, False),
        (Status.LOWERED, 3, 4, False),
        # More of it does, whatever it is called.
        (Status.CORRECTED, 4, 3, True),
        (Status.RAISED, 5, 4, True),
        # That it is over is as serious as that it is there; that it was an error is not.
        (Status.LIFTED, 0, 4, True),
        (Status.LIFTED, 0, 2, False),
        (Status.CANCELLED, 5, 5, False),
    ],
)
def test_what_warns_anew_or_ends_a_warning_takes_two_people(
    city: City, now: datetime, status: Status, level: int, was: int | None, two: bool
) -> None:
    draft = draft_of(now, level=level)
    draft.status = status
    known = None if was is None else before(city, now, was)
    assert needs_two(draft, city, known) is two
    draft.drill = True
    assert needs_two(draft, city, known) is False


def test_a_real_alert_that_follows_a_drill_takes_two_people(city: City, now: datetime) -> None:
    draft = draft_of(now)
    draft.status = Status.CORRECTED
    assert needs_two(draft, city, before(city, now, 5, drill=True))
