"""The console's first page, the public page and the feeds show the same dangers in force."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from channels.models import Delivery, DeliveryState
from city.city import Decision
from console.models import Role
from feeds.models import Notice, Source, Status
from public.asked import slot_of
from public.models import AskedCount
from reports.models import Danger, Triage
from response.models import (
    CalledMember,
    CallUp,
    DisasterMode,
    ShelterState,
    ShelterStatus,
    StaffAnswer,
    StaffMember,
)
from tests.support.office import Office, Page


def notice(office: Office, identity: str, **changes: Any) -> Notice:
    now = office.clock.now()
    return Notice(
        **{
            "identity": identity,
            "topic": "evacuation",
            "level": 4,
            "status": Status.ISSUED,
            "drill": False,
            "reported_at": now,
            "texts": {"ja": {"title": f"{identity}の題", "text": "本文"}},
            "decision": Decision.SEND,
            "decided_by": "rule:test",
            "created_at": now,
            **changes,
        }
    )


def rows(page: Page, heading: str) -> list[list[str]]:
    """The first two cells of each row of a card."""
    path = f'//section[.//h2[contains(., "{heading}")]]//tr'
    cells = ([" ".join(td.text_content().split()) for td in tr] for tr in page.tree.xpath(path))
    return [row[:2] for row in cells]


async def test_all_pages_agree_on_what_is_in_force(office: Office) -> None:
    now = office.clock.now()
    agency = {"source": "jma-extra", "level": 0}
    await office.store(Source(code="jma-extra", kind="jma"))
    quake = {"hazard": "earthquake", "intensity": "5-", "urgency": 4, "emergency": True}
    await office.store(
        notice(office, "地震", topic="earthquake", **quake, **agency),
        notice(office, "竜巻", topic="weather", hazard="tornado", urgency=3, **agency),
        notice(office, "指示", expires_at=now + timedelta(hours=72)),
        notice(
            office,
            "雨の帯",
            topic="weather",
            hazard="linear-rain-band",
            urgency=4,
            expires_at=now,
            **agency,
        ),
    )
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get("/console/")
    assert rows(page, "発表中") == [
        ["震度5弱", "地震の題 住民には未配信"],
        ["4", "指示の題 市が発信"],
        ["警戒", "竜巻の題 住民には未配信"],
    ]
    public = await browser.get("/?lang=ja")
    shown = public.tree.xpath('//section[@aria-labelledby="now"]//h3//text()')
    assert shown == ["地震の題", "指示の題", "竜巻の題"]
    feed = json.loads((await browser.get("/feeds/notices.json?lang=ja")).body)
    holding = [item["title"] for item in feed["items"] if item["_todoke"]["in_force"]]
    assert set(holding) == set(shown)
    atom = (await browser.get("/feeds/notices.atom?lang=ja")).body
    assert atom.count('term="in-force"') == 3


async def test_an_all_clear_wears_no_level(office: Office) -> None:
    order = notice(office, "指示")
    await office.store(order)
    over = notice(office, "解除", status=Status.LIFTED, replaces_id=order.id, emergency=True)
    await office.store(over)
    await office.store(
        Delivery(
            channel="line",
            notice_id=over.id,
            state=DeliveryState.DONE,
            priority=0,
            recipients=3,
            created_at=office.clock.now(),
            created_by="sato",
        )
    )
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get("/console/")
    assert rows(page, "発表中") == []
    assert rows(page, "最近")[0] == ["解除", "解除の題"]
    [delivery] = await office.deliveries()
    for path in ("/console/", "/console/alerts", f"/console/deliveries/{delivery.id}"):
        assert not (await browser.get(path)).tree.xpath('//*[contains(@class, "level-4")]'), path
    public = await browser.get("/?lang=ja")
    [article] = public.tree.xpath(f'//article[@id="notice-{over.id}"]')
    assert "警戒レベル" not in article.text_content()
    assert "at-4" not in article.get("class")
    [said, first] = json.loads((await browser.get("/feeds/notices.json")).body)["items"]
    assert (said["_todoke"]["level"], said["_todoke"]["in_force"]) == (0, False)
    assert first["_todoke"]["in_force"] is False


async def test_a_source_that_stands_still_alarms_staff(office: Office) -> None:
    now = office.clock.now()
    fresh: dict[str, Any] = {"last_polled_at": now, "last_succeeded_at": now, "usual_gap_s": 60.0}
    await office.store(
        Source(code="jma-extra", kind="jma", said_at=now - timedelta(days=3), **fresh),
        Source(code="jma-eqvol", kind="jma", said_at=now, **fresh),
    )
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await browser.get("/console/")
    [alarm] = page.tree.xpath('//*[@data-testid="source-alarm"]')
    assert "更新されていません" in alarm.text_content()
    assert ["更新停止", "気象庁（警報・注意報など随時）"] in rows(page, "情報源")
    assert "更新停止" in (await browser.get("/console/feeds")).body


async def test_a_strong_quake_looks_like_one_and_a_disaster_is_in_numbers(office: Office) -> None:
    """The agency's colours begin to shout at 震度5弱; what is empty is one line."""
    now = office.clock.now()
    quiet = await (await office.at_desk(Role.DISASTER, "sato")).get("/console/")
    assert not quiet.tree.xpath('//*[@data-testid="quake" or @data-testid="mode"]')
    (line,) = quiet.tree.xpath('//p[@class="quiet"]')
    assert line.text_content().count("ありません") >= 4
    sites = office.folder.shelters
    await office.store(Source(code="jma-extra", kind="jma"))
    await office.store(
        notice(
            office,
            "地震",
            topic="earthquake",
            hazard="earthquake",
            intensity="6-",
            urgency=5,
            emergency=True,
            source="jma-extra",
            level=0,
        ),
        *(
            ShelterStatus(
                shelter=site.code,
                drill=False,
                state=state,
                heads=heads,
                changed_at=now,
                changed_by="sato",
            )
            for site, state, heads in zip(
                sites, (ShelterState.OPEN, ShelterState.FULL), (120, None), strict=False
            )
        ),
        DisasterMode(drill=False, began_at=now, began_by="sato"),
        AskedCount(slot=slot_of(now), intent="shelter", bucket=0, count=7),
    )
    browser = await office.at_desk(Role.DISASTER, "kato")
    page = await browser.get("/console/now/live")
    (quake,) = page.tree.xpath('//tr[@data-testid="quake"]//span[contains(@class, "shindo")]')
    assert quake.get("class") == "shindo shindo-6-lower"
    assert quake.text_content() == "震度6弱"
    (mode,) = page.tree.xpath('//*[@data-testid="mode"]')
    assert mode.get("class") == "mode mode-real"
    (shelters,) = page.tree.xpath('//*[@data-testid="shelters"]')
    assert " ".join(shelters.text_content().split()).startswith("1か所の避難場所が開設中")
    assert "120" in shelters.text_content()
    (asked,) = page.tree.xpath('//*[@data-testid="asked"]')
    assert "避難場所" in asked.text_content()
    assert "7" in asked.text_content()
    shown = json.loads((await browser.get("/console/now/map/live")).body)["features"]["features"]
    assert {one["geometry"]["type"] for one in shown} == {"MultiPolygon", "Point"}
    points = [one for one in shown if one["geometry"]["type"] == "Point"]
    assert sorted(one["properties"]["colour"] for one in points) == ["amber", "green"]
    assert len(shown) - len(points) == len(office.context.city.districts)


async def test_a_call_up_that_goes_on_and_new_dangers_are_on_the_first_page(
    office: Office,
) -> None:
    now = office.clock.now()
    members = [
        StaffMember(name=name, department="roads", added_at=now, changed_at=now)
        for name in ("佐藤", "鈴木", "高橋")
    ]
    await office.store(*members)
    calls = [CallUp(drill=False, words="本庁舎へ", began_at=now, began_by="test") for _ in range(2)]
    calls[0].ended_at = now
    await office.store(*calls)
    answers = (StaffAnswer.COMING, StaffAnswer.CANNOT, None)
    await office.store(
        *(
            CalledMember(
                call_up_id=call.id or 0, member_id=member.id or 0, called_at=now, answer=said
            )
            for call in calls
            for member, said in zip(members, answers, strict=True)
        )
    )
    await office.store(
        Danger(drill=False, origin="event 1", state=Triage.NEW, created_at=now),
        Danger(drill=False, origin="event 2", state=Triage.KNOWN, created_at=now),
    )
    page = await (await office.at_desk(Role.DISASTER, "sato")).get("/console/")
    [shown] = page.tree.xpath('//*[@data-testid="call-up"]')
    assert shown.get("href") == f"/console/call-up/{calls[1].id}"
    assert " ".join(shown.text_content().split()) == "1参集する職員（3人中）未回答1人"
    assert "1未確認の危険な場所" in "".join(page.words.split())
    viewer = await (await office.at_desk(Role.VIEWER, "viewer")).get("/console/")
    assert not viewer.tree.xpath('//*[@data-testid="call-up"]')
