"""All deliveries of one alert, one for each medium, as the console shows them together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from channels import dispatch
from channels.lists import ENDED, deliveries_of
from channels.models import Delivery, DeliveryState
from channels.progress import Progress
from console.words import medium_name


@dataclass(frozen=True)
class Way:
    """The delivery by one medium, and how far it is."""

    delivery: Delivery
    label: str
    progress: Progress


@dataclass(frozen=True)
class Ways:
    """The deliveries of an alert, LINE's first."""

    all: tuple[Way, ...]

    @property
    def finished(self) -> bool:
        return all(way.delivery.state in ENDED for way in self.all)

    @property
    def paused(self) -> bool:
        """Whether all that has not ended is paused."""
        states = {way.delivery.state for way in self.all} - set(ENDED)
        return states == {DeliveryState.PAUSED}

    @property
    def state(self) -> DeliveryState:
        """The state of the first that has not ended, or of the first."""
        running = [way for way in self.all if way.delivery.state not in ENDED]
        return (running or self.all)[0].delivery.state

    @property
    def recipients(self) -> int:
        return sum(way.progress.recipients for way in self.all)

    @property
    def failed(self) -> int:
        return sum(way.progress.failed for way in self.all)

    @property
    def skipped(self) -> int:
        return sum(way.progress.skipped for way in self.all)

    @property
    def sent(self) -> int:
        return sum(way.progress.sent for way in self.all)

    @property
    def waiting(self) -> int:
        return sum(way.progress.waiting for way in self.all)


async def ways_of(
    session: AsyncSession, notice_id: int | None, language: str, now: datetime
) -> Ways:
    """Return the deliveries of a notice with their progress."""
    found = []
    for delivery in await deliveries_of(session, notice_id):
        assert delivery.id is not None
        so_far = await dispatch.progress(session, delivery.id, now=now)
        found.append(Way(delivery, medium_name(delivery.channel, language), so_far))
    return Ways(tuple(found))
