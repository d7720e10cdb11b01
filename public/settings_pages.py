"""A resident's settings as one page, without script: by a link from the chat, or as a LIFF app.

The link's secret part lets in, so no cookie does. A form also needs a token made from the link, and
must come from our own page. Nothing of it is kept by browsers or told to other sites.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, Topic, name_in
from city.context import Context
from city.folder import CityFolder
from core.clock import in_japan
from core.errors import BadInput
from core.languages import mark, match_language
from core.places import Full, busy
from core.web import PUBLIC_POLICY, Form, PublicRoute, read_form, secure
from feeds.texts.forms import month_name
from public import choices
from public.choices import clock_time, level_name, minutes_of
from public.liff import LIFF_POLICY, SCRIPT_PATH, resident_of
from public.links import PATH, Links, Opened
from public.pages import rendered
from public.words import CATALOGUE
from response.modes import open_modes
from subscriptions import residents as registry
from subscriptions.residents import MENU_TASK, MOST_CHILDREN, Preferences, is_birth_month

NO_LINK = mark(
    "This link is no longer valid. Write “Settings” to the city's LINE account to get a new one."
)
WRONG = mark("Please check what is marked. Nothing was saved.")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
NEW_CHILDREN = 2
"""Empty lines for months of birth."""

router = APIRouter(route_class=PublicRoute)


@dataclass(frozen=True)
class Choice:
    """One of several values of a field."""

    value: str
    name: str
    chosen: bool


@dataclass(frozen=True)
class TopicField:
    """A topic and how much of it can be chosen."""

    topic: Topic
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Wanted:
    """What a form asks for; ``wrong`` names the fields that cannot be."""

    language: str
    areas: tuple[str, ...]
    topics: Mapping[str, int]
    quiet: tuple[int, int] | None
    digest_hour: int | None
    in_morning: bool
    children: tuple[str, ...]
    wrong: frozenset[str] = field(default_factory=frozenset)


@router.get(f"{PATH}/liff")
async def liff_page(request: Request) -> Response:
    """Let LINE say who has opened the page within LINE."""
    city: City = request.app.state.context.city
    if not city.liff_id:
        return refused(request)
    return _page(request, "ja", "liff.html", policy=LIFF_POLICY, script=SCRIPT_PATH)


@router.post(f"{PATH}/liff")
async def liff_sign_in(request: Request) -> Response:
    """Take LINE's ID token, and lead its resident to their page."""
    context: Context = request.app.state.context
    if not context.city.liff_id or not _is_ours(request):
        return refused(request)
    try:
        form = await read_form(request)
    except BadInput:
        return refused(request)
    try:
        resident = await resident_of(context, form.text("id_token"))
    except Full:
        return busy()
    if resident is None:
        return refused(request)
    token = _links(request).token(resident, context.clock.now())
    return RedirectResponse(f"{PATH}/{token}", 303, headers=HEADERS)


@router.get(f"{PATH}/{{token}}")
async def settings_page(request: Request, token: str) -> Response:
    """Show a resident's settings."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        opened = await _links(request).open(session, token, context.clock.now())
        if opened is None:
            return refused(request)
        assert opened.resident.id is not None
        chosen = await registry.preferences(session, context.city, opened.resident.id)
    return _form_page(request, token, opened, chosen, saved="saved" in request.query_params)


@router.post(f"{PATH}/{{token}}")
async def save_settings(request: Request, token: str) -> Response:
    """Save a resident's settings, all or none."""
    context: Context = request.app.state.context
    now = context.clock.now()
    if not _is_ours(request):
        return refused(request)
    try:
        form = await read_form(request)
    except BadInput:
        return refused(request)
    async with context.database.writing() as session:
        opened = await _links(request).open(session, token, now)
        if opened is None or not hmac.compare_digest(
            form.text("csrf").encode(), _form_token(context, token).encode()
        ):
            return refused(request)
        assert opened.resident.id is not None
        chosen = await registry.preferences(session, context.city, opened.resident.id)
        wanted = _wanted(context.city, form, chosen, now)
        if wanted.wrong:
            return _form_page(request, token, opened, chosen, wrong=wanted.wrong, status=422)
        await _save(session, context.city, opened.resident.id, wanted, now)
        if await _menu_may_change(session, chosen, wanted):
            await context.queue.put(session, MENU_TASK, opened.resident.line_user_id)
    return RedirectResponse(f"{PATH}/{token}?saved=1", 303, headers=HEADERS)


async def _save(
    session: AsyncSession, city: City, number: int, wanted: Wanted, now: datetime
) -> None:
    await registry.choose_language(session, city, number, wanted.language, now)
    await registry.choose_areas(session, city, number, wanted.areas, now)
    await registry.choose_topics(session, city, number, wanted.topics, now)
    if wanted.quiet is not None:
        await registry.choose_quiet_hours(session, city, number, *wanted.quiet, now)
    if wanted.digest_hour is not None:
        await registry.choose_digest_hour(session, city, number, wanted.digest_hour, now)
    await registry.choose_reminder(session, city, number, now, in_morning=wanted.in_morning)
    await registry.choose_children(session, city, number, wanted.children, now)


async def _menu_may_change(session: AsyncSession, before: Preferences, wanted: Wanted) -> bool:
    """Whether the resident's menu at LINE may have to change, as after the same choice in the chat.

    Other districts may mean another menu while a disaster is in some of them.
    """
    if wanted.language != before.language:
        return True
    if set(wanted.areas) == set(before.areas):
        return False
    return any(mode.areas for mode in await open_modes(session))


def _wanted(city: City, form: Form, chosen: Preferences, now: datetime) -> Wanted:
    """Read a form. What the page does not show stays as it is."""
    wrong: set[str] = set()
    language = match_language(form.text("language")) or ""
    if language not in city.languages:
        wrong.add("language")
    areas = [code for code in form.all("area") if code]
    if not set(areas) <= set(city.district_by_code):
        wrong.add("area")
    topics: dict[str, int] = {}
    for topic in city.topics:
        value = form.text(f"topic-{topic.code}")
        if topic.mandatory or value == "off":
            continue
        if not value.isdecimal() or len(value) > 1:
            wrong.add(f"topic-{topic.code}")
        else:
            topics[topic.code] = int(value)
            allowed = {*choices.levels_of(city, topic.code), chosen.topics.get(topic.code, 0)}
            if int(value) not in allowed:
                wrong.add(f"topic-{topic.code}")
    start, end = minutes_of(form.text("quiet-start")), minutes_of(form.text("quiet-end"))
    if form.text("quiet") == "none":
        start = end = 0
    if start is None or end is None:
        wrong.add("quiet")
    hour = form.number("digest")
    if hour is None or not 0 <= hour <= 23:
        wrong.add("digest")
    children, months_wrong = _children(form, now)
    if months_wrong:
        wrong.add("children")
    if set(children) - set(chosen.children) and choices.CHILDREN_TOPIC not in chosen.topics:
        # As in the chat: whoever adds a child wants to be reminded.
        topics |= {code: 0 for code in (choices.CHILDREN_TOPIC,) if code in city.topic_by_code}
    current = choices.quiet_hours(city, chosen.quiet_start, chosen.quiet_end)
    quiet = (start or 0, end or 0)
    return Wanted(
        language,
        tuple(areas),
        topics,
        # Somebody who never chose keeps the city's, also when the city changes them.
        None if quiet == current else quiet,
        None
        if hour == (city.digest_hour if chosen.digest_hour is None else chosen.digest_hour)
        else hour,
        form.text("reminder") == "morning",
        children,
        frozenset(wrong),
    )


def _children(form: Form, now: datetime) -> tuple[tuple[str, ...], bool]:
    """Return the months of birth, and whether one is wrong."""
    found = [born for born in form.all("child") if born]
    for year, month in zip(form.all("child-year"), form.all("child-month"), strict=False):
        if year or month:
            found.append(f"{year}-{month.zfill(2)}")
    wrong = len(set(found)) > MOST_CHILDREN or not all(is_birth_month(born, now) for born in found)
    return tuple(dict.fromkeys(found)), wrong


def _form_page(
    request: Request,
    token: str,
    opened: Opened,
    chosen: Preferences,
    *,
    saved: bool = False,
    wrong: frozenset[str] = frozenset(),
    status: int = 200,
) -> Response:
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    city, language = context.city, chosen.language
    start, end = choices.quiet_hours(city, chosen.quiet_start, chosen.quiet_end)
    hour = city.digest_hour if chosen.digest_hour is None else chosen.digest_hour
    return _page(
        request,
        language,
        "settings.html",
        status=status,
        action=f"{PATH}/{token}",
        csrf=_form_token(context, token),
        until=clock_time(in_japan(opened.until).hour * 60 + in_japan(opened.until).minute),
        chosen=chosen,
        topics=[_topic_field(city, topic, chosen, language) for topic in city.topics],
        quiet_start=clock_time(start) if start != end else "22:00",
        quiet_end=clock_time(end) if start != end else "07:00",
        no_quiet=start == end,
        hours=[Choice(str(h), clock_time(h * 60), h == hour) for h in _hours(hour)],
        has_children=bool(folder.children.reminders),
        children=[(born, choices.birth_month(born, language)) for born in chosen.children],
        new_children=range(min(NEW_CHILDREN, MOST_CHILDREN - len(chosen.children))),
        years=_years(context.clock.now()),
        months=[(n, month_name(_any_year(n), language, year=False)) for n in range(1, 13)],
        reminded_topic=_reminded_topic(city, language),
        evening=choices.EVENING,
        morning=choices.MORNING,
        saved=saved,
        wrong=wrong,
    )


def _any_year(month: int) -> date:
    return date(2000, month, 1)


def _years(now: datetime) -> list[int]:
    this = in_japan(now).year
    return list(range(this, this - registry.GROWN_UP - 1, -1))


def _hours(chosen: int) -> list[int]:
    return sorted({*choices.DIGEST_HOURS, chosen})


def _reminded_topic(city: City, language: str) -> str:
    topic = city.topic_by_code.get(choices.REMINDED_TOPIC)
    return name_in(topic.names, language) if topic else ""


def _topic_field(city: City, topic: Topic, chosen: Preferences, language: str) -> TopicField:
    level = chosen.topics.get(topic.code)
    levels = {*choices.levels_of(city, topic.code), *([] if level is None else [level])}
    off = Choice("off", CATALOGUE.text(language, "Off"), level is None)
    return TopicField(
        topic,
        [
            *(
                Choice(str(one), level_name(city, topic.code, one, language), one == level)
                for one in sorted(levels)
            ),
            off,
        ],
    )


def refused(request: Request) -> Response:
    """Say that the link is no good, whatever is wrong with it."""
    languages = dict.fromkeys(("ja", "ja-x-easy", "en"))
    said = {code: CATALOGUE.text(code, NO_LINK) for code in languages}
    return _page(request, "ja", "trouble.html", status=404, said=said)


def _page(
    request: Request,
    language: str,
    template: str,
    *,
    status: int = 200,
    policy: str = PUBLIC_POLICY,
    **values: object,
) -> Response:
    body = rendered(request, template, language, path="/", **values)
    response = Response(body, status, HEADERS, media_type="text/html; charset=utf-8")
    https = request.app.state.context.settings.public_url.startswith("https://")
    secure(response, policy, https=https)
    return response


def _is_ours(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    # A page without a referrer has the origin "null"; the token of the form decides then.
    ours: str = request.app.state.context.settings.public_url
    return origin in (None, "null") or origin == ours


def _form_token(context: Context, token: str) -> str:
    key = f"todoke.public.settings-form\n{context.settings.secret_key}".encode()
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links
