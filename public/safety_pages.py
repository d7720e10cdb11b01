"""``/follow/safe/…``: how a household is, told by somebody who follows by mail and not at LINE.

The link stands in the mails of emergencies and names its reader. Opening it tells nothing, because
mail scanners open links. The city is told what the conversation at LINE would tell it, and staff
answer by mail.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from channels.email import signups
from channels.email.medium import SAFETY_PATH
from channels.email.tokens import Purpose
from city.context import Context
from core.errors import BadInput
from core.text import clean
from core.web import Form, PublicRoute, read_form
from feeds.in_force import public_notices
from feeds.texts import drill_mark
from public.follow_pages import MailDoor, mail_page, no_link, too_many
from public.portal import GRAVE
from public.settings_pages import HEADERS, is_ours
from response import households
from response.household_names import CONDITIONS, NEEDS, WHEREABOUTS
from response.households import MOST_PEOPLE, MOST_WORDS, Household, Told
from response.models import Condition, Need, Whereabouts
from response.modes import open_modes
from subscriptions import residents
from subscriptions.models import Resident

APART = timedelta(seconds=5)
"""Two answers of one household that come closer are those of a program."""
_KEY = re.compile(r"[0-9a-f]{32}")

router = APIRouter(route_class=PublicRoute)


@dataclass(frozen=True)
class _Asked:
    """Whom the city asks now, and whether in a drill; None if it does not ask."""

    resident: Resident
    drill: bool | None
    last: Household | None


@router.get(f"{SAFETY_PATH}/{{token}}")
async def safety_page(request: Request, token: str) -> Response:
    """Ask how the household is; change nothing."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        asked = await _asked(request, session, token)
    return no_link(request) if asked is None else _shown(request, asked, token)


@router.post(f"{SAFETY_PATH}/{{token}}")
async def tell(request: Request, token: str) -> Response:
    """Keep an answer; the same form tells once."""
    context: Context = request.app.state.context
    now = context.clock.now()
    try:
        form = await read_form(request)
    except BadInput:
        return no_link(request)
    async with context.database.writing() as session:
        asked = await _asked(request, session, token)
        if asked is None or not is_ours(request):
            return no_link(request)
        parts, key = _read(form), form.text("key")
        if asked.drill is None or not parts or not _KEY.fullmatch(key):
            return _shown(request, asked, token, wrong=asked.drill is not None)
        origin = f"page:{key}"
        known = asked.last is not None and asked.last.origin == origin
        if not known:
            if asked.last is not None and now - asked.last.told_at < APART:
                return too_many(request, asked.resident.language)
            await _keep(session, context, asked, parts, origin, now)
    return RedirectResponse(f"{SAFETY_PATH}/{token}?told=1", 303, headers=HEADERS)


def _read(form: Form) -> list[Told]:
    """Return the parts of an answer, the first with how they are; none if that is not said."""
    how, place = form.text("how"), form.text("where")
    if how not in set(Condition):
        return []
    people = form.number("people")
    first = Told(
        "",
        Condition(how),
        people if people is not None and 1 <= people <= MOST_PEOPLE else None,
        Whereabouts(place) if place in set(Whereabouts) else None,
        words=clean(form.text("words"))[:MOST_WORDS] or None,
    )
    needs = [Need(one) for one in form.all("need") if one in set(Need)]
    return [first, *(Told("", need=(need, True)) for need in dict.fromkeys(needs))]


async def _keep(
    session: AsyncSession,
    context: Context,
    asked: _Asked,
    parts: Sequence[Told],
    origin: str,
    now: datetime,
) -> None:
    number = asked.resident.id
    assert number is not None
    chosen = await residents.preferences(session, context.city, number)
    for part in parts:
        await households.tell(
            session,
            number,
            replace(part, origin=origin),
            now,
            told_ms=int(now.timestamp() * 1000),
            drill=bool(asked.drill),
            area=chosen.areas[0] if chosen.areas else None,
        )


async def _asked(request: Request, session: AsyncSession, token: str) -> _Asked | None:
    """Return whom a link names; None if it is no good, or nobody follows by it any more."""
    context: Context = request.app.state.context
    door: MailDoor | None = getattr(request.app.state, "mail_door", None)
    now = context.clock.now()
    if door is None:
        return None
    found = await signups.follower(session, door.tokens, Purpose.SAFETY, token, now)
    if found is None or found.id is None:
        return None
    drill = await _is_drill(session, context, now)
    return _Asked(found, drill, await households.last_of(session, found.id, drill=drill))


async def _is_drill(session: AsyncSession, context: Context, now: datetime) -> bool | None:
    """Whether an answer is part of a drill; None if the city does not ask. A danger is real."""
    modes = [mode for mode in await open_modes(session) if not mode.staff_only]
    if any(not mode.drill for mode in modes):
        return False
    current = await public_notices(session, context.city.jma.municipality, now)
    if any(one.emergency or one.shown_level >= GRAVE for one in current if not one.drill):
        return False
    return True if modes else None


def _shown(request: Request, asked: _Asked, token: str, *, wrong: bool = False) -> Response:
    context: Context = request.app.state.context
    language = asked.resident.language
    language = language if language in context.city.languages else context.city.languages[0]
    return mail_page(
        request,
        language,
        "follow_safe.html",
        status=422 if wrong else 200,
        action=f"{SAFETY_PATH}/{token}",
        asks=asked.drill is not None,
        drill=drill_mark(language) if asked.drill else "",
        told=request.query_params.get("told") == "1" and asked.last is not None,
        wrong=wrong,
        key=uuid.uuid4().hex,
        conditions=CONDITIONS,
        whereabouts=WHEREABOUTS,
        needs=NEEDS,
        most_people=MOST_PEOPLE,
        most_words=MOST_WORDS,
        days=context.city.retention.safety_answers,
    )
