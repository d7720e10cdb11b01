"""Pages of one's own account: password, one-time codes, sessions on other devices."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from console import accounts, passkeys, passwords, recovery, staff_changes, words
from console.access import Permission
from console.encryption import Encryption
from console.hashing import KNOWN
from console.models import Staff
from console.one_time import Offer, step_of
from console.web import (
    NotPermitted,
    StaffRoute,
    Visit,
    origin_of,
    passkeys_of,
    sessions_of,
    visit,
)
from core import audit
from core.errors import Refusal
from core.languages import mark

router = APIRouter(prefix="/console/account", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
SettingUp = Annotated[Visit, Depends(visit(Permission.LOOK, setting_up=True))]
Newcomer = Annotated[Visit, Depends(visit(Permission.LOOK, password_handed_over=True))]

DONE = {
    "password": mark("The password is changed. You are signed out everywhere else."),
    "code-on": mark("From now on signing in asks for a one-time code."),
    "code-off": mark("Signing in asks for no one-time code any more."),
    "name": mark("Saved."),
    "passkey-added": mark("The passkey is registered. You are signed out everywhere else."),
    "passkey-removed": mark("The passkey is removed. You are signed out everywhere else."),
    "elsewhere": mark("You are signed out everywhere else."),
}
"""The message after each act; the address names the act."""


@router.get("")
async def account_page(visitor: Newcomer, done: str = "") -> Response:
    return await _page(visitor, done=DONE.get(done, ""))


@router.post("/password")
async def change_password(visitor: Newcomer) -> Response:
    """Change one's own password with the current one; other sessions end."""
    form = visitor.form
    try:
        if form.get("new", "") != form.get("again", ""):
            raise Refusal("The two new passwords differ.")
        if form.get("new", "") == form.get("present", ""):
            raise Refusal("The new password is the present one. Choose another.")
        about = accounts.known_of(visitor.staff.email, visitor.staff.name, visitor.context.city)
        await KNOWN.run(passwords.check, form.get("new", ""), about)
        await prove(visitor)
        password = await passwords.chosen(form.get("new", ""), about)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await accounts.set_password(
                session, staff, password, now=_now(visitor), actor=visitor.actor
            )
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return renewed(visitor, staff, "password")


@router.post("/name")
async def change_name(visitor: Looker) -> Response:
    """Change one's own name, as colleagues see it."""
    try:
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await staff_changes.rename(session, staff, visitor.form.text("name"), _now(visitor))
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/account?done=name")


@router.get("/code")
async def offer_code(visitor: SettingUp) -> Response:
    """Offer a new key for an app that makes one-time codes."""
    return _offer_page(visitor, Offer.fresh(visitor.session.staff_id, _now(visitor)))


@router.post("/code")
async def begin_codes(visitor: SettingUp) -> Response:
    """Require codes from now on, after a right code and the password."""
    form, now = visitor.form, _now(visitor)
    offer = Offer.unseal(
        form.text("offer")[:500],
        visitor.context.settings.secret_key,
        staff_id=visitor.session.staff_id,
        now=now,
    )
    try:
        step = step_of(offer.secret, form.text("new_code"), now)
        if step is None:
            raise Refusal("That is not the code which the app shows for this key.")
        await prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            codes = await accounts.set_one_time(
                session, staff, offer.secret, _encryption(visitor), now=now, actor=visitor.actor
            )
            await accounts.use_code(session, staff, step, now)
    except Refusal as refusal:
        return _offer_page(visitor, offer, refusal=refusal)
    renewed(visitor, staff, "code-on")
    going_on = replace(visitor, staff=staff, session=visitor.request.state.session)
    return going_on.page("account_recovery.html", codes=codes, refusal="", new=True)


@router.post("/code/off")
async def end_codes(visitor: Looker) -> Response:
    """Turn codes off; needs the password and a code."""
    try:
        await prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await own_account(session, visitor)
            await accounts.set_one_time(
                session,
                staff,
                None,
                _encryption(visitor),
                now=_now(visitor),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return renewed(visitor, staff, "code-off")


@router.post("/elsewhere")
async def sign_out_elsewhere(visitor: Looker) -> Response:
    """End one's other sessions: a desk left open, a phone that was lost."""
    async with visitor.context.database.writing() as session:
        staff = await own_account(session, visitor)
        staff.session_version += 1
        session.add(staff)
        await audit.record(
            session,
            _now(visitor),
            actor=visitor.actor,
            action="session.closed_elsewhere",
            subject=f"staff:{visitor.actor}",
        )
    return renewed(visitor, staff, "elsewhere")


def _encryption(visitor: Visit) -> Encryption:
    return Encryption.of(visitor.context.settings)


def _now(visitor: Visit) -> datetime:
    return visitor.context.clock.now()


async def _page(visitor: Visit, *, done: str = "", refusal: Refusal | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        known = await passkeys.of_account(session, visitor.session.staff_id)
        codes_left = await recovery.left(session, visitor.session.staff_id)
    return visitor.page(
        "account.html",
        status=400 if refusal else 200,
        done=done,
        refusal=words.said(refusal, visitor.language),
        passkeys=known,
        passkeys_possible=passkeys_of(visitor.request).is_possible,
        codes_left=codes_left,
        least=passwords.MINIMUM,
        advised=passwords.ADVISED,
    )


def _offer_page(visitor: Visit, offer: Offer, *, refusal: Refusal | None = None) -> Response:
    return visitor.page(
        "account_code.html",
        status=400 if refusal else 200,
        offer=offer,
        sealed=offer.seal(visitor.context.settings.secret_key),
        picture=_picture(offer.address(visitor.staff.email)),
        refusal=words.said(refusal, visitor.language),
    )


def _picture(address: str) -> str:
    """Return the QR code of a key for an app, as SVG; it is never stored anywhere."""
    drawn: str = segno.make(address, micro=False).svg_inline(
        scale=4, border=4, light="#fff", omitsize=True
    )
    return drawn


async def prove(visitor: Visit) -> None:
    """Check the current password, and the code if the account has codes.

    Raises
    ------
    Refusal
        One of them is wrong, or too many were.
    """
    request: Request = visitor.request
    known = await accounts.prove(
        visitor.context.database,
        _encryption(visitor),
        visitor.staff.email,
        visitor.form.get("present", ""),
        code=visitor.form.text("code"),
        origin=origin_of(request),
        now=_now(visitor),
    )
    if known is None:
        raise Refusal("The present password or code is wrong. A code can be used only once.")


async def own_account(session: AsyncSession, visitor: Visit) -> Staff:
    staff = await session.get(Staff, visitor.session.staff_id, with_for_update=True)
    if staff is None or staff.session_version != visitor.session.version:
        raise NotPermitted
    return staff


def renewed(visitor: Visit, staff: Staff, done: str, *, way: str | None = None) -> Response:
    """Continue in this browser with a new session, because all sessions were ended."""
    visitor.request.state.session = sessions_of(visitor.request).start(
        visitor.session.staff_id,
        staff.session_version,
        _now(visitor),
        visitor.session.way if way is None else way,
    )
    return visitor.go(f"/console/account?done={done}")
