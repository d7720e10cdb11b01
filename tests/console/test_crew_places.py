"""A crew corrects where a place is, and sees what became of its list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from console.models import Role
from core.clock import in_japan
from reports import cases
from reports.crew_acts import MOST_MOVED_M
from reports.models import OrderItem, PatrolPlace, Photo, Report, ReportUpdate
from reports.states import ReportState
from tests.support.crews import (
    a_photo,
    act,
    at_roads,
    crew_link,
    items_of,
    office_changes,
    ordered,
    outcomes,
    sent,
    sent_photo,
)
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office

STEP = 0.001
"""Degrees: about a hundred metres."""


async def on_site(office: Office, **about: Any) -> tuple[Browser, Browser, str, int, Report]:
    """A crew with one case on its list: desk, phone, path of its page, place and case."""
    desk = await at_roads(office)
    report = await reported(office, **about)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    return desk, phone, path, item, report


def moved(item: int, report: Report, *, by: float = STEP, age_ms: float = 0) -> dict[str, Any]:
    x, y = report.longitude or 0, report.latitude or 0
    return act("place", item, age_ms=age_ms, longitude=x + by, latitude=y + by)


async def test_a_crew_puts_a_place_right(office: Office) -> None:
    desk, phone, path, item, report = await on_site(office)
    said = moved(item, report)
    for _ in range(2):
        assert (await sent(phone, path, said))[1]["refused"] == []
    [now] = await office.rows(Report)
    assert (now.longitude, now.latitude) == (said["longitude"], said["latitude"])
    assert now.state is ReportState.NEW, "nobody is told of a new state"
    async with office.database.reading() as session:
        steps = list(await session.scalars(select(ReportUpdate).order_by(col(ReportUpdate.id))))
    changed = [step for step in steps if "place" in (step.changes or {})]
    assert [step.by for step in changed] == ["crew:補修1班"], "an act that comes twice counts once"
    page = await phone.get(path)
    assert f"{said['latitude']:.6f}%2C{said['longitude']:.6f}" in page.body, "the way leads there"
    assert "場所を現地で訂正" in (await desk.get(f"/console/reports/{report.number}")).words


async def test_a_place_that_nobody_knew_gets_one(office: Office) -> None:
    _, phone, path, item, _ = await on_site(office, longitude=None, latitude=None)
    said = act("place", item, longitude=140.1, latitude=36.08)
    assert (await sent(phone, path, said))[1]["refused"] == []
    [now] = await office.rows(Report)
    assert (now.longitude, now.latitude) == (140.1, 36.08)


async def test_a_late_or_a_far_correction_moves_nothing(office: Office) -> None:
    _, phone, path, item, report = await on_site(office)
    office.clock.ahead += timedelta(hours=1)
    there = ((report.longitude or 0) + 3 * STEP, (report.latitude or 0) + 3 * STEP)
    await office_changes(office, report.number, place=there)
    late = moved(item, report, age_ms=600_000)
    assert (await sent(phone, path, late))[1]["done"] == [late["id"]], "it came, and is old"
    [now] = await office.rows(Report)
    assert (now.longitude, now.latitude) == there
    far = act("place", item, longitude=there[0], latitude=there[1] + 2 * MOST_MOVED_M / 111_000)
    assert (await sent(phone, path, far))[1]["refused"] == [far["id"]]
    newer = act("place", item, longitude=there[0] + STEP, latitude=there[1])
    assert (await sent(phone, path, newer))[1]["refused"] == []
    older = act("place", item, age_ms=60_000, longitude=there[0], latitude=there[1] + STEP)
    await sent(await office.browser(), path, older)
    [now] = await office.rows(Report)
    assert (now.longitude, now.latitude) == (there[0] + STEP, there[1])


@pytest.mark.parametrize("kind", ["place", "found"])
async def test_what_one_link_could_not_send_any_more_goes_with_the_next(
    office: Office, kind: str
) -> None:
    """The answer of the first was lost: the phone sends all again, and nothing is doubled."""
    desk, phone, path, item, report = await on_site(office)
    order_id = int((await office.rows(OrderItem))[0].order_id)
    first = office.context.city.report_categories[0].code
    acts = {
        "place": moved(item, report),
        "found": act("found", category=first, words="標識", longitude=140.1, latitude=36.08),
    }
    photo: dict[str, Any] = {"key": "photo00000001", "item": item} | (
        {"item": "", "found": acts["found"]["id"]} if kind == "found" else {}
    )
    again = await crew_link(office, desk, order_id)
    for link in (path, again):
        assert (await sent(phone, link, acts[kind]))[1]["refused"] == []
        assert (await sent_photo(phone, link, a_photo(), **photo))[1]["refused"] == []
    assert len(await office.rows(Report)) == (2 if kind == "found" else 1)
    assert len(await office.rows(OrderItem)) == (2 if kind == "found" else 1)
    [kept] = await office.rows(Photo)
    assert kept.dhash is not None, "so it is compared with photos of others"


async def test_the_phone_learns_that_the_office_changed_the_list(office: Office) -> None:
    desk, phone, path, item, _ = await on_site(office)
    [shown] = (await phone.get(path)).tree.xpath("//body/@data-list")
    assert (await sent(phone, path))[1]["list"] == shown
    await sent(phone, path, act("could-not", item, words="車"))
    assert (await sent(phone, path))[1]["list"] == shown, "what the crew said is no change"
    await sent(phone, path, act("open", item))
    other = await reported(office)
    await ordered(office, desk, other.number)
    assert (await sent(phone, path))[1]["list"] != shown


async def test_a_case_that_ended_need_not_be_done(office: Office) -> None:
    _, phone, path, _, report = await on_site(office)
    assert "作業は不要" not in (await phone.get(path)).words
    await office_changes(office, report.number, state=ReportState.DONE)
    assert "作業は不要です。担当課で終了しました（完了）。" in (await phone.get(path)).words


async def test_what_a_crew_finds_is_likened_to_what_residents_reported(office: Office) -> None:
    """The same hole becomes one case by one press, as with reports of residents."""
    _, phone, path, _, report = await on_site(office)
    found = act(
        "found",
        category=report.category,
        words="穴",
        longitude=(report.longitude or 0) + STEP / 10,
        latitude=report.latitude,
    )
    assert (await sent(phone, path, found))[1]["refused"] == []
    made = max(await office.rows(Report), key=lambda one: one.id or 0)
    async with office.database.reading() as session:
        alike = await cases.similar(session, made, office.clock.now())
    assert [one.report.number for one in alike] == [report.number]


async def test_what_is_left_goes_on_the_order_of_another_day(office: Office) -> None:
    desk = await at_roads(office)
    reports = [await reported(office) for _ in range(3)]
    order_id = await ordered(office, desk, *(one.number for one in reports))
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    first, second, _ = items_of(await phone.get(path))
    await sent(phone, path, act("done", first), act("could-not", second, words="車"))
    done = {item.id: item.report_id for item in await office.rows(OrderItem)}[first]
    left = {one.number for one in reports if one.id != done}
    office.clock.ahead += timedelta(days=1)
    desk = await office.at_desk(Role.ROADS, "nextday")
    assert f"W-{order_id}" in (await desk.get("/console/orders")).words
    page = await desk.get(f"/console/orders/{order_id}")
    [address] = page.tree.xpath("//*[@data-testid='left']/@href")
    page = await desk.get(address)
    assert set(page.tree.xpath("//input[@name='number']/@value")) == left
    made = await desk.submit(page, "/console/orders")
    assert made.status == 200 and f"/console/orders/{order_id}" not in made.url, made.words
    assert (await outcomes(office)).count("open") == 3


async def test_what_a_patrol_left_goes_on_the_patrol_of_another_day(office: Office) -> None:
    """Routine places are cases of nobody; what was looked at is not looked at again."""
    desk = await at_roads(office)
    for name in ("歩道橋", "桜橋", "中央アンダーパス"):
        page = await desk.get("/console/orders/places")
        await desk.submit(page, "/console/orders/places", name=name, where="36.08, 140.11")
    ids = {place.name: str(place.id) for place in await office.rows(PatrolPlace)}
    order_id = await ordered(office, desk, kind="patrol", place=list(ids.values()))
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    items = {item.name: item.id for item in await office.rows(OrderItem)}
    await sent(phone, path, act("done", items["歩道橋"]), act("could-not", items["桜橋"]))
    page = await desk.get(f"/console/orders/{order_id}")
    [address] = page.tree.xpath("//*[@data-testid='left']/@href")
    page = await desk.get(address)
    ticked = page.tree.xpath("//input[@name='place'][@checked]/@value")
    assert set(ticked) == {ids["桜橋"], ids["中央アンダーパス"]}
    tomorrow = in_japan(office.clock.now()).date() + timedelta(days=1)
    assert page.tree.xpath("//input[@name='day']/@value") == [tomorrow.isoformat()]
    made = await desk.submit(page, "/console/orders")
    assert made.status == 200 and f"/console/orders/{order_id}" not in made.url, made.words
    assert "歩道橋" not in made.words and "桜橋" in made.words
    refused = await desk.submit(page, "/console/orders", place=[])
    assert refused.status == 400
    assert not refused.tree.xpath("//input[@name='place'][@checked]"), "what was unticked stays so"


@pytest.mark.parametrize(
    ("phone_says", "title"),
    [
        ("en-US,en;q=0.9", "Work order"),
        ("vi-VN,vi;q=0.9,en;q=0.8", "Work order"),
        ("ja,en;q=0.5", "作業指示"),
        ("", "作業指示"),
    ],
)
async def test_the_page_speaks_the_language_of_the_phone(
    office: Office, phone_says: str, title: str
) -> None:
    """A contractor's phone may be English; the link has no language."""
    desk, phone, path, *_ = await on_site(office)
    headers = {"Accept-Language": phone_says} if phone_says else {}
    page = await phone.get(path, **headers)
    assert title in page.words
    assert page.has_form(path), "what is sent needs no language in its address"
    for chosen, words in (("ja", "作業指示"), ("en", "Work order")):
        page = await phone.get(f"{path}?lang={chosen}", **headers)
        assert words in page.words and page.has_form(f"{path}?lang={chosen}")
    page = await desk.get(f"/console/orders/{(await office.rows(OrderItem))[0].order_id}")
    [revoke] = page.tree.xpath("//form[contains(@action, '/revoke')]/@action")
    await desk.submit(page, revoke)
    ended = await phone.get(path, **headers)
    assert ended.status == 410
    assert ("This link has ended" in ended.words) is (title == "Work order")
