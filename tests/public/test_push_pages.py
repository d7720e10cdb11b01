"""Following in a browser: choices without an account, and nothing that a stranger can do with
it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from channels.webpush.addresses import read_address
from city.city import Emblem
from core.languages import LANGUAGES
from public.push_limit import MOST_A_NETWORK, SignUpLimit
from public.push_pages import PATH
from simulator.push import Browser
from subscriptions import residents
from tests.support.clocks import HastyClock
from tests.support.office import NOON, Office, Page
from tests.support.push_desk import PushDesk, push_desk


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[PushDesk]:
    async with push_desk(office) as made:
        yield made


def fields_of(browser: Browser, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "subscription": json.dumps(browser.subscription()),
        "language": "my",
        "area": ["chuo", "umesato"],
        "quiet-start": "21:30",
        "quiet-end": "06:00",
    }
    return values | changes


async def ask(desk: PushDesk, path: str, fields: dict[str, Any]) -> Page:
    page = await (await desk.office.browser()).get(PATH)
    whole = page.form(PATH) | fields
    return await (await desk.office.browser()).post(PATH + path, whole)


async def test_somebody_follows_changes_their_mind_and_leaves_nothing_behind(
    desk: PushDesk,
) -> None:
    districts = [one.code for one in desk.office.context.city.districts][:2]
    browser = desk.service.subscribe(desk.key)
    made = await ask(desk, "", fields_of(browser, area=districts))
    assert made.status == 204
    [resident] = await desk.followers()
    assert resident.line_user_id is None
    assert read_address(str(resident.address)).endpoint == browser.endpoint
    assert (resident.quiet_start, resident.quiet_end) == (21 * 60 + 30, 6 * 60)
    mine = {"subscription": json.dumps(browser.subscription())}
    said = json.loads((await ask(desk, "/choices", mine)).body)
    assert (said["language"], said["areas"]) == ("my", sorted(districts))
    assert said["quiet"] == ["21:30", "06:00"]
    assert said["topics"]["weather"] == 0 and "events" not in said["topics"]

    changed = fields_of(browser, area=[], language="en", quiet="none", **{"topic-events": "0"})
    assert (await ask(desk, "", changed)).status == 204
    said = json.loads((await ask(desk, "/choices", mine)).body)
    assert (said["language"], said["areas"], said["quiet"]) == ("en", [], ["00:00", "00:00"])
    assert said["topics"]["events"] == 0
    assert len(await desk.followers()) == 1

    assert (await ask(desk, "/leave", mine)).status == 204
    assert await desk.followers() == []
    assert (await ask(desk, "/choices", mine)).status == 404
    assert (await ask(desk, "/leave", mine)).status == 204


async def test_who_knows_only_the_endpoint_sees_and_changes_nothing(desk: PushDesk) -> None:
    """The push service knows it, and whoever looks into its records."""
    browser = desk.service.subscribe(desk.key)
    await ask(desk, "", fields_of(browser, area=[]))
    forged = Browser("x", browser.endpoint)
    stolen = {"subscription": json.dumps(forged.subscription())}
    assert (await ask(desk, "/choices", stolen)).status == 404
    await ask(desk, "/leave", stolen)
    own = json.dumps(desk.service.subscribe(desk.key).subscription())
    moved = {"before": stolen["subscription"], "subscription": own}
    assert (await ask(desk, "/moved", moved)).status == 404
    [resident] = await desk.followers()
    assert resident.address == browser.address()


async def test_a_browser_that_got_a_new_address_keeps_its_choices(desk: PushDesk) -> None:
    before, after = desk.service.subscribe(desk.key), desk.service.subscribe(desk.key)
    await ask(desk, "", fields_of(before, area=[]))
    [was] = await desk.followers()
    fields = {
        "before": json.dumps(before.subscription()),
        "subscription": json.dumps(after.subscription()),
    }
    assert (await ask(desk, "/moved", fields)).status == 204
    [resident] = await desk.followers()
    assert (resident.id, resident.address) == (was.id, after.address())
    async with desk.office.database.reading() as session:
        assert resident.id is not None
        chosen = await residents.preferences(session, desk.office.context.city, resident.id)
    assert chosen.language == "my"


async def test_a_browser_that_moved_and_signed_up_again_is_there_once(desk: PushDesk) -> None:
    before, after = desk.service.subscribe(desk.key), desk.service.subscribe(desk.key)
    for each in (before, after):
        await ask(desk, "", fields_of(each, area=[]))
    fields = {
        "before": json.dumps(before.subscription()),
        "subscription": json.dumps(after.subscription()),
    }
    assert (await ask(desk, "/moved", fields)).status == 204
    assert [each.address for each in await desk.followers()] == [after.address()]


@pytest.mark.parametrize(
    "changes",
    [
        {"subscription": ""},
        {"subscription": "[" * 3000},
        {"subscription": "{}"},
        {"subscription": "x" * 5000},
        {"language": "xx"},
        {"area": ["nowhere"]},
        {"topic-weather": "9"},
        {"topic-weather": "-1"},
        {"topic-weather": ""},
        {"quiet-start": "25:00"},
        {"quiet-end": ""},
    ],
)
async def test_what_the_form_does_not_offer_is_refused(
    desk: PushDesk, changes: dict[str, Any]
) -> None:
    browser = desk.service.subscribe(desk.key)
    made = await ask(desk, "", fields_of(browser, area=[]) | changes)
    assert made.status == 422
    assert await desk.followers() == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:8000/console",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/x",
        "https://fcm.googleapis.com/x",  # not one of this installation's services
        "file:///etc/passwd",
    ],
)
async def test_an_endpoint_that_points_elsewhere_is_refused(desk: PushDesk, endpoint: str) -> None:
    made = await ask(desk, "", fields_of(Browser("x", endpoint), area=[]))
    assert made.status == 422
    assert await desk.followers() == []


async def test_another_site_cannot_sign_anybody_up_or_off(desk: PushDesk) -> None:
    browser = desk.service.subscribe(desk.key)
    await ask(desk, "", fields_of(browser, area=[]))
    desk_browser = await desk.office.browser()
    desk_browser.http.headers.update({"Origin": "https://evil.example"})
    mine = {"subscription": json.dumps(browser.subscription())}
    for path in ("", "/leave", "/choices", "/moved"):
        assert (await desk_browser.post(PATH + path, mine)).status == 403
    assert len(await desk.followers()) == 1


async def test_a_flood_of_sign_ups_is_stopped_and_who_follows_can_still_change(
    desk: PushDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("public.push_limit.MOST_A_NETWORK", 3)
    browsers = [desk.service.subscribe(desk.key) for _ in range(5)]
    statuses = [(await ask(desk, "", fields_of(each, area=[]))).status for each in browsers]
    assert statuses == [204, 204, 204, 429, 429]
    assert (await ask(desk, "", fields_of(browsers[0], area=[], language="en"))).status == 204
    assert len(await desk.followers()) == 3


async def test_the_limit_is_for_a_network_and_ends() -> None:
    clock = HastyClock(NOON)
    limit = SignUpLimit(clock)
    for number in range(MOST_A_NETWORK):
        assert limit.allows(f"2001:db8::{number:x}")  # one household has the whole /64
    assert not limit.allows("2001:db8::ffff")
    assert limit.allows("2001:db8:0:1::1")
    assert limit.allows("192.0.2.1")
    assert limit.allows("::ffff:192.0.2.1")
    clock.skip(601)
    assert limit.allows("2001:db8::1")


async def test_without_a_key_there_is_nothing(office: Office) -> None:
    browser = await office.browser()
    assert (await browser.get(PATH)).status == 404
    assert (await browser.post(PATH, {})).status == 404


@pytest.mark.parametrize("language", list(LANGUAGES))
async def test_the_page_is_there_in_every_language(desk: PushDesk, language: str) -> None:
    page = await (await desk.office.browser()).get(f"{PATH}?lang={language}")
    assert page.status == 200
    words = json.loads(page.tree.xpath("//form[@data-push]/@data-words")[0])
    assert "{time}" in words["offline"]
    assert page.tree.xpath("//form/@data-push") == [desk.key]
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    assert not page.tree.xpath("//script[not(@src)] | //@style | //@onclick")


async def test_the_service_worker_has_the_whole_site_and_is_asked_for_each_time(
    desk: PushDesk,
) -> None:
    page = await (await desk.office.browser()).get("/sw.js")
    assert page.headers["Content-Type"].startswith("text/javascript")
    assert page.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(("has_emblem", "expected"), [(True, {512}), (False, {192, 512})])
async def test_the_manifest_lets_the_page_be_installed(
    desk: PushDesk, has_emblem: bool, expected: set[int]
) -> None:
    if not has_emblem:
        context = desk.office.app.state.context
        plain = context.city.model_copy(update={"emblem_files": {}})
        desk.office.app.state.context = replace(context, city=plain)
    browser = await desk.office.browser()
    page = await browser.get("/manifest.webmanifest?lang=my")
    assert page.headers["Content-Type"].startswith("application/manifest+json")
    found = json.loads(page.body)
    assert (found["lang"], found["display"], found["scope"]) == ("my", "standalone", "/")
    sizes = set()
    for icon in found["icons"]:
        async with browser.http.get(browser.url + icon["src"]) as answer:
            assert answer.status == 200
            body = await answer.read()
            width, height = (int.from_bytes(body[at : at + 4], "big") for at in (16, 20))
            assert icon["sizes"] == f"{width}x{height}"
            sizes.add(width)
    assert sizes == expected


@pytest.mark.parametrize("has_emblem", [True, False])
async def test_an_installed_page_has_one_colour_and_one_icon(
    desk: PushDesk, has_emblem: bool
) -> None:
    if not has_emblem:
        context = desk.office.app.state.context
        plain = context.city.model_copy(update={"emblem": Emblem(), "emblem_files": {}})
        desk.office.app.state.context = replace(context, city=plain)
    browser = await desk.office.browser()
    page = await browser.get("/")
    installed = json.loads((await browser.get("/manifest.webmanifest")).body)
    [colour] = page.tree.xpath("//meta[@name='theme-color']/@content")
    assert colour == installed["theme_color"] == ("#1b5e4b" if has_emblem else "#0017c1")
    [icon] = page.tree.xpath("//link[@rel='apple-touch-icon']/@href")
    assert icon in [each["src"] for each in installed["icons"]]


@pytest.mark.parametrize(
    "path", ["/", "/shelters", "/lifelines", "/follow", PATH, "/reports", "/n", "/n/none"]
)
async def test_every_page_can_be_put_on_the_home_screen(desk: PushDesk, path: str) -> None:
    """An iPhone shows notifications only of a page that was put there."""
    page = await (await desk.office.browser()).get(f"{path}?lang=en")
    assert page.tree.xpath('//link[@rel="manifest"]/@href') == ["/manifest.webmanifest?lang=en"]
    assert page.tree.xpath('//link[@rel="apple-touch-icon"]')
    assert "manifest-src 'self'" in page.headers["Content-Security-Policy"]


async def test_without_web_push_no_page_asks_to_be_installed(office: Office) -> None:
    page = await (await office.browser()).get("/")
    assert not page.tree.xpath('//link[@rel="manifest"]')


async def test_when_they_are_reminded_is_their_choice(desk: PushDesk) -> None:
    browser = desk.service.subscribe(desk.key)
    fields = fields_of(browser, area=["chuo"], reminder="morning", **{"topic-collection": "0"})
    assert (await ask(desk, "", fields)).status == 204
    [resident] = await desk.followers()
    assert resident.remind_in_morning
    mine = {"subscription": json.dumps(browser.subscription())}
    said = json.loads((await ask(desk, "/choices", mine)).body)
    assert (said["reminder"], said["topics"]["collection"]) == ("morning", 0)
    page = await (await desk.office.browser()).get(PATH)
    assert page.form(PATH)["reminder"] == "evening"
