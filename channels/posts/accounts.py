"""The city's accounts as recipients: rows of ``residents``, in step with ``city.toml``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, PostAccount
from subscriptions import other_media
from subscriptions.accounts import choose_exactly
from subscriptions.audience_query import DRILLS
from subscriptions.media import of_medium
from subscriptions.models import Resident, ResidentState

NAME = "posts"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('todoke.posts'))")


def address_of(account: PostAccount, language: str) -> str:
    """Return the address of an account in a language; it posts once in each."""
    return f"{account.name}/{language}"


def name_of(address: str) -> str:
    """Return the name of the account that an address belongs to."""
    return address.partition("/")[0]


async def keep_accounts(session: AsyncSession, city: City, now: datetime) -> None:
    """Store the city's accounts with what they take; any process calls it when it starts.

    Several may do so at once. An account that is not in ``city.toml`` any more gets nothing. If it
    comes back within the days for residents who left, it knows what it posted.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(_ONE_AT_A_TIME)
    wanted = {
        address_of(account, language): (account, language)
        for account in city.posts
        for language in account.languages
    }
    for address, (account, language) in wanted.items():
        row = await other_media.follow_at(session, city, NAME, address, language, now)
        taken = dict.fromkeys(account.topics or city.topic_by_code, account.level)
        if account.drills:
            taken[DRILLS] = 0
        await choose_exactly(session, row, taken, now)
    known = await session.scalars(
        select(Resident.address).where(
            *of_medium(NAME), col(Resident.state) == ResidentState.FOLLOWING
        )
    )
    for address in known.all():
        if address is not None and address not in wanted:
            await other_media.unfollow_at(session, NAME, address, now)
