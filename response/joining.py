"""How a member of staff joins with their LINE account, and leaves again.

An administrator makes a code for each. Whoever sends it in the chat is asked whether they are that
person, and is then linked. A code works once and ends after some days. Wrong codes are counted, so
that nobody can guess one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.database import Database, insert_new
from response.models import (
    StaffCode,
    StaffCodeTry,
    StaffLineLink,
    StaffMember,
    StaffWay,
)
from response.reasons import reason
from response.staff import locked, member_of_user, members, note
from response.staff_messages import follow_address, stop_to

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without I, O, 0 and 1, which people mistake; 32, so that a byte gives one evenly."""
LENGTH = 8
VALID = timedelta(days=14)
MOST_WRONG = 5
WRONG_WITHIN = timedelta(hours=1)
TRIES_KEPT = timedelta(days=1)
PREFIX = "STAFF-"
_TYPED = re.compile(rf"{PREFIX}([A-Z0-9]{{4}})-?([A-Z0-9]{{4}})")


class Answer(StrEnum):
    """What becomes of a code that somebody sent."""

    YOURS = "yours"
    """It is right; ask whether they are this person."""
    ALREADY = "already"
    """They have joined as this person before."""
    WRONG = "wrong"
    OLD = "old"
    USED = "used"
    SOMEBODY_ELSES = "somebody-elses"
    """This LINE account belongs to another member of staff already."""
    TOO_MANY = "too-many"


@dataclass(frozen=True)
class Looked:
    """The answer, and whose code it is if it is right."""

    answer: Answer
    member: StaffMember | None = None


def typed_code(text: str) -> str | None:
    """Return the code in a message, as ``STAFF-ABCD-EFGH``; None if it is no code at all."""
    folded = "".join(unicodedata.normalize("NFKC", text[:60]).upper().split())
    folded = re.sub(r"[‐‑‒–—―−ーｰ]", "-", folded)
    found = _TYPED.fullmatch(folded)
    return None if found is None else f"{PREFIX}{found[1]}-{found[2]}"


class Codes:
    """Makes and reads the codes of one installation; the secret key keeps them from forgery."""

    def __init__(self, secret_key: str) -> None:
        self._key = hmac.digest(secret_key.encode(), b"todoke.response.staff-code", "sha256")

    async def make(
        self, session: AsyncSession, member_id: int, now: datetime, *, actor: str
    ) -> str:
        """Make a new code for a member; an earlier one ends.

        Raises
        ------
        BadInput
            There is no such member.
        """
        member = await locked(session, member_id)
        nonce = secrets.token_hex(16)
        code = self._code(member_id, nonce)
        await session.execute(delete(StaffCode).where(col(StaffCode.member_id) == member_id))
        session.add(
            StaffCode(
                member_id=member_id,
                code_hash=self._hash(code),
                nonce=nonce,
                made_at=now,
                expires_at=now + VALID,
            )
        )
        await note(session, now, actor, "staff_member.code_made", member)
        return code

    async def make_missing(self, session: AsyncSession, now: datetime, *, actor: str) -> int:
        """Make a code for every active member who neither joined nor has one that can be used."""
        there = await joined(session)
        there |= {s.member_id for _, s in await unused_codes(session) if self.shown(s, now)}
        missing = [one.id for one in await members(session) if one.id not in there]
        for member_id in missing:
            assert member_id is not None
            await self.make(session, member_id, now, actor=actor)
        return len(missing)

    def shown(self, stored: StaffCode, now: datetime) -> str | None:
        """Return a code that can still be used, for the page that shows it; otherwise None."""
        code = self._code(stored.member_id, stored.nonce)
        right = hmac.compare_digest(self._hash(code), stored.code_hash)
        return code if right and stored.used_at is None and now < stored.expires_at else None

    async def look(
        self, session: AsyncSession, code: str, line_user_id: str, now: datetime
    ) -> Looked:
        """Say what a code from somebody's chat is worth; wrong ones are counted."""
        user = self._hash(line_user_id)
        wrong = await session.scalar(
            select(func.count())
            .select_from(StaffCodeTry)
            .where(
                col(StaffCodeTry.user_hash) == user,
                col(StaffCodeTry.tried_at) > now - WRONG_WITHIN,
            )
        )
        if (wrong or 0) >= MOST_WRONG:
            return Looked(Answer.TOO_MANY)
        stored = await session.scalar(
            select(StaffCode).where(col(StaffCode.code_hash) == self._hash(code)).with_for_update()
        )
        member = None if stored is None else await session.get(StaffMember, stored.member_id)
        if stored is None or member is None or not member.active:
            session.add(StaffCodeTry(user_hash=user, tried_at=now))
            await session.flush()
            return Looked(Answer.WRONG)
        own = await member_of_user(session, line_user_id)
        if own is not None:
            answer = Answer.ALREADY if own.id == member.id else Answer.SOMEBODY_ELSES
            return Looked(answer, own)
        if stored.used_at is not None:
            return Looked(Answer.USED)
        if now >= stored.expires_at:
            return Looked(Answer.OLD)
        return Looked(Answer.YOURS, member)

    async def join(
        self, session: AsyncSession, code: str, line_user_id: str, now: datetime
    ) -> Looked:
        """Link the LINE account to the member whose code it is; it must still be right."""
        looked = await self.look(session, code, line_user_id, now)
        if looked.answer is not Answer.YOURS or looked.member is None:
            return looked
        assert looked.member.id is not None
        stored = await session.get_one(StaffCode, looked.member.id, with_for_update=True)
        stored.used_at = now
        session.add(stored)
        # A new telephone, or a new LINE account, takes the place of the earlier one.
        await session.execute(
            delete(StaffLineLink).where(col(StaffLineLink.member_id) == looked.member.id)
        )
        link = insert_new(session, StaffLineLink, ["line_user_id"]).values(
            member_id=looked.member.id, line_user_id=line_user_id, joined_at=now
        )
        await session.execute(link)
        await follow_address(session, looked.member.id, StaffWay.LINE, line_user_id)
        await note(
            session, now, f"staff_member:{looked.member.id}", "staff_member.joined", looked.member
        )
        return looked

    def _code(self, member_id: int, nonce: str) -> str:
        made = hmac.digest(self._key, f"{member_id}:{nonce}".encode(), "sha256")
        letters = "".join(LETTERS[byte % len(LETTERS)] for byte in made[:LENGTH])
        return f"{PREFIX}{letters[:4]}-{letters[4:]}"

    def _hash(self, value: str) -> str:
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()


async def joined(session: AsyncSession) -> set[int]:
    """Return the members who joined with a LINE account."""
    return set(await session.scalars(select(col(StaffLineLink.member_id))))


async def unused_codes(session: AsyncSession) -> list[tuple[StaffMember, StaffCode]]:
    """Return the codes that nobody has used, with their members, by department and name."""
    found = await session.execute(
        select(StaffMember, StaffCode)
        .join(StaffCode, col(StaffCode.member_id) == col(StaffMember.id))
        .where(col(StaffMember.active), col(StaffCode.used_at).is_(None))
        .order_by(col(StaffMember.department), col(StaffMember.name))
    )
    return [(member, stored) for member, stored in found]


async def leave(
    session: AsyncSession, line_user_id: str, now: datetime, *, actor: str = ""
) -> bool:
    """Delete the link to a LINE account, and stop what waits for it; return whether there was one.

    Mail still reaches them: they are on the list until an administrator removes them.
    """
    member = await member_of_user(session, line_user_id)
    if member is None:
        return False
    assert member.id is not None
    await session.execute(
        delete(StaffLineLink).where(col(StaffLineLink.line_user_id) == line_user_id)
    )
    await stop_to(session, member.id, StaffWay.LINE, reason("staff-message.left"), now)
    await note(session, now, actor or f"staff_member:{member.id}", "staff_member.left", member)
    return True


async def unlink(session: AsyncSession, member_id: int, now: datetime, *, actor: str) -> bool:
    """Delete a member's link to LINE from the console; return whether there was one."""
    link = await session.get(StaffLineLink, member_id)
    return link is not None and await leave(session, link.line_user_id, now, actor=actor)


async def forget_tries(database: Database, now: datetime) -> None:
    """Erase the wrong codes of the days before."""
    async with database.writing() as session:
        await session.execute(
            delete(StaffCodeTry).where(col(StaffCodeTry.tried_at) < now - TRIES_KEPT)
        )
