"""The page for a crew on site, on its own phone, by a link and without account.

The link says which order, so which team and which day (``reports.order_links``). What is pressed
and the photos are kept on the phone until there is a line (``static/crew.js``); the page and the
photos of the list open without one. Without JavaScript each place is a plain form. Nothing here
says who reported.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, name_in
from console import words
from console.crew_telling import teller
from console.link_pages import (
    HAS_ENDED,
    MOST_OF_LINK,
    NOT_OURS,
    TOO_MANY,
    LinkRefused,
    LinkRoute,
    PhoneCookie,
    body_of,
    chosen_language,
    context_of,
    device_of,
    kept_workshop,
    key_of,
    language_of,
    link_page,
    listed_acts,
    moment_of,
    new_key,
    opened_page,
    worker_answer,
)
from console.maps import staff_map_words
from console.order_words import OUTCOMES, Shown, day_name, shown_stop, signature
from core.clock import in_japan
from core.errors import BadInput
from core.links import is_valid
from core.uploads import Limits, read_with_files
from core.web import PHOTO_POLICY, Form
from public import MAPS
from reports import crew_acts, orders
from reports.crew_acts import MOST_PHOTOS_OF_LINK
from reports.crew_said import Act, ActKind, checked
from reports.decoding import MAX_BYTES, PhotoRefused
from reports.kinds import city_now
from reports.models import OrderKind, OrderLink, Outcome, Photo, Team, WorkOrder
from reports.order_links import OrderTokens, note_phone
from reports.photos import decoding_workshop, photo_path, take_photo

PHONE = PhoneCookie("todoke_crew_phone", "/crew")


class CrewRoute(LinkRoute):
    """The page may ask the phone where it is, and show photos before they are sent."""

    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "worker-src 'self'; img-src 'self' blob:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    permissions = "camera=(), microphone=(), geolocation=(self)"


log = structlog.get_logger(__name__)

router = APIRouter(route_class=CrewRoute)


@dataclass(frozen=True)
class Opened:
    """A link that may be used, its order and its team."""

    link: OrderLink
    order: WorkOrder
    team: Team


@router.get("/crew/worker.js")
async def worker(_request: Request) -> Response:
    """The service worker; its scope is ``/crew/``."""
    return worker_answer()


@router.get("/crew/{token}")
async def crew_page(request: Request, token: str) -> Response:
    """Show the day's list, and note in which browser it was opened."""

    def note(session: AsyncSession, opened: Opened, phone: str) -> Awaitable[None]:
        now = context_of(request).clock.now()
        return note_phone(session, opened.link, phone, device_of(request), now)

    return await opened_page(
        request,
        PHONE,
        lambda session: _opened(session, request, token),
        note,
        lambda _: _page(request, token),
    )


async def _page(request: Request, token: str) -> Response:
    language = language_of(request)
    opened, city, shown = await _shown(request, token)
    today = in_japan(context_of(request).clock.now()).date()
    return link_page(
        request,
        "crew.html",
        token=token,
        opened=opened,
        stops=shown,
        list=signature(opened.order, shown),
        key=new_key(),
        outcomes={outcome.value: OUTCOMES[outcome] for outcome in Outcome},
        is_patrol=opened.order.kind is OrderKind.PATROL,
        kinds=[(one.code, name_in(one.names, language)) for one in city.kinds_offered(today)],
        asks_used=city.work_orders.asks_used,
        at_once=not city.work_orders.office_confirms,
        from_depot=city.work_orders.depot is not None,
        day=day_name(opened.order.on_day, language),
        left=sum(one.outcome is Outcome.WAITING for one in shown),
        map_files=MAPS,
        map_words=staff_map_words,
    )


async def _shown(request: Request, token: str) -> tuple[Opened, City, list[Shown]]:
    """Return a link's order, and its places in words."""
    context = context_of(request)
    async with context.database.reading() as session:
        opened = await _opened(session, request, token)
        assert opened.order.id is not None
        city = await city_now(session, context.city)
        found = await orders.stops(session, opened.order.id)
    today = in_japan(context.clock.now()).date()
    return opened, city, [shown_stop(one, city, language_of(request), today) for one in found]


@router.get("/crew/{token}/photos/{photo_id}")
async def photo(request: Request, token: str, photo_id: int, small: bool = False) -> Response:
    """Return a photo of a case that is on this link's order, and of no other."""
    context = context_of(request)
    async with context.database.reading() as session:
        opened = await _opened(session, request, token)
        assert opened.order.id is not None
        found = await session.get(Photo, photo_id) if 0 < photo_id < 2**63 else None
        items = await orders.items_of(session, opened.order.id)
    cases = {item.report_id for item in items if item.report_id is not None}
    if found is None or found.report_id not in cases:
        raise LinkRefused("unknown", NOT_OURS, 404)
    path = photo_path(context.settings.media_dir, found.sha256, thumbnail=small)
    if not await asyncio.to_thread(path.is_file):
        raise LinkRefused("unknown", NOT_OURS, 404)
    return FileResponse(
        path,
        media_type="image/jpeg",
        headers={
            "Content-Security-Policy": PHOTO_POLICY,
            "Cache-Control": "private, max-age=86400",
        },
    )


@router.post("/crew/{token}")
async def by_form(request: Request, token: str) -> Response:
    """Do one act, with its photo, of a browser without JavaScript."""
    context = context_of(request)
    await _require_open(request, token)
    try:
        form, sent = await read_with_files(request, Limits(files=2, bytes=MAX_BYTES))
        act = _act_of(form, context.clock.now())
    except BadInput:
        return _back(request, token, "wrong")
    files = [file for file in sent.get("photo", ()) if file.content]
    item = act.item_id if act is not None else form.number("item")
    # What was found has to be there before its photos; anything else is done once they are kept.
    found = act.key if act is not None and act.kind is ActKind.FOUND else ""
    refused = await _take(request, token, [act]) if act is not None and found else []
    for number, file in enumerate(files):
        key = f"{key_of(form.text('key')) or new_key()}p{number}"[-40:]
        try:
            taken = await _take_photo(
                request,
                token,
                key,
                file.content,
                context.clock.now(),
                item_id=item,
                found=found,
                before=form.text("do") == "before",
            )
        except OSError as error:
            log.warning("photo.unsaved", reason=str(error))
            taken = False
        if not taken:
            refused.append(key)
    if act is not None and not found and not refused:
        refused = await _take(request, token, [act])
    nothing = act is None and not files
    return _back(request, token, "wrong" if refused or nothing else "yes", item)


def _act_of(fields: Form, now: datetime) -> Act | None:
    """Return the act of a form; None if it only brings a photo."""
    kind = fields.text("do")
    if kind in ("photo", "before"):
        return None
    said: dict[str, Any] = {name: fields.text(name) for name in fields} | {"kind": kind}
    if kind == "move":
        said = {"kind": ActKind.SORT.value, "ids": fields.text("ids").split(",")}
    return checked(key_of(fields.text("key")) or new_key(), now, said)


@router.post("/crew/{token}/acts")
async def by_program(request: Request, token: str) -> Response:
    """Take the acts that a phone kept, in their order; answer which are done, and the state."""
    acts, wrong = [], []
    for key, at, said in await listed_acts(request):
        try:
            acts.append(checked(key, at, said))
        except BadInput:
            wrong.append(key)
    await _require_open(request, token, acts=len(acts))
    refused = await _take(request, token, acts)
    return await _state(request, token, [act.key for act in acts], [*wrong, *refused])


@router.post("/crew/{token}/photo")
async def photo_by_program(request: Request, token: str) -> Response:
    """Take one photo that a phone kept; the body is the picture."""
    asked = request.query_params
    key = key_of(asked.get("id", ""))
    await _require_open(request, token, photos=1)
    data = await body_of(request, MAX_BYTES)
    if not key:
        return JSONResponse({"error": "wrong"}, 400)
    try:
        age: float = float(asked.get("age_ms", "0"))
    except ValueError:
        age = 0
    number = asked.get("item", "")
    try:
        taken = data is not None and await _take_photo(
            request,
            token,
            key,
            data,
            moment_of(age, context_of(request).clock.now()),
            item_id=int(number) if number.isdecimal() and len(number) < 19 else None,
            found=key_of(asked.get("found", "")),
            before=asked.get("role", "") == "before",
        )
    except OSError as error:
        log.warning("photo.unsaved", reason=str(error))
        return JSONResponse({"error": "disk"}, 503)  # the phone keeps it
    return await _state(request, token, [key] if taken else [], [] if taken else [key])


async def _state(
    request: Request, token: str, done: Sequence[str], refused: Sequence[str]
) -> Response:
    """Say which acts are done, and how each place stands now."""
    opened, _, shown = await _shown(request, token)
    kept = [key for key in done if key not in set(refused)]
    return JSONResponse(
        {
            "done": kept,
            "refused": list(refused),
            "list": signature(opened.order, shown),
            "items": [
                {
                    "id": one.id,
                    "outcome": one.outcome.value,
                    "words": one.outcome_words,
                    "at": words.moment(one.outcome_at, language_of(request))
                    if one.outcome_at
                    else "",
                    "photos": [photo.id for photo in (*one.photos, *one.ours)],
                }
                for one in shown
            ],
        }
    )


async def _take(request: Request, token: str, acts: Sequence[Act]) -> list[str]:
    """Do acts one by one, so that no order waits for another; return what cannot be."""
    context = context_of(request)
    tell, places, refused = teller(context), request.app.state.folder.places, []
    for act in acts:
        async with context.database.writing() as session:
            opened = await _opened(session, request, token, acts=1)
            city = await city_now(session, context.city)
            now = context.clock.now()
            refused += await crew_acts.take(
                session, city, opened.link, [act], now, tell=tell, places=places
            )
    return refused


async def _take_photo(
    request: Request,
    token: str,
    key: str,
    data: bytes,
    at: datetime,
    *,
    item_id: int | None,
    found: str,
    before: bool,
) -> bool:
    """Check and keep a photo; return whether it could be.

    Raises
    ------
    OSError
        The disk cannot take it now.
    """
    context = context_of(request)
    async with context.database.reading() as session:
        opened = await _opened(session, request, token, photos=1)
        if await crew_acts.known_keys(session, opened.link.order_id, [key]):
            return True
    try:
        decoding = kept_workshop(request.app, decoding_workshop)
        picture = await take_photo(decoding, context.settings.media_dir, data)
    except PhotoRefused:
        return False
    async with context.database.writing() as session:
        opened = await _opened(session, request, token, photos=1)
        city = await city_now(session, context.city)
        return await crew_acts.take_photo(
            session,
            city,
            opened.link,
            key,
            at,
            picture,
            context.clock.now(),
            item_id=item_id,
            found=found,
            before=before,
        )


async def _opened(
    session: AsyncSession, request: Request, token: str, *, acts: int = 0, photos: int = 0
) -> Opened:
    """Return the link of a token.

    Raises
    ------
    LinkRefused
        We did not make it, it has ended, or too much came by it.
    """
    context = context_of(request)
    link = await OrderTokens(context.settings.secret_key).find(session, token)
    if link is None:
        raise LinkRefused("unknown", NOT_OURS, 404)
    if not is_valid(link, context.clock.now()):
        raise LinkRefused("ended", HAS_ENDED, 410)
    if acts or photos:
        sent = await crew_acts.count_of_link(session, link.id or 0)
        shot = await crew_acts.count_of_link(session, link.id or 0, photos=True) if photos else 0
        if sent + acts + photos > MOST_OF_LINK or shot + photos > MOST_PHOTOS_OF_LINK:
            raise LinkRefused("too-many", TOO_MANY, 429)
    order = await orders.get_order(session, link.order_id)
    return Opened(link, order, await orders.team_of(session, order))


async def _require_open(request: Request, token: str, *, acts: int = 0, photos: int = 0) -> None:
    """Refuse a stranger before they hold up a writer; raises as :func:`_opened`."""
    async with context_of(request).database.reading() as session:
        await _opened(session, request, token, acts=acts, photos=photos)


def _back(request: Request, token: str, done: str, item: int | None = None) -> Response:
    query = {"done": done} | chosen_language(request)
    place = f"#i{item}" if item is not None else ""
    return RedirectResponse(f"/crew/{token}?{urlencode(query)}{place}", status_code=303)
