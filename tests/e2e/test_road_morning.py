"""A morning of the road department, from the residents' phones to the mended road and back.

Twelve residents tell of damage. Staff hear of the danger until somebody opens it, take the reports
in by keyboard, join three of one hole, and send out a crew, whose line drops. The residents hear
the answer in their languages, and one of them says that it is not right.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.request import urlopen

import pytest
from lxml import html
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect

from city.city import City, name_in
from console.words import CATALOGUE as STAFF_WORDS
from core.languages import Catalogue
from reports import states
from reports.answer_words import (
    ABOUT_REPORT,
    CATALOGUE,
    IS_IT_RIGHT,
    NOT_RIGHT,
    RIGHT,
    SHOWS_AFTER,
)
from reports.notices_to_staff import DANGEROUS
from reports.states import ReportState
from response import words as chat_words
from simulator.line.ledger import texts_in
from tests.support.crews import a_photo
from tests.support.demo import Demo
from tests.support.phone import inside, say
from tests.support.phone_line import PhoneLine, line_to
from tests.support.resident_chat import At, Message, ResidentChat, kind_of
from tests.support.staff_pages import signed_in
from tests.support.town import actions_in
from tests.support.watching import eventually, fetch

pytestmark = pytest.mark.browser
NewContext = Callable[[], BrowserContext]
OpenPage = Callable[[str], Page]

TOKYO = (139.6917, 35.6896)
NATIONAL_ROAD = (140.131, 36.08)
TEAM, PERSON = "道路補修１班", "伊藤 健"
DEPARTMENT, MEMBER = "doro@city.example", "ito@demo.example"
MENDED = "The place you told us about has been repaired. Thank you for your help."
ACCEPTED = "The city has read your report and will look after it."
GREEN = (0, 128, 0)
MOST_WAITING = 60
SECRET = "Nhà tôi ở số 7, gọi 090-0000-0000."
NEPALI = "बच्चाहरू यहाँबाट स्कूल जान्छन्।"
STILL_OPEN = "Do outro lado o buraco ainda está aberto."


def north(at: At, metres: float) -> At:
    return at[0], round(at[1] + metres / 111_000, 6)


def letters(demo: Demo, subject: str) -> list[tuple[str, str]]:
    """To whom a mail of that subject went, and what it said."""
    shown: html.HtmlElement = html.fromstring(fetch(f"{demo.public}/demo/mail?lang=ja")[1])
    found = []
    for letter in shown.find_class("letter"):
        to, text = letter.find_class("small")[0], letter.find_class("text")[0]
        if letter.findtext("h2") == subject:
            found.append((to.text_content(), text.text_content()))
    return found


def half_an_hour_passes(demo: Demo, number: str) -> None:
    """Let what staff heard of a report be half an hour old."""
    with closing(sqlite3.connect(demo.folder / "var/demo/todoke.sqlite3", timeout=20)) as opened:
        changed = opened.execute(
            "UPDATE reports_heard SET last_at = strftime('%Y-%m-%d %H:%M:%f000', last_at,"
            " '-30 minutes') WHERE report_id = (SELECT id FROM reports WHERE number = ?)",
            (number,),
        )
        assert changed.rowcount == 1
        opened.commit()


class Desk:
    """The browser of somebody in the office."""

    def __init__(self, demo: Demo, context: BrowserContext, name: str) -> None:
        self.demo, self.page = demo, context.new_page()
        self.page.on("pageerror", lambda error: pytest.fail(f"{self.page.url}: {error}"))
        self.page.goto(f"{demo.console}/sign-in")
        signed_in(self.page, name)

    def opens(self, path: str) -> None:
        self.page.goto(f"{self.demo.console}/{path}")

    def presses(self, *keys: str) -> None:
        """Press keys of the intake; the last one brings the next page."""
        with self.page.expect_navigation():
            for key in keys:
                self.page.keyboard.press(key)

    def case(self) -> str:
        """Return the number of the case that the intake shows."""
        return self.page.locator(".intake h2").first.inner_text().split()[0]

    def key_of(self, team: str) -> str:
        """Return the key of the button that gives a case to a team."""
        key = self.page.locator("button[data-key]", has_text=team).get_attribute("data-key")
        assert key is not None
        return key


@dataclass(frozen=True)
class Told:
    """Somebody who told the city of damage, and the number of their report."""

    who: ResidentChat
    number: str

    @property
    def about(self) -> str:
        """How every answer to their report begins."""
        return CATALOGUE.text(self.who.language, ABOUT_REPORT, number=self.number)

    def is_told(self, catalogue: Catalogue, message: str) -> list[Message]:
        """Wait for words of a catalogue, in the language of the resident."""
        return self.who.told_of(self.about, catalogue.text(self.who.language, message))


def in_another_city(demo: Demo, city: City) -> None:
    """Somebody in Tokyo reports a hole there, and is told where they are."""
    who = ResidentChat(demo.stand, "Olu", "en")
    who.begins(city, "pothole", ["pothole-far"])
    who.sends_place(TOKYO)
    outside = (
        "That place is outside {city}; another office is in charge there. Please check the place."
    )
    who.hears(say("en", outside, city=name_in(city.name, "en")), who.asks_place)
    who.taps(say("en", "Cancel"))
    who.hears(say("en", "The report was cancelled. Nothing is kept of it."))


def in_danger(demo: Demo, city: City) -> Told:
    """The road fell in: the emergency numbers come first, and then the report goes on."""
    who = ResidentChat(demo.stand, "Thảo", "vi")
    first, *_ = who.begins(city, "cave-in")
    numbers = (
        "Is somebody in danger? Call now: 119 for fire and ambulance, 110 for the police. "
        "Nobody watches this chat."
    )
    assert say("vi", numbers) in "\n".join(texts_in(first))
    assert {"tel:119", "tel:110"} <= {str(action.get("uri")) for action in actions_in(first)}
    number = who.goes_on(city, "cave-in", inside(city, "inasato"), SECRET, answers=[""])
    return Told(who, number)


def twelve_report(demo: Demo, city: City) -> dict[str, Told]:
    """Twelve residents report; return those whose reports came in, in their order."""
    found: dict[str, Told] = {}
    hole = inside(city, "hoshino")

    def reports(name: str, person: str, language: str, *what: Any, **how: Any) -> None:
        who = ResidentChat(demo.stand, person, language)
        found[name] = Told(who, who.reports(city, *what, **how))

    both = ["pothole-near", "pothole-far"]
    reports("hole", "はるか", "ja", "pothole", hole, "タイヤが落ちました。", photos=both)
    beside = {"photos": ["pothole-near"], "known": True}
    reports("hole-pt", "João", "pt", "pothole", north(hole, 8), **beside)
    in_another_city(demo, city)
    side = name_in(kind_of(city, "guard-rail").questions[0].choices[0].names, "ne")
    rail = {"photos": ["guard-rail-near"], "answers": [side]}
    reports("rail", "सीता", "ne", "guard-rail", inside(city, "umesato"), NEPALI, **rail)
    found["danger"] = in_danger(demo, city)
    reports("hole-my", "သီတာ", "my", "pothole", north(hole, 14), **beside)
    reports("nation", "Lucía", "es", "pothole", NATIONAL_ROAD, photos=["pothole-far"])
    dark = name_in(kind_of(city, "street-light").questions[0].choices[0].names, "ja")
    lamp = {"photos": ["street-light-near"], "answers": [dark, "A-１２３"]}
    reports("lamp", "健太", "ja", "street-light", inside(city, "kawabata"), **lamp)
    reports("sign", "Emma", "en", "sign", inside(city, "chuo"))
    reports("swing", "李", "zh-Hant", "park", inside(city, "kenkyunomori"), photos=["swing-near"])
    reports("bump", "민지", "ko", "pothole", inside(city, "tsukimi"), photos=["pothole-far"])
    reports("wall", "มาลี", "th", "other", inside(city, "minamino"))
    return found


def joins_the_staff(demo: Demo, admin: Desk) -> str:
    """Let one of the road department join with their phone; return the LINE user id."""
    admin.opens("call-up/staff")
    admin.page.get_by_role("link", name=PERSON).click()
    with admin.page.expect_navigation():
        admin.page.locator('form[action$="/code"] button').click()
    code = admin.page.get_by_test_id("code").inner_text()
    chat = ResidentChat(demo.stand, PERSON, "ja")
    chat.writes(code)
    chat.hears(PERSON)
    chat.taps(chat_words.say("ja", chat_words.YES))
    chat.hears(chat_words.say("ja", chat_words.JOINED, name=PERSON))
    return chat.user


def take_in(desk: Desk, told: dict[str, Told]) -> None:
    """Go through the intake by keyboard, with one click for a report of the same hole."""
    page = desk.page
    desk.opens("reports")
    with page.expect_navigation():
        page.keyboard.press("i")
    names = {one.number: name for name, one in told.items()}
    decided = []
    for _ in range(MOST_WAITING):
        if not names:
            break
        number = desk.case()
        name = names.pop(number, "")
        match name:
            case "danger" | "hole" | "rail":
                desk.presses(desk.key_of(TEAM))
            case "hole-pt":
                likely = page.locator(".alike")
                expect(likely).to_contain_text(told["hole"].number)
                with page.expect_navigation():
                    likely.locator("button").click()
            case "hole-my":
                expect(page.locator(".alike")).to_contain_text(told["hole"].number)
                desk.presses("m")
            case "nation":
                page.keyboard.press("f")
                page.locator("select[name=referred]").select_option("nation")
                desk.presses("Enter")
            case "wall":
                page.keyboard.press("d")
                page.locator("select[name=declined]").select_option("private")
                desk.presses("Enter")
            case "":
                desk.presses("n")  # of another morning
            case _:
                desk.presses("a")
        if name:
            decided.append(name)
            expect(page.locator("p.note-good")).to_contain_text(number)
    assert not names, "all of them were shown"
    assert decided[0] == "danger", "the urgent one comes first"


def put_on_an_order(desk: Desk, *cases: Told) -> str:
    """Put cases on today's order of the team; return the crew's link."""
    page = desk.page
    for case in cases:
        desk.opens(f"reports/{case.number}")
        page.locator('a[href*="/console/orders/new"]').click()
        page.locator("select[name=team]").select_option(label=TEAM)
        page.locator("main form button.primary").click()
        expect(page.locator("ol.stops")).to_contain_text(case.number)
    page.get_by_test_id("make-link").click()
    link = page.get_by_test_id("link").get_attribute("href")
    assert link is not None
    return link


def place_of(page: Page, case: Told) -> Locator:
    return page.locator("[data-item]", has_text=case.number)


def after_photo(place: Locator) -> None:
    photo = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=a_photo("green", (800, 600)))
    place.locator('input[data-role="after"]').set_input_files(photo)


def mend(
    demo: Demo, context: BrowserContext, line: PhoneLine, link: str, hole: Told, rail: Told
) -> None:
    """Work from the crew's phone: at the hole there is no line."""
    crew = context.new_page()
    crew.set_viewport_size({"width": 390, "height": 844})
    crew.on("pageerror", lambda error: pytest.fail(f"{crew.url}: {error}"))
    crew.goto(link.replace(demo.public, line.url))
    for one in (hole, rail):
        expect(place_of(crew, one)).to_be_visible()
        expect(crew.locator("body")).not_to_contain_text(one.who.name)
    # The worker takes over the page once it has kept what it needs.
    for address in ("location.href", "document.querySelector('script[src]').src"):
        asked = f"async () => Boolean(await caches.match({address}))"
        eventually(partial(crew.evaluate, asked), f"the phone to keep {address}", on=demo.changes)
    sent = STAFF_WORDS.text("ja", "All sent.")
    kept = "Kept on this phone: {n} not sent yet. It sends by itself when there is a line again."
    context.set_offline(True)
    line.cut()
    after_photo(place_of(crew, hole))
    expect(crew.locator("#line")).to_have_text(STAFF_WORDS.text("ja", kept, n=1))
    place_of(crew, hole).locator("button.done").click()
    expect(crew.locator("#line")).to_have_text(STAFF_WORDS.text("ja", kept, n=2))
    crew.reload()
    expect(crew.locator("#line")).to_have_text(STAFF_WORDS.text("ja", kept, n=2))
    expect(place_of(crew, hole)).to_have_attribute("data-outcome", "done")
    expect(place_of(crew, hole).locator(".ours .waits img")).to_be_visible()
    assert outcome(demo, hole) == "open"
    line.mend()
    context.set_offline(False)
    expect(crew.locator("#line")).to_have_text(sent, timeout=20_000)
    assert outcome(demo, hole) == "done"
    after_photo(place_of(crew, rail))
    expect(place_of(crew, rail).locator(".ours a img")).to_be_visible()
    place_of(crew, rail).locator("button.done").click()
    expect(crew.locator("#line")).to_have_text(sent)
    eventually(
        lambda: outcome(demo, rail) == "done", "the crew's word of the rail", on=demo.changes
    )


def outcome(demo: Demo, case: Told) -> str:
    """Return what the office knows of a case from its crew."""
    [(found,)] = demo.ask_database(
        "SELECT i.outcome FROM work_order_items i JOIN reports r ON r.id = i.report_id"
        " WHERE r.number = ?",
        case.number,
    )
    return str(found)


def answer(desk: Desk, hole: Told, rail: Told) -> None:
    """Look at the crew's photos, and tell the residents."""
    page = desk.page
    desk.opens("orders")
    page.locator("main table a, main li a", has_text="W-").first.click()
    # One press for the rail: the words that belong to the state.
    place = place_of(page, rail)
    expect(place.locator(".shots img")).to_be_visible()
    place.locator('button[value="mended"]').click()
    expect(place.locator('button[value="mended"]')).to_have_count(0)
    # Words of the office's own choice for the hole.
    place_of(page, hole).get_by_role(
        "link", name=STAFF_WORDS.text("ja", "Answer in other words")
    ).click()
    expect(page.locator(".case-head h1")).to_contain_text(hole.number)
    page.locator("select[name=state]").select_option(ReportState.DONE.value)
    page.get_by_test_id("answer-template").select_option("mended")
    page.locator('input[name="answer_photos"]').check()
    shown = page.get_by_test_id("who-hears")
    for language in ("ja", "pt", "my"):
        expect(shown).to_contain_text(CATALOGUE.text(language, MENDED))
    page.get_by_test_id("save").click()
    expect(page.locator(".case-head")).to_contain_text(ReportState.DONE.staff_name("ja"))


def hear_that_it_is_mended(told: Told, catalogue: Catalogue, words: str) -> None:
    """What a phone shows: the words, the photo after the work, and the question."""
    language = told.who.language
    first, photo, question, *_ = told.is_told(catalogue, words)
    assert CATALOGUE.text(language, SHOWS_AFTER) in first["text"]
    with urlopen(photo["originalContentUrl"]) as loaded:
        pixel = Image.open(io.BytesIO(loaded.read())).convert("RGB").getpixel((400, 300))
    assert isinstance(pixel, tuple)
    assert all(abs(seen - sent) < 12 for seen, sent in zip(pixel, GREEN, strict=True))
    asked = list(texts_in(question))
    assert told.number in asked
    for one in (IS_IT_RIGHT, RIGHT, NOT_RIGHT):
        assert CATALOGUE.text(language, one) in asked


def test_a_morning_of_the_road_department(
    demo: Demo, new_context: NewContext, new_page: OpenPage, city: City
) -> None:
    member = joins_the_staff(demo, Desk(demo, new_context(), "admin"))
    told = twelve_report(demo, city)
    danger, hole, rail = told["danger"], told["hole"], told["rail"]
    of_hole = (hole, told["hole-pt"], told["hole-my"])

    # The department hears by mail, and its people on their phones, until somebody opens it.
    alarm = STAFF_WORDS.text("ja", DANGEROUS, number=danger.number)

    def alarmed(times: int) -> bool:
        mails = [to for to, _ in letters(demo, alarm)]
        return (
            mails.count(DEPARTMENT) == times
            and mails.count(MEMBER) == times
            and demo.stand.received(alarm)[member] == times
        )

    eventually(lambda: alarmed(1), "the alarm in the mail and in LINE", on=demo.changes)
    half_an_hour_passes(demo, danger.number)
    eventually(lambda: alarmed(2), "the alarm again, because nobody opened it", on=demo.changes)
    for _, text in letters(demo, alarm):
        assert name_in(kind_of(city, "cave-in").names, "ja") in text
        assert city.district_by_code["inasato"].names["ja"] in text
        assert SECRET not in text and danger.who.name not in text

    desk = Desk(demo, new_context(), "roads")
    page = desk.page
    desk.opens("teams")
    page.locator('aside input[name="name"]').fill(TEAM)
    page.locator("aside button.primary").click()
    expect(page.locator("main table")).to_contain_text(TEAM)
    desk.opens(f"reports/{danger.number}")
    opened = "SELECT 1 FROM reports WHERE number = ? AND opened_at IS NOT NULL"
    eventually(
        lambda: demo.ask_database(opened, danger.number),
        "the case to count as opened",
        on=demo.changes,
    )
    half_an_hour_passes(demo, danger.number)

    take_in(desk, told)
    for name in ("hole", "rail", "danger", "lamp", "sign", "swing", "bump"):
        told[name].is_told(CATALOGUE, ACCEPTED)
    for name, state in (
        ("hole-pt", ReportState.DUPLICATE),
        ("hole-my", ReportState.DUPLICATE),
        ("nation", ReportState.REFERRED),
        ("wall", ReportState.DECLINED),
    ):
        told[name].is_told(states.CATALOGUE, state.facts.news)

    link = put_on_an_order(desk, hole, rail)
    with line_to(demo.public) as line:
        mend(demo, new_context(), line, link, hole, rail)
    answer(desk, hole, rail)
    hear_that_it_is_mended(rail, states.CATALOGUE, ReportState.DONE.facts.news)
    for one in of_hole:
        hear_that_it_is_mended(one, CATALOGUE, MENDED)

    # One says yes. Another one, as her phone shows it, says no, and why.
    hole.who.taps(CATALOGUE.text("ja", RIGHT))
    hole.who.hears(say("ja", "Thank you. The city has noted that it is all right."))
    says_no = told["hole-pt"]
    phone = new_page(f"{demo.phone}/?user={says_no.who.user}")
    chat = phone.get_by_test_id("chat").first
    expect(chat).to_contain_text(CATALOGUE.text("pt", MENDED))
    chat.get_by_text(CATALOGUE.text("pt", NOT_RIGHT), exact=True).last.click()
    again = (
        "Thank you for telling us. The city will look at it again. Please send a photo, or write "
        "what is not right."
    )
    expect(chat).to_contain_text(say("pt", again), timeout=20_000)
    says_no.who.writes(STILL_OPEN)
    kept = "Thank you. The city has your words about report {number}."
    says_no.who.hears(say("pt", kept, number=says_no.number))
    for one in (hole, told["hole-my"]):
        one.is_told(states.CATALOGUE, states.REOPENED)

    # The case stands at the top of the list, and shows what she wrote.
    desk.opens("reports")
    top = page.get_by_test_id("said-no")
    expect(top).to_contain_text(hole.number)
    top.get_by_role("link", name=hole.number).click()
    expect(page.locator(".case-head")).to_contain_text(ReportState.ACCEPTED.staff_name("ja"))
    verdicts = page.locator("aside").get_by_test_id("verdicts")
    expect(verdicts).to_contain_text(STAFF_WORDS.text("ja", "yes: {n}", n=1))
    expect(verdicts).to_contain_text(STAFF_WORDS.text("ja", "no: {n}", n=1))
    expect(verdicts).to_contain_text(STILL_OPEN)
    # Nobody was alarmed of the danger after it was opened.
    assert alarmed(2)
