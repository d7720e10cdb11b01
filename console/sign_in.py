"""Signing in and out, and the language of the console."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from channels.web import read_form
from console import accounts
from console.access import Permission
from console.web import (
    LANGUAGE_COOKIE,
    DemoAccount,
    StaffRoute,
    Visit,
    context_of,
    language_of,
    render,
    safe_next,
    sessions_of,
    visit,
)
from console.words import CATALOGUE, STAFF_LANGUAGES, mark

router = APIRouter(prefix="/console", route_class=StaffRoute)
WRONG = mark("E-mail address, password or code is wrong.")
Anybody = Annotated[Visit, Depends(visit(Permission.LOOK, password_handed_over=True))]


def demo_accounts(request: Request) -> tuple[DemoAccount, ...]:
    """Return the accounts that the sign-in page shows: those of a demo, else none."""
    found = getattr(request.app.state, "demo_accounts", ())
    return tuple(found) if getattr(request.app.state, "demo", False) else ()


def _form(request: Request, *, message: str = "", email: str = "", back: str = "") -> Response:
    sessions = sessions_of(request)
    visitor = sessions.visitor(request)
    response = render(
        request,
        "sign_in.html",
        status=400 if message else 200,
        message=message,
        email=email,
        next=back,
        visitor_token=sessions.form_token(visitor),
        demo_accounts=demo_accounts(request),
    )
    sessions.write_visitor(response, visitor)
    return response


@router.get("/sign-in")
async def sign_in_page(request: Request, next: str = "") -> Response:
    return _form(request, back=next if safe_next(next) else "")


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """Check who it is; a new session is made, whatever cookie the browser brought."""
    context, sessions = context_of(request), sessions_of(request)
    form = await read_form(request)
    language = language_of(request)
    email, back = form.text("email")[:254], form.text("next")
    back = back if safe_next(back) else ""
    if not sessions.token_fits(sessions.visitor(request), form.text("csrf")):
        return _form(
            request,
            message=CATALOGUE.text(language, "The page was too old. Please try again."),
            email=email,
            back=back,
        )
    now = context.clock.now()
    try:
        staff = await accounts.sign_in(
            context.database,
            email,
            form.get("password", ""),
            code=form.text("code"),
            address=request.client.host if request.client else "",
            now=now,
        )
    except accounts.TooManyAttempts as refusal:
        response = _form(request, message=refusal.said(language), email=email, back=back)
        response.status_code = 429
        return response
    if staff is None or staff.id is None:
        return _form(request, message=CATALOGUE.text(language, WRONG), email=email, back=back)
    session = sessions.start(staff.id, staff.session_version, now)
    request.state.session = session
    return RedirectResponse(back or "/console/", status_code=303)


@router.post("/sign-out")
async def sign_out(request: Request, visitor: Anybody) -> Response:
    request.state.session = None
    context = visitor.context
    async with context.database.writing() as session:
        await accounts.sign_out(session, visitor.staff, visitor.session.nonce, context.clock.now())
    response = RedirectResponse("/console/sign-in", status_code=303)
    sessions_of(request).end(response)
    return response


@router.post("/language")
async def choose_language(request: Request) -> Response:
    """Remember a browser's language; nothing else depends on it, so it needs no session."""
    form = await read_form(request)
    chosen, back = form.text("language"), form.text("back")
    response = RedirectResponse(back if safe_next(back) else "/console/", status_code=303)
    if chosen in STAFF_LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            chosen,
            path="/console",
            max_age=365 * 86400,
            httponly=True,
            samesite="lax",
        )
    return response
