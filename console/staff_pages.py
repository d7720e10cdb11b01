"""Staff accounts and the audit trail."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from console import accounts, passwords, words
from console.access import Permission
from console.models import Role, Staff
from console.web import MOST, Missing, RowNumber, StaffRoute, Visit, visit
from core import audit, audit_check
from core.errors import Refusal
from core.web import Form

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
Auditor = Annotated[Visit, Depends(visit(Permission.AUDIT))]
PAGE = 100


@router.get("/staff")
async def staff_page(visitor: Administrator) -> Response:
    return await _staff(visitor)


@router.post("/staff")
async def add(visitor: Administrator) -> Response:
    """Create an account; its first password is shown once."""
    form = visitor.form
    try:
        password = await passwords.made_up()
        async with visitor.context.database.writing() as session:
            new = await accounts.add_staff(
                session,
                form.text("email"),
                form.all("role"),
                password,
                name=form.text("name"),
                departments=_departments(visitor),
                now=visitor.context.clock.now(),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return await _staff(visitor, refusal=refusal)
    return await _staff(visitor, new=new)


@router.get("/staff/{staff_id}")
async def person_page(visitor: Administrator, staff_id: RowNumber) -> Response:
    saved = visitor.request.query_params.get("saved") == "yes"
    return await _person(visitor, staff_id, saved=saved)


@router.post("/staff/{staff_id}")
async def change(visitor: Administrator, staff_id: RowNumber) -> Response:
    """Change roles and departments, or switch an account off or on."""
    try:
        async with visitor.context.database.writing() as session:
            await accounts.change_staff(
                session,
                staff_id,
                roles=accounts.roles_called(visitor.form.all("role")),
                departments=_departments(visitor),
                active=visitor.form.text("active") == "yes",
                now=visitor.context.clock.now(),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return await _person(visitor, staff_id, refusal=refusal)
    return visitor.go(f"/console/staff/{staff_id}?saved=yes")


@router.post("/staff/{staff_id}/reset")
async def reset(visitor: Administrator, staff_id: RowNumber) -> Response:
    """Reset an account; its new password is shown once."""
    try:
        password = await passwords.made_up()
        async with visitor.context.database.writing() as session:
            again = await accounts.reset_staff(
                session, staff_id, password, now=visitor.context.clock.now(), actor=visitor.actor
            )
    except Refusal as refusal:
        return await _person(visitor, staff_id, refusal=refusal)
    return await _person(visitor, staff_id, again=again)


async def _staff(
    visitor: Visit,
    *,
    new: accounts.NewAccount | None = None,
    refusal: Refusal | None = None,
) -> Response:
    async with visitor.context.database.reading() as session:
        found = await accounts.everybody(session)
    return visitor.page(
        "staff.html",
        status=400 if refusal else 200,
        people=found,
        new=new,
        refusal=words.said(refusal, visitor.language),
        typed=visitor.form if refusal else {},
        **_choices(visitor, None if refusal is None else visitor.form),
    )


async def _person(
    visitor: Visit,
    staff_id: int,
    *,
    again: accounts.NewAccount | None = None,
    refusal: Refusal | None = None,
    saved: bool = False,
) -> Response:
    async with visitor.context.database.reading() as session:
        person = await session.get(Staff, staff_id)
    if person is None:
        raise Missing
    return visitor.page(
        "staff_person.html",
        status=400 if refusal else 200,
        person=person,
        again=again,
        saved=saved,
        refusal=words.said(refusal, visitor.language),
        **_choices(visitor, person),
    )


def _choices(visitor: Visit, of: Staff | Form | None) -> dict[str, Any]:
    """Return the roles and departments that can be chosen, and which are."""
    chosen: set[str] = set()
    if isinstance(of, Staff):
        chosen = {*of.roles, *of.departments}
    elif of is not None:
        chosen = {*of.all("role"), *of.all("department")}
    return {"roles": list(Role), "departments": visitor.context.city.departments, "chosen": chosen}


def _departments(visitor: Visit) -> tuple[str, ...]:
    return accounts.departments_called(visitor.form.all("department"), visitor.context.city)


@router.get("/audit")
async def audit_page(
    visitor: Auditor,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    check: bool = False,
) -> Response:
    """Show the audit trail, newest first, and the state of the chain.

    With ``check``, the newest entries are read; a small trail is read completely.
    """
    context = visitor.context
    async with context.database.reading() as session:
        entries = await audit.newest(session, PAGE, before=before)
        last = await audit.last_id(session)
    if check:
        known = await audit_check.check_while_waiting(context.database, context.clock)
    else:
        known = await audit_check.state(context.database)
    return visitor.page(
        "audit.html",
        entries=entries,
        known=known,
        last=last,
        older=entries[-1].id if len(entries) == PAGE else None,
    )


@router.post("/audit")
async def check_the_whole(visitor: Auditor) -> Response:
    """Request a check of the trail from its first entry; the scheduler does it within minutes."""
    await audit_check.ask_for_whole(visitor.context.database, visitor.context.clock.now())
    return visitor.go("/console/audit")
