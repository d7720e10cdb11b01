"""What everybody may read: true, in their language, without script, and never a drill as news."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import feedparser
import pytest

from city.city import Decision
from core.languages import LANGUAGES
from feeds.models import HazardState, Status
from response.models import Offer, ShelterState
from response.shelters import set_state
from tests.support.office import Office
from tests.support.public_notices import notice, shown


async def test_what_holds_now_stands_apart_from_what_was_said(office: Office) -> None:
    now = office.clock.now()
    await office.store(
        notice(office, "current"),
        notice(office, "old", reported_at=now - timedelta(hours=49)),
        notice(office, "expired", expires_at=now - timedelta(minutes=1)),
        notice(office, "routine", level=0, status=Status.NONE, topic="events"),
        notice(office, "lifted", status=Status.LIFTED),
        notice(office, "ancient", reported_at=now - timedelta(days=15)),
        notice(office, "held", decision=Decision.HOLD),
        notice(office, "dropped", decision=Decision.DROP),
    )
    page = await (await office.browser()).get("/?lang=ja")
    assert shown(page, "now") == ["notice-1"]
    assert set(shown(page, "recent")) == {f"notice-{n}" for n in (2, 3, 4, 5)}


async def test_a_danger_is_not_pushed_off_the_page_by_news(office: Office) -> None:
    now = office.clock.now()
    await office.store(
        notice(office, "order", topic="evacuation", reported_at=now - timedelta(hours=30)),
        *(notice(office, f"news-{n}", level=0, topic="events") for n in range(80)),
    )
    page = await (await office.browser()).get("/?lang=ja")
    assert shown(page, "now") == ["notice-1"]
    assert len(shown(page, "recent")) == 60
    over = notice(
        office,
        "over",
        level=0,
        topic="evacuation",
        status=Status.CANCELLED,
        replaces_id=1,
        reported_at=now - timedelta(hours=29),
    )
    await office.store(over)
    page = await (await office.browser()).get("/?lang=en")
    assert shown(page, "now") == []
    assert f"notice-{over.id}" in shown(page, "recent")


async def test_what_telegrams_say_is_in_force_stands_until_they_lift_it(office: Office) -> None:
    """A continued warning says nothing again; it is there all the same."""
    long_ago = office.clock.now() - timedelta(days=20)
    await office.store(
        notice(
            office, "thunder", level=0, reported_at=long_ago, expires_at=long_ago, hazard="thunder"
        )
    )
    state = HazardState(
        municipality=office.context.city.jma.municipality,
        hazard="thunder",
        area="0822000",
        level=2,
        kind="雷注意報",
        reported_at=long_ago,
        notice_id=1,
    )
    await office.store(state)
    browser = await office.browser()
    assert shown(await browser.get("/?lang=ja"), "now") == ["notice-1"]
    async with office.database.writing() as session:
        stored = await session.merge(state)
        stored.level = 0
    assert shown(await browser.get("/?lang=ja"), "now") == []


async def test_what_was_withdrawn_is_gone_and_the_withdrawal_stands(office: Office) -> None:
    await office.store(notice(office, "wrong"))
    await office.store(notice(office, "withdrawal", status=Status.CANCELLED, replaces_id=1))
    browser = await office.browser()
    page = await browser.get("/?lang=ja")
    assert shown(page, "now") == []
    assert shown(page, "recent") == ["notice-2"]
    assert "wrong" not in (await browser.get("/feeds/notices.json")).body


async def test_what_was_corrected_is_gone_with_all_its_levels(office: Office) -> None:
    """One alert with two levels is corrected by one with two levels, and that is withdrawn."""
    a, b = ([district.code] for district in office.context.city.districts[:2])
    await office.store(notice(office, "grave", level=5, areas=a))
    await office.store(notice(office, "lower", level=4, areas=b, with_id=1, replaces_id=1))
    right: dict[str, Any] = {"status": Status.CORRECTED}
    await office.store(notice(office, "right grave", level=5, areas=b, replaces_id=2, **right))
    await office.store(notice(office, "right", level=4, areas=a, with_id=3, replaces_id=3, **right))
    browser = await office.browser()
    page = await browser.get("/?lang=ja")
    assert (shown(page, "now"), shown(page, "recent")) == (["notice-3", "notice-4"], [])
    # Once its hours are over it is told as it was last.
    office.clock.ahead += timedelta(hours=49)
    page = await browser.get("/?lang=ja")
    assert (shown(page, "now"), shown(page, "recent")) == ([], ["notice-4", "notice-3"])
    office.clock.ahead -= timedelta(hours=49)
    told = json.loads((await browser.get("/feeds/notices.json")).body)
    assert "grave title" not in str(told).replace("right grave title", "")
    await office.store(notice(office, "end", status=Status.CANCELLED, replaces_id=4))
    page = await browser.get("/?lang=ja")
    assert (shown(page, "now"), shown(page, "recent")) == ([], ["notice-5"])


async def test_the_page_speaks_every_language(office: Office) -> None:
    await office.store(notice(office, "one"))
    browser = await office.browser()
    for language in LANGUAGES:
        page = await browser.get(f"/?lang={language}")
        assert page.status == 200
        assert page.tree.get("lang") == ("ja" if language == "ja-x-easy" else language)
        assert page.tree.xpath(f'//a[@hreflang="{language}"][@aria-current]')
        expected = "one title" if language == "en" else "oneの題"
        assert page.tree.xpath("string(//article/h3)") == expected


@pytest.mark.slow
async def test_the_browsers_language_is_taken(office: Office) -> None:
    browser = await office.browser()
    for header, language in (
        ("pt-BR,pt;q=0.9,en;q=0.8", "pt"),
        ("zh-TW", "zh-Hant"),
        ("fr-FR, my;q=0.5, en;q=0.7", "en"),
        ("fr, de", "ja"),
        ("", "ja"),
        (",,;q=,x" * 200, "ja"),
        ("en;q=banana, ko;q=0.1", "ko"),
    ):
        page = await browser.get("/", **{"Accept-Language": header})
        assert page.tree.get("lang") == language, header
        assert page.headers["Vary"] == "Accept-Language"


async def test_words_from_outside_are_text_and_only_web_addresses_are_links(
    office: Office,
) -> None:
    evil = '<script>alert(1)</script> javascript:alert(1) https://ok.example/x"><b>'
    await office.store(
        notice(office, "evil", texts={"ja": {"title": "<b>題</b>", "text": evil}}),
        notice(office, "good"),
    )
    page = await (await office.browser()).get("/?lang=ja")
    assert "<script>" not in page.body
    assert "<b>" not in page.body
    links = page.tree.xpath('//article/div[@class="text"]//a/@href')
    assert set(links) == {"https://ok.example/x", "https://city.example/a?b=1&c=2"}


async def test_a_page_needs_no_script_no_cookie_and_nothing_of_others(office: Office) -> None:
    browser = await office.browser()
    for path in ("/", "/shelters"):
        page = await browser.get(path)
        assert page.status == 200
        # Only a map is drawn by a script; its page says everything without it.
        scripts = page.tree.xpath("//script")
        assert not scripts if path == "/" else all(one.get("src") for one in scripts)
        assert "Set-Cookie" not in page.headers
        for address in page.tree.xpath("//@src | //link[@rel='stylesheet']/@href"):
            assert address.startswith(("/static/public/", "/look.css", "/emblem."))
            assert (await browser.get(address)).status == 200


async def test_an_unchanged_page_is_not_sent_again(office: Office) -> None:
    await office.store(notice(office, "one"))
    browser = await office.browser()
    for path in ("/?lang=en", "/feeds/notices.atom?lang=en", "/feeds/notices.json?lang=en"):
        etag = (await browser.get(path)).headers["ETag"]
        again = await browser.get(path, **{"If-None-Match": etag})
        assert (again.status, again.body) == (304, "")
    await office.store(notice(office, "two"))
    assert (await browser.get(path, **{"If-None-Match": etag})).status == 200


async def test_the_feeds_can_be_read_by_machines(office: Office) -> None:
    await office.store(
        notice(office, "first", areas=["a"]),
        notice(office, "second\x0b", texts={"ja": {"title": "題\x0b", "text": "]]>&<"}}),
        notice(office, "drill", drill=True),
    )
    browser = await office.browser()
    page = await browser.get("/feeds/notices.atom?lang=en")
    assert page.headers["Content-Type"].startswith("application/atom+xml")
    feed = feedparser.parse(page.body)
    assert not feed.bozo
    assert [entry.id.rpartition("/")[2] for entry in feed.entries] == ["2", "1"]
    assert feed.entries[1].title == "first title"
    assert feed.entries[0].title == "題"
    data = json.loads((await browser.get("/feeds/notices.json?lang=en")).body)
    assert data["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["_todoke"]["level"] for item in data["items"]] == [3, 3]
    assert data["items"][1]["_todoke"]["areas"] == ["a"]


async def test_in_a_flood_sites_not_designated_for_floods_stand_apart(office: Office) -> None:
    words = {"ja": {"title": "", "text": "桜川が氾濫するおそれがあります。"}}
    await office.store(notice(office, "order", topic="evacuation", level=4, texts=words))
    page = await (await office.browser()).get("/shelters?lang=en")
    assert "In force now: Flood" in page.words
    apart = page.tree.xpath('//section[@class="not-now"]')[0].text_content()
    assert "do not go to these sites" in apart
    assert "稲里交流センター" in apart
    assert "稲里中学校" not in apart
    assert len(page.tree.xpath('//ul[@class="sites"]/li')) == len(office.folder.shelters)


async def test_the_shelters_are_listed_by_district_with_what_they_are_safe_for(
    office: Office,
) -> None:
    browser = await office.browser()
    page = await browser.get("/shelters?lang=my")
    assert len(page.tree.xpath('//ul[@class="sites"]/li')) == len(office.folder.shelters)
    for shelter in office.folder.shelters:
        assert shelter.name in page.body


async def test_the_page_says_which_shelters_are_open_full_or_closed(office: Office) -> None:
    async with office.database.writing() as session:
        for code, state in (("0001", ShelterState.OPEN), ("0002", ShelterState.FULL)):
            await set_state(
                session,
                office.folder.shelters,
                code,
                state,
                office.clock.now(),
                actor="desk@city.example",
                drill=False,
                heads=12,
                offers=[Offer.PETS],
            )
    page = await (await office.browser()).get("/shelters?lang=en")
    first, second, third = page.tree.xpath('//ul[@class="sites"]/li')[:3]
    assert first.xpath("string(.//strong)") == "Open"
    assert "Pets may come" in first.text_content()
    assert "People there: 12" in first.text_content()
    assert second.xpath("string(.//strong)") == "Full"
    assert third.xpath(".//strong") == []
    assert "desk@city.example" not in page.body
    for district in page.tree.xpath('//details[@class="district"]'):
        said = district.xpath('.//p[@class="state"]')
        assert ("open" in district.attrib) == bool(said)
        for name in district.xpath(".//li/h3/text()"):
            assert name.strip() in district.xpath("string(summary)")


async def test_the_demo_leads_to_its_phone_and_the_city_does_not(office: Office) -> None:
    browser = await office.browser()
    assert "phone.example" not in (await browser.get("/")).body

    class Places:
        phone = "http://phone.example/"

    office.app.state.demo = True
    office.app.state.demo_places = Places()
    assert "http://phone.example/" in (await browser.get("/")).body
