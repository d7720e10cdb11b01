"""A resident's phone, as a browser drives it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


class Phone:
    """One phone on the simulator's page, with a new resident on it."""

    def __init__(self, page: Page, name: str, language: str) -> None:
        self.page = page
        page.get_by_test_id("new-resident").first.click()
        page.get_by_test_id("new-resident-name").fill(name)
        page.get_by_test_id("new-resident-language").select_option(language)
        page.get_by_test_id("new-resident-create").click()
        expect(page.get_by_test_id("user-select").first).to_contain_text(name)

    @property
    def chat(self) -> Locator:
        return self.page.get_by_test_id("chat").first

    def follow(self) -> None:
        self.page.get_by_test_id("follow").first.click()

    def tap(self, words: str) -> None:
        """Tap the newest thing in the chat that says ``words``."""
        self.chat.get_by_text(words, exact=True).last.click()

    def tap_reply(self, words: str | re.Pattern[str]) -> None:
        """Tap a quick reply."""
        self.page.get_by_test_id("quick-reply").filter(has_text=words).first.click()

    def write(self, words: str) -> None:
        self.page.get_by_test_id("input-text").first.fill(words)
        self.page.get_by_test_id("send").first.click()

    def send_ready_photo(self, name: str) -> None:
        self.page.get_by_test_id("photo").first.click()
        self.page.get_by_test_id(f"photo-ready-{name}").click()

    def send_location(self, longitude: float, latitude: float, address: str) -> None:
        self.page.get_by_test_id("menu-plus").first.click()
        self.page.get_by_test_id("plus-location").first.click()
        self.page.get_by_test_id("location-longitude").fill(str(longitude))
        self.page.get_by_test_id("location-latitude").fill(str(latitude))
        self.page.get_by_test_id("location-address").fill(address)
        self.page.get_by_test_id("location-send").click()

    def sees(self, words: str, *, within_seconds: float = 20.0) -> None:
        expect(self.chat).to_contain_text(words, timeout=within_seconds * 1000)

    def does_not_see(self, words: str) -> None:
        expect(self.chat).not_to_contain_text(words)
