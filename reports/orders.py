"""Work orders: which team looks at which places on which day, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core import audit
from core.clock import in_japan
from core.database import add_new, insert_new
from core.errors import BadInput
from core.geo import Position
from core.text import clean
from reports import work
from reports.driving import in_driving_order
from reports.models import (
    OrderItem,
    OrderKind,
    Outcome,
    PatrolPlace,
    Photo,
    Report,
    Team,
    WorkOrder,
    WorkUsed,
)
from reports.models.order import IS_SAID
from reports.reasons import reason

MOST_ITEMS = 60
"""Places of one order; a crew does ten to thirty in a day."""
MOST_WORDS = 500
MOST_PLACES = 300
MOST_NAME = 120
LEFT_FOR = timedelta(days=7)
"""How long an order stays in the list for what was not done."""


@dataclass(frozen=True)
class Stop:
    """A place of an order, with its case and what is known of it.

    Parameters
    ----------
    photos
        The case's, the oldest first.
    used
        None if the crew said nothing of it.
    """

    item: OrderItem
    report: Report | None
    photos: tuple[Photo, ...] = ()
    used: WorkUsed | None = None

    @property
    def position(self) -> Position | None:
        """Longitude and latitude in degrees; None if they are not known."""
        one = self.report or self.item
        if one.longitude is None or one.latitude is None:
            return None
        return one.longitude, one.latitude


async def make_order(
    session: AsyncSession,
    city: City,
    *,
    kind: OrderKind,
    team_id: int,
    on_day: date,
    numbers: Sequence[str],
    places: Sequence[int] = (),
    words: str = "",
    by: str,
    now: datetime,
) -> WorkOrder:
    """Put cases and routine places on the order of a team and a day, and return it.

    A team has one order of each kind a day; later cases join it. Cases are assigned to the team.

    Parameters
    ----------
    numbers
        Of the cases; a joined report stands for its case.
    places
        Ids of routine places, for patrols.

    Raises
    ------
    BadInput
        There is no such team, report or place; the day is over; or there is nothing to do, or too
        much of it.
    """
    team = await session.get(Team, team_id)
    if team is None or not team.active:
        raise BadInput(reason("report.no-team"))
    if on_day < in_japan(now).date():
        raise BadInput(reason("order.day"))
    if not numbers and not places:
        raise BadInput(reason("order.empty"))
    order = await _of_day(session, kind, team_id, on_day, by=by, now=now)
    assert order.id is not None
    await work.hold(session, numbers)
    there = await items_of(session, order.id)
    known = {item.report_id: item for item in there if item.report_id is not None}
    named = {item.name for item in there if item.report_id is None}
    new: list[OrderItem] = []
    for number in dict.fromkeys(numbers):
        report = await work.leading(session, number)
        if report.id is None:
            continue
        if report.id in known:
            _again(known[report.id], report, now)
            continue
        if kind is OrderKind.WORK and report.team_id != team_id:
            wanted = work.Change(team_id=team_id, note=order.number)
            await work.change(session, city, report.number, wanted, by=by, now=now)
        known[report.id] = OrderItem(order_id=order.id, report_id=report.id, position=0)
        new.append(known[report.id])
    for place_id in dict.fromkeys(places):
        place = await session.get(PatrolPlace, place_id)
        if place is None or not place.active:
            raise BadInput(reason("order.no-place"))
        if place.name not in named:
            named.add(place.name)
            item = OrderItem(order_id=order.id, name=place.name, position=0, words=place.words)
            item.longitude, item.latitude = place.longitude, place.latitude
            new.append(item)
    if len(there) + len(new) > MOST_ITEMS:
        raise BadInput(reason("order.too-many", most=MOST_ITEMS))
    for position, item in enumerate(new, start=len(there)):
        item.position = position
        session.add(item)
    said = clean(words)[:MOST_WORDS]
    if said and said != order.words:
        order.words = f"{order.words}\n{said}".strip()[: 4 * MOST_WORDS] if there else said
    session.add(order)
    await session.flush()
    if not order.by_hand:
        await sort(session, city, order)
    await audit.record(
        session,
        now,
        actor=by,
        action="work_order.made" if not there else "work_order.extended",
        subject=f"work_order:{order.id}",
        kind=kind.value,
        team=team.name,
        day=on_day.isoformat(),
        places=len(new),
    )
    return order


def _again(item: OrderItem, report: Report, now: datetime) -> None:
    """Let a crew go once more to a case that was looked at, and is open again or still."""
    if item.settled_at is not None and report.state.is_open:
        # What a phone kept from before stays older than this.
        item.outcome, item.outcome_at, item.outcome_words = Outcome.WAITING, now, ""
        item.settled_at, item.settled_by = None, ""


async def _of_day(
    session: AsyncSession, kind: OrderKind, team_id: int, on_day: date, *, by: str, now: datetime
) -> WorkOrder:
    """Return the order of a team and a day, made if it is missing, locked."""
    values = {"kind": kind, "team_id": team_id, "on_day": on_day, "words": "", "by_hand": False}
    new = insert_new(session, WorkOrder, ["kind", "team_id", "on_day"])
    await session.execute(new.values(**values, made_at=now, made_by=by))
    query = select(WorkOrder).where(
        col(WorkOrder.kind) == kind,
        col(WorkOrder.team_id) == team_id,
        col(WorkOrder.on_day) == on_day,
    )
    order = await session.scalar(query.with_for_update())
    assert order is not None
    return order


async def get_order(session: AsyncSession, order_id: int, *, lock: bool = False) -> WorkOrder:
    """Return an order.

    Raises
    ------
    BadInput
        There is none.
    """
    order = await session.get(WorkOrder, order_id, with_for_update=True if lock else None)
    if order is None:
        raise BadInput(reason("order.missing"))
    return order


async def items_of(session: AsyncSession, order_id: int) -> list[OrderItem]:
    """Return the places of an order in their order."""
    query = select(OrderItem).where(col(OrderItem.order_id) == order_id)
    found = await session.scalars(query.order_by(col(OrderItem.position), col(OrderItem.id)))
    return list(found)


async def stops(session: AsyncSession, order_id: int) -> list[Stop]:
    """Return the places of an order in their order, each with its case and photos."""
    items = await items_of(session, order_id)
    ids = [item.report_id for item in items if item.report_id is not None]
    reports = {
        report.id: report
        for report in await session.scalars(select(Report).where(col(Report.id).in_(ids)))
    }
    photos: dict[int, list[Photo]] = {}
    found = select(Photo).where(col(Photo.report_id).in_(ids)).order_by(col(Photo.id))
    for photo in await session.scalars(found):
        photos.setdefault(photo.report_id, []).append(photo)
    numbers = [item.id for item in items]
    used = {
        one.item_id: one
        for one in await session.scalars(select(WorkUsed).where(col(WorkUsed.item_id).in_(numbers)))
    }
    return [
        Stop(
            item,
            reports.get(item.report_id),
            tuple(photos.get(item.report_id or 0, ())),
            used.get(item.id or 0),
        )
        for item in items
    ]


async def sort(
    session: AsyncSession, city: City, order: WorkOrder, start: Position | None = None
) -> None:
    """Put the places of an order in driving order; what is done stays at its place in front."""
    assert order.id is not None
    found = await stops(session, order.id)
    over = [one for one in found if one.item.outcome is not Outcome.WAITING]
    left = [one for one in found if one.item.outcome is Outcome.WAITING]
    way = in_driving_order([one.position for one in left], start or city.work_orders.depot)
    for number, one in enumerate([*over, *(left[place] for place in way)]):
        one.item.position = number
        session.add(one.item)
    order.by_hand = False
    session.add(order)
    await session.flush()


async def put_in_order(session: AsyncSession, order: WorkOrder, ids: Sequence[int]) -> None:
    """Put the places of an order as somebody wants them; those that are not named come last."""
    assert order.id is not None
    rank = {item_id: number for number, item_id in enumerate(dict.fromkeys(ids))}
    items = await items_of(session, order.id)
    items.sort(key=lambda item: (rank.get(item.id or 0, len(rank)), item.position))
    for number, item in enumerate(items):
        item.position = number
        session.add(item)
    order.by_hand = True
    session.add(order)
    await session.flush()


async def describe(
    session: AsyncSession,
    order: WorkOrder,
    *,
    words: str,
    by_item: Mapping[int, str],
    by: str,
    now: datetime,
) -> None:
    """Write down what is to be done, on the whole day and at each place."""
    assert order.id is not None
    order.words = clean(words)[: 4 * MOST_WORDS]
    for item in await items_of(session, order.id):
        if item.id is not None and item.id in by_item:
            item.words = clean(by_item[item.id])[:MOST_WORDS]
            session.add(item)
    session.add(order)
    await audit.record(
        session,
        now,
        actor=by,
        action="work_order.described",
        subject=f"work_order:{order.id}",
    )


async def take_off(
    session: AsyncSession, order: WorkOrder, item_id: int, *, by: str, now: datetime
) -> None:
    """Take a place off an order, if the crew has said nothing of it yet.

    Raises
    ------
    BadInput
        It is not on the order, or the crew has said something.
    """
    item = await session.get(OrderItem, item_id)
    if item is None or item.order_id != order.id:
        raise BadInput(reason("order.no-place"))
    if item.outcome is not Outcome.WAITING or item.found:
        raise BadInput(reason("order.begun"))
    await session.delete(item)
    await audit.record(
        session,
        now,
        actor=by,
        action="work_order.shortened",
        subject=f"work_order:{order.id}",
        item=item_id,
    )


async def team_of(session: AsyncSession, order: WorkOrder) -> Team:
    return await session.get_one(Team, order.team_id)


@dataclass(frozen=True)
class Listed:
    """An order in the list, with how many of its places are waiting, said and to be looked at."""

    order: WorkOrder
    team: Team
    places: int
    waiting: int
    to_look_at: int


async def orders_from(session: AsyncSession, day: date, most: int = 100) -> list[Listed]:
    """Return the orders from a day on, those of the week before with something left to do, and
    those of before that wait for the office.
    """
    # Apart, because a database may read all orders to join the two with "or".
    lately = select(col(WorkOrder.id)).where(col(WorkOrder.on_day) >= day - LEFT_FOR)
    said = select(col(OrderItem.order_id)).where(IS_SAID).distinct()
    numbers = {*await session.scalars(lately), *await session.scalars(said)}
    to_look_at: Any = func.count().filter(
        col(OrderItem.outcome) != Outcome.WAITING, col(OrderItem.settled_at).is_(None)
    )
    waiting: Any = func.count().filter(col(OrderItem.outcome) == Outcome.WAITING)
    places: Any = func.count(col(OrderItem.id))
    query = (
        select_rows(WorkOrder, Team, places, waiting, to_look_at)
        .join(Team, col(Team.id) == col(WorkOrder.team_id))
        .join(OrderItem, col(OrderItem.order_id) == col(WorkOrder.id), isouter=True)
        .where(col(WorkOrder.id).in_(numbers))
        .group_by(col(WorkOrder.id), col(Team.id))
        .having(
            (col(WorkOrder.on_day) >= day)
            | ((col(WorkOrder.on_day) >= day - LEFT_FOR) & (waiting > 0))
            | (to_look_at > 0)
        )
        .order_by(col(WorkOrder.on_day).desc(), col(WorkOrder.id).desc())
        .limit(most)
    )
    return [Listed(*row) for row in await session.execute(query)]


async def of_report(session: AsyncSession, report_id: int) -> list[tuple[WorkOrder, Stop]]:
    """Return the orders that a case is on, the newest first, with what the crew said of it."""
    items = await session.scalars(select(OrderItem).where(col(OrderItem.report_id) == report_id))
    by_order = {item.order_id: item for item in items}
    orders = await session.scalars(select(WorkOrder).where(col(WorkOrder.id).in_(by_order)))
    newest = sorted(orders, key=lambda order: (order.on_day, order.id or 0), reverse=True)
    found = [(order, by_order[order.id or 0]) for order in newest]
    said = select(WorkUsed).where(col(WorkUsed.item_id).in_([item.id for _, item in found]))
    used = {one.item_id: one for one in await session.scalars(said)}
    return [(order, Stop(item, None, (), used.get(item.id or 0))) for order, item in found]


async def patrol_places(session: AsyncSession) -> list[PatrolPlace]:
    """Return the routine places, by name."""
    query = select(PatrolPlace).where(col(PatrolPlace.active)).order_by(col(PatrolPlace.name))
    return list(await session.scalars(query))


async def add_patrol_place(
    session: AsyncSession,
    *,
    name: str,
    position: Position | None,
    words: str,
    by: str,
    now: datetime,
) -> PatrolPlace:
    """Keep a routine place; one that was removed comes back.

    Raises
    ------
    BadInput
        It has no name, there is one of that name, or there are too many.
    """
    name = clean(name, line=True)[:MOST_NAME]
    if not name:
        raise BadInput(reason("order.place-name"))
    place = await session.scalar(select(PatrolPlace).where(col(PatrolPlace.name) == name))
    taken = BadInput(reason("order.place-name"))
    if place is not None and place.active:
        raise taken
    if len(await patrol_places(session)) >= MOST_PLACES:
        raise BadInput(reason("order.too-many", most=MOST_PLACES))
    if place is None:
        place = PatrolPlace(name=name, made_at=now, made_by=by)
    place.active, place.words = True, clean(words)[:MOST_WORDS]
    place.longitude, place.latitude = position or (None, None)
    await add_new(session, place, taken)
    await audit.record(
        session, now, actor=by, action="patrol_place.added", subject=f"patrol_place:{place.id}"
    )
    return place


async def remove_patrol_place(
    session: AsyncSession, place_id: int, *, by: str, now: datetime
) -> None:
    """Take a routine place out of use; orders that have it keep it.

    Raises
    ------
    BadInput
        There is no such place.
    """
    place = await session.get(PatrolPlace, place_id)
    if place is None:
        raise BadInput(reason("order.no-place"))
    place.active = False
    session.add(place)
    await audit.record(
        session, now, actor=by, action="patrol_place.removed", subject=f"patrol_place:{place_id}"
    )
