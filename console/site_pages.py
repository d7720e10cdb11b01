"""The page for the staff at an evacuation site, on their own phone, by a link and without account.

The link says which site and which world (``response.shelter_links``). Each press is an act with a
key and an age, so that a phone without a line can keep acts and send them later: an act that comes
twice counts once, and a late one does not undo a newer one (``response.shelters.say``). Without
JavaScript the page is a plain form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.shelters import Shelter
from console import words
from console.link_pages import (
    HAS_ENDED,
    MOST_OF_LINK,
    NOT_OURS,
    TOO_MANY,
    LinkRefused,
    LinkRoute,
    PhoneCookie,
    chosen_language,
    context_of,
    device_of,
    form_of,
    key_of,
    language_of,
    link_page,
    listed_acts,
    new_key,
    opened_page,
    worker_answer,
)
from console.shelter_pages import act_words, offer_names
from core.errors import BadInput
from core.languages import mark
from response import shelter_links
from response.models import ShelterLink, ShelterState, ShelterStatus
from response.modes import real_now
from response.shelter_links import ShelterTokens, is_valid
from response.shelters import Saying, acts_of_link, checked, history, say, statuses

PHONE = PhoneCookie("todoke_site_phone", "/site")
MOST_SHOWN = 6
IS_REAL_NOW = mark(
    "This link is for a drill, and a real disaster is on. What you press here does not count: ask "
    "the desk for another link."
)
router = APIRouter(route_class=LinkRoute)


@dataclass(frozen=True)
class Opened:
    """A link that may be used, and its site."""

    link: ShelterLink
    site: Shelter

    @property
    def actor(self) -> str:
        return f"link:{self.link.id}"


@router.get("/site/worker.js")
async def worker(_request: Request) -> Response:
    """The service worker; its scope is ``/site/``."""
    return worker_answer()


@router.get("/site/{token}")
async def site_page(request: Request, token: str) -> Response:
    """Show the page, and note in which browser it was opened."""
    context = context_of(request)

    def note(session: AsyncSession, opened: Opened, phone: str) -> Awaitable[None]:
        now = context.clock.now()
        return shelter_links.opened(session, opened.link, phone, device_of(request), now)

    async def page(opened: Opened) -> Response:
        async with context.database.reading() as session:
            shown = await _shown(session, request, opened)
        return _page(request, "site.html", token=token, opened=opened, key=new_key(), **shown)

    return await opened_page(
        request, PHONE, lambda session: _opened(session, request, token), note, page
    )


@router.post("/site/{token}")
async def by_form(request: Request, token: str) -> Response:
    """Do one act of a browser without JavaScript."""
    context = context_of(request)
    form = await form_of(request)
    kind, _, value = form.get("do", "").partition(":")
    if kind in ("heads", "note"):
        value = form.get(kind, "")
    try:
        act = Saying(*checked(kind, value), key=key_of(form.get("key", "")) or new_key())
    except BadInput:
        return _back(request, token, "wrong")
    await _require_open(request, token)
    async with context.database.writing() as session:
        opened = await _opened(session, request, token, acts=1)
        await _say(session, request, opened, [act])
    return _back(request, token, "yes")


@router.post("/site/{token}/acts")
async def by_program(request: Request, token: str) -> Response:
    """Take the acts that a phone kept, in their order; answer which are done, and the state."""
    context = context_of(request)
    acts, wrong = _acts(await listed_acts(request))
    await _require_open(request, token)
    async with context.database.writing() as session:
        opened = await _opened(session, request, token, acts=len(acts))
        if acts:
            await _say(session, request, opened, acts)
        shown = await _shown(session, request, opened)
    status: ShelterStatus | None = shown["status"]
    return JSONResponse(
        {
            "done": [act.key for act in acts],
            "refused": wrong,
            "state": status.state.value if status else "",
            "heads": status.heads if status else None,
            "offers": list(status.offers) if status else [],
            "last": [f"{when} {said}" for when, said in shown["last"]],
        }
    )


async def _opened(session: AsyncSession, request: Request, token: str, *, acts: int = 0) -> Opened:
    """Return the link of a token.

    Raises
    ------
    LinkRefused
        We did not make it, it has ended, or it is a drill's and it is real now.
    """
    context = context_of(request)
    link = await ShelterTokens(context.settings.secret_key).find(session, token)
    sites: tuple[Shelter, ...] = request.app.state.folder.shelters
    site = next((one for one in sites if link is not None and one.code == link.shelter), None)
    if link is None or site is None:
        raise LinkRefused("unknown", NOT_OURS, 404)
    if not is_valid(link, context.clock.now()):
        raise LinkRefused("ended", HAS_ENDED, 410, drill=link.drill)
    if link.drill and await real_now(session, context.city, context.clock.now()):
        raise LinkRefused("real-now", IS_REAL_NOW, 409, drill=True)
    if acts and await acts_of_link(session, link.id or 0) + acts > MOST_OF_LINK:
        raise LinkRefused("too-many", TOO_MANY, 429, drill=link.drill)
    return Opened(link, site)


async def _require_open(request: Request, token: str) -> None:
    """Refuse a stranger before they hold up a writer; raises as :func:`_opened`."""
    async with context_of(request).database.reading() as session:
        await _opened(session, request, token)


async def _say(session: AsyncSession, request: Request, opened: Opened, acts: list[Saying]) -> None:
    await say(
        session,
        request.app.state.folder.shelters,
        opened.site.code,
        acts,
        context_of(request).clock.now(),
        actor=opened.actor,
        drill=opened.link.drill,
        link_id=opened.link.id,
    )


async def _shown(session: AsyncSession, request: Request, opened: Opened) -> dict[str, Any]:
    """What the page says of its site."""
    language = language_of(request)
    said = await statuses(session, drill=opened.link.drill)
    acts = await history(session, opened.site.code, drill=opened.link.drill, most=MOST_SHOWN)
    last = [(words.moment(act.at, language), act_words(act, language)) for act in acts]
    return {"status": said.get(opened.site.code), "last": last}


def _acts(
    listed: Iterable[tuple[str, datetime, dict[str, Any]]],
) -> tuple[list[Saying], list[str]]:
    """Return the acts of a request, and the keys of those that cannot be."""
    found: list[Saying] = []
    wrong: list[str] = []
    for key, at, one in listed:
        try:
            kind, value = checked(str(one.get("kind", "")), str(one.get("value", ""))[:2000])
        except BadInput:
            wrong.append(key)
            continue
        found.append(Saying(kind, value, at, key))
    return found, wrong


def _back(request: Request, token: str, done: str) -> Response:
    query = urlencode({"done": done} | chosen_language(request))
    return RedirectResponse(f"/site/{token}?{query}", status_code=303)


def _page(request: Request, template: str, **values: Any) -> Response:
    offers = offer_names(language_of(request))
    return link_page(request, template, states=tuple(ShelterState), offers=offers, **values)
