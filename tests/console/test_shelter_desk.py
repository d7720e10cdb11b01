"""Evacuation sites at the desk, and the page of the staff there by a link."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from console.link_pages import MOST_OF_LINK
from console.models import Role
from core.clock import in_japan
from response.models import DisasterMode, ShelterAct, ShelterPhone, ShelterStatus
from tests.support.office import Browser, Office, Page

SITE = "0001"
KEY = "0123456789abcdef0123456789abcdef"


async def said(office: Office) -> dict[tuple[str, bool], tuple[str, int | None, list[str]]]:
    async with office.database.reading() as session:
        rows = await session.scalars(select(ShelterStatus))
        return {(r.shelter, r.drill): (r.state.value, r.heads, list(r.offers)) for r in rows}


async def do(desk: Browser, act: str, *sites: str, world: str = "real", **more: str) -> Page:
    page = await desk.get(f"/console/shelters?world={world}")
    token = page.form("/console/language")["csrf"]
    fields = {"csrf": token, "world": world, "site": list(sites), "do": act, **more}
    return await desk.post("/console/shelters", fields)


async def link_of(desk: Browser, office: Office, world: str = "real", site: str = SITE) -> str:
    """Make a link at the desk; returns its path."""
    page = await desk.get(f"/console/shelters/site?code={site}&world={world}")
    page = await desk.submit(page, "/console/shelters/links", hours="24")
    address = str(page.tree.xpath("//*[@data-testid='link']/@href")[0])
    assert page.tree.xpath("//*[contains(@class, 'code-box')]//*[local-name()='svg']")
    public = office.context.settings.public_url
    assert address.startswith(f"{public}/site/")
    return address.removeprefix(public)


async def sent(
    phone: Browser, path: str, *acts: dict[str, Any], body: str | None = None
) -> tuple[int, dict[str, Any]]:
    data = json.dumps({"acts": list(acts)}) if body is None else body
    async with phone.http.post(f"{phone.url}{path}/acts", data=data) as answer:
        return answer.status, await answer.json()


def act(key: str, kind: str, value: str, age_ms: Any = 0) -> dict[str, Any]:
    return {"id": key.ljust(16, "0"), "kind": kind, "value": value, "age_ms": age_ms}


async def test_state_offers_and_heads_are_a_click_each_and_several_open_at_once(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await do(desk, "state:open", "0001", "0002", "0003")
    assert page.status == 200
    assert [value[0] for value in (await said(office)).values()] == ["open"] * 3
    await do(desk, "offer:+pets", SITE)
    await do(desk, "heads:", SITE, heads="１，２００")
    page = await do(desk, "state:full", SITE)
    assert (await said(office))[SITE, False] == ("full", 1200, ["pets"])
    row = page.tree.xpath(f"//tr[@data-site='{SITE}']")[0]
    assert row.xpath(".//button[@value='state:full' and @aria-pressed='true']")
    assert row.xpath(".//button[@value='offer:-pets' and @aria-pressed='true']")
    assert "収容人数を超えています" in row.text_content()
    page = await desk.get("/console/shelters?world=real&state=open")
    assert [row.get("data-site") for row in page.tree.xpath("//tr[@data-site]")] != []
    assert SITE not in {row.get("data-site") for row in page.tree.xpath("//tr[@data-site]")}
    for wrong in ("state:burning", "heads:", "", "offer:+gold"):
        assert (await do(desk, wrong, SITE)).status == 400
    assert (await do(desk, "state:open", "nowhere")).status == 400
    assert (await do(desk, "state:open")).status == 400
    history = await desk.get(f"/console/shelters/site?code={SITE}&world=real")
    assert "満員" in history.words and "1200人（数え直し）" in history.words
    assert (await desk.get("/console/shelters/site?code=x&world=real")).status == 404


async def test_the_worlds_are_apart_and_each_page_says_which_it_is(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await do(desk, "state:open", SITE, world="drill")
    assert list(await said(office)) == [(SITE, True)]
    for world in ("real", "drill"):
        for path in ("shelters?x=1", f"shelters/site?code={SITE}", "lifelines?x=1"):
            page = await desk.get(f"/console/{path}&world={world}")
            assert page.tree.xpath(f"//*[@data-testid='world-{world}']"), path
    # Without saying so a page shows the drill while one is on.
    now = office.clock.now()
    await office.store(DisasterMode(drill=True, staff_only=True, began_at=now, began_by="a"))
    page = await desk.get("/console/shelters")
    assert page.tree.xpath("//*[@data-testid='world-drill']")


async def test_the_map_has_the_sites_with_their_state(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await do(desk, "state:full", SITE)
    page = await desk.get("/console/shelters/map.json?world=real")
    found = json.loads(page.body)
    assert found["districts"]["type"] == found["features"]["type"] == "FeatureCollection"
    by_title = {one["properties"]["href"]: one for one in found["features"]["features"]}
    one = next(v for k, v in by_title.items() if f"code={SITE}" in k)
    site = next(s for s in office.folder.shelters if s.code == SITE)
    assert one["geometry"]["coordinates"] == [site.longitude, site.latitude]
    assert one["properties"]["colour"] == "amber"
    assert len(by_title) == len(office.folder.shelters)


async def test_a_phone_by_a_link_says_what_is_there_and_the_desk_sees_it(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    phone = await office.browser()
    page = await phone.get(path)
    assert page.status == 200 and "本番" in page.words
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    minute = 60_000
    acts = (
        act("a", "state", "open", 10 * minute),
        act("b", "heads", "40", 9 * minute),
        act("c", "count", "+5", 8 * minute),
        act("d", "offer", "+pets", 7 * minute),
        act("e", "note", "<script>alert(1)</script> 水がない", 6 * minute),
        act("f", "state", "burning", 5 * minute),
    )
    status, answer = await sent(phone, path, *acts)
    assert status == 200 and answer["refused"] == [acts[5]["id"]]
    assert answer["done"] == [one["id"] for one in acts[:5]]
    assert (answer["state"], answer["heads"], answer["offers"]) == ("open", 45, ["pets"])
    # The same again, as after an answer that was lost, and a late act that is older.
    status, answer = await sent(phone, path, *acts[:5], act("g", "state", "closed", 30 * minute))
    assert (answer["state"], answer["heads"]) == ("open", 45)
    assert len(await office.rows(ShelterAct)) == 6
    page = await desk.get(f"/console/shelters/site?code={SITE}&world=real")
    assert "<script>alert(1)" not in page.body and "alert(1)" in page.words
    assert "現地の職員（リンク1）" in page.words and "に届きました" in page.words
    page = await desk.get("/console/disaster?world=real")
    assert "水がない" in page.words and "45" in page.words
    assert {one.actor for one in await office.audit()} >= {"link:1", "desk@city.example"}


async def test_without_javascript_the_form_does_the_same_and_a_second_press_counts_once(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    phone = await office.browser()
    page = await phone.get(path)
    await phone.submit(page, path, do="state:open")
    page = await phone.get(path)
    fields = page.form(path) | {"do": "count:+10"}
    for _ in range(2):
        done = await phone.post(path, fields)
        assert done.status == 200 and "すべて送りました" in done.words
    assert (await said(office))[SITE, False] == ("open", 10, [])
    page = await phone.submit(await phone.get(path), path, do="heads:", heads="33")
    assert (await said(office))[SITE, False][1] == 33
    page = await phone.submit(page, path, do="heads:", heads="many")
    assert "受け付けられませんでした" in page.words
    english = await phone.get(f"{path}?lang=en")
    assert "People here" in english.words


async def test_a_revoked_ended_changed_or_invented_link_does_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    phone = await office.browser()
    page = await desk.get(f"/console/shelters/site?code={SITE}&world=real")
    await desk.submit(page, "/console/shelters/links/1/revoke")
    assert (await phone.get(path)).status == 410
    status, answer = await sent(phone, path, act("a", "state", "open"))
    assert (status, answer) == (410, {"error": "ended"})
    assert (await phone.post(path, {"do": "state:open", "key": KEY})).status == 410
    ending = await link_of(desk, office)
    tampered = ending[:-3] + ("AAA" if ending[-3:] != "AAA" else "BBB")
    for wrong in (tampered, "/site/x", "/site/" + "A" * 300, "/site/%00", "/site/é"):
        assert (await phone.get(wrong)).status == 404, wrong
        async with phone.http.post(f"{phone.url}{wrong}/acts", data="{}") as refused:
            assert refused.status == 404, wrong
    office.clock.ahead += timedelta(hours=25)
    assert (await phone.get(ending)).status == 410
    assert await said(office) == {}


async def test_a_code_of_the_drill_never_changes_the_real_one(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    drill = await link_of(desk, office, "drill")
    phone = await office.browser()
    page = await phone.get(drill)
    assert "訓練" in page.words and page.tree.xpath("//body[@class='drill']")
    await sent(phone, drill, act("a", "state", "open"))
    assert list(await said(office)) == [(SITE, True)]
    # In a real disaster it says so and takes nothing, for nobody may believe it counts.
    await office.store(DisasterMode(drill=False, began_at=office.clock.now(), began_by="a"))
    page = await phone.get(drill)
    assert page.status == 409 and "いまは本番の災害対応中です" in page.words
    status, answer = await sent(phone, drill, act("b", "state", "full"))
    assert (status, answer["error"]) == (409, "real-now")
    assert await said(office) == {(SITE, True): ("open", None, [])}


async def test_a_link_is_of_one_site_and_passing_it_on_is_seen(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    phone = await office.browser()
    other = {**act("a", "state", "open"), "shelter": "0002", "site": "0002", "drill": True}
    await sent(phone, path, other)
    assert list(await said(office)) == [(SITE, False)]
    for _ in range(2):
        await phone.get(path, **{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18)"})
    page = await desk.get(f"/console/shelters/site?code={SITE}&world=real")
    assert "1台で開かれました" in page.words and "iPhone" in page.words
    await (await office.browser()).get(path)
    page = await desk.get(f"/console/shelters/site?code={SITE}&world=real")
    assert page.tree.xpath("//*[@data-testid='passed-on']") and "2台で開かれました" in page.words
    async with office.database.reading() as session:
        assert len(list(await session.scalars(select(ShelterPhone)))) == 2


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        '{"acts": "x"}',
        '{"acts": [null, 1, [], {}]}',
        '{"acts": [{"id": "short", "kind": "state", "value": "open"}]}',
        '{"acts": [{"id": 12345678901, "kind": ["state"], "value": {}}]}',
        '{"acts": [{"id": "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668", "kind": "state"}]}',
        "[" * 20_000,
        "x" * 70_000,
    ],
)
async def test_what_is_no_act_changes_nothing(office: Office, body: str) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    status, answer = await sent(await office.browser(), path, body=body)
    assert status == 200 and answer["done"] == []
    assert await said(office) == {}


@pytest.mark.parametrize("age", [-1, 1e300, float("inf"), float("nan"), None, "x", True, 8**9])
async def test_an_age_that_cannot_be_is_of_now_or_of_a_week_ago(office: Office, age: Any) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    await sent(await office.browser(), path, act("a", "state", "open", age))
    [kept] = await office.rows(ShelterAct)
    now = office.clock.now()
    assert now - timedelta(days=7, minutes=1) <= kept.at <= now


async def test_a_link_cannot_fill_the_database(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.site_pages.MOST_OF_LINK", 3)
    assert MOST_OF_LINK == 5_000
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office)
    phone = await office.browser()
    acts = [act(f"a{number}", "count", "+1") for number in range(3)]
    assert (await sent(phone, path, *acts))[0] == 200
    status, answer = await sent(phone, path, act("b", "count", "+1"))
    assert (status, answer["error"]) == (429, "too-many")


async def test_what_is_pressed_on_a_page_of_the_drill_after_it_became_real_is_refused(
    office: Office,
) -> None:
    """It would count for nobody, and who pressed it would take it for said."""
    desk = await office.at_desk(Role.DISASTER, "desk")
    path = await link_of(desk, office, world="drill")
    phone = await office.browser()
    await office.hazard(4, "レベル４大雨危険警報")
    page = await do(desk, "state:open", SITE, world="drill")
    assert page.status == 400 and "今は本番です" in page.words
    for address, fields in (
        ("/console/lifelines", {"kind": "water", "name": "給水車", "area": "0"}),
        ("/console/record", {"text": "本部を設置"}),
        ("/console/tasks", {"title": "水を", "to": office.context.city.departments[0].code}),
        ("/console/shelters/links", {"site": SITE, "hours": "24"}),
    ):
        token = page.form("/console/language")["csrf"]
        until = f"{in_japan(office.clock.now() + timedelta(hours=2)):%Y-%m-%dT%H:%M}"
        form = {"csrf": token, "world": "drill", "until": until, **fields}
        refused = await desk.post(address, form)
        assert refused.status == 400 and "今は本番です" in refused.words, address
    assert await sent(phone, path, act("a", "state", "open")) == (409, {"error": "real-now"})
    assert await said(office) == {}
    assert (await do(desk, "state:open", SITE, world="real")).status == 200


async def test_the_desk_opens_many_sites_while_their_phones_count(office: Office) -> None:
    """Nobody waits for somebody who waits for them."""
    desk = await office.at_desk(Role.DISASTER, "desk")
    sites = [site.code for site in office.folder.shelters[:5]]
    paths = [await link_of(desk, office, site=site) for site in sites]
    phones = [await office.browser() for _ in sites]
    page = await desk.get("/console/shelters?world=real")
    fields = {"csrf": page.form("/console/language")["csrf"], "world": "real", "do": "state:open"}

    async def counts(number: int) -> int:
        done = 0
        for count in range(6):
            key = f"{number}x{count}"
            done += (await sent(phones[number], paths[number], act(key, "count", "+1")))[0] == 200
        return done

    async def opens(order: list[str]) -> int:
        return (await desk.post("/console/shelters", {**fields, "site": order})).status

    counted = [counts(number) for number in range(len(sites))]
    opened = [opens(order) for order in (sites, sites[::-1]) * 4]
    results = await asyncio.gather(*counted, *opened)
    assert results == [6] * len(sites) + [200] * 8
    assert {(code, value[1]) for (code, _), value in (await said(office)).items()} == {
        (site, 6) for site in sites
    }
