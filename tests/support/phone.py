"""A resident's phone, as a browser drives it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from playwright.sync_api import FilePayload, Locator, Page, expect

from bot.catalogue import WORDS
from bot.richmenu import READING
from bot.richmenu.places import PLACES, TABS
from city.city import City, name_in
from core.languages import LANGUAGES


def say(language: str, message: str, **values: object) -> str:
    """What the conversation says, in a resident's language."""
    return WORDS.text(language, message, **values)


def inside(city: City, district: str) -> tuple[float, float]:
    """Longitude and latitude in a district: the mean of its outer ring, which is convex enough."""
    ring = city.district_by_code[district].polygons[0][0]
    longitude = sum(x for x, _ in ring[:-1]) / len(ring[:-1])
    latitude = sum(y for _, y in ring[:-1]) / len(ring[:-1])
    assert city.district_by_code[district].contains(longitude, latitude)
    return round(longitude, 6), round(latitude, 6)


class Phone:
    """One phone on the simulator's page, with a new resident on it."""

    def __init__(self, page: Page, name: str, language: str) -> None:
        self.page = page
        self.name = name
        page.get_by_test_id("new-resident").first.click()
        page.get_by_test_id("new-resident-name").fill(name)
        page.get_by_test_id("new-resident-language").select_option(language)
        page.get_by_test_id("new-resident-create").click()
        chosen = page.get_by_test_id("user-select").first.locator("option:checked")
        expect(chosen).to_contain_text(name)
        # The list changes before the phone does: its buttons may still be the last resident's.
        shown = re.compile(re.escape(chosen.get_attribute("value") or "nobody"))
        expect(page.locator("footer.phone-foot").first).to_have_attribute("data-shown", shown)

    @property
    def chat(self) -> Locator:
        return self.page.get_by_test_id("chat").first

    @property
    def said(self) -> Locator:
        """Everything the account said, one element a message."""
        return self.chat.locator('[data-testid=message][data-side="account"]')

    def switched_on_again(self, user_id: str) -> None:
        """Open the chat anew, as after the phone was off."""
        address = self.page.url.partition("?")[0]
        self.page.goto(f"{address}?user={user_id}")
        self.page.locator("body[data-ready]").wait_for()

    def follow(self) -> None:
        self.page.get_by_test_id("follow").first.click()

    def block(self) -> None:
        self.page.get_by_test_id("block").first.click()

    def unblock(self) -> None:
        self.page.get_by_test_id("unblock").first.click()

    def come_aboard(
        self, city: City, language: str, district: str, *, without: Sequence[str] = ()
    ) -> None:
        """Follow, choose the language in its own script, then the district, then topics."""
        self.follow()
        self.sees(LANGUAGES[language].name)
        self.tap(LANGUAGES[language].name)
        self.sees(say(language, "Your district"))
        self.tap(name_in(city.district_by_code[district].names, language))
        self.sees(say(language, "Topics"))
        for topic in without:
            self.tap(city.topic_by_code[topic].names[language])
        self.tap_reply(say(language, "Done"))
        self.sees(say(language, "What can I do for you?"))

    def keyboard(self) -> None:
        """Show the keyboard instead of the rich menu."""
        if self.page.get_by_test_id("to-keyboard").is_visible():
            self.page.get_by_test_id("to-keyboard").first.click()

    def tap_menu(self, do: str) -> None:
        """Tap a place of the rich menu, which is opened first."""
        if self.page.get_by_test_id("to-menu").is_visible():
            self.page.get_by_test_id("to-menu").first.click()
        if self.page.get_by_test_id("rich-menu").count() == 0:
            self.page.get_by_test_id("rich-menu-toggle").first.click()
        tab = next(tab for tab in TABS if do in [place.icon for place in PLACES[tab]])
        self.page.get_by_test_id("rich-menu-area").nth(TABS.index(tab)).click()
        place = [place.icon for place in PLACES[tab]].index(do)
        label = PLACES[tab][place].label
        names = {READING.sub("", say(language, label)) for language in LANGUAGES}
        area = self.page.get_by_test_id("rich-menu-area").nth(len(TABS) + place)
        expect(area).to_have_attribute("aria-label", re.compile("|".join(map(re.escape, names))))
        area.click()

    def tap(self, words: str) -> None:
        """Tap the newest thing in the chat that says ``words``."""
        self.chat.get_by_text(words, exact=True).last.click()

    def tap_reply(self, words: str | re.Pattern[str]) -> None:
        """Tap a quick reply."""
        self.page.get_by_test_id("quick-reply").filter(has_text=words).first.click()

    def write(self, words: str) -> None:
        self.keyboard()
        self.page.get_by_test_id("input-text").first.fill(words)
        self.page.get_by_test_id("send").first.click()

    def send_sticker(self) -> None:
        self.keyboard()
        self.page.get_by_test_id("sticker").first.click()
        self.page.locator('[data-testid="sheet-sticker"] .sticker-tile').first.click()

    def send_files(self, *files: FilePayload) -> None:
        """Send uploaded pictures."""
        self.keyboard()
        self.page.get_by_test_id("photo").first.click()
        self.page.get_by_test_id("photo-file").set_input_files(list(files))

    def send_ready_photo(self, name: str) -> None:
        self.keyboard()
        self.page.get_by_test_id("photo").first.click()
        self.page.get_by_test_id(f"photo-ready-{name}").click()

    def send_location(self, longitude: float, latitude: float, address: str) -> None:
        self.keyboard()
        self.page.get_by_test_id("menu-plus").first.click()
        self.page.get_by_test_id("plus-location").first.click()
        self.choose_location(longitude, latitude, address)

    def choose_location(self, longitude: float, latitude: float, address: str = "") -> None:
        """Fill in the sheet that asks for a place, and send it."""
        self.page.get_by_test_id("location-longitude").fill(str(longitude))
        self.page.get_by_test_id("location-latitude").fill(str(latitude))
        self.page.get_by_test_id("location-address").fill(address)
        self.page.get_by_test_id("location-send").click()

    def sees(self, words: str, *, within_seconds: float = 20.0) -> None:
        expect(self.chat).to_contain_text(words, timeout=within_seconds * 1000)

    def hears(self, words: str) -> None:
        """Expect ``words`` in the newest message of the account."""
        expect(self.said.last).to_contain_text(words)

    def does_not_see(self, words: str) -> None:
        expect(self.chat).not_to_contain_text(words)
