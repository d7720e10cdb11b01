"""From places and levels to the chain: one alert with two levels, asked about, tried out, sent,
corrected and ended, as staff do it in the console.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from alerts.places import MOST_POINTS
from app.staff_sender import StaffSender
from channels.failing import failing_emergencies
from console.models import Role, Staff
from response import staff
from response.models import StaffLineLink, StaffMessage
from response.staff import Entry
from simulator.line import FaultPlan
from tests.support.console_alerts import begun, delivery_of, sent, written
from tests.support.engine import make_notice, user_id
from tests.support.office import Browser, Office, Page


def ticked(page: Page) -> set[str]:
    return set(page.tree.xpath('//input[@name="areas"][@checked]/@value'))


def number(page: Page, testid: str) -> int:
    [found] = page.tree.xpath(f'//*[@data-testid="{testid}"]')
    return int(found.text_content().replace(",", ""))


def codes(office: Office) -> tuple[str, str, str]:
    first, second, third, *_ = office.context.city.districts
    return first.code, second.code, third.code


async def mixed(office: Office, browser: Browser, kind: str, **more: Any) -> tuple[int, Page]:
    """Write an order of level 4 for two districts, of which the first gets level 5."""
    a, b, _ = codes(office)
    some = {"whole_city": None, "areas": [a, b], f"level-{a}": "5", **more}
    return await written(browser, kind, **some)


@pytest.mark.parametrize("kind", ["drill", "real"])
async def test_one_alert_with_two_levels_from_the_check_to_the_chain(
    office: Office, kind: str
) -> None:
    a, b, c = codes(office)
    people = {
        "a": await office.resident("ja", areas=(a,)),
        "b": await office.resident("ja", areas=(b,)),
        "both": await office.resident("en", areas=(a, b)),
        "c": await office.resident("ja", areas=(c,)),
    }
    writer = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    draft, page = await mixed(office, writer, kind)
    assert (number(page, "part-main-5-recipients"), number(page, "part-main-4-recipients")) == (
        2,
        1,
    )
    assert page.tree.xpath('string(//*[@data-testid="recipients"])').split()[0] == "3"
    assert page.tree.xpath('//*[@data-testid="warning-levels"]')
    if kind == "real":
        seen = await colleague.get(f"/console/alerts/{draft}/check")
        await colleague.submit(seen, f"/console/alerts/{draft}/confirm")
        page = await writer.get(f"/console/alerts/{draft}/check")
    page = await sent(writer, draft, page)
    first = delivery_of(page)
    await office.done(first)
    order = await office.notices()
    assert [(each.level, each.areas, each.with_id) for each in order] == [
        (5, [a], None),
        (4, [b], order[0].id),
    ]
    got = {name: told(office, user) for name, user in people.items()}
    assert [len(each) for each in got.values()] == [1, 1, 1, 0]
    assert "緊急安全確保" in got["a"][0] and "緊急安全確保" not in got["b"][0]
    assert "避難指示" in got["b"][0]
    [entry] = [each for each in await office.audit() if each.action == "alert.sent"]
    assert entry.detail["lower_levels"] == {"4": [b]}
    assert "levels" in entry.detail["warned"]
    page = await writer.get(f"/console/deliveries/{first}")
    assert page.tree.xpath('//*[@data-testid="by-level"]')

    # A correction that drops the second district.
    page = await writer.submit(
        page, f"/console/notices/{order[0].id}/take-back", status="corrected"
    )
    follow = int(page.url.rsplit("/", 1)[1])
    assert ticked(page) == {a, b}
    page = await writer.submit(
        page,
        f"/console/alerts/{follow}",
        areas=[a],
        text__ja="対象は一つの地区だけです。",
        then="check",
    )
    assert number(page, "part-elsewhere-recipients") == 1
    page = await sent(writer, follow, page)
    second = delivery_of(page)
    await office.done(second)

    page = await writer.get(f"/console/deliveries/{second}")
    last = (await office.notices())[-1]
    page = await writer.submit(page, f"/console/notices/{last.id}/take-back", status="lifted")
    end = int(page.url.rsplit("/", 2)[1])
    if kind == "real":
        seen = await colleague.get(f"/console/alerts/{end}/check")
        await colleague.submit(seen, f"/console/alerts/{end}/confirm")
        page = await writer.get(f"/console/alerts/{end}/check")
    page = await sent(writer, end, page)
    await office.done(delivery_of(page))

    # The chain, whichever notice is named.
    for notice in await office.notices():
        chain = await writer.get(f"/console/chains/{notice.id}")
        assert chain.tree.xpath("//body/@class") == [f"is-{kind}"]
        assert chain.tree.xpath(f"//section[contains(@class, 'band-{kind}')]")
        assert [number(chain, f"said-{at}-recipients") for at in (1, 2, 3)] == [3, 3, 3]
        assert number(chain, "said-2-elsewhere") == 1
        assert not chain.tree.xpath('//*[@data-testid="in-force-now"]//span')
    assert (await writer.get("/console/chains/999")).status == 404


def told(office: Office, user: str) -> list[str]:
    """Return what somebody's phone shows, a text for each delivery."""
    return [json.dumps(each, ensure_ascii=False) for each in office.received(user)]


async def test_districts_are_taken_from_a_drawing_a_zone_and_a_danger(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    city = office.context.city
    district = city.districts[0]
    (x, y), *_ = district.polygons[0][0]
    near = [[x, y], [x + 0.0001, y], [x, y + 0.0001], [x, y]]
    area = json.dumps({"type": "Polygon", "coordinates": [near]})
    draft, page = await begun(browser, "drill")
    way = f"/console/alerts/{draft}"
    fields = {"topic": "evacuation", "level": "3", "text__ja": "避難の練習です。"}
    page = await browser.submit(page, way, **fields, polygon=area, then="pick-polygon:drawn")
    assert district.code in ticked(page)
    assert page.tree.xpath('//*[@data-testid="picked"]')
    assert "避難の練習です。" in page.body
    # A drawing whose districts nobody has taken does not pass unseen.
    page = await browser.submit(page, way, polygon=area, then="check")
    assert page.status == 400
    # One that is not meant can be unticked.
    page = await browser.submit(page, way, areas=None, polygon="", then="stay")
    assert ticked(page) == set()
    page = await browser.submit(page, way, then="pick-hazard:flood")
    zone = ticked(page)
    assert zone and zone < set(city.district_by_code)
    # A danger in force, of some districts and of the whole city.
    second, third = city.districts[1].code, city.districts[2].code
    some = make_notice("weather", level=4, now=office.clock.now(), areas=[second, third])
    everywhere = make_notice("weather", level=3, now=office.clock.now())
    await office.store(some, everywhere)
    page = await browser.submit(page, way, areas=None, then=f"pick-danger:{some.id}")
    assert ticked(page) == {second, third}
    page = await browser.submit(page, way, then=f"pick-danger:{everywhere.id}")
    assert page.tree.xpath('//input[@name="whole_city"][@checked]')
    over = make_notice("weather", level=4, now=office.clock.now() - timedelta(hours=49))
    await office.store(over)
    page = await browser.submit(page, way, then=f"pick-danger:{over.id}")
    assert page.status == 400


async def test_a_polygon_bomb_is_refused_and_what_was_written_stays(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    draft, page = await begun(browser, "drill")
    way = f"/console/alerts/{draft}"
    many = [[140 + at / 1e6, 36 + (at % 7) / 1e6] for at in range(MOST_POINTS + 2)]
    bombs = [
        "[" * 19_000,
        '{"type":"Polygon","coordinates":[[[1e999,36],[141,36],[141,37],[1e999,36]]]}',
        json.dumps({"type": "Polygon", "coordinates": [[*many, many[0]]]}),
        "<script>alert(1)</script>",
        "9" * 25_000,
    ]
    for bomb in bombs:
        page = await browser.submit(
            page, way, polygon=bomb, text__ja="残る言葉", then="pick-polygon:drawn"
        )
        assert page.status == 400, bomb[:40]
        assert "残る言葉" in page.body
        assert "<script>alert" not in page.body
    for odd in ("pick-", "pick-hazard:../../etc", "pick-danger:", "pick-danger:9e9", "pick-x:y"):
        page = await browser.submit(page, way, polygon="", then=odd)
        assert page.status == 400, odd
    [stored] = await office.drafts()
    assert (stored.areas, stored.version) == ([], 1)


async def member(office: Office, name: str, *, user: str = "", mail: str = "") -> int:
    """Put a colleague of the console into the register of staff."""
    async with office.database.writing() as session:
        entry = Entry(name, "crisis", mail, account=f"{name}@city.example")
        made = await staff.add(
            session, office.context.city, entry, office.clock.now(), actor="a@city.example"
        )
        assert made.id is not None
        if user:
            joined = office.clock.now()
            session.add(StaffLineLink(member_id=made.id, line_user_id=user, joined_at=joined))
        return made.id


async def test_a_colleague_is_asked_on_their_phone_with_the_full_address(office: Office) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    await office.at_desk(Role.DISASTER, "colleague")
    await office.at_desk(Role.ROADS, "roads")
    await office.resident("ja")
    phone, others = user_id(900), user_id(901)
    await member(office, "colleague", user=phone)
    await member(office, "writer", mail="writer@city.example")
    await member(office, "roads", user=others)
    StaffSender(office.context, office.app.state.line).register()
    async with office.database.writing() as session:
        asking = select(Staff).where(col(Staff.email) == "writer@city.example")
        (await session.scalars(asking)).one().name = "佐藤 花子"
    draft, page = await written(writer, "real")
    link = f"http://127.0.0.1:8000/console/alerts/{draft}/check"
    assert page.tree.xpath('//*[@data-testid="check-link"]/@href') == [link]
    assert page.tree.xpath('//*[@class="qr"]//*[local-name()="svg"]')
    way = f"/console/alerts/{draft}/ask"
    offered = page.tree.xpath(f'//form[@action="{way}"]//input[@name="colleague"]/@value')
    assert offered == ["colleague@city.example"]
    # Who cannot confirm is not asked, whatever a form says; nor who wrote it.
    wrong = await writer.submit(page, way, colleague=["roads@city.example", "writer@city.example"])
    assert wrong.status == 400
    page = await writer.submit(page, way, colleague="colleague@city.example")
    page = await writer.submit(page, way, colleague="colleague@city.example")
    assert "colleague" in page.tree.xpath('string(//*[@data-testid="asked"])')
    [message] = await office.rows(StaffMessage)
    assert link in json.dumps(message.content)
    assert message.content["text"].startswith("佐藤 花子さん")
    assert await office.deliveries() == []
    asked = [each for each in await office.audit() if each.action == "alert.asked"]
    assert asked[0].detail["asked"] == ["colleague@city.example"]


@pytest.mark.parametrize("kind", ["drill", "real"])
async def test_a_test_goes_to_the_desks_own_phones_alone_and_says_so(
    office: Office, kind: str
) -> None:
    writer = await office.at_desk(Role.DISASTER, "writer")
    for _ in range(3):
        await office.resident("ja")
    await member(office, "writer", user=user_id(900), mail="writer@city.example")
    draft, page = await written(writer, kind)
    way = f"/console/alerts/{draft}/test"
    page = await writer.submit(page, way)
    assert page.tree.xpath('//*[@data-testid="tested"]')
    messages = await office.rows(StaffMessage)
    assert {each.way.value for each in messages} == {"line", "mail"}
    for each in messages:
        assert "送信試験" in each.content["title"]
        assert "送信試験" in each.content["text"]
        assert each.content["title"].startswith("【訓練】") is (kind == "drill")
        assert "避難してください" in each.content["text"]
    assert await office.deliveries() == []
    assert [each.action for each in await office.audit()][-1] == "alert.tested"
    page = await writer.submit(page, way, colleague="stranger@city.example")
    assert page.status == 400


async def test_stopping_says_first_who_has_it_and_who_will_not_get_it(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    await office.resident("ja")
    office.simulator.faults = FaultPlan.parse("hang-before=100%,only=multicast+push")
    draft, page = await written(browser, "drill")
    page = await sent(browser, draft, page)
    way = f"/console/deliveries/{delivery_of(page)}"
    page = await browser.get(f"{way}/stop")
    assert (number(page, "have-it"), number(page, "will-not")) in ((0, 1), (0, 0))
    assert (await office.deliveries())[0].state.value != "stopped"
    page = await browser.submit(page, f"{way}/stop")
    assert (await office.deliveries())[0].state.value == "stopped"
    # Nothing is left to stop.
    page = await browser.get(f"{way}/stop")
    assert page.url.endswith(way)


async def test_line_that_does_not_answer_an_emergency_is_seen_after_half_a_minute(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    await office.resident("ja")
    office.simulator.faults = FaultPlan.parse("hang-before=100%,only=multicast+push")
    draft, page = await written(browser, "drill", level="5")
    page = await sent(browser, draft, page)
    async with office.database.reading() as session:
        assert await failing_emergencies(session, office.clock.now()) == []

    async def is_tried() -> bool:
        async with office.database.reading() as session:
            at = office.clock.now() + timedelta(seconds=31)
            return bool(await failing_emergencies(session, at))

    async with asyncio.timeout(10):
        while not await is_tried():
            await asyncio.sleep(0.05)
    async with office.database.reading() as session:
        [slow] = await failing_emergencies(session, office.clock.now() + timedelta(seconds=31))
        assert slow.reason is not None and slow.reason.code == "delivery.slow"
        assert slow.waiting == 1
    office.clock.ahead += timedelta(seconds=31)
    page = await browser.get("/console/")
    assert page.tree.xpath('//*[@data-testid="emergency-failing"]')
