"""What each machine stores about its clock, for later processes and for staff."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core.database import UtcDateTime, insert_into
from core.steady import SteadyClock

HEARD_OF = timedelta(minutes=5)
"""A machine without a mark for so long runs no service now."""
KEEP = timedelta(days=30)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ClockMark(SQLModel, table=True):
    """The newest time that a machine used since its last start.

    Parameters
    ----------
    boot
        The id of this boot of the machine.
    elapsed
        Its monotonic clock at ``at``.
    doubt_s
        The size of a step of its clock that nobody has confirmed, noticed at ``since``.
    against
        Who said that the machine's clock is wrong.
    accepted_s
        The size of a step that staff say is right.
    """

    __tablename__ = "clock_marks"

    boot: str = Field(primary_key=True, max_length=64)
    at: datetime = Field(sa_type=UtcDateTime)
    elapsed: float
    doubt_s: float | None = None
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    against: str = Field(default="", max_length=64)
    accepted_s: float | None = None


def this_boot() -> str:
    """Return an id of this boot of the machine; "" if the system has none."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


async def begin(session: AsyncSession, clock: SteadyClock, boot: str) -> None:
    """Let a clock continue from the stored mark, if there is one."""
    mark = await session.get(ClockMark, boot) if boot else None
    if mark is not None:
        clock.begin(mark.at, mark.elapsed)
        return
    newest = await session.scalar(select(func.max(col(ClockMark.at), type_=_MOMENT)))
    if newest is not None:
        clock.begin(newest, None)


async def keep(session: AsyncSession, clock: SteadyClock, boot: str, *, settled: bool) -> None:
    """Store the time that a clock uses now; apply what staff decided about its step.

    Parameters
    ----------
    settled
        Whether there was no step for a while; then a decision of staff is no longer needed.
    """
    known = await session.get(ClockMark, boot)
    if known is not None and known.accepted_s is not None:
        clock.confirm(timedelta(seconds=known.accepted_s), "staff")
    (at, elapsed), doubt = clock.mark(), clock.doubt
    values: dict[str, object] = {
        "at": at,
        "elapsed": elapsed,
        "doubt_s": None if doubt is None else doubt.size.total_seconds(),
        "since": None if doubt is None else doubt.since,
        "against": "" if doubt is None else doubt.against[:64],
    }
    if settled and doubt is None:
        values["accepted_s"] = None
    statement = insert_into(session, ClockMark).values(boot=boot, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["boot"], set_=values))
    if doubt is None:
        await session.execute(delete(ClockMark).where(col(ClockMark.at) < at - KEEP))


def machine_time(mark: ClockMark) -> datetime:
    """Return the machine's own time when its mark was stored."""
    return mark.at + timedelta(seconds=mark.doubt_s or 0.0)


async def doubts(session: AsyncSession, now: datetime) -> list[ClockMark]:
    """Return the machines whose clock has made a step that nobody has confirmed."""
    statement = select(ClockMark).where(
        col(ClockMark.doubt_s).is_not(None), col(ClockMark.at) > now - HEARD_OF
    )
    return list(await session.scalars(statement.order_by(col(ClockMark.boot))))


async def accept(session: AsyncSession, boot: str, size_s: float) -> None:
    """Store that staff confirmed a machine's clock after a step of ``size_s``."""
    await session.execute(
        update(ClockMark)
        .where(col(ClockMark.boot) == boot, col(ClockMark.doubt_s).is_not(None))
        .values(accepted_s=size_s)
    )


_MOMENT = ClockMark.__table__.c.at.type  # type: ignore[attr-defined]
