"""People in a disaster: counts for everybody, households for those who answer them."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from channels.dispatch import push
from channels.line.medium import LINE
from channels.medium import Format, Messages, Note
from city.city import City, name_in
from city.shapes import district_geojson
from city.shelters import Shelter
from console import accounts, people_words, presets
from console.access import Permission, may
from console.photos import photo_answer
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from console.world import REAL_NOW, World, world_of
from core.errors import BadInput, Refusal
from core.languages import mark, reads_japanese
from core.shared_answers import SharedAnswers
from core.text import clean, whole_number
from feeds.texts import drill_mark
from response import cases, check_ins, households, shelters, tasks
from response.cases import CaseFilter
from response.models import CaseState, Condition, HouseholdCase, Need
from response.modes import open_modes, real_now
from response.reasons import reason
from subscriptions.audience import count, count_by_area
from subscriptions.audience_query import AudienceQuery
from subscriptions.models import Resident, ResidentState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Helper = Annotated[Visit, Depends(visit(Permission.PEOPLE))]
PAGE = 50
LAST_PAGE = 200
COUNTED_SECONDS = 2.0
"""How old the numbers of all households may be; several desks ask for them every few seconds."""
EVERYBODY = AudienceQuery("", 0, (), mandatory=True)
WAITING = "waiting"
STAFF_ALONE = mark("A drill for staff only is on: nothing of it goes to residents.")
CHOICES: dict[str, tuple[CaseState, ...]] = {
    WAITING: (CaseState.OPEN, CaseState.TAKEN),
    **{state.value: (state,) for state in CaseState},
    "all": tuple(CaseState),
}
"""What the filter of states may say."""


@router.get("/people")
async def people_page(visitor: Looker) -> Response:
    return visitor.page("people.html", **await _people(visitor))


@router.get("/people/live")
async def live(visitor: Looker) -> Response:
    """Counts and list, asked for by the page itself every few seconds."""
    return visitor.page("_people.html", **await _people(visitor))


@router.get("/people/map.json")
async def people_map(visitor: Looker) -> Response:
    """Return numbers by district and by evacuation site, never a single household."""
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        counted = await _counted(visitor, session, world)
    city, features = visitor.context.city, []
    for row in counted.areas:
        district = city.district_by_code.get(row.code)
        if district is None or not row.households:
            continue
        features.append(
            _point(
                _middle(district.polygons[0][0]),
                f"{row.name}: {visitor.say('{n} households', n=row.households)}",
                f"/console/people?world={world.name}&area={row.code}",
                "red" if row.cannot_move else "amber" if row.in_need else "green",
                str(row.households),
                visitor.say(
                    "{n} cannot move, {m} need something", n=row.cannot_move, m=row.in_need
                ),
            )
        )
    places = {site.code: (site.longitude, site.latitude) for site in _folder(visitor)}
    for at_site in counted.sites:
        if at_site.code in places:
            features.append(
                _point(
                    places[at_site.code],
                    at_site.name,
                    f"/console/people?world={world.name}&state=all&shelter={at_site.code}",
                    "blue",
                    str(at_site.people),
                    visitor.say("{n} households", n=at_site.households),
                )
            )
    return JSONResponse(
        {
            "districts": district_geojson(city, visitor.language),
            "features": {"type": "FeatureCollection", "features": features},
        },
        headers={"Cache-Control": "no-store"},
    )


@router.get("/people/{case_id}")
async def household_page(visitor: Helper, case_id: RowNumber) -> Response:
    return await _household(visitor, case_id)


@router.get("/people/{case_id}/photos/{shot_id}")
async def photo(
    visitor: Helper, case_id: RowNumber, shot_id: RowNumber, small: bool = False
) -> Response:
    """Return a photo of a household's answer to those who answer households."""
    async with visitor.context.database.reading() as session:
        case = await _case(session, case_id)
        found = next(
            (one for one in await cases.photos_of(session, case) if one.id == shot_id),
            None,
        )
    if found is None:
        raise Missing
    answer = await photo_answer(
        visitor, found.sha256, f"household-{case_id}-{shot_id}", small=small, kept="no-store"
    )
    await _noted_view(visitor, case_id)
    return answer


@router.post("/people/{case_id}")
async def work(visitor: Helper, case_id: RowNumber) -> Response:
    """Take a household, note something, write to it, end it or open it again."""
    try:
        async with visitor.context.database.writing() as session:
            await _work(session, visitor, case_id)
    except BadInput as error:
        return await _household(visitor, case_id, refusal=error)
    return visitor.go(f"/console/people/{case_id}?done=yes")


async def _work(session: AsyncSession, visitor: Visit, case_id: int) -> None:
    form, by, now = visitor.form, visitor.actor, visitor.context.clock.now()
    match form.text("do"):
        case "note":
            case = await cases.locked(session, case_id, None)
            key = form.text("key")[:60] or None
            await cases.add_note(session, case, form.text("words"), now, actor=by, key=key)
        case "send":
            await _send(session, visitor, await cases.locked(session, case_id, None))
        case "take":
            case = await cases.locked(session, case_id, form.number("seen"))
            person, department = _who(visitor, await _helpers(session))
            await cases.take(session, case, person, department, now, actor=by)
        case "mine":
            case = await cases.locked(session, case_id, form.number("seen"))
            await cases.take(session, case, by, case.department, now, actor=by)
        case "done":
            case = await cases.locked(session, case_id, form.number("seen"))
            await cases.finish(session, case, form.text("words"), now, actor=by)
        case "reopen":
            case = await cases.locked(session, case_id, form.number("seen"))
            await cases.reopen(session, case, form.text("words"), now, actor=by)
        case _:
            raise Missing


def _who(visitor: Visit, helpers: Mapping[str, str]) -> tuple[str, str]:
    """Return the person and the department that a form names, if they exist."""
    person, department = visitor.form.text("person"), visitor.form.text("department")
    known = {one.code for one in visitor.context.city.departments}
    return person if person in helpers else "", department if department in known else ""


async def _send(session: AsyncSession, visitor: Visit, case: HouseholdCase) -> None:
    """Send a ready answer, or own words, to a household; the same form sends once."""
    form, now = visitor.form, visitor.context.clock.now()
    key = form.text("key")[:60]
    if not key or await cases.was_done(session, case, key):
        return
    if case.drill and await real_now(session, visitor.context.city, now):
        raise Refusal(REAL_NOW)
    if case.drill and any(mode.staff_only for mode in await open_modes(session)):
        # What an earlier drill left is still listed.
        raise Refusal(STAFF_ALONE)
    resident = await session.get(Resident, case.resident_id)
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        raise BadInput(reason("household.left"))
    language = resident.language
    site = next((one for one in _folder(visitor) if one.code == form.text("site")), None)
    ready = presets.household_answer(
        form.text("ready"), language, _site_name(site, language) if site else ""
    )
    own = clean(form.text("answer"))[: cases.MOST_NOTE]
    if not ready and not own:
        raise BadInput(reason("household.no-words"))
    words = "\n\n".join(part for part in (ready, own) if part)
    message = presets.household_message(words, language, drill=case.drill, japanese=bool(own))
    medium = visitor.media.get(resident.medium)
    if medium is None:
        raise BadInput(reason("household.left"))
    delivery = await push(
        session,
        visitor.context.queue,
        case.resident_id,
        _in_the_form_of(medium, visitor.context.city, message, resident, case, now),
        visitor.actor,
        now,
        medium=medium,
        urgent=not case.drill,
    )
    if delivery is None or delivery.id is None:
        raise BadInput(reason("household.left"))
    await cases.note_sent(session, case, message, delivery.id, now, actor=visitor.actor, key=key)


def _in_the_form_of(
    medium: Format,
    city: City,
    message: str,
    resident: Resident,
    case: HouseholdCase,
    now: datetime,
) -> Messages:
    """Return a message to a household as its medium takes it."""
    if medium.name == LINE.name:
        return [{"type": "text", "text": message}]
    title = name_in(city.name, resident.language)
    if case.drill:
        title = f"{drill_mark(resident.language)} {title}"
    note = Note("household", title, message, now, now + timedelta(days=1))
    return medium.note(note, resident.language, city)


def _site_name(site: Shelter, language: str) -> str:
    return site.name if reads_japanese(language) else site.english or site.name


@dataclass(frozen=True)
class _AreaRow:
    code: str
    name: str
    households: int
    people: int
    safe: int
    cannot_move: int
    in_need: int
    silent: int | None
    """Residents of the district who have not answered; None where that is not known."""


@dataclass(frozen=True)
class _SiteRow:
    code: str
    name: str
    households: int
    people: int


@dataclass(frozen=True)
class _Numbers:
    """What takes long to count, of all households of a world; the same for every reader."""

    areas: list[dict[str, Any]]
    shelters: list[dict[str, Any]]
    heads: Mapping[str, tuple[int, int]]
    needs: dict[Need, int]
    residents: int
    residents_by_area: Mapping[str, int]


@dataclass(frozen=True)
class _Counted:
    areas: list[_AreaRow]
    sites: list[_SiteRow]
    needs: dict[Need, int]
    states: dict[CaseState, int]
    residents: int
    answered: int


async def _counted(visitor: Visit, session: AsyncSession, world: World) -> _Counted:
    """Return the numbers that everybody of the staff may see."""
    city = visitor.context.city
    found = await _shared(visitor).of(world.drill, lambda: _numbers(visitor, world.drill))
    states = await cases.count_by_state(session, drill=world.drill)
    return _Counted(
        _area_rows(city, visitor.language, found.areas, found.residents_by_area),
        _site_rows(_folder(visitor), found.shelters, found.heads),
        found.needs,
        states,
        found.residents,
        sum(row["households"] for row in found.areas),
    )


async def _numbers(visitor: Visit, drill: bool) -> _Numbers:
    database = visitor.context.database
    codes = [district.code for district in visitor.context.city.districts]

    async def needed() -> dict[Need, int]:
        # At the same time as the others: it takes as long as they do together.
        async with database.reading() as session:
            return await households.count_by_need(session, drill=drill)

    async with asyncio.TaskGroup() as tasks, database.reading() as session:
        needs = tasks.create_task(needed())
        places = await households.count_by_place(session, drill=drill)
        return _Numbers(
            places["areas"],
            places["shelters"],
            await check_ins.heads(session, drill=drill),
            await needs,
            await count(session, EVERYBODY),
            await count_by_area(session, EVERYBODY, codes),
        )


def _shared(visitor: Visit) -> SharedAnswers[_Numbers]:
    state = visitor.request.app.state
    if not hasattr(state, "household_numbers"):
        state.household_numbers = SharedAnswers[_Numbers](visitor.context.clock, COUNTED_SECONDS)
    shared: SharedAnswers[_Numbers] = state.household_numbers
    return shared


def _area_rows(
    city: City, language: str, found: list[dict[str, Any]], residents: Mapping[str, int]
) -> list[_AreaRow]:
    rows = []
    for code in [*(d.code for d in city.districts), None]:
        theirs = [row for row in found if row["area"] == code]
        number = {row["condition"]: row["households"] for row in theirs}
        answered = sum(number.values())
        if code is None and not answered:
            continue
        district = city.district_by_code.get(code or "")
        rows.append(
            _AreaRow(
                code or "",
                name_in(district.names, language) if district else "",
                answered,
                sum(row["people"] for row in theirs),
                number.get(Condition.SAFE, 0) + number.get(Condition.EVACUATED, 0),
                number.get(Condition.CANNOT_MOVE, 0),
                number.get(Condition.IN_NEED, 0),
                max(0, residents.get(code, 0) - answered) if code else None,
            )
        )
    return rows


def _site_rows(
    sites: tuple[Shelter, ...],
    answered: list[dict[str, Any]],
    checked_in: Mapping[str, tuple[int, int]],
) -> list[_SiteRow]:
    """Return the households at each site: those checked in, or else those that said so."""
    names = {site.code: site.name for site in sites}
    said: dict[str, tuple[int, int]] = {}
    for row in answered:
        before = said.get(row["shelter"], (0, 0))
        said[row["shelter"]] = (before[0] + row["households"], before[1] + row["people"])
    rows = []
    for code in sorted({*said, *checked_in}):
        number, heads = max(said.get(code, (0, 0)), checked_in.get(code, (0, 0)))
        rows.append(_SiteRow(code, names.get(code, code), number, heads))
    return sorted(rows, key=lambda row: -row.people)


async def _people(visitor: Visit) -> dict[str, Any]:
    query = visitor.request.query_params
    chosen = {
        name: query.get(name, "").strip()[:254]
        for name in ("state", "area", "shelter", "need", "condition", "person", "department")
    }
    chosen["state"] = chosen["state"] if chosen["state"] in CHOICES else WAITING
    page = max(1, min(whole_number(query.get("page", "")) or 1, LAST_PAGE))
    helps = visitor.may(Permission.PEOPLE)
    found, helpers = [], {}
    async with visitor.context.database.reading() as session:
        world = await world_of(visitor, session)
        counted = await _counted(visitor, session, world)
        if helps:
            wanted = CaseFilter(
                drill=world.drill,
                states=CHOICES[chosen["state"]],
                area=chosen["area"],
                shelter=chosen["shelter"],
                need=Need(chosen["need"]) if chosen["need"] in set(Need) else None,
                condition=Condition(chosen["condition"])
                if chosen["condition"] in set(Condition)
                else None,
                person=chosen["person"],
                department=chosen["department"],
            )
            found = await cases.households(session, wanted, most=PAGE + 1, skip=(page - 1) * PAGE)
            helpers = await _helpers(session)
    if helps:
        await _noted_view(visitor, 0)
    shown = {name: value for name, value in chosen.items() if value}
    return {
        "world": world,
        "counted": counted,
        "found": found[:PAGE],
        "more": len(found) > PAGE,
        "page": page,
        "chosen": chosen,
        "filtered": len(shown) > 1 or chosen["state"] != WAITING,
        "query": urlencode({"world": world.name, **shown}),
        "helpers": helpers,
        "names": _Names(visitor),
        "called": people_words,
        "waited": people_words.waited,
        "choices": {
            WAITING: "",
            **{state.value: people_words.STATES[state] for state in people_words.STATES},
        },
    }


class _Names:
    """Names of districts, sites and departments for one visitor."""

    def __init__(self, visitor: Visit) -> None:
        city, language = visitor.context.city, visitor.language
        self.areas = {d.code: name_in(d.names, language) for d in city.districts}
        self.departments = {d.code: name_in(d.names, language) for d in city.departments}
        self.sites = {site.code: site.name for site in _folder(visitor)}

    def area(self, code: str | None) -> str:
        return self.areas.get(code or "", code or "–")

    def site(self, code: str | None) -> str:
        return self.sites.get(code or "", code or "")

    def department(self, code: str) -> str:
        return self.departments.get(code, code)


async def _household(visitor: Visit, case_id: int, *, refusal: BadInput | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        case = await _case(session, case_id)
        answers = await cases.answers_of(session, case)
        history = await cases.history(session, case_id)
        photos = await cases.photos_of(session, case)
        resident = await session.get(Resident, case.resident_id)
        there = await check_ins.present(session, case.resident_id, drill=case.drill)
        open_sites = await shelters.statuses(session, drill=case.drill)
        helpers = await _helpers(session)
        asked = await tasks.of_case(session, case_id)
        world = World(case.drill, (await world_of(visitor, session)).modes)
    await _noted_view(visitor, case_id)
    state = resident.state if resident is not None else None
    return visitor.page(
        "household.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        typed=visitor.form,
        world=world,
        case=case,
        answers=answers,
        history=history,
        photos=photos,
        resident_language=resident.language if resident else "ja",
        reachable=state is ResidentState.FOLLOWING,
        there=there,
        sites=sorted(_folder(visitor), key=lambda site: site.code not in open_sites),
        open_sites=open_sites,
        helpers=helpers,
        tasks=asked,
        ready=presets.TO_HOUSEHOLDS,
        say_ready=presets.CATALOGUE.text,
        key=(refusal and visitor.form.text("key")) or uuid.uuid4().hex,
        names=_Names(visitor),
        called=people_words,
        waited=people_words.waited,
        days=visitor.context.city.retention.safety_answers,
        done=visitor.request.query_params.get("done") == "yes",
        most=cases.MOST_NOTE,
    )


async def _case(session: AsyncSession, case_id: int) -> HouseholdCase:
    case = await cases.get(session, case_id)
    if case is None:
        raise Missing
    return case


async def _helpers(session: AsyncSession) -> dict[str, str]:
    """Return those who answer households: their names by their address."""
    return {
        staff.email: staff.name or staff.email
        for staff in await accounts.everybody(session)
        if staff.active and may(staff.roles, Permission.PEOPLE)
    }


async def _noted_view(visitor: Visit, case_id: int) -> None:
    """Have it in the audit trail that somebody saw a household, or (0) the list of them."""
    sitting = hashlib.sha256(visitor.session.nonce.encode()).hexdigest()[:12]
    database, now = visitor.context.database, visitor.context.clock.now()
    async with database.reading() as session:
        if await cases.was_seen(session, case_id, sitting, actor=visitor.actor):
            return
    async with database.writing() as session:
        await cases.note_seen(session, case_id, sitting, now, actor=visitor.actor)


def _folder(visitor: Visit) -> tuple[Shelter, ...]:
    shelters: tuple[Shelter, ...] = visitor.request.app.state.folder.shelters
    return shelters


def _middle(ring: Any) -> tuple[float, float]:
    return (
        sum(point[0] for point in ring) / len(ring),
        sum(point[1] for point in ring) / len(ring),
    )


def _point(
    place: tuple[float, float], title: str, href: str, colour: str, label: str, line: str
) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(place)},
        "properties": {
            "title": title,
            "href": href,
            "colour": colour,
            "label": label,
            "lines": [line],
        },
    }
