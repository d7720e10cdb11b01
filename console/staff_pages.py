"""Who may sign in, and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlmodel import col, select

from console import accounts
from console.access import Permission
from console.models import Role, Staff
from console.web import StaffRoute, Visit, visit
from console.words import Refusal
from core.audit import AuditEntry, first_broken

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]
Auditor = Annotated[Visit, Depends(visit(Permission.AUDIT))]
PAGE = 100


@router.get("/staff")
async def staff_page(visitor: Administrator) -> Response:
    return await _staff(visitor, None)


async def _staff(visitor: Visit, new: accounts.NewAccount | None) -> Response:
    async with visitor.context.database.reading() as session:
        found = list(await session.scalars(select(Staff).order_by(col(Staff.email))))
    return visitor.page("staff.html", people=found, new=new, roles=list(Role))


@router.post("/staff")
async def add(visitor: Administrator) -> Response:
    """Make an account; its first password is shown once, to be handed over."""
    form = visitor.form
    async with visitor.context.database.writing() as session:
        new = await accounts.add_staff(
            session,
            form.text("email"),
            form.text("role"),
            name=form.text("name"),
            now=visitor.context.clock.now(),
            actor=visitor.actor,
        )
    return await _staff(visitor, new)


@router.post("/staff/{staff_id}")
async def change(visitor: Administrator, staff_id: int) -> Response:
    role = visitor.form.text("role")
    if role not in list(Role):
        raise Refusal(
            "There is no role {role}; roles are {roles}.", role=role, roles=", ".join(Role)
        )
    async with visitor.context.database.writing() as session:
        await accounts.change_staff(
            session,
            staff_id,
            role=Role(role),
            active=visitor.form.text("active") == "yes",
            now=visitor.context.clock.now(),
            actor=visitor.actor,
        )
    return visitor.go("/console/staff")


@router.get("/audit")
async def audit_page(visitor: Auditor, before: int | None = None, check: bool = False) -> Response:
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
