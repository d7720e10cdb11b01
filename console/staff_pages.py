"""Staff accounts: the list, and one person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from console import accounts, passkeys, passwords, staff_changes, words
from console.access import Permission
from console.models import Role, Staff
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.web import Form

router = APIRouter(prefix="/console", route_class=StaffRoute)
Administrator = Annotated[Visit, Depends(visit(Permission.STAFF))]


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
            wanted = accounts.roles_called(form.all("role"))
            new = await accounts.add_staff(
                session,
                form.text("email"),
                accounts.without_admin(wanted) if Role.ADMIN in wanted else wanted,
                password,
                name=form.text("name"),
                departments=_departments(visitor),
                now=visitor.context.clock.now(),
                actor=visitor.actor,
                promoted_by=visitor.actor if Role.ADMIN in wanted else None,
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
                name=visitor.form.text("name"),
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


@router.post("/staff/{staff_id}/promotion")
async def decide_on_promotion(visitor: Administrator, staff_id: RowNumber) -> Response:
    """Agree as the second administrator that somebody becomes one, or refuse it."""
    agrees = visitor.form.text("agrees") == "yes"
    return await _changed(
        visitor, staff_id, staff_changes.agree if agrees else staff_changes.refuse
    )


@router.post("/staff/{staff_id}/close")
async def close(visitor: Administrator, staff_id: RowNumber) -> Response:
    """Close an account for good."""
    if visitor.form.text("sure") != "yes":
        refusal = Refusal("Say that the account is to be closed for good.")
        return await _person(visitor, staff_id, refusal=refusal)
    return await _changed(visitor, staff_id, staff_changes.close_account)


async def _changed(
    visitor: Visit, staff_id: int, change: Callable[..., Awaitable[object]]
) -> Response:
    try:
        async with visitor.context.database.writing() as session:
            now = visitor.context.clock.now()
            await change(session, staff_id, now=now, actor=visitor.actor)
    except Refusal as refusal:
        return await _person(visitor, staff_id, refusal=refusal)
    return visitor.go(f"/console/staff/{staff_id}?saved=yes")


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
        keys = len(await passkeys.of_account(session, staff_id))
    if person is None:
        raise Missing
    return visitor.page(
        "staff_person.html",
        status=400 if refusal else 200,
        person=person,
        passkeys=keys,
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
