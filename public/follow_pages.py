"""How to get the city's news: by LINE, by mail, or in the browser; without script.

Somebody who gives a mail address is sent a link (double opt-in). The answer is the same whether the
address is known or not. Links in mails open the settings, or end the mails: for a person with a
page and a button, for a mail program with one request (RFC 8058). A GET changes nothing, because
programs that check mails for viruses open every link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from channels.email import signups
from channels.email.addresses import normalised
from channels.email.tokens import MailTokens, Purpose
from city.city import City
from city.context import Context
from core.errors import BadInput
from core.languages import mark
from core.settings import Settings
from core.web import Form, PublicRoute, read_form
from public.links import PATH as SETTINGS
from public.links import Links
from public.pages import language_of, rendered
from public.portal_pages import account_address
from public.qr import code_picture
from public.settings_pages import HEADERS, is_ours
from public.words import CATALOGUE
from subscriptions import other_media, residents
from subscriptions.models import Resident

PATH = "/follow"
ONE_CLICK = "List-Unsubscribe"

NO_LINK = mark("This link is no longer valid. You can ask for a new one.")
TOO_MANY = mark("Too many people ask at this moment. Please try again in an hour.")
STOPPED = mark("You get no more mails from the city.")
ERASED = mark("You get no more mails from the city. Nothing is kept of you any more.")
ON_ITS_WAY = mark("A mail with a link is on its way to you, if the address is right.")

router = APIRouter(route_class=PublicRoute)


@dataclass(frozen=True)
class MailDoor:
    """What the pages need of mail; ``app.state.mail_door``, None where no mail is sent.

    Parameters
    ----------
    sender
        The address that mails come from.
    box
        The address to which people can write to follow; "" for none.
    """

    tokens: MailTokens
    sender: str
    box: str

    @classmethod
    def of(cls, settings: Settings) -> MailDoor | None:
        """Return it, or None if no mail is sent."""
        if settings.smtp is None:
            return None
        return cls(
            MailTokens(settings.secret_key, settings.secret_keys_old),
            settings.smtp.address,
            settings.mail_box.address if settings.mail_box is not None else "",
        )


@router.get(PATH)
async def follow_page(request: Request) -> Response:
    """Show the ways to get the news."""
    return _follow(request)


@router.post(f"{PATH}/mail")
async def ask_by_mail(request: Request) -> Response:
    """Have a link sent to an address."""
    context: Context = request.app.state.context
    door = _door(request)
    form = await _form(request)
    if door is None or form is None or not is_ours(request):
        return no_link(request)
    language = _chosen(form, request, context.city)
    address = normalised(form.get("address", ""))
    if address is None:
        return _follow(request, typed=form.text("address")[:320], wrong=True, status=422)
    network = request.client.host if request.client else ""
    try:
        async with context.database.writing() as session:
            asked = signups.Asked(address, language, network)
            await signups.ask(session, context.queue, door.tokens, asked, context.clock.now())
    except signups.TooMany:
        return too_many(request, language)
    return RedirectResponse(f"{PATH}/sent?lang={quote(language)}", 303, headers=HEADERS)


@router.get(f"{PATH}/sent")
async def sent_page(request: Request) -> Response:
    """Say that a mail is on its way."""
    door = _door(request)
    language = language_of(request, request.app.state.context.city)
    if door is None:
        return no_link(request)
    return mail_page(request, language, "follow_sent.html", said=ON_ITS_WAY, sender=door.sender)


@router.get(f"{PATH}/confirm/{{token}}")
async def confirm_page(request: Request, token: str) -> Response:
    """Ask whether the address is one's own."""
    context: Context = request.app.state.context
    door = _door(request)
    opened = door and door.tokens.read_link(Purpose.CONFIRM, token, context.clock.now())
    if not opened:
        return no_link(request)
    address, language = opened
    return mail_page(
        request,
        _spoken(context.city, language),
        "follow_confirm.html",
        address=address,
        action=f"{PATH}/confirm/{token}",
    )


@router.post(f"{PATH}/confirm/{{token}}")
async def confirm(request: Request, token: str) -> Response:
    """Let the address follow, and lead to the choices."""
    context: Context = request.app.state.context
    door, now = _door(request), context.clock.now()
    if door is None or not is_ours(request):
        return no_link(request)
    if door.tokens.read_link(Purpose.CONFIRM, token, now) is None:
        return no_link(request)
    async with context.database.writing() as session:
        resident = await signups.confirm(session, context.city, door.tokens, token, now)
        return _to_settings(request, resident, now)


@router.get(f"{PATH}/settings/{{token}}")
async def settings_of_mail(request: Request, token: str) -> Response:
    """Lead from a link in a mail to the settings, by a link that works for minutes."""
    context: Context = request.app.state.context
    door, now = _door(request), context.clock.now()
    if door is None:
        return no_link(request)
    async with context.database.reading() as session:
        resident = await signups.follower(session, door.tokens, Purpose.SETTINGS, token, now)
        return _to_settings(request, resident, now)


@router.get(f"{PATH}/stop/{{token}}")
async def stop_page(request: Request, token: str) -> Response:
    """Ask whether the mails are to end."""
    context: Context = request.app.state.context
    door = _door(request)
    opened = door and door.tokens.read_link(Purpose.UNSUBSCRIBE, token, context.clock.now())
    if not opened:
        return no_link(request)
    return mail_page(
        request,
        await _language_of(request, opened[0]),
        "follow_stop.html",
        address=opened[0],
        action=f"{PATH}/stop/{token}",
    )


@router.post(f"{PATH}/stop/{{token}}")
async def stop(request: Request, token: str) -> Response:
    """End the mails: by the button of the page, or by a mail program's one request.

    The link alone shows that it is allowed. So there is no other check, no cookie and no redirect
    (RFC 8058, 3.2). Whoever stops a second time gets the same answer.
    """
    context: Context = request.app.state.context
    door, now = _door(request), context.clock.now()
    opened = door and door.tokens.read_link(Purpose.UNSUBSCRIBE, token, now)
    if not opened:
        return no_link(request)
    form = await _form(request) or Form([])
    erase = form.text("erase") == "1" and form.get(ONE_CLICK) is None and is_ours(request)
    language = await _language_of(request, opened[0])
    async with context.database.writing() as session:
        found = await other_media.find_at(session, signups.MEDIUM, opened[0])
        if erase and found is not None and found.id is not None:
            await residents.erase(session, context.city, found.id, now)
        else:
            await signups.stop(session, opened[0], now)
    return _said(request, language, ERASED if erase else STOPPED)


def _to_settings(request: Request, resident: Resident | None, now: datetime) -> Response:
    """Lead a resident to the settings, by a link that works for minutes."""
    if resident is None:
        return no_link(request)
    links: Links = request.app.state.links
    page = f"{SETTINGS}/{links.token(resident, now)}"
    return RedirectResponse(page, 303, headers=HEADERS)


async def _form(request: Request) -> Form | None:
    """Return what was sent; None if it is no form. A mail program may send it as multipart."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return Form([])
    try:
        return await read_form(request)
    except BadInput:
        return None


async def _language_of(request: Request, address: str) -> str:
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        found = await other_media.find_at(session, signups.MEDIUM, address)
    return language_of(request, context.city) if found is None else found.language


def _follow(
    request: Request, *, typed: str = "", wrong: bool = False, status: int = 200
) -> Response:
    context: Context = request.app.state.context
    city, door = context.city, _door(request)
    return mail_page(
        request,
        language_of(request, city),
        "follow.html",
        status=status,
        path=PATH,
        line=account_address(city),
        code_picture=code_picture,
        door=door,
        typed=typed,
        wrong=wrong,
    )


def _said(request: Request, language: str, message: str, *, status: int = 200) -> Response:
    said = CATALOGUE.text(language, message)
    return mail_page(request, language, "follow_said.html", status=status, said=said)


def too_many(request: Request, language: str) -> Response:
    """Say that it cannot be taken now."""
    return _said(request, language, TOO_MANY, status=429)


def no_link(request: Request) -> Response:
    """Say that a link is no good, whatever is wrong with it."""
    language = language_of(request, request.app.state.context.city)
    return _said(request, language, NO_LINK, status=404)


def mail_page(
    request: Request,
    language: str,
    template: str,
    *,
    status: int = 200,
    path: str = "/",
    **values: object,
) -> Response:
    """Return a page for somebody who follows, or may follow, by mail."""
    body = rendered(request, template, language, path=path, **values)
    headers: Mapping[str, str] = {"Cache-Control": "no-store"} if path == PATH else HEADERS
    return Response(body, status, dict(headers), media_type="text/html; charset=utf-8")


def _chosen(form: Form, request: Request, city: City) -> str:
    language = form.text("language")
    return language if language in city.languages else language_of(request, city)


def _spoken(city: City, language: str) -> str:
    return language if language in city.languages else city.languages[0]


def _door(request: Request) -> MailDoor | None:
    door: MailDoor | None = getattr(request.app.state, "mail_door", None)
    return door
