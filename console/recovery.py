"""Recovery codes: ten words on paper, each of which stands once for the one-time code.

A code is 80 random bits, so a plain hash keeps it: nobody finds it by trying.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import unicodedata
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console.models import RecoveryCode

NUMBER = 10
_BYTES = 10
_LENGTH = 16
"""Letters of a code: five bits each."""


def made_up() -> tuple[str, ...]:
    """Return new codes as a person reads them: letters and digits in fours."""
    found = []
    for _ in range(NUMBER):
        letters = base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
        found.append("-".join(letters[n : n + 4] for n in range(0, _LENGTH, 4)))
    return tuple(found)


async def replace(session: AsyncSession, staff_id: int) -> tuple[str, ...]:
    """Give an account new codes; the old ones stop working. They are shown once."""
    await forget(session, staff_id)
    codes = made_up()
    session.add_all(
        RecoveryCode(staff_id=staff_id, hash=_hash(staff_id, code) or "") for code in codes
    )
    await session.flush()
    return codes


async def use(session: AsyncSession, staff_id: int, typed: str) -> bool:
    """Use a code up; False if it is none, or was used. Of two at once one succeeds."""
    hashed = _hash(staff_id, typed)
    if hashed is None:
        return False
    done = await session.execute(
        delete(RecoveryCode).where(
            col(RecoveryCode.staff_id) == staff_id, col(RecoveryCode.hash) == hashed
        )
    )
    return cast("CursorResult[Any]", done).rowcount == 1


async def left(session: AsyncSession, staff_id: int) -> int:
    """Return how many codes an account has left."""
    found = await session.scalar(
        select(func.count()).select_from(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id)
    )
    return found or 0


async def forget(session: AsyncSession, staff_id: int) -> None:
    """Delete an account's codes."""
    await session.execute(delete(RecoveryCode).where(col(RecoveryCode.staff_id) == staff_id))


def _hash(staff_id: int, typed: str) -> str | None:
    """Return what is stored of a code, however it was typed; None if it has another length."""
    plain = unicodedata.normalize("NFKC", typed).lower()
    letters = "".join(each for each in plain if each.isalnum())
    if len(letters) != _LENGTH:
        return None
    return hashlib.sha256(f"todoke.recovery\n{staff_id}\n{letters}".encode()).hexdigest()
