"""Joining a mail address with a LINE account, on the settings page."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from city.context import Context
from core.web import PublicRoute
from public.link_codes import LinkCodes
from public.links import PATH, Links
from public.settings_pages import HEADERS, form_of, is_form_of, refused
from subscriptions import other_media
from subscriptions.models import LINE_MEDIUM, Resident, ResidentState

router = APIRouter(route_class=PublicRoute)


@router.post(f"{PATH}/{{token}}/line")
async def join_line(request: Request, token: str) -> Response:
    """Join a mail address with the account whose code was typed, or separate them."""
    context: Context = request.app.state.context
    links: Links = request.app.state.links
    now = context.clock.now()
    form = await form_of(request)
    if form is None:
        return refused(request)
    codes = LinkCodes(context.settings.secret_key)
    async with context.database.writing() as session:
        opened = await links.open(session, token, now)
        if opened is None or not is_form_of(context, token, form):
            return refused(request)
        resident = opened.resident
        if resident.medium == LINE_MEDIUM or resident.id is None:
            return refused(request)
        only = form.text("only") == "1"
        if form.text("act") == "separate":
            await other_media.link(session, resident.id, None, now)
        elif form.text("act") == "change" and resident.linked_id is not None:
            await other_media.link(
                session, resident.id, resident.linked_id, now, only_if_line_fails=only
            )
        else:
            number = codes.resident(form.text("code"), now)
            other = None if number is None else await session.get(Resident, number)
            if (
                other is None
                or other.medium != LINE_MEDIUM
                or other.state is not ResidentState.FOLLOWING
            ):
                return RedirectResponse(f"{PATH}/{token}?code=wrong#line", 303, headers=HEADERS)
            await other_media.link(session, resident.id, other.id, now, only_if_line_fails=only)
    return RedirectResponse(f"{PATH}/{token}?saved=1", 303, headers=HEADERS)
