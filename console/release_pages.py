"""Photos that everybody may see: looked at one after the other, faces and plates covered, released.

Nothing leaves the office before somebody pressed the button. What is covered is covered in a copy
that the server makes; the page only says where.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from city.city import name_in
from console.access import Permission
from console.photos import photo_answer
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.errors import BadInput
from reports import published, releasing
from reports.blurring import MOST_AREAS, areas_of
from reports.kinds import city_now
from reports.releasing import MOST_WAITING, ToRelease

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]


@router.get("/release")
async def next_photo(visitor: Worker) -> Response:
    """Show the newest photo on which nobody has decided, or that there is none."""
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
        ids = await releasing.waiting(session, city, visitor.context.clock.now())
    if not ids:
        return visitor.page("release.html", one=None, waiting=0, more=False)
    return await _photo_page(visitor, ids[0])


@router.get("/release/{photo_id}")
async def photo_page(visitor: Worker, photo_id: RowNumber) -> Response:
    return await _photo_page(visitor, photo_id)


async def _photo_page(
    visitor: Visit, photo_id: int, *, refusal: BadInput | None = None
) -> Response:
    """Show one photo; after a refusal with the areas that were drawn."""
    now = visitor.context.clock.now()
    async with visitor.context.database.reading() as session:
        city = await city_now(session, visitor.context.city)
        one = await releasing.one(session, photo_id)
        if one is None:
            raise Missing
        beside = await releasing.photos_beside(session, one.case)
        waiting = await releasing.waiting(session, city, now)
        after = await releasing.waiting(session, city, now, before=photo_id)
    district = city.district_by_code.get(one.case.area or "")
    return visitor.page(
        "release.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        one=one,
        kind=city.kind_name(one.case.category, visitor.language),
        where=name_in(district.names, visitor.language) if district else "",
        beside=beside,
        is_public=published.may_be_seen(one.case, city),
        waiting=min(len(waiting), MOST_WAITING),
        more=len(waiting) > MOST_WAITING,
        after=after[0] if after else None,
        areas=visitor.form.get("areas", ""),
        most_areas=MOST_AREAS,
    )


@router.post("/release/{photo_id}")
async def decide(visitor: Worker, photo_id: RowNumber) -> Response:
    """Release a photo with its areas covered, or keep it private; then show the next one."""
    form, context = visitor.form, visitor.context
    by, now, seen = visitor.actor, context.clock.now(), form.text("seen")
    try:
        if form.text("act") == "release":
            areas = areas_of(form.text("areas").split())
            async with context.database.reading() as session:
                one = await releasing.one(session, photo_id)
            if one is None:
                raise Missing
            copy = await releasing.covered(context.settings.media_dir, one.photo, areas)
            async with context.database.writing() as session:
                await releasing.release(
                    session, photo_id, copy, seen=seen, areas=len(areas), by=by, now=now
                )
        else:
            async with context.database.writing() as session:
                await releasing.keep_private(session, photo_id, seen=seen, by=by, now=now)
    except BadInput as refusal:
        return await _photo_page(visitor, photo_id, refusal=refusal)
    async with context.database.reading() as session:
        city = await city_now(session, context.city)
        after = await releasing.waiting(session, city, now, before=photo_id)
    return visitor.go(f"/console/release/{after[0]}" if after else "/console/release")


@router.get("/release/{photo_id}/public")
async def public_copy(visitor: Worker, photo_id: RowNumber) -> Response:
    """Return a released photo as everybody sees it."""
    async with visitor.context.database.reading() as session:
        one = await releasing.one(session, photo_id)
    if one is None or one.photo.released_at is None:
        raise Missing
    return await _copy(visitor, one)


async def _copy(visitor: Visit, one: ToRelease) -> Response:
    shown = one.photo.public_sha256 or one.photo.sha256
    name = f"{one.report.number}-{one.photo.id}-public"
    return await photo_answer(visitor, shown, name, small=False, kept="private, no-cache")
