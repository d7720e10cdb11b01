"""Which notices the public sees, and which of them hold now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Text, and_, cast, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.collection import REMINDER_RULE
from core.languages import EASY_JAPANESE
from feeds.in_force import HOLDS, PUBLIC, SERIOUS, public_notices
from feeds.models import Notice, Status

KEPT = timedelta(days=14)
LIMIT = 60
_TAKEN_BACK = (Status.CANCELLED, Status.CORRECTED)


@dataclass(frozen=True)
class Chosen:
    """The topics and districts that a reader asks for; none of a kind means all.

    A notice for the whole city concerns every district.
    """

    topics: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()

    def concerns(self, notice: Notice) -> bool:
        here = not self.areas or not notice.areas or bool({*self.areas} & {*notice.areas})
        return here and (not self.topics or notice.topic in self.topics)

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """The same as conditions of a query."""
        found: list[ColumnElement[bool]] = []
        if self.topics:
            found.append(col(Notice.topic).in_(self.topics))
        if self.areas:
            # The column is a JSON list. Codes are in quotation marks, so none is part of another.
            written = cast(col(Notice.areas), Text)
            here = [written.contains(json.dumps(area), autoescape=True) for area in self.areas]
            found.append(or_(written == "[]", *here))
        return found


EVERYTHING = Chosen()


@dataclass(frozen=True)
class Board:
    """The content of the public page: what is in force, earlier notices, and drills separately.

    ``withdrawn`` are notices that were taken back or corrected, each with the moment when that was
    said. No page shows them; feeds for machines name them, so that copies are deleted.
    """

    current: tuple[Notice, ...]
    recent: tuple[Notice, ...]
    drills: tuple[Notice, ...]
    withdrawn: tuple[tuple[Notice, datetime], ...] = ()

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


async def public_board(
    session: AsyncSession, now: datetime, municipality: str, chosen: Chosen = EVERYTHING
) -> Board:
    """Return the public notices of the last days at ``now``.

    What follows a notice that was chosen is in it, whatever its own topic and districts are. A
    withdrawn or corrected notice is left out; its withdrawal or correction is shown. Notices in
    force are shown separately (``feeds.in_force``), so no news pushes them off the page.
    """
    newest = (
        select(Notice)
        .where(
            col(Notice.decision).in_(PUBLIC),
            col(Notice.decided_by) != REMINDER_RULE,
            col(Notice.reported_at) > now - KEPT,
            *chosen.conditions,
        )
        .order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
        .limit(LIMIT)
    )
    found = list(await session.scalars(newest))
    in_force = await public_notices(session, municipality, now)
    current = [notice for notice in in_force if chosen.concerns(notice)]
    # The word that a danger is over is never pushed off the page by sixty pieces of news after it.
    dangerous = and_(
        col(Notice.reported_at) > now - HOLDS,
        or_(col(Notice.level) >= SERIOUS, col(Notice.emergency)),
        *chosen.conditions,
    )
    found += await _further(session, found, dangerous)
    found += await _further(
        session, found, col(Notice.replaces_id).in_([notice.id for notice in found])
    )
    taken_back = await taken_back_of(session, found)
    now_true = {notice.id for notice in current}
    others = [n for n in found if n.id not in taken_back and n.id not in now_true]
    drills = [n for n in others if n.drill and now - n.reported_at <= HOLDS]
    recent = [n for n in others if not n.drill]
    withdrawn = [(n, taken_back[n.id]) for n in found if n.id in taken_back and not n.drill]
    return Board(tuple(current), tuple(recent), tuple(drills), tuple(withdrawn))


async def taken_back_of(session: AsyncSession, found: list[Notice]) -> dict[int | None, datetime]:
    """Return by id what was withdrawn or corrected, with all levels that were sent with it, and
    when that was said.
    """
    replaced = {
        n.replaces_id: n.created_at
        for n in sorted(found, key=lambda notice: notice.id or 0)
        if n.status in _TAKEN_BACK and n.with_id is None
    }
    known = {notice.id: notice for notice in found}
    unknown = {*replaced} - {None, *known}
    if unknown:
        some = await session.scalars(select(Notice).where(col(Notice.id).in_(unknown)))
        known |= {notice.id: notice for notice in some}
    acts = {n.with_id or n.id: replaced[n.id] for n in known.values() if n.id in replaced}
    levels = {n.id: acts[n.with_id or n.id] for n in found if (n.with_id or n.id) in acts}
    return replaced | levels


async def _further(
    session: AsyncSession, found: list[Notice], wanted: ColumnElement[bool]
) -> list[Notice]:
    """Return public notices besides those that were found."""
    statement = select(Notice).where(
        wanted,
        col(Notice.id).not_in([notice.id for notice in found]),
        col(Notice.decision).in_(PUBLIC),
    )
    # Not in SQL: SQLite would read all notices to sort them.
    more = await session.scalars(statement)
    return sorted(more, key=lambda notice: notice.id or 0, reverse=True)


def reader_words(notice: Notice, language: str) -> tuple[str, str, str]:
    """Return title, text and the language they are in: the reader's, else Japanese."""
    for code in (language, EASY_JAPANESE, "ja"):
        texts = notice.texts.get(code)
        if texts and (texts.get("title") or texts.get("text")):
            return texts.get("title", ""), texts.get("text", ""), code
    return notice.kind, "", "ja"
