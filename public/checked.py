"""What became of a notice that somebody wants to check: in force, corrected, taken back, over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core.languages import mark
from feeds.in_force import PUBLIC, is_danger, public_notices
from feeds.models import Notice, Status
from feeds.notice_codes import read_code

MOST_STEPS = 60
"""Steps of a chain that are followed: a typhoon has some twenty."""
MOST_SHOWN = 100
"""Notices of a chain that a page lists."""
_NEVER_OVER = (Status.LIFTED, Status.CANCELLED)


class Verdict(StrEnum):
    """What a reader must know of a notice before they read it."""

    IN_FORCE = "in-force"
    TAKEN_BACK = "taken-back"
    CORRECTED = "corrected"
    CHANGED = "changed"
    ENDED = "ended"
    OVER = "over"
    AN_END = "an-end"
    NEWS = "news"


VERDICTS = {
    Verdict.IN_FORCE: mark("In force now"),
    Verdict.TAKEN_BACK: mark("Taken back: do not follow this message."),
    Verdict.CORRECTED: mark("Corrected: there is a newer message, and that one is right."),
    Verdict.CHANGED: mark("Changed: there is a newer message."),
    Verdict.ENDED: mark("Not in force any more"),
    Verdict.OVER: mark("Not in force any more"),
    Verdict.AN_END: mark("This message says that an earlier one is over."),
}
"""News has no verdict: nothing is in force."""


@dataclass(frozen=True)
class Checked:
    """A public notice, what became of it, and the messages before and after it.

    Parameters
    ----------
    by
        The notice that took it back, corrected, changed or ended it.
    chain
        All public notices about the same thing, in order, with this one.
    """

    notice: Notice
    verdict: Verdict
    by: Notice | None
    chain: tuple[Notice, ...]


async def find_checked(
    session: AsyncSession,
    typed: str,
    municipality: str,
    now: datetime,
    *,
    current: Collection[Notice] | None = None,
) -> Checked | None:
    """Return what there is to say of the notice with a code; None if the public has no such one.

    A notice that is held, dropped or only for staff is answered like one that does not exist.

    Parameters
    ----------
    current
        The public notices in force, if they were read already.
    """
    code = read_code(typed)
    if code is None:
        return None
    notice = await session.scalar(
        select(Notice).where(col(Notice.code) == code, col(Notice.decision).in_(PUBLIC))
    )
    if notice is None:
        return None
    chain = await chain_around(session, notice)
    if current is None:
        current = await public_notices(session, municipality, now)
    in_force = any(one.id == notice.id for one in current)
    verdict, by = judged(notice, chain, in_force=in_force)
    return Checked(notice, verdict, by, tuple(chain[-MOST_SHOWN:]))


async def chain_around(session: AsyncSession, notice: Notice) -> list[Notice]:
    """Return the public notices of a notice's chain, in the order in which they were stored."""
    known: dict[int | None, Notice] = {notice.id: notice}
    before, steps = notice, 0
    while before.replaces_id is not None and before.replaces_id not in known and steps < MOST_STEPS:
        earlier = await session.get(Notice, before.replaces_id)
        if earlier is None:
            break
        known[earlier.id], before, steps = earlier, earlier, steps + 1
    wanted = list(known)
    for _ in range(MOST_STEPS):
        later = await session.scalars(select(Notice).where(col(Notice.replaces_id).in_(wanted)))
        fresh = {one.id: one for one in later if one.id not in known}
        if not fresh:
            break
        known |= fresh
        wanted = list(fresh)
    found = [one for one in known.values() if one.decision in PUBLIC and one.drill is notice.drill]
    return sorted(found, key=lambda one: one.id or 0)


def judged(
    notice: Notice, chain: Sequence[Notice], *, in_force: bool
) -> tuple[Verdict, Notice | None]:
    """Return what became of a notice, and which notice of its chain did it.

    A withdrawal takes back all that its chain said before. A correction replaces what was sent
    together with the notice that it names (docs/chains.md).
    """
    act = notice.with_id or notice.id
    later = [
        one for one in chain if (one.id or 0) > (notice.id or 0) and (one.with_id or one.id) != act
    ]
    taken_back = next((one for one in later if one.status is Status.CANCELLED), None)
    if taken_back is not None:
        return Verdict.TAKEN_BACK, taken_back
    same_act = {one.id for one in chain if (one.with_id or one.id) == act}
    corrected = [
        one for one in later if one.status is Status.CORRECTED and one.replaces_id in same_act
    ]
    if corrected:
        return Verdict.CORRECTED, corrected[-1]
    if notice.status in _NEVER_OVER:
        return Verdict.AN_END, None
    if in_force:
        return Verdict.IN_FORCE, None
    newest = later[-1] if later else None
    if newest is not None:
        over = newest.status is Status.LIFTED
        return (Verdict.ENDED if over else Verdict.CHANGED), newest
    return (Verdict.OVER if is_danger(notice) else Verdict.NEWS), None
