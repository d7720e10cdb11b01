"""Work orders at the desk: choose cases, print, send the crew a link, look at what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, name_in
from city.folder import CityFolder
from console.access import Permission
from console.crew_telling import teller
from console.link_pages import kept_workshop
from console.order_sheet import code_svg, one_map, overview, pictures_of, sheet_of
from console.order_words import KINDS, OUTCOMES, Shown, day_name, shown_stop, used_words
from console.positions import position_or_name
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.words import moment
from core.clock import in_japan
from core.errors import BadInput
from core.links import is_valid
from core.places import Full, busy
from reports import crew_acts, order_links, orders, register
from reports.kinds import city_now
from reports.models import OrderKind, Outcome, PatrolPlace, Report, Team, WorkOrder
from reports.order_links import OrderTokens
from reports.order_pdf import Sheet, make_pdf, printing_workshop
from reports.teams import to_assign

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
PAGE = "/console/orders"
AHEAD = timedelta(days=60)


@dataclass(frozen=True)
class Opened:
    """An order with its team and places, as a page shows them."""

    city: City
    order: WorkOrder
    team: Team
    stops: tuple[Shown, ...]


@router.get("/orders")
async def orders_page(visitor: Looker) -> Response:
    """Show today's and later orders, and those that wait for the office."""
    async with visitor.context.database.reading() as session:
        listed = await orders.orders_from(session, _today(visitor))
        teams = await to_assign(session)
    return visitor.page(
        "orders.html",
        listed=listed,
        teams=teams,
        kinds=KINDS,
        today=_today(visitor),
        day_name=day_name,
    )


@router.get("/orders/new")
async def new_page(visitor: Worker) -> Response:
    return await _new_page(visitor)


@router.post("/orders/new")
async def new_page_of_many(visitor: Worker) -> Response:
    """Show the cases that were ticked in the list of reports; this changes nothing."""
    return await _new_page(visitor)


async def _new_page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    """Show the cases that were chosen, and ask which team looks at them and when."""
    given = visitor.request.query_params
    picked = [one.partition(" ")[0] for one in visitor.form.all("pick")]
    numbers = visitor.form.all("number") or picked or given.getlist("number")
    kind = visitor.form.text("kind") or given.get("kind", "")
    chosen = numbers[: orders.MOST_ITEMS]
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
        found = (
            await register.list_reports(
                session, register.ReportFilter(numbers=tuple(chosen)), limit=orders.MOST_ITEMS
            )
            if chosen
            else []
        )
        found.sort(key=lambda report: chosen.index(report.number))
        teams = await to_assign(session)
        places = await orders.patrol_places(session)
    return visitor.page(
        "order_new.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        found=found,
        too_many=len(numbers) > orders.MOST_ITEMS,
        names={one.code: name_in(one.names, visitor.language) for one in city.report_categories},
        teams=teams,
        team=visitor.form.text("team") or given.get("team", "") or _team_of(found),
        kind=OrderKind.PATROL if kind == OrderKind.PATROL else OrderKind.WORK,
        kinds=KINDS,
        places=places,
        ticked=_ticked(visitor, places, typed=refusal is not None),
        day=visitor.form.text("day") or given.get("day", "") or _today(visitor).isoformat(),
        today=_today(visitor),
        last=_today(visitor) + AHEAD,
    )


def _ticked(visitor: Visit, places: Sequence[PatrolPlace], *, typed: bool) -> set[str]:
    """Return the ids of the routine places to look at: all, if nobody chose some of them."""
    given = visitor.request.query_params
    if typed:
        return set(visitor.form.all("place"))
    if "number" in given or "place" in given:
        return set(given.getlist("place"))
    return {str(place.id) for place in places}


def _team_of(found: Sequence[Report]) -> str:
    """Return the team that all of the cases have already, if there is one."""
    teams = {report.team_id for report in found}
    team = teams.pop() if len(teams) == 1 else None
    return str(team) if team is not None else ""


@router.post("/orders")
async def make(visitor: Worker) -> Response:
    """Put the cases on the order of a team and a day."""
    form, context = visitor.form, visitor.context
    try:
        day = _day(form.text("day")) or _today(visitor)
        kind = form.text("kind")
        async with context.database.writing() as session:
            order = await orders.make_order(
                session,
                context.city,
                kind=OrderKind.PATROL if kind == OrderKind.PATROL else OrderKind.WORK,
                team_id=form.number("team") or 0,
                on_day=min(day, _today(visitor) + AHEAD),
                numbers=form.all("number"),
                places=[int(one) for one in form.all("place") if one.isdecimal()][:300],
                words=form.get("words", ""),
                by=visitor.actor,
                now=context.clock.now(),
            )
    except BadInput as refusal:
        return await _new_page(visitor, refusal=refusal)
    return visitor.go(f"{PAGE}/{order.id}")


@router.get("/orders/places")
async def places_page(visitor: Worker) -> Response:
    return await _places_page(visitor)


async def _places_page(visitor: Visit, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        places = await orders.patrol_places(session)
    return visitor.page(
        "patrol_places.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        places=places,
    )


@router.post("/orders/places")
async def add_place(visitor: Worker) -> Response:
    """Keep a routine place of patrols: by an address or landmark, or by latitude and longitude."""
    form, places = visitor.form, _folder(visitor).places
    return await _change_places(
        visitor,
        lambda session: orders.add_patrol_place(
            session,
            name=form.text("name"),
            position=position_or_name(form.text("where"), form.text("name"), places),
            words=form.get("words", ""),
            by=visitor.actor,
            now=visitor.context.clock.now(),
        ),
    )


@router.post("/orders/places/{place_id}/remove")
async def remove_place(visitor: Worker, place_id: RowNumber) -> Response:
    return await _change_places(
        visitor,
        lambda session: orders.remove_patrol_place(
            session, place_id, by=visitor.actor, now=visitor.context.clock.now()
        ),
    )


async def _change_places(
    visitor: Visit, change: Callable[[AsyncSession], Awaitable[object]]
) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            await change(session)
    except BadInput as refusal:
        return await _places_page(visitor, refusal=refusal)
    return visitor.go(f"{PAGE}/places")


@router.get("/orders/{order_id}")
async def order_page(visitor: Looker, order_id: RowNumber) -> Response:
    return await _order_page(visitor, order_id)


async def _order_page(
    visitor: Visit, order_id: int, *, refusal: BadInput | None = None
) -> Response:
    context, language = visitor.context, visitor.language
    async with context.database.reading() as session:
        opened = await _opened(session, visitor, order_id)
        links = await order_links.links_of(session, order_id)
        places = await orders.patrol_places(session)
    tokens, now = OrderTokens(context.settings.secret_key), context.clock.now()
    shown = []
    for link, phones in links if visitor.may(Permission.REPORTS) else []:
        valid = is_valid(link, now)
        address = _address(visitor, tokens.token(link)) if valid else ""
        shown.append((link, phones, address, code_svg(address) if address else ""))
    return visitor.page(
        "order.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, language) if refusal else "",
        order=opened.order,
        team=opened.team,
        stops=opened.stops,
        day=day_name(opened.order.on_day, language),
        is_over=opened.order.on_day + timedelta(days=2) <= _today(visitor),
        kinds=KINDS,
        outcomes=OUTCOMES,
        links=shown,
        office_confirms=opened.city.work_orders.office_confirms,
        used={stop.id: used_words(stop.used, language) for stop in opened.stops},
        waiting=sum(stop.outcome is Outcome.WAITING for stop in opened.stops),
        left=_left(opened, places, _today(visitor)),
    )


def _left(opened: Opened, places: Sequence[PatrolPlace], today: date) -> str:
    """Return the address by which what is left goes on another day's order; "" for nothing.

    Parameters
    ----------
    places
        The routine places in use. One that was removed meanwhile goes on no other order.
    """
    ids = {place.name: str(place.id) for place in places}
    left = [stop for stop in opened.stops if stop.outcome is not Outcome.DONE and not stop.ended]
    what = [("number", stop.report_number) for stop in left if stop.report_number]
    if opened.order.kind is OrderKind.PATROL:
        routine = [stop.what for stop in left if not stop.report_number]
        what += [("place", ids[name]) for name in routine if name in ids]
    if not what:
        return ""
    day = max(today, opened.order.on_day + timedelta(days=1))
    about = {"kind": opened.order.kind.value, "team": opened.order.team_id, "day": day.isoformat()}
    return f"{PAGE}/new?{urlencode([*about.items(), *what])}"


@router.post("/orders/{order_id}")
async def change(visitor: Worker, order_id: RowNumber) -> Response:
    """Write down what to do, put the places in order, or take one off."""
    form, context = visitor.form, visitor.context
    by, now = visitor.actor, context.clock.now()
    act, _, which = form.text("do").partition(":")

    async def do(session: AsyncSession, order: WorkOrder) -> None:
        if act == "sort":
            await orders.sort(session, context.city, order)
        elif act in ("up", "down") and which.isdecimal():
            ids = [item.id or 0 for item in await orders.items_of(session, order_id)]
            await orders.put_in_order(session, order, _moved(ids, int(which), act))
        elif act == "off" and which.isdecimal():
            await orders.take_off(session, order, int(which), by=by, now=now)
        else:
            said = {
                int(name[6:]): form[name]
                for name in form
                if name.startswith("words-") and name[6:].isdecimal()
            }
            words = form.get("words", "")
            await orders.describe(session, order, words=words, by_item=said, by=by, now=now)

    place = f"#i{which}" if act in ("up", "down") else ""
    return await _change_order(visitor, order_id, do, place)


async def _change_order(
    visitor: Visit,
    order_id: int,
    do: Callable[[AsyncSession, WorkOrder], Awaitable[object]],
    place: str = "",
) -> Response:
    """Do something with an order, which is locked, and show ``place`` of its page, or why not."""
    try:
        async with visitor.context.database.writing() as session:
            await do(session, await _order(session, order_id, lock=True))
    except BadInput as refusal:
        return await _order_page(visitor, order_id, refusal=refusal)
    return visitor.go(f"{PAGE}/{order_id}{place}")


def _moved(ids: list[int], which: int, act: str) -> list[int]:
    """Return the places with one of them moved by one."""
    if which not in ids:
        return ids
    here = ids.index(which)
    there = min(max(here + (1 if act == "down" else -1), 0), len(ids) - 1)
    ids[here], ids[there] = ids[there], ids[here]
    return ids


@router.post("/orders/{order_id}/items/{item_id}")
async def settle(visitor: Worker, order_id: RowNumber, item_id: RowNumber) -> Response:
    """Note that somebody looked at what the crew did; confirmed work is told to the residents."""
    context = visitor.context
    return await _change_order(
        visitor,
        order_id,
        lambda session, order: crew_acts.settle(
            session,
            context.city,
            order,
            item_id,
            mended=visitor.form.text("do") == "mended",
            by=visitor.actor,
            now=context.clock.now(),
            tell=teller(context),
        ),
        f"#i{item_id}",
    )


@router.post("/orders/{order_id}/links")
async def make_link(visitor: Worker, order_id: RowNumber) -> Response:
    now = visitor.context.clock.now()
    return await _change_order(
        visitor,
        order_id,
        lambda session, order: order_links.make(session, order, now, actor=visitor.actor),
        "#links",
    )


@router.post("/orders/{order_id}/links/{link_id}/revoke")
async def revoke_link(visitor: Worker, order_id: RowNumber, link_id: RowNumber) -> Response:
    now = visitor.context.clock.now()
    return await _change_order(
        visitor,
        order_id,
        lambda session, _: order_links.revoke(session, order_id, link_id, now, actor=visitor.actor),
        "#links",
    )


async def _sheet(visitor: Visit, order_id: int, item: int) -> tuple[Opened, Sheet]:
    """Return an order, or one place of it, as it stands on paper."""
    async with visitor.context.database.reading() as session:
        opened = _only(await _opened(session, visitor, order_id), item)
        crew_page, until = await _crew_page(session, visitor, order_id)
    sheet = sheet_of(
        opened.city,
        opened.order,
        opened.team,
        opened.stops,
        visitor.language,
        crew_page=crew_page,
        until=until,
    )
    return opened, sheet


@router.get("/orders/{order_id}/print")
async def print_page(visitor: Looker, order_id: RowNumber, item: int = 0) -> Response:
    """Show an order, or one place of it, for paper."""
    opened, sheet = await _sheet(visitor, order_id, item)
    return visitor.page(
        "order_print.html", sheet=sheet, order=opened.order, stops=opened.stops, item=item
    )


@router.get("/orders/{order_id}/order.pdf")
async def pdf(visitor: Looker, order_id: RowNumber, item: int = 0) -> Response:
    """Return an order, or one place of it, as a PDF."""
    opened, sheet = await _sheet(visitor, order_id, item)
    try:
        media = visitor.context.settings.media_dir
        pictures = await pictures_of(opened.city, _folder(visitor), media, opened.stops)
        printing = kept_workshop(visitor.request.app, printing_workshop)
        made = await make_pdf(printing, sheet, pictures)
    except Full:
        return busy()
    except BadInput as refusal:
        return await _order_page(visitor, order_id, refusal=refusal)
    name = opened.order.number + (f"-{item}" if item else "")
    return Response(
        made,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{name}.pdf"',
            "Cache-Control": "no-store",
        },
    )


@router.get("/orders/{order_id}/map.png")
async def map_picture(visitor: Looker, order_id: RowNumber, item: int = 0) -> Response:
    """Return the map of an order with all its places, or of one of them."""
    async with visitor.context.database.reading() as session:
        opened = _only(await _opened(session, visitor, order_id), item)
    placed = [stop for stop in opened.stops if stop.latitude is not None]
    if not placed:
        raise Missing
    folder = _folder(visitor)
    try:
        if item:
            [stop] = placed
            assert stop.longitude is not None and stop.latitude is not None
            drawn = await one_map(opened.city, folder, stop.longitude, stop.latitude)
        else:
            drawn = await overview(opened.city, folder, opened.stops)
    except Full:
        return busy()
    return Response(drawn, media_type="image/png", headers={"Cache-Control": "no-store"})


async def _opened(session: AsyncSession, visitor: Visit, order_id: int) -> Opened:
    order = await _order(session, order_id)
    city = await city_now(session, visitor.context.city)
    found = await orders.stops(session, order_id)
    today = _today(visitor)
    shown = tuple(shown_stop(one, city, visitor.language, today) for one in found)
    return Opened(city, order, await orders.team_of(session, order), shown)


def _only(opened: Opened, item: int) -> Opened:
    """Return the order with one of its places alone, if one is asked for."""
    if not item:
        return opened
    stops = tuple(stop for stop in opened.stops if stop.id == item)
    if not stops:
        raise Missing
    return Opened(opened.city, opened.order, opened.team, stops)


async def _order(session: AsyncSession, order_id: int, *, lock: bool = False) -> WorkOrder:
    try:
        return await orders.get_order(session, order_id, lock=lock)
    except BadInput as error:
        raise Missing from error


async def _crew_page(session: AsyncSession, visitor: Visit, order_id: int) -> tuple[str, str]:
    """Return the address of the crew's page and until when, for those who may pass it on."""
    if not visitor.may(Permission.REPORTS):
        return "", ""
    context = visitor.context
    now = context.clock.now()
    for link, _ in await order_links.links_of(session, order_id):
        if is_valid(link, now):
            token = OrderTokens(context.settings.secret_key).token(link)
            return _address(visitor, token), moment(link.expires_at, visitor.language)
    return "", ""


def _address(visitor: Visit, token: str) -> str:
    return f"{visitor.context.settings.public_url}/crew/{token}"


def _folder(visitor: Visit) -> CityFolder:
    folder: CityFolder = visitor.request.app.state.folder
    return folder


def _today(visitor: Visit) -> date:
    return in_japan(visitor.context.clock.now()).date()


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
