"""The whole path: setup in Burmese, a storm, a warning that arrives once, a reported pothole."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from city.city import City, name_in
from feeds.texts import drill_mark
from feeds.texts.terms import term
from reports.answer_words import CATALOGUE
from tests.support.demo import Demo
from tests.support.phone import Phone, inside, say
from tests.support.staff_pages import signed_in
from tests.support.watching import eventually, fetch

pytestmark = pytest.mark.browser
REPORT_NUMBER = re.compile(r"\d{4}-\d{6}")
LEVEL_4 = "レベル４土砂災害危険警報"
OpenPage = Callable[[str], Page]


def play(demo: Demo, day: str, *, speed: float) -> None:
    body = f"day={day}&speed={speed}".encode()
    with urlopen(Request(f"{demo.public}/demo/play", data=body, method="POST")) as answer:
        assert answer.status == 200


def test_a_storm_reaches_whom_it_concerns_in_their_words_once(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    aye = Phone(new_page(demo.phone), "အေး", "my")
    aye.come_aboard(city, "my", "asahi")

    # Somebody who wants to hear nothing of the weather.
    jose = Phone(new_page(demo.phone), "José", "es")
    jose.come_aboard(city, "es", "chuo", without=["weather"])

    play(demo, "rainstorm", speed=3000)

    in_burmese = term(LEVEL_4, "my")
    aye.sees(in_burmese.text, within_seconds=45)
    expect(aye.chat).to_contain_text("အဆင့် ၄")  # "level 4", the agency's own word
    jose.does_not_see(term(LEVEL_4, "es").text)

    shown = demo.ask_database(
        "SELECT texts FROM notices WHERE kind = ? AND status = 'raised'", LEVEL_4
    )
    assert len(shown) == 1
    title = json.loads(shown[0][0])["my"]["title"]
    expect(aye.chat.get_by_text(title, exact=True)).to_have_count(1)
    # Later messages of the day would remove other phones' quick replies, as at LINE.
    eventually(
        lambda: "Nothing is playing" in fetch(f"{demo.public}/demo?lang=en")[1],
        "the end of the day",
        on=demo.changes,
        within_seconds=40,
    )


def test_an_alert_for_one_district_stays_there_and_a_drill_says_so(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    there = Phone(new_page(demo.phone), "Linh", "vi")
    there.come_aboard(city, "vi", "numabe")
    elsewhere = Phone(new_page(demo.phone), "Juan", "tl")
    elsewhere.come_aboard(city, "tl", "hoshino")

    words = "これは避難の練習の連絡です。"
    printed = demo.todoke(
        *("alert", "send", "--topic", "evacuation", "--level", "3", "--area", "numabe"),
        *("--text", f"ja={words}", "--drill", "--yes", "--json"),
    )
    delivery = str(json.loads(printed)["id"])

    there.sees(words)
    eventually(
        lambda: demo.ask_database(
            "SELECT 1 FROM deliveries WHERE state = 'done' AND id = ?", delivery
        ),
        "the end of the delivery",
        on=demo.changes,
    )
    state = json.loads(demo.todoke("deliveries", "show", delivery, "--json"))
    assert state["state"] == "done"
    assert state["sent"] == state["recipients"] > 0
    drill = there.said.filter(has_text=words)
    expect(drill).to_have_count(1)
    expect(drill).to_contain_text(drill_mark("vi"))
    elsewhere.does_not_see(words)
    # Whoever gets a screenshot of it can type the address, and reads that it was a drill.
    (shown,) = re.findall(r"/n/\w{8}", drill.inner_text())
    service = demo.public.rstrip("/")
    page = new_page(f"{service}{shown.lower()}?lang=vi")
    expect(page.locator(".verdict.drill .big")).to_be_visible()
    expect(page.locator("article h1")).to_contain_text(drill_mark("vi"))
    wrong = new_page(f"{service}/n/{shown[3:-1]}{'2' if shown[-1] != '2' else '3'}?lang=vi")
    expect(wrong.locator(".at-unknown")).to_be_visible()


def test_a_pothole_goes_back_and_staff_see_it_and_answer(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "ザー", "my")
    phone.come_aboard(city, "my", "asahi")
    # An answer would wait for the end of the quiet hours, and this may run at night.
    demo.stand.act(demo.stand.user_called("ザー"), "postback", data="do=quiet&start=0&end=0")
    phone.hears(say("my", "Saved."))

    phone.send_ready_photo("pothole-near")
    pothole = next(c for c in city.report_categories if c.code == "pothole")
    phone.sees(say("my", "What is broken?"))
    phone.tap(name_in(pothole.names, "my"))
    phone.tap_reply(say("my", "Skip"))
    phone.tap_reply(re.compile(re.escape(say("my", "Send location"))))
    longitude, latitude = inside(city, "asahi")
    phone.choose_location(longitude, latitude)
    phone.tap_reply(say("my", "Skip"))
    phone.sees(say("my", "Is this right?"))
    phone.tap(say("my", "Send"))
    expect(phone.said.last).to_contain_text(REPORT_NUMBER)
    number = REPORT_NUMBER.findall(phone.said.last.inner_text())[-1]

    listed = json.loads(demo.todoke("reports", "list", "--json"))
    found = [(row["category"], row["area"]) for row in listed if row["number"] == number]
    assert found == [("pothole", "asahi")]

    console = signed_in(new_page(f"{demo.console}/sign-in"), "roads")
    console.goto(f"{demo.console}/reports")
    console.get_by_role("link", name=number).first.click()
    expect(console.locator("main img").first).to_be_visible()

    # Answered with a ready sentence, which she reads in her own language.
    console.locator("select[name=state]").select_option("accepted")
    console.get_by_test_id("answer-template").select_option("planned")
    console.get_by_test_id("save").click()
    planned = "Thank you for your report. We have looked at the place and will repair it."
    phone.sees(CATALOGUE.text("my", planned))
