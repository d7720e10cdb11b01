"""Keys with which other programs may post reports: made, checked, limited, taken back.

A key is shown once, when it is made. Only its hash is stored.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.database import add_new
from core.errors import BadInput
from core.text import clean
from reports.models import LONGEST_KEY_NAME, ApiKey
from reports.reasons import reason

KEY_BYTES = 24
HOUR = timedelta(hours=1)
MOST_POSTS = 600
"""Reports and updates that one key may post in an hour."""


async def add_key(
    session: AsyncSession, name: str, *, actor: str, now: datetime, owner: str = ""
) -> str:
    """Make a key and return it; nobody can read it again.

    Parameters
    ----------
    owner
        The code of the office that gets it: it may say what became of the cases that it has.

    Raises
    ------
    BadInput
        The name is empty, too long or taken.
    """
    name = clean(name, line=True)
    if not 0 < len(name) <= LONGEST_KEY_NAME:
        raise BadInput(reason("api-key.name", most=LONGEST_KEY_NAME))
    taken = BadInput(reason("api-key.taken", name=name))
    if await session.scalar(select(ApiKey.id).where(col(ApiKey.name) == name)) is not None:
        raise taken
    key = secrets.token_urlsafe(KEY_BYTES)
    made = ApiKey(name=name, digest=_digest(key), owner=owner, created_at=now, created_by=actor)
    await add_new(session, made, taken)
    await _record(session, now, made, actor=actor, action="api_key.added")
    return key


async def revoke_key(session: AsyncSession, name: str, *, actor: str, now: datetime) -> None:
    """Take a key back; what came with it stays.

    Raises
    ------
    BadInput
        There is no such key.
    """
    found = await session.scalar(select(ApiKey).where(col(ApiKey.name) == name).with_for_update())
    if found is None:
        raise BadInput(reason("api-key.missing", name=name[:LONGEST_KEY_NAME]))
    if found.revoked_at is not None:
        return
    found.revoked_at, found.revoked_by = now, actor
    await _record(session, now, found, actor=actor, action="api_key.revoked")


async def all_keys(session: AsyncSession) -> list[ApiKey]:
    """Return every key, also those that were taken back, in order of their names."""
    return list(await session.scalars(select(ApiKey).order_by(col(ApiKey.name))))


async def key_called(session: AsyncSession, key: str, *, to_post: bool = False) -> ApiKey | None:
    """Return whose key this is, locked if something is posted; None if it opens nothing."""
    if not key or len(key) > 200:
        return None
    query = select(ApiKey).where(
        col(ApiKey.digest) == _digest(key), col(ApiKey.revoked_at).is_(None)
    )
    found: ApiKey | None = await session.scalar(query.with_for_update() if to_post else query)
    return found


def wait_before_post(key: ApiKey, now: datetime) -> timedelta | None:
    """Return how long a key must wait for its next report; None if it need not."""
    if key.hour_began is None or _is_over(key.hour_began, now) or key.posts < MOST_POSTS:
        return None
    return key.hour_began + HOUR - now


def count_post(key: ApiKey, now: datetime) -> None:
    """Count a report that came with this key."""
    if key.hour_began is None or _is_over(key.hour_began, now):
        key.hour_began, key.posts = now, 0
    key.posts += 1


def _is_over(began: datetime, now: datetime) -> bool:
    """Return whether an hour is over.

    A post that waited for the key's lock may have read the clock before the hour began: it belongs
    to that hour. Only a clock that was set back by an hour or more begins a new one.
    """
    return abs(now - began) >= HOUR


async def _record(
    session: AsyncSession, now: datetime, key: ApiKey, *, actor: str, action: str
) -> None:
    subject = f"api_key:{key.id}"
    await audit.record(session, now, actor=actor, action=action, subject=subject, name=key.name)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
