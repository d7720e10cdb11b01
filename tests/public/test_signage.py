"""What screens in public places are told: an emergency alone, a drill as a drill, nothing ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from feeds.models import Status
from feeds.texts import drill_mark
from public.signage_pages import NOW_HEADER
from response.models import ShelterState
from response.shelters import set_state
from tests.support.office import Office
from tests.support.told_notices import ORDER, news, order

HERE = "36.0835,140.0764"


async def told(office: Office, query: str = "lang=ja,en,my") -> dict[str, Any]:
    # Screens are told what was read within the last second.
    office.clock.ahead += timedelta(seconds=2)
    page = await (await office.browser()).get(f"/signage/news.json?{query}")
    assert page.status == 200
    found: dict[str, Any] = json.loads(page.body)
    return found


def titles(items: list[dict[str, Any]]) -> list[str]:
    return [item["said"][0]["title"] for item in items]


async def test_an_emergency_is_alone_in_each_language_and_the_gravest_comes_first(
    office: Office,
) -> None:
    now = office.clock.now()
    five = {"ja": {"title": "緊急安全確保", "text": "命を守ってください。"}}
    await office.store(
        news(office, "library"),
        order(office, "five", level=5, texts=five, reported_at=now - timedelta(minutes=9)),
        order(office, "four"),
    )
    shown = await told(office)
    assert titles(shown["alone"]) == ["緊急安全確保", ORDER["ja"]["title"]]
    assert titles(shown["turn"]) == ["libraryのお知らせ"]
    said = shown["alone"][1]["said"]
    assert [(one["tag"], one["title"]) for one in said] == [
        (code, ORDER[code]["title"]) for code in ("ja", "en", "my")
    ]
    # A language without words falls back once, not twice.
    assert [one["language"] for one in shown["alone"][0]["said"]] == ["ja"]
    assert (shown["alone"][0]["level"], shown["alone"][0]["look"]) == (5, "danger")


async def test_a_drill_is_never_alone_and_carries_its_mark_in_every_language(
    office: Office,
) -> None:
    """Promise 5."""
    await office.store(order(office, "drill", drill=True))
    shown = await told(office)
    assert shown["alone"] == []
    [item] = shown["turn"]
    assert item["look"] == "drill"
    for said in item["said"]:
        mark = drill_mark(said["language"])
        assert said["title"].startswith(mark) and said["text"].startswith(mark)
    office.clock.ahead += timedelta(hours=4)
    assert (await told(office))["turn"] == []


async def test_a_drill_that_has_ended_is_not_shown(office: Office) -> None:
    await office.store(order(office, "drill", drill=True))
    await office.store(
        order(office, "end", drill=True, status=Status.LIFTED, level=0, replaces_id=1)
    )
    assert (await told(office))["turn"] == []


async def test_a_real_notice_that_begins_like_a_drill_is_not_shown(office: Office) -> None:
    words = {"ja": {"title": "【訓練】避難", "text": "【訓練】避難してください。"}}
    await office.store(order(office, "muddle", texts=words))
    shown = await told(office)
    assert (shown["alone"], shown["turn"]) == ([], [])


async def test_a_correction_replaces_and_an_end_is_alone_for_a_while(office: Office) -> None:
    await office.store(order(office, "wrong"))
    right = {"ja": {"title": "訂正 避難指示 東地区", "text": "東地区です。"}}
    await office.store(order(office, "right", status=Status.CORRECTED, replaces_id=1, texts=right))
    shown = await told(office)
    assert titles(shown["alone"]) == ["訂正 避難指示 東地区"]
    over = {"ja": {"title": "避難指示を解除しました", "text": "もう安全です。"}}
    await office.store(
        order(office, "over", status=Status.LIFTED, level=0, replaces_id=2, texts=over)
    )
    shown = await told(office)
    assert [(one["look"], one["level"]) for one in shown["alone"]] == [("over", 0)]
    assert titles(shown["alone"]) == ["避難指示を解除しました"]
    office.clock.ahead += timedelta(minutes=11)
    shown = await told(office)
    assert (shown["alone"], titles(shown["turn"])) == ([], ["避難指示を解除しました"])
    office.clock.ahead += timedelta(hours=7)
    assert (await told(office))["turn"] == []


async def test_an_emergency_elsewhere_comes_in_turn_and_not_alone(office: Office) -> None:
    one, other = (district.code for district in office.context.city.districts[:2])
    await office.store(order(office, "there", areas=[other]))
    shown = await told(office, f"lang=ja&area={one}")
    assert (shown["alone"], len(shown["turn"])) == ([], 1)
    assert len((await told(office, f"lang=ja&area={one},{other}"))["alone"]) == 1
    assert len((await told(office, "lang=ja"))["alone"]) == 1


async def test_a_warning_that_is_not_in_force_is_no_news(office: Office) -> None:
    long_ago = office.clock.now() - timedelta(hours=49)
    await office.store(order(office, "old", reported_at=long_ago))
    await office.store(news(office, "past", expires_at=office.clock.now()))
    shown = await told(office)
    assert (shown["alone"], shown["turn"]) == ([], [])
    assert shown["calm"][0]["title"].startswith("発表中の警報")


async def test_news_follow_the_topics_of_the_screen_and_warnings_do_not(office: Office) -> None:
    await office.store(
        news(office, "fair"), news(office, "jobs", topic="business"), order(office, "order")
    )
    shown = await told(office, "lang=ja&topics=business")
    assert (titles(shown["turn"]), len(shown["alone"])) == (["jobsのお知らせ"], 1)


async def test_sites_near_the_screen_have_state_and_distance(office: Office) -> None:
    near = sorted(office.folder.shelters, key=lambda one: one.distance_m(140.0764, 36.0835))
    states = (ShelterState.OPEN, ShelterState.FULL, ShelterState.CLOSED)
    async with office.database.writing() as session:
        for site, state in zip(near, states, strict=False):
            await set_state(
                session,
                office.folder.shelters,
                site.code,
                state,
                office.clock.now(),
                actor="test",
                drill=False,
            )
    sites = (await told(office, f"lang=ja,en&near={HERE}"))["sites"]
    by_name = {one["names"]["ja"]: one for one in sites}
    assert [by_name[site.name]["state"] for site in near[:3]] == ["open", "full", "closed"]
    assert by_name[near[1].name]["states"] == {"ja": "満員", "en": "Full"}
    assert by_name[near[0].name]["metres"] == round(near[0].distance_m(140.0764, 36.0835))
    assert [one["metres"] for one in sites] == sorted(one["metres"] for one in sites)
    assert (await told(office, "lang=ja"))["sites"] == []


@pytest.mark.parametrize(
    "query",
    [
        "lang=xx,,ja-,%00",
        "near=nan,nan",
        "near=140.07,36.08",
        "near=1e999,inf",
        "near=36",
        "topics=%3Cscript%3E&area=../..",
        "lang=" + "en," * 5000,
    ],
)
async def test_what_is_wrong_in_an_address_is_left_out(office: Office, query: str) -> None:
    await office.store(order(office))
    shown = await told(office, query)
    assert len(shown["alone"]) == 1 and shown["sites"] == []
    browser = await office.browser()
    for path in ("/signage", "/signage/setup", "/signage/code.svg"):
        page = await browser.get(f"{path}?{query}")
        assert page.status == 200 and "<script>" not in page.body


async def test_an_answer_is_empty_while_nothing_changes_and_has_the_city_s_time(
    office: Office,
) -> None:
    await office.store(order(office))
    browser = await office.browser()
    page = await browser.get("/signage/news.json?lang=ja")
    assert page.headers["Cache-Control"] == "no-cache"
    again = await browser.get(
        "/signage/news.json?lang=ja", **{"If-None-Match": page.headers["ETag"]}
    )
    assert (again.status, again.body) == (304, "")
    at = int(again.headers[NOW_HEADER]) / 1000
    assert abs(at - office.clock.now().timestamp()) < 5


async def test_the_set_up_page_shows_the_address_of_the_screen(office: Office) -> None:
    browser = await office.browser()
    asked = f"lang=ja&lang=my&near={HERE}&topics=events&topics=transit&area=chuo"
    page = await browser.get(f"/signage/setup?{asked}")
    wanted = "/signage?lang=ja,my&near=36.08350,140.07640&topics=events,transit&area=chuo"
    assert office.context.settings.public_url + wanted in page.words
    assert page.tree.xpath("//main//img/@src") == [
        wanted.replace("/signage?", "/signage/code.svg?")
    ]
    wrong = await browser.get("/signage/setup?lang=ja&near=somewhere")
    assert "aria-invalid" in wrong.body
