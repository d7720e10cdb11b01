"""The list of staff who can be called: entries, a list from a spreadsheet, codes for LINE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Response

from city.city import name_in
from console.access import Permission
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.errors import BadInput
from response import joining, staff, staff_file
from response.joining import Codes
from response.models import StaffCode, StaffLineLink, StaffMember
from response.staff import Entry

router = APIRouter(prefix="/console", route_class=StaffRoute)
Desk = Annotated[Visit, Depends(visit(Permission.RESPONSE))]
PAGE = "/console/call-up/staff"
SCALE = 4


@dataclass(frozen=True)
class Sheet:
    """A member's code to hand over: its letters and its drawing."""

    member: StaffMember
    code: str
    drawing: str
    stored: StaffCode


@router.get("/call-up/staff")
async def list_page(visitor: Desk) -> Response:
    return await _list(visitor)


@router.post("/call-up/staff")
async def add(visitor: Desk) -> Response:
    """Add a member and show their code."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            now = context.clock.now()
            member = await staff.add(
                session, context.city, _entry(visitor), now, actor=visitor.actor
            )
            assert member.id is not None
            await _codes(visitor).make(session, member.id, now, actor=visitor.actor)
    except BadInput as error:
        return await _list(visitor, refusal=error)
    return visitor.go(f"{PAGE}/{member.id}")


@router.post("/call-up/staff/import")
async def take_in(visitor: Desk) -> Response:
    """Add and change what a list from a spreadsheet says, all or none."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            done = await staff_file.take_in(
                session,
                context.city,
                visitor.form.text("list"),
                context.clock.now(),
                actor=visitor.actor,
            )
    except BadInput as error:
        return await _list(visitor, refusal=error, pasted=True)
    return visitor.go(f"{PAGE}?added={done.added}&changed={done.changed}&same={done.same}")


@router.get("/call-up/staff/codes")
async def codes_page(visitor: Desk) -> Response:
    """The codes that can still be used, to print and hand over."""
    context = visitor.context
    async with context.database.reading() as session:
        rows = await joining.unused_codes(session)
    sheets = [sheet for member, stored in rows if (sheet := _sheet(visitor, member, stored))]
    return visitor.page("call_up_codes.html", sheets=sheets, departments=_departments(visitor))


@router.post("/call-up/staff/codes")
async def make_codes(visitor: Desk) -> Response:
    """Make a code for everybody who has not joined and has none that can be used."""
    context = visitor.context
    async with context.database.writing() as session:
        await _codes(visitor).make_missing(session, context.clock.now(), actor=visitor.actor)
    return visitor.go(f"{PAGE}/codes")


@router.get("/call-up/staff/{member_id}")
async def member_page(visitor: Desk, member_id: RowNumber) -> Response:
    return await _member(visitor, member_id)


@router.post("/call-up/staff/{member_id}")
async def change(visitor: Desk, member_id: RowNumber) -> Response:
    context = visitor.context
    try:
        async with context.database.writing() as session:
            await staff.change(
                session,
                context.city,
                member_id,
                _entry(visitor),
                context.clock.now(),
                active=visitor.form.text("active") == "yes",
                actor=visitor.actor,
            )
    except BadInput as error:
        return await _member(visitor, member_id, refusal=error)
    return visitor.go(f"{PAGE}?saved=yes")


@router.post("/call-up/staff/{member_id}/code")
async def new_code(visitor: Desk, member_id: RowNumber) -> Response:
    """Make a new code; the earlier one ends."""
    context = visitor.context
    async with context.database.writing() as session:
        await _codes(visitor).make(session, member_id, context.clock.now(), actor=visitor.actor)
    return visitor.go(f"{PAGE}/{member_id}")


@router.post("/call-up/staff/{member_id}/unlink")
async def unlink(visitor: Desk, member_id: RowNumber) -> Response:
    """Delete the link to their LINE account."""
    context = visitor.context
    async with context.database.writing() as session:
        await joining.unlink(session, member_id, context.clock.now(), actor=visitor.actor)
    return visitor.go(f"{PAGE}/{member_id}")


@router.post("/call-up/staff/{member_id}/remove")
async def remove(visitor: Desk, member_id: RowNumber) -> Response:
    """Erase them with their link, messages and answers."""
    context = visitor.context
    async with context.database.writing() as session:
        await staff.remove(session, member_id, context.clock.now(), actor=visitor.actor)
    return visitor.go(f"{PAGE}?removed=yes")


def _entry(visitor: Visit) -> Entry:
    form = visitor.form
    return Entry(
        form.text("name"),
        form.text("department"),
        form.text("mail"),
        form.text("team"),
        form.text("language"),
        form.text("account"),
    )


def _codes(visitor: Visit) -> Codes:
    return Codes(visitor.context.settings.secret_key)


async def _list(
    visitor: Visit, *, refusal: BadInput | None = None, pasted: bool = False
) -> Response:
    query = visitor.request.query_params
    async with visitor.context.database.reading() as session:
        people = await staff.everybody(session)
        joined = await joining.joined(session)
    return visitor.page(
        "call_up_staff.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form if refusal else {},
        pasted=pasted,
        saved=query.get("saved") == "yes" or query.get("removed") == "yes",
        taken_in=[query.get(name, "")[:6] for name in ("added", "changed", "same")]
        if query.get("added", "").isdecimal()
        else [],
        people=people,
        joined=joined,
        departments=_departments(visitor),
        example=staff_file.EXAMPLE,
    )


async def _member(visitor: Visit, member_id: int, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        member = await session.get(StaffMember, member_id)
        if member is None:
            raise Missing
        link = await session.get(StaffLineLink, member_id)
        stored = await session.get(StaffCode, member_id)
    return visitor.page(
        "call_up_member.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form if refusal else {},
        member=member,
        link=link,
        stored=stored,
        sheet=_sheet(visitor, member, stored) if stored else None,
        departments=_departments(visitor),
    )


def _sheet(visitor: Visit, member: StaffMember, stored: StaffCode) -> Sheet | None:
    code = _codes(visitor).shown(stored, visitor.context.clock.now())
    if code is None:
        return None
    line_id = visitor.context.city.line_id
    # Without the account's id the code is only text, which a camera can read and send all the same.
    link = code
    if line_id:
        # https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
        link = f"https://line.me/R/oaMessage/{quote(line_id, safe='')}/?{quote(code, safe='')}"
    drawn = segno.make(link, error="q", micro=False)
    return Sheet(member, code, drawn.svg_inline(scale=SCALE, border=4, omitsize=True), stored)


def _departments(visitor: Visit) -> dict[str, str]:
    city = visitor.context.city
    return {each.code: name_in(each.names, visitor.language) for each in city.departments}
