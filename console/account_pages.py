"""Pages of one's own account: password, one-time codes, sessions on other devices."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from console import accounts, passwords, words
from console.access import Permission
from console.encryption import Encryption
from console.hashing import KNOWN
from console.models import Staff
from console.one_time import Offer, step_of
from console.web import NotPermitted, StaffRoute, Visit, origin_of, sessions_of, visit
from core import audit
from core.errors import Refusal
from core.languages import mark

router = APIRouter(prefix="/console/account", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Newcomer = Annotated[Visit, Depends(visit(Permission.LOOK, password_handed_over=True))]

DONE = {
    "password": mark("The password is changed. You are signed out everywhere else."),
    "code-on": mark("From now on signing in asks for a one-time code."),
    "code-off": mark("Signing in asks for no one-time code any more."),
    "elsewhere": mark("You are signed out everywhere else."),
}
"""The message after each act; the address names the act."""


@router.get("")
async def account_page(visitor: Newcomer, done: str = "") -> Response:
    return _page(visitor, done=DONE.get(done, ""))


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
        await _prove(visitor)
        password = await passwords.chosen(form.get("new", ""), about)
        async with visitor.context.database.writing() as session:
            staff = await _own(session, visitor)
            await accounts.set_password(
                session, staff, password, now=_now(visitor), actor=visitor.actor
            )
    except Refusal as refusal:
        return _page(visitor, refusal=refusal)
    return _renewed(visitor, staff, "password")


@router.get("/code")
async def offer_code(visitor: Looker) -> Response:
    """Offer a new key for an app that makes one-time codes."""
    return _offer_page(visitor, Offer.fresh(visitor.session.staff_id, _now(visitor)))


@router.post("/code")
async def begin_codes(visitor: Looker) -> Response:
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
        await _prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await _own(session, visitor)
            await accounts.set_one_time(
                session, staff, offer.secret, _encryption(visitor), now=now, actor=visitor.actor
            )
            await accounts.use_code(session, staff, step, now)
    except Refusal as refusal:
        return _offer_page(visitor, offer, refusal=refusal)
    return _renewed(visitor, staff, "code-on")


@router.post("/code/off")
async def end_codes(visitor: Looker) -> Response:
    """Turn codes off; needs the password and a code."""
    try:
        await _prove(visitor)
        async with visitor.context.database.writing() as session:
            staff = await _own(session, visitor)
            await accounts.set_one_time(
                session,
                staff,
                None,
                _encryption(visitor),
                now=_now(visitor),
                actor=visitor.actor,
            )
    except Refusal as refusal:
        return _page(visitor, refusal=refusal)
    return _renewed(visitor, staff, "code-off")


@router.post("/elsewhere")
async def sign_out_elsewhere(visitor: Looker) -> Response:
    """End one's other sessions: a desk left open, a phone that was lost."""
    async with visitor.context.database.writing() as session:
        staff = await _own(session, visitor)
        staff.session_version += 1
        session.add(staff)
        await audit.record(
            session,
            _now(visitor),
            actor=visitor.actor,
            action="session.closed_elsewhere",
            subject=f"staff:{visitor.actor}",
        )
    return _renewed(visitor, staff, "elsewhere")


def _encryption(visitor: Visit) -> Encryption:
    return Encryption.of(visitor.context.settings)


def _now(visitor: Visit) -> datetime:
    return visitor.context.clock.now()


def _page(visitor: Visit, *, done: str = "", refusal: Refusal | None = None) -> Response:
    return visitor.page(
        "account.html",
        status=400 if refusal else 200,
        done=done,
        refusal=words.said(refusal, visitor.language),
        least=passwords.MINIMUM,
        advised=passwords.ADVISED,
    )


def _offer_page(visitor: Visit, offer: Offer, *, refusal: Refusal | None = None) -> Response:
    return visitor.page(
        "account_code.html",
        status=400 if refusal else 200,
        offer=offer,
        sealed=offer.seal(visitor.context.settings.secret_key),
        refusal=words.said(refusal, visitor.language),
    )


async def _prove(visitor: Visit) -> None:
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


async def _own(session: AsyncSession, visitor: Visit) -> Staff:
    staff = await session.get(Staff, visitor.session.staff_id, with_for_update=True)
    if staff is None or staff.session_version != visitor.session.version:
        raise NotPermitted
    return staff


def _renewed(visitor: Visit, staff: Staff, done: str) -> Response:
    """Continue in this browser with a new session, because all sessions were ended."""
    visitor.request.state.session = sessions_of(visitor.request).start(
        visitor.session.staff_id, staff.session_version, _now(visitor)
    )
    return visitor.go(f"/console/account?done={done}")
