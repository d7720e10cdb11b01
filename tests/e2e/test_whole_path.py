"""The whole way: aboard in Burmese, a storm, a warning that arrives once, a pothole reported."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from bot.dialogues.kinds import WORDS
from core.city import City, name_in
from core.city_folder import load_city
from feeds.texts.terms import term
from tests.conftest import PROJECT
from tests.e2e.conftest import Demo
from tests.e2e.phone import Phone

pytestmark = pytest.mark.browser
LEVEL_4 = "レベル４土砂災害危険警報"
OpenPage = Callable[[str], Page]


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(PROJECT / "deploy" / "city")


def say(language: str, message: str) -> str:
    return WORDS.text(language, message)


def come_aboard(phone: Phone, city: City, language: str, *, name: str, district: str) -> None:
    """Follow, choose the language in its own script, then the district."""
    phone.follow()
    phone.sees(name)
    phone.tap(name)
    phone.sees(say(language, "Your district"))
    phone.tap(name_in(city.district_by_code[district].names, language))
    phone.sees(say(language, "Topics"))


def play(demo: Demo, day: str, *, speed: float) -> None:
    body = f"day={day}&speed={speed}".encode()
    with urlopen(Request(f"{demo.public}/demo/play", data=body, method="POST")) as answer:
        assert answer.status == 200


def test_a_storm_reaches_whom_it_concerns_in_their_words_once(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    aye = Phone(new_page(demo.phone), "အေး", "my")
    come_aboard(aye, city, "my", name="မြန်မာဘာသာ", district="asahi")
    aye.tap_reply(say("my", "Done"))
    aye.sees(say("my", "What can I do for you?"))

    # Somebody who wants to hear nothing of the weather.
    jose = Phone(new_page(demo.phone), "José", "es")
    come_aboard(jose, city, "es", name="Español", district="chuo")
    jose.tap(city.topic_by_code["weather"].names["es"])
    jose.tap_reply(say("es", "Done"))
    jose.sees(say("es", "What can I do for you?"))

    play(demo, "rainstorm", speed=3000)

    in_burmese = term(LEVEL_4, "my")
    aye.sees(in_burmese.text, within_seconds=45)
    expect(aye.chat).to_contain_text("အဆင့် ၄")  # "level 4", the agency's own word
    jose.does_not_see(term(LEVEL_4, "es").text)

    shown = [
        found
        for found in (json.loads(line) for line in _notices(demo))
        if found["kind"] == LEVEL_4 and found["status"] == "raised"
    ]
    assert len(shown) == 1
    title = shown[0]["texts"]["my"]["title"]
    expect(aye.chat.get_by_text(title, exact=True)).to_have_count(1)


def _notices(demo: Demo) -> list[str]:
    """Read the notices from the demo's own database, one JSON object a line."""
    import sqlite3

    with sqlite3.connect(f"file:{demo.folder}/var/demo/todoke.sqlite3?mode=ro", uri=True) as opened:
        rows = opened.execute("SELECT kind, status, texts FROM notices").fetchall()
    return [
        json.dumps({"kind": kind, "status": status, "texts": json.loads(texts)})
        for kind, status, texts in rows
    ]


def test_an_alert_for_one_district_stays_there_and_a_drill_says_so(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    there = Phone(new_page(demo.phone), "Linh", "vi")
    come_aboard(there, city, "vi", name="Tiếng Việt", district="numabe")
    there.tap_reply(say("vi", "Done"))
    elsewhere = Phone(new_page(demo.phone), "Juan", "tl")
    come_aboard(elsewhere, city, "tl", name="Tagalog", district="hoshino")
    elsewhere.tap_reply(say("tl", "Done"))
    elsewhere.sees(say("tl", "What can I do for you?"))

    words = "これは避難の練習の連絡です。"
    printed = demo.todoke(
        *("alert", "send", "--topic", "evacuation", "--level", "3", "--area", "numabe"),
        *("--text", f"ja={words}", "--drill", "--yes", "--json"),
    )
    delivery = str(json.loads(printed)["id"])

    there.sees(words)
    state = json.loads(demo.todoke("deliveries", "show", delivery, "--json"))
    assert state["state"] == "done"
    assert state["sent"] == state["recipients"] > 0
    newest = there.chat.get_by_test_id("message").last.inner_text()
    assert "[" in newest or "【" in newest
    elsewhere.does_not_see(words)


def test_a_pothole_goes_back_and_staff_see_it_and_answer(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "ザー", "my")
    come_aboard(phone, city, "my", name="မြန်မာဘာသာ", district="asahi")
    phone.tap_reply(say("my", "Done"))
    phone.sees(say("my", "What can I do for you?"))

    phone.send_ready_photo("pothole-near")
    phone.tap_reply(re.compile(re.escape(say("my", "Send location"))))
    longitude, latitude = _inside(city, "asahi")
    phone.page.get_by_test_id("location-longitude").fill(str(longitude))
    phone.page.get_by_test_id("location-latitude").fill(str(latitude))
    phone.page.get_by_test_id("location-send").click()
    pothole = next(c for c in city.report_categories if c.code == "pothole")
    phone.sees(say("my", "What is broken?"))
    phone.tap(name_in(pothole.names, "my"))
    phone.tap_reply(say("my", "Skip"))
    phone.sees(say("my", "Is this right?"))
    phone.tap_reply(say("my", "Send"))
    phone.sees("-000001")

    listed = json.loads(demo.todoke("reports", "list", "--json"))
    assert [(row["category"], row["area"]) for row in listed] == [("pothole", "asahi")]

    console = new_page(f"{demo.console}/sign-in")
    account = console.locator("tr", has_text="roads@")
    email, password = (account.locator("code").nth(n).inner_text() for n in (0, 1))
    console.locator("input[type=email], input[name=email]").first.fill(email)
    console.locator("input[type=password]").fill(password)
    console.locator("main button").first.click()
    console.goto(f"{demo.console}/reports")
    console.get_by_role("link", name=re.compile(r"\d{4}-000001")).first.click()
    expect(console.locator("main img").first).to_be_visible()


def _inside(city: City, district: str) -> tuple[float, float]:
    """A point in a district: the mean of its outer ring, which is convex enough."""
    ring = city.district_by_code[district].polygons[0][0]
    longitude = sum(x for x, _ in ring[:-1]) / len(ring[:-1])
    latitude = sum(y for _, y in ring[:-1]) / len(ring[:-1])
    assert city.district_by_code[district].contains(longitude, latitude)
    return round(longitude, 6), round(latitude, 6)
