"""A resident's phone: first-time setup, settings, leaving, coming back, and telling of damage."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from bot.richmenu.places import PLACES, TABS, Kind
from city.city import City, name_in
from core.languages import LANGUAGES
from reports.photos import MAX_PHOTOS
from tests.support.demo import Demo
from tests.support.phone import Phone, inside, say
from tests.support.watching import eventually

pytestmark = pytest.mark.browser
OpenPage = Callable[[str], Page]
TOKYO = (139.6917, 35.6896)


def resident_of(demo: Demo, phone: Phone) -> dict[str, object]:
    """What the city keeps of whoever holds this phone; empty when nothing."""
    user = demo.stand.user_called(phone.name)
    rows = demo.ask_database(
        "SELECT id, state, language FROM residents WHERE line_user_id = ?", user
    )
    if not rows:
        return {}
    number, state, language = rows[0]
    areas = demo.ask_database(
        "SELECT area FROM resident_areas WHERE resident_id = ? ORDER BY 1", number
    )
    topics = demo.ask_database(
        "SELECT topic FROM subscriptions WHERE resident_id = ? ORDER BY 1", number
    )
    return {
        "id": number,
        "state": state,
        "language": language,
        "areas": [area for (area,) in areas],
        "topics": [topic for (topic,) in topics],
    }


@pytest.mark.parametrize(
    ("language", "typed", "district"),
    [
        ("ja", "朝日", "asahi"),
        ("ja-x-easy", "ヌマベ", "numabe"),
        ("en", "hoshino district", "hoshino"),
    ],
)
def test_somebody_comes_aboard_and_types_their_district(
    demo: Demo, new_page: OpenPage, city: City, language: str, typed: str, district: str
) -> None:
    phone = Phone(new_page(demo.phone), f"typing {language}", "ja" if language != "en" else "en")
    phone.follow()
    phone.sees(LANGUAGES[language].name)
    phone.tap(LANGUAGES[language].name)
    phone.sees(say(language, "Your district"))
    # The menu in their language takes the place of the keyboard when it comes.
    phone.page.get_by_test_id("to-keyboard").wait_for()
    phone.write("どこにもない町")
    phone.sees("「どこにもない町」" if language.startswith("ja") else "“どこにもない町”")
    phone.write(typed)
    place = name_in(city.district_by_code[district].names, language)
    phone.sees(say(language, "You will hear about: {places}.", places=place))
    phone.tap_reply(say(language, "Done"))
    phone.sees(say(language, "What can I do for you?"))
    kept = resident_of(demo, phone)
    assert (kept["language"], kept["areas"]) == (language, [district])
    assert {"evacuation", "weather", "earthquake"} <= {*kept["topics"], "evacuation"}  # type: ignore[misc]


def test_somebody_who_reads_burmese_sends_a_place_outside_and_then_inside(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "location my", "my")
    phone.follow()
    phone.sees("မြန်မာဘာသာ")
    phone.tap("မြန်မာဘာသာ")
    phone.sees(say("my", "Your district"))
    phone.tap_reply(say("my", "Send location"))
    phone.choose_location(*TOKYO)
    outside = "That place is outside {city}. Please choose a district."
    phone.sees(say("my", outside, city=name_in(city.name, "my")))
    phone.tap_reply(say("my", "Send location"))
    phone.choose_location(*inside(city, "chuo"))
    phone.sees(say("my", "Topics"))
    assert resident_of(demo, phone)["areas"] == ["chuo"]


def test_every_step_can_be_skipped_and_taken_up_again(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "skipping", "en")
    phone.follow()
    phone.sees("English")
    phone.tap_reply(say("en", "Skip"))
    phone.sees(say("en", "Your district"))
    phone.tap_reply(say("en", "Skip"))
    phone.sees(say("en", "Topics"))
    phone.tap_reply(say("en", "Done"))
    phone.sees(say("en", "What can I do for you?"))
    kept = resident_of(demo, phone)
    assert (kept["language"], kept["areas"]) == ("en", [])

    # Somebody else stops in the middle, and goes on after the phone was off.
    later = Phone(new_page(demo.phone), "later", "en")
    later.follow()
    later.sees("English")
    later.tap("English")
    later.sees(say("en", "Your district"))
    user = demo.stand.user_called("later")
    later.switched_on_again(user)
    later.write("thanks")
    later.sees(say("en", "Your district"))
    later.tap("Tsukimi")
    later.sees(say("en", "Topics"))
    assert resident_of(demo, later)["areas"] == ["tsukimi"]


def test_blocking_stops_everything_and_coming_back_finds_all_as_it_was(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "leaving", "pt")
    phone.come_aboard(city, "pt", "umesato", without=["weather"])
    before = resident_of(demo, phone)
    phone.block()
    eventually(
        lambda: resident_of(demo, phone)["state"] == "left",
        "the resident to have left",
        on=demo.changes,
    )

    words = "梅里地区の避難訓練の連絡です。"
    demo.todoke(
        *("alert", "send", "--topic", "evacuation", "--level", "3", "--area", "umesato"),
        *("--text", f"ja={words}", "--drill", "--yes"),
    )
    received = eventually(lambda: demo.stand.received(words), "the drill", on=demo.changes)
    assert demo.stand.user_called("leaving") not in received

    phone.unblock()
    phone.sees(say("pt", "Welcome back. Your settings are as you left them."))
    assert resident_of(demo, phone) == before
    phone.does_not_see(words)


def test_everything_in_the_menu_does_something(demo: Demo, new_page: OpenPage, city: City) -> None:
    phone = Phone(new_page(demo.phone), "menu my", "my")
    phone.come_aboard(city, "my", "asahi")
    expect(phone.page.get_by_test_id("rich-menu-area")).to_have_count(
        len(TABS) + len(PLACES[Kind.NEWS])
    )
    phone.tap_menu("help")
    phone.sees(say("my", "What can I do for you?"))
    phone.tap_menu("shelters")
    phone.sees(say("my", "Send your location to find the nearest evacuation sites."))
    phone.tap_reply(say("my", "Send location"))
    phone.choose_location(*inside(city, "asahi"))
    phone.hears(say("my", "Nearest evacuation sites"))
    phone.tap_menu("settings")
    phone.hears(say("my", "Settings"))
    phone.tap_menu("language")
    phone.hears("Tiếng Việt")
    phone.tap_menu("now")
    phone.said.last.get_by_text(say("my", "Warnings now")).or_(
        phone.said.last.get_by_text(name_in(city.name, "my"))
    ).first.wait_for()
    phone.tap_menu("report")
    phone.hears(say("my", "What is broken?"))
    phone.tap_reply(say("my", "Cancel"))
    phone.sees(say("my", "The report was cancelled. Nothing is kept of it."))


def test_settings_change_what_is_kept_is_shown_and_all_of_it_can_be_erased(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "choosing", "en")
    phone.come_aboard(city, "en", "asahi")
    phone.write("settings")
    phone.hears(say("en", "Quiet hours"))
    phone.tap(say("en", "Quiet hours"))
    phone.hears(say("en", "In your quiet hours only emergencies reach you."))
    phone.tap("21:00–06:00")
    phone.hears(say("en", "Saved."))
    phone.tap_reply(say("en", "Settings"))
    phone.hears("21:00")
    phone.tap(say("en", "Language"))
    phone.hears("Português")
    phone.tap("Português")
    phone.hears(say("pt", "Saved."))
    phone.write("configurações")
    phone.hears(say("pt", "My data"))
    phone.tap(say("pt", "My data"))
    phone.hears(say("pt", "Erase everything"))
    for fact in ("Português", "Asahi", "21:00"):
        phone.hears(fact)
    phone.tap(say("pt", "Erase everything"))
    phone.hears(say("pt", "Keep"))
    phone.tap(say("pt", "Keep"))
    phone.hears(say("pt", "Nothing was erased."))
    kept = resident_of(demo, phone)
    assert (kept["language"], kept["areas"]) == ("pt", ["asahi"])

    phone.write("configurações")
    phone.hears(say("pt", "My data"))
    phone.tap(say("pt", "My data"))
    phone.hears(say("pt", "Erase everything"))
    phone.tap(say("pt", "Erase everything"))
    phone.hears(say("pt", "Keep"))
    phone.tap(say("pt", "Erase"))
    erased = (
        "Everything about you has been erased. You get no more messages. To start again, "
        "write anything."
    )
    phone.sees(say("pt", erased))
    user = demo.stand.user_called("choosing")
    eventually(lambda: not resident_of(demo, phone), "the resident erased", on=demo.changes)
    # The event that asked for it is the last to go, when its answer is out.
    kept_of = "SELECT count(*) FROM webhook_events WHERE line_user_id = ? OR payload LIKE ?"
    eventually(
        lambda: demo.ask_database(kept_of, user, f"%{user}%") == [(0,)],
        "what they said erased",
        on=demo.changes,
    )
    phone.write("hello")
    phone.hears("English")


def test_a_cry_for_help_and_a_sticker_are_answered_as_a_person_would_want(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "crying", "ja")
    phone.come_aboard(city, "ja", "chuo")
    phone.send_sticker()
    phone.sees(say("ja", "Thank you! Here is what I can do."))
    phone.write("隣の家が火事です！助けて")
    phone.sees("119")
    phone.tap(say("ja", "Call 119"))
    expect(phone.page.get_by_test_id("sheet-call")).to_contain_text("119")
    phone.page.get_by_test_id("sheet-close").click()
    # Who is in need is not shown a menu.
    phone.write("\u202eabc\u200b 🙃")
    phone.sees(say("ja", "I did not understand that."))
    phone.does_not_see(say("ja", "I did not understand that. Here is what I can do."))


def picture(shade: int) -> FilePayload:
    body = io.BytesIO()
    Image.new("RGB", (320, 240), (shade, 90, 60)).save(body, "JPEG")
    return {"name": f"{shade}.jpg", "mimeType": "image/jpeg", "buffer": body.getvalue()}


def test_a_report_may_begin_with_a_photo_have_several_and_survive_a_broken_one(
    demo: Demo, new_page: OpenPage, city: City
) -> None:
    phone = Phone(new_page(demo.phone), "reporting", "en")
    phone.come_aboard(city, "en", "asahi")
    phone.send_files({"name": "no.jpg", "mimeType": "image/jpeg", "buffer": b"no photo at all"})
    phone.sees(say("en", "I cannot read this file as a photo. Please send a photo."))

    thanks = "Thank you for the photo ({count} of {limit})."
    phone.send_files(picture(40))
    phone.sees(say("en", thanks, count=1, limit=MAX_PHOTOS))
    phone.send_files(*(picture(40 + 40 * number) for number in range(1, MAX_PHOTOS + 1)))
    full = "A report holds {limit} photos. This one was not kept."
    phone.sees(say("en", full, limit=MAX_PHOTOS))

    phone.tap(name_in(city.report_categories[0].names, "en"))
    phone.tap_reply(say("en", "Send location"))
    phone.choose_location(*TOKYO)
    phone.sees("another office is in charge")
    phone.write("朝日1丁目の交差点")
    phone.hears(say("en", "Is it here?"))
    # Taken up again after the phone was off.
    user = demo.stand.user_called("reporting")
    phone.switched_on_again(user)
    phone.tap(say("en", "Yes, it is here"))
    phone.hears(say("en", "Is there anything to add? Write it, or skip."))
    phone.tap_reply(say("en", "Skip"))
    phone.hears(say("en", "Is this right?"))
    summary = phone.said.filter(has_text=say("en", "Is this right?"))
    send = summary.get_by_text(say("en", "Send"), exact=True)
    send.click()
    phone.sees("Thank you. The city has received your report.")
    reports = "SELECT id, address FROM reports WHERE resident_id = ?"
    number = resident_of(demo, phone)["id"]
    assert [address for _, address in demo.ask_database(reports, number)] == [
        "朝日一丁目（朝日1丁目の交差点）"
    ]
    report = demo.ask_database(reports, number)[0][0]
    photos = "SELECT count(*) FROM photos WHERE report_id = ?"
    assert demo.ask_database(photos, report) == [(MAX_PHOTOS,)]

    # The same button once more files nothing.
    send.click()
    phone.hears("already")
    assert len(demo.ask_database(reports, number)) == 1
