"""Somebody who waits longer than a second sees that an answer is being made, and gets it."""

from __future__ import annotations

from simulator.line import FaultPlan
from tests.support.chats import a_photo, aboard, sends
from tests.support.town import Town


async def test_an_answer_that_takes_more_than_a_second_is_announced(town: Town) -> None:
    user = await aboard(town)
    photo = a_photo((1600, 1200))
    town.simulator.faults = FaultPlan(content_bytes_per_second=len(photo) / 1.5)
    assert await sends(town, user, photo)
    assert len(town.simulator.limiter.moments("loading")) == 1
