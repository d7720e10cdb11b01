"""A chain in the browser: an order to two districts, corrected, raised for one, lifted; on every
phone the right words in the right order, and on every page the number of people reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from city.city import City
from feeds.texts import drill_mark
from feeds.texts import messages as m
from feeds.texts.compose import say as told
from feeds.texts.terms import term
from tests.support import staff_pages
from tests.support.demo import Demo
from tests.support.phone import Phone
from tests.support.staff_pages import signed_in

pytestmark = pytest.mark.browser
WORDS = {
    "ja": "川の水があふれそうです。避難してください。",
    "en": "The river is about to overflow. Leave now.",
    "my": "မြစ်ရေလျှံတော့မည်။ ယခု ရွှေ့ပြောင်းပါ။",
}
WHY = "深夜で、ほかに誰もいません。"
A, B, C = "asahi", "tsukimi", "hoshino"


class Somebody(NamedTuple):
    phone: Phone
    language: str


class Desk:
    """The officer's browser."""

    def __init__(self, page: Page, demo: Demo, *, drill: bool) -> None:
        self.page = page
        self.demo = demo
        self.drill = drill

    def follow_up(self, status: str) -> None:
        self.page.get_by_test_id(f"take-back-{status}").click()
        self.page.wait_for_url("**/console/alerts/**")

    def choose(self, *areas: str, level: int | None = None) -> None:
        for area in (A, B, C):
            box = self.page.locator(f"input[name=areas][value='{area}']")
            box.set_checked(area in areas)
        if level is not None:
            self.page.locator(f"input[name=level][value='{level}']").check()

    def part(self, wording: str) -> int:
        said = self.page.get_by_test_id(f"part-{wording}-recipients").inner_text()
        return int(said.replace(",", ""))

    def send(self, shown: int) -> int:
        """Send what is looked at; returns the delivery's number of people reached."""
        if not self.drill and self.page.locator("textarea[name=alone_reason]").count():
            self.page.locator("textarea[name=alone_reason]").fill(WHY)
        if self.page.get_by_test_id("to-unknown-no").count():
            self.page.get_by_test_id("to-unknown-no").check()
        self.page.get_by_test_id("typed").fill("訓練" if self.drill else str(shown))
        self.page.get_by_test_id("send").click()
        self.page.wait_for_url("**/console/deliveries/*")
        reached = staff_pages.arrived(self.page)
        number = int(self.page.url.partition("?")[0].rpartition("/")[2])
        query = (
            "SELECT sum(b.size - b.missing) FROM batches b"
            " JOIN deliveries d ON d.id = b.delivery_id WHERE b.state = 'sent'"
            " AND d.notice_id = (SELECT notice_id FROM deliveries WHERE id = ?)"
        )
        [(people,)] = self.demo.ask_database(query, number)
        assert staff_pages.shown_recipients(self.page) == shown == reached == people
        return reached


@pytest.mark.parametrize("kind", ["real", "drill"])
def test_each_phone_hears_what_is_true_for_it_and_that_it_is_over(
    demo: Demo,
    new_page: Callable[[str], Page],
    new_context: Callable[[], BrowserContext],
    city: City,
    kind: str,
) -> None:
    people = {
        place: Somebody(Phone(new_page(demo.phone), f"{place} {kind}", language), language)
        for place, language in ((A, "my"), (B, "en"), (C, "ja"))
    }
    for place, somebody in people.items():
        somebody.phone.come_aboard(city, somebody.language, place)
    page = new_context().new_page()
    page.on("pageerror", lambda error: pytest.fail(f"{page.url}: {error}"))
    page.goto(f"{demo.console}/sign-in")
    desk = Desk(signed_in(page, "disaster"), demo, drill=kind == "drill")
    texts = WORDS if kind == "real" else {"ja": "避難の練習です。", "en": "We practise leaving."}

    staff_pages.begin(page, demo.console, kind)
    staff_pages.write(page, topic="evacuation", level=4, areas=[A, B], texts=texts)
    warned = desk.send(staff_pages.look(page))

    desk.follow_up("corrected")
    desk.choose(B, C)
    shown = staff_pages.look(page)
    friends = staff_pages.concerned_by(page, "line")
    assert friends == desk.part("main") + desk.part("new") + desk.part("elsewhere")
    assert shown > warned
    assert desk.send(shown) == shown

    desk.follow_up("raised")
    desk.choose(C, level=5)
    raised = staff_pages.look(page)
    assert raised == shown
    assert friends == desk.part("main") + desk.part("still") + desk.part("elsewhere")
    desk.send(raised)

    desk.follow_up("lifted")
    lifted = staff_pages.shown_recipients(page)
    assert lifted == shown
    assert friends == desk.part("main") + desk.part("elsewhere")
    desk.send(lifted)
    expect(page.get_by_test_id("take-back-lifted")).to_have_count(0)
    expect(page.get_by_test_id("take-back-corrected")).to_be_visible()

    def named(place: str, official: str) -> str:
        return term(official, people[place].language).text

    def hears(place: str, *wanted: str) -> None:
        language = people[place].language
        said = [each for each in people[place].phone.said.all_inner_texts() if each.strip()]
        heard = said[-len(wanted) :]
        for message, title in zip(heard, wanted, strict=True):
            assert title in message, (place, title, message)
            if kind == "drill":
                assert drill_mark(language) in message

    for place, number in ((A, 4), (B, 4), (C, 3)):
        somebody_said = people[place].phone.said
        expect(somebody_said.nth(number)).to_be_attached()
    order, life = "避難指示", "緊急安全確保"
    hears(
        A,
        named(A, order),
        told("my", m.TITLE_ELSEWHERE, name=named(A, order)),
        told("my", m.TITLE_ELSEWHERE, name=named(A, life)),
        told("my", m.NOT_ABOUT_YOU),
    )
    hears(
        B,
        texts["en"],
        told("en", m.LINE_CORRECTED, name=named(B, order)),
        told("en", m.TITLE_STILL_HERE, name=named(B, order)),
        told("en", m.LINE_LIFTED, name=named(B, life)),
    )
    hears(C, texts["ja"], named(C, life), told("ja", m.LINE_LIFTED, name=named(C, life)))
    people[C].phone.does_not_see(told("ja", m.TOLD_WRONGLY))
