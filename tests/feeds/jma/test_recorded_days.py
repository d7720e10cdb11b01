"""The recorded days with telegrams shuffled, lost and repeated: at the end residents know the
truth.

In whatever order the telegrams of a tsunami, a typhoon or an eruption come, the final state is that
of an undisturbed day, the last word of each scale is told, and nothing is told twice.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from city.city import JmaCodes
from feeds.facts import Fact
from feeds.jma import facts, read_telegram
from feeds.models import Status
from simulator.agency import DAYS
from simulator.agency.dangers import ASAMA, COAST, KOKAI
from simulator.agency.events import TelegramEvent
from tests.support.telegrams import CODES, City, at

FOLLOWED = CODES.model_copy(
    update={"tsunami_regions": (COAST[0],), "volcanoes": (ASAMA[0],), "rivers": (KOKAI[0],)}
)
SCALES = {"tsunami", "volcano", "storm", "gale", "heavy-rain", "flood"}
"""Hazards that are in force or not; the others are single events."""


@cache
def telegrams_of(day: str) -> tuple[tuple[str, bytes], ...]:
    """Kind and bytes of a day's telegrams in order, ten minutes apart."""
    sent = [event.what for event in DAYS[day].events if isinstance(event.what, TelegramEvent)]
    return tuple((what.kind, what.write(at(10 * n))) for n, what in enumerate(sent))


class Follower(City):
    """A city that is handed telegrams with their kinds, as the feed names them."""

    def __init__(self, codes: JmaCodes = FOLLOWED) -> None:
        super().__init__(codes)

    def take(self, kind: str, data: bytes) -> None:
        found = facts(read_telegram(data, kind=kind), self.codes, self.board)
        self.heard += [fact for fact in found if fact.is_news]

    def in_force(self) -> dict[tuple[str, str], int]:
        """Level by scale and area."""
        return {
            (key.hazard, key.area): standing.level
            for key, standing in self.board.items()
            if not key.event_id and key.hazard not in ("taken-back", "tornado", "typhoon")
        }


def scale_of(fact: Fact) -> str:
    return {"gale": "storm"}.get(fact.hazard, fact.hazard)


@pytest.mark.parametrize("day", ["tsunami", "typhoon", "volcano"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_order_they_come_in_the_end_is_known(day: str, data: st.DataObject) -> None:
    sent = telegrams_of(day)
    disturbed = data.draw(st.lists(st.sampled_from(sent), max_size=2 * len(sent)))
    city, undisturbed = Follower(), Follower()
    for kind, telegram in (*disturbed, *sent):
        city.take(kind, telegram)
    for kind, telegram in sent:
        undisturbed.take(kind, telegram)

    assert city.in_force() == undisturbed.in_force()
    chains: dict[tuple[str, tuple[str, ...]], list[Fact]] = {}
    for fact in city.heard:
        if fact.hazard in SCALES:
            chains.setdefault((scale_of(fact), fact.areas), []).append(fact)
    for (scale, _), chain in chains.items():
        for before, after in pairwise(chain):
            assert before.reported_at < after.reported_at
            # The level moves, or at an unmoved level 5 the river has overflowed.
            assert after.level != before.level or (scale == "flood" and after.overflow)
        assert chain[-1].level == undisturbed_end(undisturbed, scale)
    alarms = [f for f in city.heard if f.hazard in ("earthquake", "eruption") and not f.update]
    assert len({(f.hazard, f.event_id) for f in alarms}) == len(alarms)
    assert all(fact.status is not Status.CANCELLED for fact in city.heard)


def undisturbed_end(undisturbed: Follower, scale: str) -> int:
    last = [fact for fact in undisturbed.heard if scale_of(fact) == scale]
    return last[-1].level


@pytest.mark.parametrize("day", ["tsunami", "typhoon", "volcano"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_lost_is_made_good_by_what_comes_next(day: str, data: st.DataObject) -> None:
    """With telegrams missing, each scale ends at the level that the last one received gives."""
    sent = telegrams_of(day)
    kept = data.draw(st.lists(st.booleans(), min_size=len(sent), max_size=len(sent)))
    city = Follower()
    alone: dict[str, int] = {}
    for (kind, telegram), keep in zip(sent, kept, strict=True):
        if not keep:
            continue
        city.take(kind, telegram)
        lonely = Follower()
        lonely.take(kind, telegram)
        for (hazard, _), level in lonely.in_force().items():
            alone[hazard] = level
    for (hazard, _), level in city.in_force().items():
        assert alone.get(hazard, 0) == level
