"""What stops or hinders the sending of messages now; every page of the console says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from channels.failing import FailingEmergency, failing_emergencies
from channels.guard import channel_stops
from channels.models import ChannelSilence, ChannelStop
from channels.restored import Held
from channels.silence import open_silences


@dataclass(frozen=True)
class Trouble:
    """Each medium and each emergency is in it once, with what explains most.

    Parameters
    ----------
    stops
        Channels that send nothing.
    failing
        Emergencies that do not get through.
    silences
        Media that take nothing.
    """

    stops: tuple[ChannelStop, ...] = ()
    failing: tuple[FailingEmergency, ...] = ()
    silences: tuple[ChannelSilence, ...] = ()

    @property
    def marks(self) -> list[str]:
        """What tells this from other trouble."""
        return [
            *(f"{stop.channel}{int(stop.stopped_at.timestamp())}" for stop in self.stops),
            *(f"{each.delivery_id}-{each.state}" for each in self.failing),
            *(f"silent{each.id}" for each in self.silences),
        ]


async def trouble_now(session: AsyncSession, waits: Held | None, now: datetime) -> Trouble:
    """Return what hinders sending.

    Parameters
    ----------
    waits
        What a restore paused; whether residents have got that is not known, so it is said apart.
    """
    told = {each.id for each in waits.deliveries} if waits is not None else set()
    stops = await channel_stops(session)
    # A stopped channel explains why nothing gets through by it, and a failing emergency says it.
    said = {stop.channel for stop in stops}
    failing = [
        each
        for each in await failing_emergencies(session, now)
        if each.delivery_id not in told and each.channel not in said
    ]
    said |= {each.channel for each in failing}
    silences = [each for each in await open_silences(session) if each.channel not in said]
    return Trouble(tuple(stops), tuple(failing), tuple(silences))
