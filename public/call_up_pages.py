"""The page with which a member of staff answers a call-up, by the link in a mail.

Opening it changes nothing: a mail scanner opens links. The answer is a form. The link's signature
lets in, so no cookie does.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from city.city import City, name_in
from city.context import Context
from core.errors import BadInput
from core.web import PUBLIC_POLICY, PublicRoute, secure
from feeds.texts import drill_mark
from public.pages import rendered
from public.settings_pages import HEADERS, form_of
from response import call_ups, words
from response.answer_links import PATH, AnswerLinks
from response.models import CalledMember, CallUp, StaffMember
from response.words import CHOICES, choice_of, say

LANGUAGES = ("ja", "en")
"""In which a link that is no good is refused."""

router = APIRouter(route_class=PublicRoute)


@router.get(f"{PATH}/{{answer_token}}")
async def answer_page(request: Request, answer_token: str) -> Response:
    """Show who is asked what, and the answers that can be given."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        opened = await links_of(request).open(session, answer_token, context.clock.now())
    if opened is None:
        return _refused(request)
    return _shown(request, answer_token, *opened, chosen=request.query_params.get("answer", ""))


@router.post(f"{PATH}/{{answer_token}}")
async def give_answer(request: Request, answer_token: str) -> Response:
    """Keep an answer; a form that was sent before a newer answer changes nothing."""
    context: Context = request.app.state.context
    form = await form_of(request)
    if form is None:
        return _refused(request)
    links, now = links_of(request), context.clock.now()
    async with context.database.reading() as session:  # a stranger holds up no writer
        if await links.open(session, answer_token, now) is None:
            return _refused(request)
    try:
        async with context.database.writing() as session:
            opened = await links.open(session, answer_token, now)
            if opened is None:
                return _refused(request)
            call_up, _, member = opened
            assert call_up.id is not None and member.id is not None
            await call_ups.answer(
                session,
                call_up.id,
                member.id,
                form.text("answer"),
                now,
                by="mail",
                expected=form.text("version"),
            )
    except BadInput as error:
        async with context.database.reading() as session:
            opened = await links.open(session, answer_token, now)
        if opened is None:
            return _refused(request)
        changed = error.reason.code == "call-up.changed"
        return _shown(request, answer_token, *opened, status=409, changed=changed)
    return RedirectResponse(f"{PATH}/{answer_token}?given=yes", status_code=303, headers=HEADERS)


def links_of(request: Request) -> AnswerLinks:
    """Return the links of this installation."""
    settings = request.app.state.context.settings
    return AnswerLinks(settings.secret_key, settings.public_url)


def _shown(
    request: Request,
    token: str,
    call_up: CallUp,
    called: CalledMember,
    member: StaffMember,
    *,
    status: int = 200,
    chosen: str = "",
    changed: bool = False,
) -> Response:
    language = member.language
    city: City = request.app.state.context.city
    given = choice_of(called.answer, called.minutes)
    return _page(
        request,
        language,
        "call_up.html",
        status,
        call_up=call_up,
        member=member,
        department=next(
            (name_in(d.names, language) for d in city.departments if d.code == member.department),
            member.department,
        ),
        mark=drill_mark(language) if call_up.drill else "",
        choices={code: say(language, choice.label) for code, choice in CHOICES.items()},
        chosen=chosen if chosen in CHOICES else given,
        given=given,
        answered_at=called.answered_at,
        version=call_ups.version(called),
        changed=changed,
        token=token,
        w=words,
        say=lambda message, **values: say(language, message, **values),
    )


def _refused(request: Request) -> Response:
    said = {code: say(code, words.NO_LINK) for code in LANGUAGES}
    return _page(request, "ja", "trouble.html", 404, said=said)


def _page(
    request: Request, language: str, template: str, status: int, /, **values: Any
) -> Response:
    body = rendered(request, template, language, path="/", **values)
    response = Response(body, status, media_type="text/html; charset=utf-8")
    https = request.app.state.context.settings.public_url.startswith("https://")
    secure(response, PUBLIC_POLICY, https=https)
    response.headers.update(HEADERS)
    return response
