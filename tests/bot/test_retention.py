"""Promise 9: what is personal is kept only as long as the city's rules say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, select

from bot.models import Dialogue, EventState, WebhookEvent
from bot.retention import forget
from core.city_folder import load_city
from core.clock import ManualClock
from core.context import Context
from core.database import Database
from core.settings import Settings
from core.work import NoWorkers
from subscriptions import service
from subscriptions.models import Resident
from tests.conftest import PROJECT

STAYS, LEAVES = "U" + "1" * 32, "U" + "2" * 32


def settings(folder: Path) -> Settings:
    return Settings(
        city=PROJECT / "deploy/city",
        database_url="sqlite://",
        media_dir=folder,
        public_url="http://127.0.0.1",
        line_channel_secret="secret",
        line_channel_access_token="token",
        secret_key="key",
    )


async def found(session: AsyncSession, table: type[SQLModel]) -> int:
    return len((await session.scalars(select(table))).all())


@pytest.mark.parametrize("days", [1, 400])
async def test_what_is_old_is_forgotten_and_what_is_new_is_not(
    database: Database, clock: ManualClock, tmp_path: Path, days: int
) -> None:
    city = load_city(PROJECT / "deploy/city")
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=settings(tmp_path),
            city=city,
            database=database,
            clock=clock,
            queue=NoWorkers(),
            http=http,
        )
        now = clock.now()
        async with database.writing() as session:
            resident = await service.follow(session, city, STAYS, language="my", now=now)
            await service.follow(session, city, LEAVES, language="ja", now=now)
            await service.unfollow(session, city, LEAVES, now)
            session.add(
                Dialogue(resident_id=resident.id, name="report", step="photo", updated_at=now)
            )
            for number, state in enumerate((EventState.DONE, EventState.WAITING)):
                session.add(
                    WebhookEvent(
                        event_id=str(number),
                        kind="message",
                        line_user_id=STAYS,
                        timestamp_ms=0,
                        payload="{}",
                        state=state,
                        received_at=now,
                    )
                )
        await clock.advance(timedelta(days=days).total_seconds())
        await forget(context)
    old = days > 30
    async with database.reading() as session:
        users = set((await session.scalars(select(Resident.line_user_id))).all())
        assert users == ({STAYS} if old else {STAYS, LEAVES})
        assert await found(session, Dialogue) == (0 if old else 1)
        # What has not acted yet is never forgotten.
        assert await found(session, WebhookEvent) == (1 if old else 2)
