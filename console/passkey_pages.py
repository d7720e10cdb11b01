"""Pages of one's own passkeys and recovery codes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from console import passkeys, recovery, words
from console.access import Permission
from console.account_pages import own_account, prove, renewed
from console.web import Missing, RowNumber, StaffRoute, Visit, passkeys_of, visit
from core import audit
from core.errors import Refusal

router = APIRouter(prefix="/console/account", route_class=StaffRoute)
SettingUp = Annotated[Visit, Depends(visit(Permission.LOOK, setting_up=True))]


@router.get("/passkeys")
async def passkeys_page(visitor: SettingUp) -> Response:
    return await _page(visitor)


@router.post("/passkeys")
async def add(visitor: SettingUp) -> Response:
    """Register the passkey that the browser made, after the password."""
    form, now = visitor.form, visitor.context.clock.now()
    try:
        if not form.get("credential", ""):
            raise Refusal("The browser made no passkey. Please try again.")
        await prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await passkeys_of(visitor.request).add(
                session,
                staff,
                form.text("name"),
                form.get("credential", ""),
                form.text("sealed"),
                visitor.session.nonce,
                now,
            )
            # Sessions that somebody else may have begun with the password alone end.
            staff.session_version += 1
            session.add(staff)
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return renewed(visitor, staff, "passkey-added", way="passkey")


@router.post("/passkeys/{passkey_id}")
async def rename(visitor: SettingUp, passkey_id: RowNumber) -> Response:
    now = visitor.context.clock.now()
    try:
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await passkeys.rename(session, staff, passkey_id, visitor.form.text("name"), now)
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/account/passkeys?saved=yes")


@router.post("/passkeys/{passkey_id}/remove")
async def remove(visitor: SettingUp, passkey_id: RowNumber) -> Response:
    """Remove a passkey, after the password."""
    now = visitor.context.clock.now()
    try:
        await prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await passkeys.remove(session, staff, passkey_id, now)
            staff.session_version += 1
            session.add(staff)
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return renewed(visitor, staff, "passkey-removed", way=visitor.session.way)


@router.post("/recovery")
async def new_recovery_codes(visitor: SettingUp) -> Response:
    """Make new recovery codes, after the password; the old ones stop working."""
    if visitor.staff.totp_secret is None:
        raise Missing
    try:
        await prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            codes = await recovery.replace(session, visitor.session.staff_id)
            await audit.record(
                session,
                visitor.context.clock.now(),
                actor=visitor.actor,
                action="staff.recovery_renewed",
                subject=f"staff:{staff.email}",
            )
    except Refusal as refusal:
        return visitor.page(
            "account_recovery.html",
            status=400,
            refusal=words.said(refusal, visitor.language),
            codes=(),
        )
    return visitor.page("account_recovery.html", codes=codes, refusal="")


@router.get("/recovery")
async def recovery_page(visitor: SettingUp) -> Response:
    """Ask for the password before new recovery codes are made."""
    if visitor.staff.totp_secret is None:
        raise Missing
    return visitor.page("account_recovery.html", codes=(), refusal="")


async def _page(visitor: Visit, *, refusal: Refusal | None = None) -> Response:
    made = passkeys_of(visitor.request)
    async with visitor.context.database.reading() as session:
        known = await passkeys.of_account(session, visitor.session.staff_id)
    asked = None
    if made.is_possible:
        now = visitor.context.clock.now()
        asked = made.ask_for_new(visitor.staff, known, visitor.session.nonce, now)
    return visitor.page(
        "account_passkeys.html",
        status=400 if refusal else 200,
        known=known,
        asked=asked,
        saved=visitor.request.query_params.get("saved") == "yes",
        refusal=words.said(refusal, visitor.language),
    )
