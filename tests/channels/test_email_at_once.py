"""Two mails or two wishes at the same moment: both are counted, and nobody gets two links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from channels.email import signups
from channels.email.bounces import Bounce, note_bounce
from channels.email.models import MailFailure, MailSignup, SignupState
from channels.email.signups import MOST_OF_NETWORK, Asked, TooMany
from channels.email.tokens import MailTokens
from core.database import Database
from core.work import NoWorkers
from subscriptions import other_media
from tests.support.engine import small_city
from tests.support.races import one_in_the_others_way

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
TOKENS = MailTokens("a key")


async def ask(session: AsyncSession, address: str = "taro@home.example") -> Any:
    wish = Asked(address, "ja", "203.0.113.7")
    return await signups.ask(session, NoWorkers(), TOKENS, wish, NOW)


async def test_an_address_that_is_typed_twice_at_once_gets_one_link(database: Database) -> None:
    assert await one_in_the_others_way(database, ask, ask) == (None, None)
    async with database.reading() as session:
        states = sorted(one.state for one in await session.scalars(select(MailSignup)))
    assert states == [SignupState.FAILED, SignupState.WAITING]


async def test_the_last_wish_of_a_network_is_had_once(database: Database) -> None:
    async with database.writing() as session:
        for number in range(MOST_OF_NETWORK - 1):
            await ask(session, f"r{number}@home.example")
    first, second = await one_in_the_others_way(
        database,
        lambda session: ask(session, "one@home.example"),
        lambda session: ask(session, "two@home.example"),
    )
    assert first is None and isinstance(second, TooMany)


@pytest.mark.parametrize("bounce", [Bounce.HARD, Bounce.SOFT])
async def test_two_mails_that_come_back_at_once_are_both_counted(
    database: Database, bounce: Bounce
) -> None:
    async with database.writing() as session:
        city = small_city()
        found = await other_media.follow_at(session, city, "email", "taro@home.example", "ja", NOW)

    async def back(session: AsyncSession) -> bool:
        return await note_bounce(session, found.id or 0, bounce, NOW)

    assert await one_in_the_others_way(database, back, back) == (False, False)
    async with database.reading() as session:
        row = (await session.scalars(select(MailFailure))).one()
    assert row.hard + row.soft == 2
