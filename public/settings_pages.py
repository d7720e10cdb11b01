"""A resident's settings as one page, without script: by a link from the chat, or as a LIFF app.

The link's secret part lets in, so no cookie does. A form also needs a token made from the link, and
must come from our own page. Nothing of it is kept by browsers or told to other sites.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, Topic
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
from public.link_codes import joining_of
from public.links import PATH, Links, Opened
from public.pages import rendered
from public.words import CATALOGUE
from response.modes import open_modes
from subscriptions import page_choices
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
    form = await form_of(request)
    if not context.city.liff_id or form is None:
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
    form = await form_of(request)
    if form is None:
        return refused(request)
    async with context.database.reading() as session:  # a stranger holds up no writer
        if await _links(request).open(session, token, now) is None:
            return refused(request)
    async with context.database.writing() as session:
        opened = await _links(request).open(session, token, now)
        if opened is None or not is_form_of(context, token, form):
            return refused(request)
        assert opened.resident.id is not None
        chosen = await registry.preferences(session, context.city, opened.resident.id)
        shown = _shown(form, chosen)
        wanted = _wanted(context.city, form, shown, now)
        changed: list[str] = []
        if not wanted.wrong:
            wanted, changed = _merged(context.city, wanted, shown, chosen)
        if wanted.wrong:
            return _form_page(request, token, opened, chosen, wrong=wanted.wrong, status=422)
        await _save(session, context.city, opened.resident.id, wanted, now)
        await page_choices.note_times(session, opened.resident.id, changed, now)
        user = opened.resident.line_user_id
        if user is not None and await _menu_may_change(session, chosen, wanted):
            await context.queue.put(session, MENU_TASK, user)
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


def _shown_value(chosen: Preferences) -> str:
    """Return the choices that a page shows, for the form to carry."""
    return json.dumps(
        {
            "language": chosen.language,
            "areas": chosen.areas,
            "topics": chosen.topics,
            "in_morning": chosen.remind_in_morning,
            "children": chosen.children,
            "quiet": (chosen.quiet_start, chosen.quiet_end),
            "digest": chosen.digest_hour,
        },
        separators=(",", ":"),
    )


def _shown(form: Form, chosen: Preferences) -> Preferences:
    """Return the choices as the page showed them; the present ones if the form does not say."""
    try:
        said = json.loads(form.text("shown"))
        start, end = said["quiet"]
        return replace(
            chosen,
            language=str(said["language"]),
            areas=tuple(map(str, said["areas"])),
            topics={str(code): int(level) for code, level in said["topics"].items()},
            remind_in_morning=bool(said["in_morning"]),
            children=tuple(map(str, said["children"])),
            quiet_start=None if start is None else int(start),
            quiet_end=None if end is None else int(end),
            digest_hour=None if said["digest"] is None else int(said["digest"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return chosen


def _merged(
    city: City, wanted: Wanted, shown: Preferences, chosen: Preferences
) -> tuple[Wanted, list[str]]:
    """Return what is to be saved, and which choices the form changed.

    What the form did not change stays as it is now: the chat may have changed it since the page was
    opened.
    """
    changed: list[str] = []
    language, in_morning = chosen.language, chosen.remind_in_morning
    if wanted.language != shown.language:
        language = wanted.language
        changed.append(page_choices.LANGUAGE)
    if wanted.in_morning != shown.remind_in_morning:
        in_morning = wanted.in_morning
        changed.append(page_choices.REMINDER)
    other_areas = set(wanted.areas) ^ set(shown.areas)
    other_children = set(wanted.children) ^ set(shown.children)
    topics: dict[str, int] = {}
    for topic in city.topics:
        level = wanted.topics.get(topic.code)
        if topic.mandatory or level == shown.topics.get(topic.code):
            level = chosen.topics.get(topic.code)
        else:
            changed.append(page_choices.topic_choice(topic.code))
        if level is not None:
            topics[topic.code] = level
    changed += [page_choices.area_choice(code) for code in other_areas]
    changed += [page_choices.child_choice(born) for born in other_children]
    changed += [page_choices.QUIET] if wanted.quiet is not None else []
    changed += [page_choices.DIGEST] if wanted.digest_hour is not None else []
    children = _with(chosen.children, wanted.children, other_children)
    merged = replace(
        wanted,
        language=language,
        in_morning=in_morning,
        topics=topics,
        areas=_with(chosen.areas, wanted.areas, other_areas),
        children=children,
        wrong=frozenset({"children"} if len(children) > MOST_CHILDREN else ()),
    )
    return merged, changed


def _with(present: Sequence[str], wanted: Sequence[str], changed: set[str]) -> tuple[str, ...]:
    """Return the present ones with those that the form changed as it wants them."""
    return tuple(sorted((set(present) - changed) | (set(wanted) & changed)))


async def _menu_may_change(session: AsyncSession, before: Preferences, wanted: Wanted) -> bool:
    """Whether the resident's menu at LINE may have to change, as after the same choice in the chat.

    Other districts may mean another menu while a disaster is in some of them.
    """
    if wanted.language != before.language:
        return True
    if set(wanted.areas) == set(before.areas):
        return False
    return any(mode.areas for mode in await open_modes(session))


def _wanted(city: City, form: Form, shown: Preferences, now: datetime) -> Wanted:
    """Read a form. What the page does not show stays as it was shown."""
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
            allowed = {*choices.levels_of(city, topic.code), shown.topics.get(topic.code, 0)}
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
    if set(children) - set(shown.children) and choices.CHILDREN_TOPIC not in shown.topics:
        # As in the chat: whoever adds a child wants to be reminded.
        topics |= {code: 0 for code in (choices.CHILDREN_TOPIC,) if code in city.topic_by_code}
    current = choices.quiet_hours(city, shown.quiet_start, shown.quiet_end)
    quiet = (start or 0, end or 0)
    return Wanted(
        language,
        tuple(areas),
        topics,
        # Somebody who never chose keeps the city's, also when the city changes them.
        None if quiet == current else quiet,
        None
        if hour == (city.digest_hour if shown.digest_hour is None else shown.digest_hour)
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
        shown=_shown_value(chosen),
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
        reminded_topic=choices.reminded_topic(city, language),
        evening=choices.EVENING,
        morning=choices.MORNING,
        saved=saved,
        wrong=wrong,
        joining=joining_of(request, opened.resident),
        code_wrong="code" in request.query_params,
    )


def _any_year(month: int) -> date:
    return date(2000, month, 1)


def _years(now: datetime) -> list[int]:
    this = in_japan(now).year
    return list(range(this, this - registry.GROWN_UP - 1, -1))


def _hours(chosen: int) -> list[int]:
    return sorted({*choices.DIGEST_HOURS, chosen})


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


def is_ours(request: Request) -> bool:
    """Whether a form was sent from a page of ours, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    # A page without a referrer has the origin "null"; the token of the form decides then.
    ours: str = request.app.state.context.settings.public_url
    return origin in (None, "null") or origin == ours


async def form_of(request: Request) -> Form | None:
    """Return a form that was sent from a page of ours; None if it was not, or is no form."""
    if not is_ours(request):
        return None
    try:
        return await read_form(request)
    except BadInput:
        return None


def is_form_of(context: Context, token: str, form: Form) -> bool:
    """Whether a form was made for this link."""
    return hmac.compare_digest(form.text("csrf").encode(), _form_token(context, token).encode())


def _form_token(context: Context, token: str) -> str:
    key = f"todoke.public.settings-form\n{context.settings.secret_key}".encode()
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links
