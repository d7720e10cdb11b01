"""Rules of staff without their pages, and a poller that follows the recorded days."""

from __future__ import annotations

from dataclasses import replace

import aiohttp

from alerts import desk_rules
from app.jobs import publisher
from app.recorded_days import RECORDED_FOR
from city.city import City
from city.context import Context
from city.folder import redirect_sources
from feeds.models import RuleVersion, TrialState
from feeds.overlay import Overlay
from feeds.poller import Poller
from simulator.agency.server import RecordedDays
from tests.support.alerts import BY_LINE
from tests.support.office import Office

WHY = "訓練で二重に届いたため、当面は人が見てから出す"


async def proposal(office: Office, overlay: Overlay, *, actor: str = "one") -> RuleVersion:
    """A proposal whose trial is done."""
    async with office.database.writing() as session:
        version = await desk_rules.propose(
            session,
            office.context.city,
            overlay,
            reason=WHY,
            actor=actor,
            now=office.clock.now(),
        )
        version.trial_state = TrialState.DONE
    return version


async def confirmed(office: Office, version: RuleVersion, actor: str = "two") -> None:
    assert version.id is not None
    async with office.database.writing() as session:
        await desk_rules.confirm(
            session,
            office.context.city,
            version.id,
            warned=True,
            actor=actor,
            now=office.clock.now(),
        )


def live_poller(
    office: Office, agency: RecordedDays, http: aiohttp.ClientSession
) -> tuple[Poller, City]:
    """A poller of the running city whose sources are the recorded days."""
    city = redirect_sources(office.context.city, agency.addresses(office.context.city))
    city = city.model_copy(update={"jma": RECORDED_FOR})
    context: Context = replace(office.context, city=city)
    publish = publisher(context.queue, city, context.clock, BY_LINE)
    return Poller(context, publish, http), city


async def poll_all(poller: Poller) -> None:
    for code in poller.polled():
        await poller.poll(code)
