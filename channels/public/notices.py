"""Which notices the public sees, and which of them hold now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.city import Decision
from core.languages import EASY_JAPANESE
from feeds.models import HazardState, Notice, Status

PUBLIC = (Decision.SEND, Decision.DIGEST, Decision.PUBLISH)
KEPT = timedelta(days=14)
HOLDS = timedelta(hours=48)
"""A warning that nobody renewed nor lifted is not shown as current for longer."""
SERIOUS = 2
"""The level from which a notice speaks of a danger; an advisory's."""
LIMIT = 60
_OVER = (Status.LIFTED, Status.CANCELLED)
_TAKEN_BACK = (Status.CANCELLED, Status.CORRECTED)


@dataclass(frozen=True)
class Board:
    """What the public page shows: what holds now, what was said before, drills by themselves."""

    current: tuple[Notice, ...]
    recent: tuple[Notice, ...]
    drills: tuple[Notice, ...]

    @property
    def real(self) -> tuple[Notice, ...]:
        """Everything but drills, newest first; what feeds for machines carry."""
        return tuple(
            sorted(
                (*self.current, *self.recent),
                key=lambda notice: (notice.reported_at, notice.id or 0),
                reverse=True,
            )
        )


async def public_board(session: AsyncSession, now: datetime, municipality: str) -> Board:
    """Return the notices of the last days as the public sees them at ``now``.

    What was withdrawn or corrected is left out; the withdrawal or correction stands instead.
    What the agency's telegrams say is in force holds until they lift it, however long.
    """
    newest = (
        select(Notice)
        .where(col(Notice.decision).in_(PUBLIC), col(Notice.reported_at) > now - KEPT)
        .order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
        .limit(LIMIT)
    )
    found = list(await session.scalars(newest))
    standing = set(
        await session.scalars(
            select(HazardState.notice_id).where(
                col(HazardState.municipality) == municipality, col(HazardState.level) > 0
            )
        )
    )
    # A danger is never pushed off the page by sixty pieces of news after it.
    dangerous = and_(
        col(Notice.reported_at) > now - HOLDS,
        or_(col(Notice.level) >= SERIOUS, col(Notice.emergency)),
    )
    found += await _further(session, found, or_(col(Notice.id).in_(standing - {None}), dangerous))
    # Nor is the word that it is over.
    found += await _further(
        session, found, col(Notice.replaces_id).in_([notice.id for notice in found])
    )
    taken_back = {n.replaces_id for n in found if n.status in _TAKEN_BACK}
    followed = {n.replaces_id for n in found}
    shown = [notice for notice in found if notice.id not in taken_back]
    current, recent, drills = [], [], []
    for notice in shown:
        if notice.drill:
            if now - notice.reported_at <= HOLDS:
                drills.append(notice)
        elif (notice.id in standing or _holds(notice, now)) and notice.id not in followed:
            current.append(notice)
        else:
            recent.append(notice)
    current.sort(key=lambda notice: -notice.level)
    return Board(tuple(current), tuple(recent), tuple(drills))


async def _further(
    session: AsyncSession, found: list[Notice], wanted: ColumnElement[bool]
) -> list[Notice]:
    """Return public notices besides those that were found."""
    statement = (
        select(Notice)
        .where(
            wanted,
            col(Notice.id).not_in([notice.id for notice in found]),
            col(Notice.decision).in_(PUBLIC),
        )
        .order_by(col(Notice.id).desc())
    )
    return list(await session.scalars(statement))


def _holds(notice: Notice, now: datetime) -> bool:
    """Whether a notice speaks of a danger that is there now."""
    serious = notice.level >= SERIOUS or notice.emergency
    fresh = now - notice.reported_at <= HOLDS
    valid = notice.expires_at is None or notice.expires_at > now
    return serious and fresh and valid and notice.status not in _OVER


def words_of(notice: Notice, language: str) -> tuple[str, str, str]:
    """Return title, text and the language they are in: the reader's, else Japanese."""
    for code in (language, EASY_JAPANESE, "ja"):
        texts = notice.texts.get(code)
        if texts and (texts.get("title") or texts.get("text")):
            return texts.get("title", ""), texts.get("text", ""), code
    return notice.kind, "", "ja"
