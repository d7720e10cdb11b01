"""An office at which residents follow by web push, with the push service of their browsers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from sqlmodel import col, select

from channels import dispatch, outbox
from channels.engine import Engine
from channels.models import Delivery
from channels.progress import Progress, detailed
from channels.webpush.client import push_session
from channels.webpush.medium import NAME, WebPushMedium, web_push
from channels.webpush.vapid import new_key
from core.settings import PushSettings
from core.work import NoWorkers
from feeds.models import Notice
from public.push_pages import PushDoor
from simulator.push import PushService
from subscriptions.models import Resident
from tests.support.office import Office


@dataclass
class PushDesk:
    """Sends by web push when the test says so."""

    office: Office
    service: PushService
    medium: WebPushMedium
    engine: Engine
    key: str
    """The city's public key."""

    async def followers(self) -> list[Resident]:
        async with self.office.database.reading() as session:
            statement = select(Resident).where(col(Resident.medium) == NAME)
            return list(await session.scalars(statement.order_by(col(Resident.id))))

    async def send(self, notice: Notice) -> Progress:
        """Store a notice, deliver it by web push, and wait for its end."""
        office = self.office
        async with office.database.writing() as session:
            session.add(notice)
            await session.flush()
            delivery = await dispatch.deliver(
                session,
                NoWorkers(),
                notice,
                office.context.city,
                office.clock.now(),
                medium=self.medium,
                created_by="rule:test",
            )
            number = delivery.id
        assert number is not None
        await self.engine.plan(str(number))
        for _ in range(5):
            async with office.database.reading() as session:
                row = await session.get_one(Delivery, number)
                runs = []
                if row.state in outbox.UNDER_WAY:
                    runs = await outbox.unfinished_runs(session, row, office.clock.now())
            for run, _ in runs:
                await self.engine.send(f"{number}:{run}")
        async with office.database.reading() as session:
            return await detailed(session, number, office.clock.now())


@contextlib.asynccontextmanager
async def push_desk(office: Office) -> AsyncIterator[PushDesk]:
    """Give the office a key, and its residents' browsers a push service."""
    async with PushService(clock=office.clock) as service, push_session() as http:
        settings = replace(
            office.context.settings,
            public_url=office.url,
            push=PushSettings(
                private_key=new_key(), subject="mailto:a@city.example", services=(service.origin,)
            ),
        )
        context = replace(office.context, settings=settings)
        office.app.state.context = context
        door = office.app.state.push = PushDoor(context)
        assert settings.push is not None
        medium = web_push(settings.push, office.clock, http)
        engine = Engine(
            office.database, context.city, office.clock, NoWorkers(), [medium], worker="push"
        )
        yield PushDesk(office, service, medium, engine, door.key)
