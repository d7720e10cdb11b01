"""Two people on duty at 02:40: an evacuation order written, confirmed, sent once, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from alerts.ready_words import CATALOGUE, MISTAKE
from city.city import City
from feeds.texts import drill_mark
from feeds.texts.terms import term
from tests.support import staff_pages
from tests.support.demo import Demo
from tests.support.phone import Phone, say
from tests.support.staff_pages import signed_in
from tests.support.watching import eventually

pytestmark = pytest.mark.browser
NewContext = Callable[[], BrowserContext]
OpenPage = Callable[[str], Page]

ORDER = "避難指示"
JAPANESE = "朝日地区の川の水があふれそうです。いますぐ市民センターへ逃げてください。"
BURMESE = "အာဆာဟီ ခရိုင်တွင် မြစ်ရေလျှံတော့မည်။ ယခုချက်ချင်း ရွှေ့ပြောင်းပါ။"


@pytest.fixture
def officer(demo: Demo, new_context: NewContext) -> Page:
    return desk(demo, new_context, "disaster")


@pytest.fixture
def colleague(demo: Demo, new_context: NewContext) -> Page:
    return desk(demo, new_context, "colleague")


def desk(demo: Demo, new_context: NewContext, name: str) -> Page:
    """Another person's browser, signed in to the console."""
    page = new_context().new_page()
    page.on("pageerror", lambda error: pytest.fail(f"{page.url}: {error}"))
    page.goto(f"{demo.console}/sign-in")
    return signed_in(page, name)


def test_an_evacuation_order_is_confirmed_sent_once_watched_and_taken_back(
    demo: Demo, new_page: OpenPage, officer: Page, colleague: Page, city: City
) -> None:
    aye = Phone(new_page(demo.phone), "အေးအေး", "my")
    aye.come_aboard(city, "my", "asahi")
    haru = Phone(new_page(demo.phone), "はる", "ja")
    haru.come_aboard(city, "ja", "tsukimi")

    # Writing and saving reach nobody.
    staff_pages.begin(officer, demo.console, "real")
    staff_pages.write(
        officer,
        topic="evacuation",
        level=4,
        areas=["asahi"],
        texts={"ja": JAPANESE, "my": BURMESE},
    )
    draft = staff_pages.save(officer)
    number = int(draft.rpartition("/")[2])
    deliveries = demo.ask_database("SELECT count(*) FROM deliveries")

    # One person alone cannot send it by pressing a button.
    residents = staff_pages.look(officer)
    assert residents > 0
    officer.get_by_test_id("typed").fill(str(residents))
    officer.get_by_test_id("send").click()
    expect(officer.locator("main")).to_contain_text("ほかの職員の確認が必要です")
    assert demo.ask_database("SELECT count(*) FROM deliveries") == deliveries
    aye.does_not_see(BURMESE)

    # A colleague reads it on their own screen and confirms, which sends nothing either.
    colleague.goto(f"{draft}/check")
    assert staff_pages.shown_recipients(colleague) == residents
    colleague.get_by_test_id("confirm").click()
    expect(colleague.get_by_test_id("confirm")).to_have_count(0)
    assert demo.ask_database("SELECT count(*) FROM deliveries") == deliveries

    # Sent, with a press too many.
    officer.goto(f"{draft}/check")
    expect(officer.locator("main")).to_contain_text("鈴木 次郎")
    officer.get_by_test_id("typed").fill(str(residents))
    officer.get_by_test_id("send").dblclick()
    officer.wait_for_url("**/console/deliveries/*")
    assert staff_pages.arrived(officer) == residents
    friends = staff_pages.arrived_by(officer, "line")
    delivery = officer.url.partition("?")[0]

    order = aye.said.filter(has_text=BURMESE)
    expect(order).to_have_count(1)
    expect(order).to_contain_text(term(ORDER, "my").text)
    expect(order).to_contain_text(city.district_by_code["asahi"].names["my"])
    haru.does_not_see(JAPANESE)

    # The back button, and the same form once more: it went out before.
    officer.go_back()
    officer.goto(f"{draft}/check")
    expect(officer).to_have_url(delivery)
    first = demo.stand.received(BURMESE) + demo.stand.received(JAPANESE)
    assert set(first.values()) == {1}
    assert len(first) == friends
    once_each = demo.ask_database(
        "SELECT count(*) FROM deliveries d JOIN alert_drafts a ON a.notice_id = d.notice_id"
        " WHERE a.id = ? GROUP BY d.channel",
        number,
    )
    assert set(once_each) == {(1,)}, "once by each medium"

    # Aye moves away meanwhile; she was told the error, so she hears the correction.
    leave(aye, city, "my", "asahi", to="hoshino")
    expect(officer.get_by_test_id("take-back-cancelled")).to_be_visible()
    officer.get_by_test_id("take-back-cancelled").click()
    shown = staff_pages.shown_recipients(officer)
    officer.get_by_test_id("typed").fill(str(shown))
    officer.get_by_test_id("send").click()
    officer.wait_for_url("**/console/deliveries/*")
    staff_pages.arrived(officer)

    sorry = CATALOGUE.text("my", MISTAKE, time="\0").split("\0")[1].strip()[:20]
    aye.sees(sorry)
    withdrawn = demo.ask_database(
        "SELECT n.texts FROM notices n JOIN alert_drafts a ON a.notice_id = n.replaces_id"
        " WHERE a.id = ?",
        number,
    )
    assert len(withdrawn) == 1
    told = heard_of(demo, officer.url)
    assert set(told) == set(first)
    assert set(told.values()) == {1}
    haru.does_not_see(CATALOGUE.text("ja", MISTAKE, time="\0").split("\0")[1].strip()[:12])

    # Every act is in the audit trail, and the trail is whole.
    officer.goto(f"{demo.console}/audit?check=true")
    expect(officer.locator("p.note-good")).to_be_visible()
    trail = officer.locator("main table")
    for action in ("alert.begun", "alert.saved", "alert.confirmed", "alert.sent"):
        expect(trail).to_contain_text(action)
    expect(trail.locator("tr", has_text="alert.confirmed").first).to_contain_text("鈴木 次郎")


def leave(phone: Phone, city: City, language: str, district: str, *, to: str) -> None:
    """Change the district on the phone."""
    phone.tap_menu("settings")
    phone.hears(say(language, "Settings"))
    phone.tap(say(language, "Districts"))
    for code in (to, district):
        phone.hears(say(language, "Tap the districts you want to hear about."))
        before = phone.said.count()
        phone.said.last.get_by_text(city.district_by_code[code].names[language], exact=True).click()
        expect(phone.said).to_have_count(before + 1)


def heard_of(demo: Demo, delivery: str) -> dict[str, int]:
    """How often each resident was sent a delivery's text, by the simulator's ledger."""
    number = int(delivery.partition("?")[0].rpartition("/")[2])
    variants = demo.ask_database("SELECT messages FROM variants WHERE delivery_id = ?", number)
    carried = demo.stand.carried()
    wanted = [json.loads(messages) for (messages,) in variants]
    counted: dict[str, int] = {}
    for entry in carried:
        if entry["messages"] in wanted:
            for user in entry["userIds"]:
                counted[user] = counted.get(user, 0) + 1
    return counted


def test_a_drill_says_so_on_every_phone_in_every_language(
    demo: Demo, officer: Page, city: City
) -> None:
    stand = demo.stand
    phones = {
        language: stand.add_user(f"drill {language}", language) for language in city.languages
    }
    for user in phones.values():
        stand.act(user, "follow")
    for language, user in phones.items():
        eventually(partial(stand.chat_texts, user), f"the greeting in {language}", on=[stand.url])
        stand.act(user, "postback", data=f"do=set-language&to={language}")
    wanted = dict.fromkeys(city.languages, 1)

    def settled() -> bool:
        users = ",".join(f"'{user}'" for user in phones.values())
        rows = demo.ask_database(
            f"SELECT language, count(*) FROM residents WHERE line_user_id IN ({users})"
            " AND language_chosen GROUP BY language"
        )
        return dict(rows) == wanted

    eventually(settled, "everybody's language", on=demo.changes)

    staff_pages.begin(officer, demo.console, "drill")
    words = "これは市全体の避難の練習です。"
    staff_pages.write(officer, topic="evacuation", level=3, areas=[], texts={"ja": words})
    officer.locator("input[name=whole_city]").check()
    staff_pages.look(officer)
    if officer.locator("[name=hazard_reason]").count():
        officer.locator("[name=hazard_reason]").fill("毎年の市の防災訓練の日のため")
    officer.get_by_test_id("typed").fill("訓練")
    officer.get_by_test_id("send").click()
    officer.wait_for_url("**/console/deliveries/*")
    staff_pages.arrived(officer)

    for language, user in phones.items():
        texts = stand.chat_texts(user)
        said = [text for text in texts if words in text]
        assert len(said) == 1, language
        drill = next(entry for entry in stand.carried(user) if words in str(entry["messages"]))
        for message in drill["messages"]:
            assert message.get("altText", message.get("text", "")).startswith(drill_mark(language))
