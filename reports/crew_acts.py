"""What a crew says from the street: each act once, the newest by its own time counts.

A phone without a line keeps acts and sends them later. So an act has the phone's key, which makes
it once, and the time at which it was pressed, so that a late one does not undo a newer one, whether
of the crew or of the office.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from city.gazetteer import Gazetteer
from core import audit
from core.clock import in_japan
from core.errors import BadInput
from core.geo import distance_m
from reports import orders, register, work
from reports.crew_said import Act, ActKind
from reports.models import (
    FOUND_BY_CREW,
    RESIDENT,
    CameBy,
    OrderAct,
    OrderItem,
    OrderLink,
    Outcome,
    Photo,
    PhotoRole,
    Report,
    ReportUpdate,
    Team,
    WorkOrder,
    WorkUsed,
)
from reports.photos import Picture
from reports.reasons import reason
from reports.states import ReportState

MOST_PHOTOS_OF_ITEM = 8
"""Photos of a crew at one place."""
MOST_PHOTOS_OF_LINK = 400
MOST_MOVED_M = 2_000.0
"""As far as a crew moves a place: a slip of the thumb sends no case to another office."""
NOTES = {
    Outcome.DONE: "完了",
    Outcome.COULD_NOT: "できず",
    Outcome.NEEDS_MORE: "追加の作業が必要",
    Outcome.WAITING: "取り消し",
}
"""For the office's own history, which is in Japanese."""
MOVED = "場所を現地で訂正"

Tell = Callable[[AsyncSession, work.Changed, Sequence[int], str], Awaitable[None]]
"""Tells residents what became of a case: the change, ids of photos to show, and who did it."""


async def count_of_link(session: AsyncSession, link_id: int, *, photos: bool = False) -> int:
    """Return how many acts, or photos, came by a link."""
    query = select(func.count()).select_from(OrderAct).where(col(OrderAct.link_id) == link_id)
    if photos:
        query = query.where(col(OrderAct.kind) == ActKind.PHOTO.value)
    return await session.scalar(query) or 0


async def known_keys(session: AsyncSession, order_id: int, keys: Sequence[str]) -> set[str]:
    """Return which keys of an order came before, by whichever of its links.

    What a phone kept is sent by the next link if the first one has ended.
    """
    query = (
        select(OrderAct.act_key)
        .join(OrderLink, col(OrderLink.id) == col(OrderAct.link_id))
        .where(col(OrderLink.order_id) == order_id, col(OrderAct.act_key).in_(keys))
    )
    return set(await session.scalars(query))


async def take(
    session: AsyncSession,
    city: City,
    link: OrderLink,
    acts: Sequence[Act],
    now: datetime,
    *,
    tell: Tell,
    places: Gazetteer | None = None,
) -> list[str]:
    """Keep what a crew says, in its order; return the keys of what cannot be.

    An act with the key of an earlier one of the same order changes nothing.

    Parameters
    ----------
    places
        Names a place that is moved.
    tell
        Used where the city lets residents hear at once (``[work_orders] office_confirms``).
    """
    order = await orders.get_order(session, link.order_id, lock=True)
    known = await known_keys(session, link.order_id, [act.key for act in acts])
    said = [act.item_id for act in acts if act.key not in known]
    await _hold_cases(session, order, [one for one in said if one is not None])
    if any(act.kind is ActKind.FOUND for act in acts):
        # The counter too: whoever makes a report holds it, and then waits for the audit trail.
        await register.next_number(session, in_japan(now).year, step=0)
    refused = []
    for act in acts:
        if act.key in known:
            continue
        known.add(act.key)
        crew = _Crew(session, city, order, link, now, tell, places)
        item = await crew.item(act.item_id)
        if act.item_id is not None and item is None:
            refused.append(act.key)
            continue
        try:
            item = await crew.do(act, item)
        except BadInput:
            refused.append(act.key)
            continue
        await crew.keep(act.key, act.kind, act.at, item, act.words)
    return refused


async def _hold_cases(session: AsyncSession, order: WorkOrder, item_ids: Sequence[int]) -> None:
    """Lock the cases of some places of an order, before the places change.

    Who ends a case holds it, and then waits for its places on orders.
    """
    numbers = await session.scalars(
        select(Report.number)
        .join(OrderItem, col(OrderItem.report_id) == col(Report.id))
        .where(col(OrderItem.order_id) == order.id, col(OrderItem.id).in_(item_ids))
    )
    await work.hold(session, list(numbers))


async def take_photo(
    session: AsyncSession,
    city: City,
    link: OrderLink,
    key: str,
    at: datetime,
    picture: Picture,
    now: datetime,
    *,
    item_id: int | None,
    found: str,
    before: bool,
) -> bool:
    """Put a crew's photo to its case; return whether it could be.

    Parameters
    ----------
    item_id, found
        The place; or the key of the act by which the crew found it.
    before
        Whether it shows the place before the work.
    """
    order = await orders.get_order(session, link.order_id, lock=True)
    if key in await known_keys(session, link.order_id, [key]):
        return True
    crew = _Crew(session, city, order, link, now)
    item = await (crew.found_item(found) if found else crew.item(item_id))
    if item is None or item.report_id is None:
        return False
    report = await crew.case(item.report_id)
    if report.state is ReportState.WITHDRAWN:
        return False
    assert report.id is not None
    same = select(Photo).where(col(Photo.report_id) == report.id)
    there = list(await session.scalars(same))
    ours = [photo for photo in there if photo.role in (PhotoRole.BEFORE, PhotoRole.AFTER)]
    if len(ours) >= MOST_PHOTOS_OF_ITEM:
        return False
    role = PhotoRole.NEAR if found else PhotoRole.BEFORE if before else PhotoRole.AFTER
    if all(photo.sha256 != picture.sha256 or photo.role is not role for photo in there):
        session.add(picture.row(report.id, now, role))
        report.photo_count = len(there) + 1
        report.updated_at = now
        session.add(report)
    await crew.keep(key, ActKind.PHOTO, at, item, role.value)
    return True


class _Crew:
    """One crew at work on its order."""

    def __init__(
        self,
        session: AsyncSession,
        city: City,
        order: WorkOrder,
        link: OrderLink,
        now: datetime,
        tell: Tell | None = None,
        places: Gazetteer | None = None,
    ) -> None:
        self._session, self._city, self._order, self._places = session, city, order, places
        self._link, self._now, self._tell = link, now, tell

    async def item(self, item_id: int | None) -> OrderItem | None:
        """Return a place of this order; None for one of another."""
        item = await self._session.get(OrderItem, item_id) if item_id is not None else None
        return item if item is not None and item.order_id == self._order.id else None

    async def found_item(self, key: str) -> OrderItem | None:
        """Return the place that the crew found by an act."""
        query = select(OrderItem).join(OrderAct, col(OrderAct.item_id) == col(OrderItem.id))
        same = (col(OrderItem.order_id) == self._order.id, col(OrderAct.act_key) == key)
        found: OrderItem | None = await self._session.scalar(
            query.where(*same, col(OrderAct.kind) == ActKind.FOUND.value)
        )
        return found

    async def case(self, report_id: int) -> Report:
        """Return the leading report of a case, locked; it may have been joined to another."""
        report = await self._session.get_one(Report, report_id)
        return await work.leading(self._session, report.number)

    async def by(self) -> str:
        team = await self._session.get_one(Team, self._order.team_id)
        return f"crew:{team.name}"

    async def keep(
        self, key: str, kind: ActKind, at: datetime, item: OrderItem | None, words: str
    ) -> None:
        """Note that an act was done, so that it is done once; what matters goes into the trail."""
        self._session.add(
            OrderAct(
                link_id=self._link.id or 0,
                act_key=key,
                item_id=item.id if item else None,
                kind=kind.value,
                words=words,
                at=min(at, self._now),
                received_at=self._now,
            )
        )
        await self._session.flush()
        if kind.outcome is not None or kind in (ActKind.FOUND, ActKind.PLACE):
            await audit.record(
                self._session,
                self._now,
                actor=f"link:{self._link.id}",
                action="work_order.worked",
                subject=f"work_order:{self._order.id}",
                item=item.id if item else None,
                said=kind.value,
                at=at.isoformat(),
            )

    async def do(self, act: Act, item: OrderItem | None) -> OrderItem | None:
        """Do one act, and return the place that it was about."""
        if act.kind is ActKind.SORT:
            await orders.put_in_order(self._session, self._order, act.ids)
        elif act.kind is ActKind.FROM_HERE:
            await orders.sort(self._session, self._city, self._order, act.position)
        elif act.kind is ActKind.FOUND:
            return await self._found(act)
        elif act.kind is ActKind.PLACE and item is not None:
            await self._move(act, item)
        elif item is not None:
            await self._say(act, item)
        return item

    async def _say(self, act: Act, item: OrderItem) -> None:
        outcome = act.kind.outcome
        assert outcome is not None
        at = min(act.at, self._now)
        if item.outcome_at is not None and at < item.outcome_at:
            return  # something newer was said, maybe by a colleague
        if item.settled_at is not None and at <= item.settled_at:
            return
        before, item.outcome, item.outcome_at = item.outcome, outcome, at
        item.outcome_words = act.words
        item.settled_at, item.settled_by = None, ""
        self._session.add(item)
        await self._used(act, item, at)
        if item.report_id is not None and (outcome is not before or act.words):
            await self._into_case(act, item, at)
        await self._session.flush()

    async def _move(self, act: Act, item: OrderItem) -> None:
        """Put a place where the crew says that it is; a newer word of anybody stays."""
        session, at = self._session, min(act.at, self._now)
        assert act.position is not None
        report = await self.case(item.report_id) if item.report_id is not None else None
        if await self._moved_since(item, report, at):
            return
        before = report or item
        if before.longitude is not None and before.latitude is not None:
            far = distance_m(before.longitude, before.latitude, *act.position)
            if far > MOST_MOVED_M:
                raise BadInput(reason("order.too-far", metres=int(MOST_MOVED_M)))
        if report is None:
            item.longitude, item.latitude = act.position
            session.add(item)
            return
        wanted = work.Change(place=act.position, note=f"{self._order.number} {MOVED}")
        await work.change(
            session,
            self._city,
            report.number,
            wanted,
            by=await self.by(),
            now=self._now,
            places=self._places,
        )

    async def _moved_since(self, item: OrderItem, report: Report | None, at: datetime) -> bool:
        """Whether a crew or the office moved a place after a moment."""
        by_crew = select(func.count()).where(
            col(OrderAct.item_id) == item.id,
            col(OrderAct.kind) == ActKind.PLACE.value,
            col(OrderAct.at) > at,
        )
        if await self._session.scalar(by_crew.select_from(OrderAct)):
            return True
        if report is None:
            return False
        steps = await self._session.scalars(
            select(ReportUpdate).where(
                col(ReportUpdate.report_id) == report.id,
                col(ReportUpdate.created_at) > at,
                col(ReportUpdate.by) != await self.by(),
            )
        )
        return any("place" in (step.changes or {}) for step in steps)

    async def _used(self, act: Act, item: OrderItem, at: datetime) -> None:
        """Keep what was used, where the city asks for it."""
        said = (act.minutes, act.people, act.materials)
        if not self._city.work_orders.asks_used or said == (None, None, ""):
            return
        assert item.id is not None
        used = await self._session.get(WorkUsed, item.id)
        if used is None:
            used = WorkUsed(item_id=item.id, team_id=self._order.team_id, at=at)
        used.report_id, used.team_id, used.at = item.report_id, self._order.team_id, at
        used.minutes, used.people, used.materials = said
        self._session.add(used)

    async def _into_case(self, act: Act, item: OrderItem, at: datetime) -> None:
        """Write what was said into the case; "done" ends it where the office need not look."""
        session, by = self._session, await self.by()
        assert act.kind.outcome is not None and item.report_id is not None
        report = await self.case(item.report_id)
        note = f"{self._order.number} {NOTES[act.kind.outcome]} {act.words}".strip()
        after = await self._state_after(act, report, at, by)
        if after is not None:
            try:
                async with session.begin_nested():
                    await self._end(report, work.Change(note=note, state=after), by)
                item.settled_at, item.settled_by = self._now, by
                return
            except BadInput:  # no words for it, or the case lacks something: the office decides
                await session.refresh(report)
        wanted = work.Change(note=note)
        await work.change(session, self._city, report.number, wanted, by=by, now=self._now)

    async def _end(self, report: Report, wanted: work.Change, by: str) -> None:
        """Change the state of a case, and tell the residents."""
        session, now = self._session, self._now
        changed = await work.change(session, self._city, report.number, wanted, by=by, now=now)
        photos = await after_photos(session, changed.report)
        shown = [photo.id or 0 for photo in photos] if changed.after is ReportState.DONE else []
        assert self._tell is not None
        await self._tell(session, changed, shown, by)

    async def _state_after(
        self, act: Act, report: Report, at: datetime, by: str
    ) -> ReportState | None:
        """Return the state that a case gets by this alone; None if the office decides."""
        if self._city.work_orders.office_confirms or self._tell is None:
            return None
        if not await self._may_change(report, at, by):
            return None
        if act.kind is ActKind.DONE and report.state.is_open:
            return ReportState.DONE
        if act.kind is not ActKind.DONE and report.state is ReportState.DONE:
            return ReportState.IN_PROGRESS
        return None

    async def _may_change(self, report: Report, at: datetime, by: str) -> bool:
        """Whether nobody but this crew gave the case a state since then."""
        query = select(func.count()).where(
            col(ReportUpdate.report_id) == report.id,
            col(ReportUpdate.state).is_not(None),
            col(ReportUpdate.created_at) > at,
            col(ReportUpdate.by) != by,
            col(ReportUpdate.by) != RESIDENT,
        )
        newer = await self._session.scalar(query.select_from(ReportUpdate))
        return report.state is not ReportState.WITHDRAWN and not newer

    async def _found(self, act: Act) -> OrderItem:
        """Make a report of what the crew found, and put it on its order."""
        city, session = self._city, self._session
        categories = {category.code for category in city.report_categories}
        if act.category not in categories or self._order.id is None:
            raise BadInput(reason("report.no-category", category=act.category))
        items = await orders.items_of(session, self._order.id)
        if len(items) >= 2 * orders.MOST_ITEMS:
            raise BadInput(reason("order.too-many", most=2 * orders.MOST_ITEMS))
        x, y = act.position or (None, None)
        report = await register.create_report(
            session,
            city,
            register.Draft(
                category=act.category,
                origin=f"{FOUND_BY_CREW}{self._link.id}:{act.key}",
                longitude=x,
                latitude=y,
                description=act.words,
                came_by=CameBy.PATROL,
            ),
            resident_id=None,
            language="ja",
            now=self._now,
            by=await self.by(),
        )
        last = max((item.position for item in items), default=-1)
        item = OrderItem(
            order_id=self._order.id, report_id=report.id, position=last + 1, found=True
        )
        session.add(item)
        await session.flush()
        return item


async def after_photos(session: AsyncSession, report: Report) -> list[Photo]:
    """Return the photos of a case after the work that are not kept private, the newest first."""
    query = select(Photo).where(
        col(Photo.report_id) == report.id,
        col(Photo.role) == PhotoRole.AFTER,
        col(Photo.kept_private).is_(False),
    )
    return list(await session.scalars(query.order_by(col(Photo.id).desc())))


async def settle(
    session: AsyncSession,
    city: City,
    order: WorkOrder,
    item_id: int,
    *,
    mended: bool,
    by: str,
    now: datetime,
    tell: Tell,
) -> None:
    """Note that the office looked at what a crew said; confirm it to the residents if it is done.

    Raises
    ------
    BadInput
        It is not on the order, the crew has said nothing new, or the case cannot end.
    """
    await _hold_cases(session, order, [item_id])
    item = await session.get(OrderItem, item_id, with_for_update=True)
    if item is None or item.order_id != order.id:
        raise BadInput(reason("order.no-place"))
    if item.outcome is Outcome.WAITING or item.settled_at is not None:
        raise BadInput(reason("order.settled"))
    item.settled_at, item.settled_by = now, by
    session.add(item)
    if mended and item.outcome is Outcome.DONE and item.report_id is not None:
        report = await session.get_one(Report, item.report_id)
        wanted = work.Change(state=ReportState.DONE, note=order.number)
        changed = await work.change(session, city, report.number, wanted, by=by, now=now)
        if changed.after is not changed.before:
            photos = await after_photos(session, changed.report)
            await tell(session, changed, [photo.id or 0 for photo in photos], by)
    await audit.record(
        session,
        now,
        actor=by,
        action="work_order.settled",
        subject=f"work_order:{order.id}",
        item=item_id,
        mended=mended,
    )
