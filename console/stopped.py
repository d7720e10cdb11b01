"""The red lines on every page while something stops or misleads the service.

An open page polls them too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.reach import reach_of_notice_by
from channels.models import Delivery, DeliveryKind
from channels.progress import progress
from channels.restored import held_of, note_seen, release
from city.city import City
from console.access import Permission
from console.web import Missing, StaffRoute, Visit, visit
from core import clock_marks
from core.audit import record
from core.errors import Refusal
from feeds.models import Notice

KINDS = {kind.value for kind in DeliveryKind}
router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Confirmer = Annotated[Visit, Depends(visit(Permission.CONFIRM))]


@router.get("/stopped/live")
async def live(visitor: Looker, seen: str = "") -> Response:
    """Return the line if it differs from the shown one, so that screen readers read it once."""
    if seen == visitor.stopped_since:
        return Response(status_code=204)
    return visitor.page("_stopped.html")


@router.post("/clock")
async def clock_is_right(visitor: Confirmer) -> Response:
    """Have the service take the machine's time after a step."""
    boot, size = visitor.form.text("boot"), visitor.form.text("size")
    now = visitor.context.clock.now()
    async with visitor.context.database.writing() as session:
        known = {each.boot: each for each in await clock_marks.doubts(session, now)}
        mark = known.get(boot)
        if mark is None or str(mark.doubt_s) != size:
            raise Refusal("The clock has changed meanwhile. Please look again.")
        await clock_marks.accept(session, boot, mark.doubt_s or 0.0)
        await record(
            session,
            now,
            actor=visitor.actor,
            action="clock.confirmed",
            subject=f"clock:{boot}",
            detail={"size_s": mark.doubt_s},
        )
    return visitor.go("/console/")


@router.post("/restored")
async def decide(visitor: Confirmer) -> Response:
    """Decide on deliveries that wait since a restore.

    Sending and stopping need a confirmation, on a page that says how many residents it concerns.
    """
    act, kind = visitor.form.text("act"), visitor.form.text("kind")
    context, actor = visitor.context, visitor.actor
    now = context.clock.now()
    if act not in ("send", "stop", "seen") or (act != "seen" and kind not in KINDS):
        raise Missing
    if act == "seen":
        async with context.database.writing() as session:
            await note_seen(session, actor, now)
        return visitor.go("/console/")
    asked = visitor.form.text("asked")
    async with context.database.reading() as session:
        waits = await _waits(session, DeliveryKind(kind), context.city)
    if not waits.rows:
        return visitor.go("/console/")
    if asked != waits.mark:
        return visitor.page(
            "restored_check.html", act=act, kind=kind, waits=waits, changed=bool(asked)
        )
    async with context.database.writing() as session:
        await release(session, context.queue, DeliveryKind(kind), actor, now, send=act == "send")
    return visitor.go("/console/")


@dataclass(frozen=True)
class _Wait:
    """A held delivery: its title, how many had it at the backup, and how many are left."""

    delivery: Delivery
    notice: Notice | None
    sent: int
    left: int


@dataclass(frozen=True)
class _Waits:
    rows: tuple[_Wait, ...]

    @property
    def left(self) -> int:
        return sum(row.left for row in self.rows)

    @property
    def mark(self) -> str:
        """The data of a page; a decision is valid for the shown data."""
        return ",".join(f"{row.delivery.id}:{row.left}" for row in self.rows)


async def _waits(session: AsyncSession, kind: DeliveryKind, city: City) -> _Waits:
    rows = []
    for delivery in await held_of(session, kind):
        assert delivery.id is not None
        so_far = await progress(session, delivery.id)
        notice = (
            None if delivery.notice_id is None else await session.get(Notice, delivery.notice_id)
        )
        left = so_far.waiting
        if not delivery.planning_done and notice is not None:
            # Nobody after ``planned_through`` has a batch yet.
            reached = (await reach_of_notice_by(session, notice, city, delivery.channel)).total
            left = max(left, reached - so_far.sent - so_far.failed - so_far.skipped)
        rows.append(_Wait(delivery, notice, so_far.sent, left))
    return _Waits(tuple(rows))
