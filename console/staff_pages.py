"""Who may sign in, and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from sqlmodel import col, select

from console import accounts
from console.access import Permission
from console.models import Role, Staff
from console.web import MOST, RowNumber, StaffRoute, Visit, visit
from console.words import Refusal
from core.audit import AuditEntry, first_broken

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
Auditor = Annotated[Visit, Depends(visit(Permission.AUDIT))]
PAGE = 100


@router.get("/staff")
async def staff_page(visitor: Administrator) -> Response:
    return await _staff(visitor, saved=visitor.request.query_params.get("saved") == "yes")


@router.post("/staff")
async def add(visitor: Administrator) -> Response:
    """Make an account; its first password is shown once, to be handed over."""
    form = visitor.form
    try:
        async with visitor.context.database.writing() as session:
            new = await accounts.add_staff(
                session,
                form.text("email"),
                form.text("role"),
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
    """Let somebody in again; their new password is shown once, to be handed over."""
    try:
        async with visitor.context.database.writing() as session:
            again = await accounts.reset_staff(
                session, staff_id, now=visitor.context.clock.now(), actor=visitor.actor
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
        found = list(await session.scalars(select(Staff).order_by(col(Staff.email))))
    return visitor.page(
        "staff.html",
        status=400 if refusal else 200,
        people=found,
        new=new,
        again=again,
        saved=saved,
        refusal=refusal.said(visitor.language) if refusal else "",
        typed=visitor.form if refusal else {},
        roles=list(Role),
    )


@router.get("/audit")
async def audit_page(
    visitor: Auditor,
    before: Annotated[int | None, Query(ge=1, le=MOST)] = None,
    check: bool = False,
) -> Response:
    """Show what was done, newest first; the chain is checked when asked for."""
    statement = select(AuditEntry).order_by(col(AuditEntry.id).desc()).limit(PAGE)
    if before is not None:
        statement = statement.where(col(AuditEntry.id) < before)
    async with visitor.context.database.reading() as session:
        entries = list(await session.scalars(statement))
        broken = await first_broken(session) if check else None
    return visitor.page(
        "audit.html",
        entries=entries,
        checked=check,
        broken=broken,
        older=entries[-1].id if len(entries) == PAGE else None,
    )
