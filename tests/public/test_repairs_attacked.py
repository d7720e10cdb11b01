"""Every public address with every report that is not public: nothing of it comes out.

State x hidden, kind that is not published, joined, withdrawn, home, drill.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from city.folder import CityFolder
from core.clock import in_japan
from core.geo import distance_m
from reports import dangers, public_place
from reports.models import Photo, Report
from reports.register import Draft
from reports.states import PUBLISHED, ReportState
from subscriptions.models import Resident
from tests.support.office import Browser, Office
from tests.support.public_cases import case_in, photographed

PRIVATE_KIND = "other"
WORDS = "わたしの家の前です 080-1234-5678"
NAME = "山田太郎"
FEEDS = ("/feeds/reports.atom", "/feeds/reports.geojson", "/feeds/reports.csv")
LISTS = (
    "/reports",
    *FEEDS,
    "/maps/reports.json",
    "/open311/v2/requests.json",
    "/open311/v2/requests.xml",
)
OF_ONE = (
    "/reports/{number}",
    "/reports?number={number}",
    "/reports/{number}/qr.svg",
    "/maps/reports/{number}.json",
    "/open311/v2/requests/{number}.json",
    "/open311/v2/requests/{number}.xml",
    "/open311/v2/requests.json?service_request_id={number}",
)
QUERIES = (
    "",
    "?state=new",
    "?state=declined",
    "?state=duplicate",
    "?page=2",
    "?kind=" + PRIVATE_KIND,
)


@pytest.fixture
def office(office: Office) -> Office:
    """The same, in a city that does not publish one of its kinds."""
    city = office.context.city
    kinds = tuple(
        kind.model_copy(update={"published": kind.code != PRIVATE_KIND})
        for kind in city.report_categories
    )
    object.__setattr__(office.context, "city", city.model_copy(update={"report_categories": kinds}))
    return office


@dataclass(frozen=True)
class Secret:
    what: str
    report: Report


def is_public(state: ReportState) -> bool:
    return state in PUBLISHED


async def secrets(office: Office) -> list[Secret]:
    made = []
    leader = await case_in(office, ReportState.ACCEPTED)
    hidden_leader = await case_in(office, ReportState.ACCEPTED, hidden=True)
    for state in ReportState:
        ways: dict[str, dict[str, Any]] = {
            "hidden": {"hidden": True},
            "kind": {"category": PRIVATE_KIND},
            "of a hidden case": {"case_id": hidden_leader.id},
        }
        if not is_public(state):
            ways["state"] = {}
        for what, changes in ways.items():
            report = await case_in(
                office, state, description=WORDS, address=NAME, japanese=WORDS, **changes
            )
            await photographed(office, report, released=True)
            made.append(Secret(f"{what} {state.value}", report))
    hidden_joined = await case_in(
        office, ReportState.DUPLICATE, case_id=leader.id, hidden=True, description=WORDS
    )
    await photographed(office, hidden_joined, released=True)
    return [*made, Secret("hidden and joined", hidden_joined), Secret("leader", hidden_leader)]


async def body(browser: Browser, address: str) -> tuple[int, str]:
    async with browser.http.get(browser.url + address, allow_redirects=False) as answer:
        return answer.status, (await answer.read()).decode("utf-8", "replace")


def leaked(text: str) -> Iterator[str]:
    for secret in (
        WORDS,
        NAME,
        "080-1234",
        "a secret note",
        "a secret answer",
        "road@city.example",
    ):
        if secret in text:
            yield secret


async def test_nothing_that_is_not_public_comes_out_of_any_address(office: Office) -> None:
    browser = await office.browser()
    made = await secrets(office)
    photos: dict[int, list[int | None]] = {}
    for photo in await office.rows(Photo):
        photos.setdefault(photo.report_id, []).append(photo.id)
    assert len(photos) == len(made) - 1
    wrong = []
    for address in LISTS:
        for query in QUERIES:
            status, text = await body(browser, address + query)
            assert status in (200, 400), (address, query)
            found = [one.what for one in made if one.report.number in text]
            wrong += [(address + query, what) for what in (*found, *leaked(text))]
    for one in made:
        for pattern in OF_ONE:
            address = pattern.format(number=one.report.number)
            status, text = await body(browser, address)
            if pattern == "/reports?number={number}":
                assert status == 200 and "reports/" + one.report.number not in text
            elif status != 404:
                wrong.append((address, f"{one.what}: {status}"))
            wrong += [(address, what) for what in leaked(text)]
        # Photos have numbers that can be guessed.
        for photo in photos.get(one.report.id or 0, []):
            status, _ = await body(browser, f"/reports/{one.report.number}/photos/{photo}.jpg")
            if status != 404:
                wrong.append((f"{one.report.number}/{photo}", one.what))
    assert wrong == []


async def test_a_photo_of_another_report_is_not_found_under_a_public_number(
    office: Office,
) -> None:
    browser = await office.browser()
    public = await case_in(office, ReportState.ACCEPTED)
    made = await secrets(office)
    for photo_id in range(1, len(made) + 3):
        status, _ = await body(browser, f"/reports/{public.number}/photos/{photo_id}.jpg")
        assert status == 404


async def test_a_public_case_shows_no_words_names_or_notes(office: Office) -> None:
    browser = await office.browser()
    for state in PUBLISHED:
        case = await case_in(
            office, state, description=WORDS, address=NAME, japanese=WORDS, road="秘密通り"
        )
        for address in (*LISTS, *(one.format(number=case.number) for one in OF_ONE)):
            status, text = await body(browser, address)
            assert status in (200, 303), (address, status)
            assert not list(leaked(text)), address
            assert "秘密通り" not in text


async def test_a_home_is_at_one_place_everywhere_and_not_at_its_own(office: Office) -> None:
    browser = await office.browser()
    home = await case_in(office, ReportState.ACCEPTED, is_home=True)
    place = public_place.of(home, office.context.city)
    assert place is not None and home.longitude is not None and home.latitude is not None
    assert distance_m(home.longitude, home.latitude, *place) > 5
    exact = {f"{value:.{n}f}" for value in (home.longitude, home.latitude) for n in (4, 5, 6)}
    shown = set()
    geo = json.loads((await body(browser, "/feeds/reports.geojson"))[1])
    shown.add(tuple(geo["features"][0]["geometry"]["coordinates"]))
    for address in ("/maps/reports.json", f"/maps/reports/{home.number}.json"):
        found = json.loads((await body(browser, address))[1])
        shown.add(tuple(found["features"]["features"][0]["geometry"]["coordinates"]))
    entry = json.loads((await body(browser, "/open311/v2/requests.json"))[1])[0]
    shown.add((entry["long"], entry["lat"]))
    assert shown == {place}
    for address in (*LISTS, *(one.format(number=home.number) for one in OF_ONE)):
        _, text = await body(browser, address)
        assert not [value for value in exact if value in text], address


async def test_a_danger_of_a_drill_is_nowhere(office: Office, sample: CityFolder) -> None:
    user = await office.resident()
    (resident,) = await office.rows(Resident)
    now = office.clock.now()
    assert user and resident.id
    async with office.database.writing() as session:
        draft = Draft(category="pothole", origin="drill", description=WORDS, address=NAME)
        city = office.context.city
        await dangers.keep_drill(session, city, draft, resident.id, "ja", now)
    browser = await office.browser()
    for address in LISTS:
        status, text = await body(browser, address)
        assert status == 200 and not list(leaked(text)), address
    status, text = await body(browser, f"/reports/months.csv?year={in_japan(now).year}")
    assert len(text.splitlines()) == 1


async def test_a_city_that_publishes_nothing_publishes_nothing(office: Office) -> None:
    case = await case_in(office, ReportState.ACCEPTED)
    closed = office.context.city.model_copy(update={"publish_reports": False})
    object.__setattr__(office.context, "city", closed)
    browser = await office.browser()
    for address in (
        *LISTS,
        *("/reports/months", "/reports/months.csv"),
        *(one.format(number=case.number) for one in OF_ONE),
    ):
        status, text = await body(browser, address)
        assert status == 404 and case.number not in text, address
