"""Staff accounts and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from console import accounts, passwords, words
from console.access import Permission
from console.models import Role
from console.web import MOST, RowNumber, StaffRoute, Visit, visit
from core import audit, audit_check
from core.errors import Refusal

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
Auditor = Annotated[Visit, Depends(visit(Permission.AUDIT))]
PAGE = 100


@router.get("/staff")
async def staff_page(visitor: Administrator) -> Response:
    return await _staff(visitor, saved=visitor.request.query_params.get("saved") == "yes")


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
                form.text("role"),
                password,
                name=form.text("name"),
                now=visitor.context.clock.now(),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return await _staff(visitor, refusal=refusal)
    return await _staff(visitor, new=new)


@router.post("/staff/{staff_id}")
async def change(visitor: Administrator, staff_id: RowNumber) -> Response:
    """Change a role, or switch an account off or on."""
    try:
        async with visitor.context.database.writing() as session:
            await accounts.change_staff(
                session,
                staff_id,
                role=accounts.role_called(visitor.form.text("role")),
                active=visitor.form.text("active") == "yes",
                now=visitor.context.clock.now(),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return await _staff(visitor, refusal=refusal)
    return visitor.go("/console/staff?saved=yes")


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
        return await _staff(visitor, refusal=refusal)
    return await _staff(visitor, again=again)


async def _staff(
    visitor: Visit,
    *,
    new: accounts.NewAccount | None = None,
    again: accounts.NewAccount | None = None,
    refusal: Refusal | None = None,
    saved: bool = False,
) -> Response:
    async with visitor.context.database.reading() as session:
        found = await accounts.everybody(session)
    return visitor.page(
        "staff.html",
        status=400 if refusal else 200,
        people=found,
        new=new,
        again=again,
        saved=saved,
        refusal=words.said(refusal, visitor.language),
        typed=visitor.form if refusal else {},
        roles=list(Role),
    )


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
