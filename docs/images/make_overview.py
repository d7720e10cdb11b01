"""Makes ``overview.png``: a phone in a storm and the staff's console, from a running demo.

./dev test --co -q >/dev/null      # installs Playwright, once
./dev demo                         # in another terminal
.venv/bin/python docs/images/make_overview.py http://127.0.0.1:8000 http://127.0.0.1:8001
"""

from __future__ import annotations

import io
import sys
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from bot.dialogues.kinds import WORDS
from feeds.texts.terms import term

CHROMIUM = ("--no-sandbox", "--disable-gpu")
HEIGHT, GAP, EDGE = 900, 32, 32
LEVEL_4 = "レベル４土砂災害危険警報"


def sign_in(page: Page, service: str) -> None:
    """The people on duty sit at their desk."""
    page.goto(f"{service}/console/sign-in")
    account = page.locator("tr", has_text="disaster@")
    email, password = (account.locator("code").nth(n).inner_text() for n in (0, 1))
    page.locator("input[name=email]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.locator("main button").first.click()
    page.wait_for_url("**/console/")


def come_aboard(page: Page, phone: str) -> Locator:
    """A resident follows the account and chooses Burmese; returns their chat."""
    page.goto(phone)
    page.get_by_test_id("new-resident").first.click()
    page.get_by_test_id("new-resident-name").fill("အေး")
    page.get_by_test_id("new-resident-language").select_option("my")
    page.get_by_test_id("new-resident-create").click()
    page.get_by_test_id("follow").first.click()
    chat = page.get_by_test_id("chat").first
    chat.get_by_text("မြန်မာဘာသာ", exact=True).last.click()
    for words in ("Skip", "Done"):
        reply = page.get_by_test_id("quick-reply").filter(has_text=WORDS.text("my", words))
        reply.first.click()
    return chat


def level_4(chat: Locator, service: str) -> Locator:
    """Play a storm; return the warning as soon as it arrives."""
    body = b"day=rainstorm&speed=600"
    urllib.request.urlopen(urllib.request.Request(f"{service}/demo/play", data=body))
    words = term(LEVEL_4, "my").text
    warning = chat.get_by_test_id("message").filter(has_text=words).first
    warning.wait_for(timeout=180_000)
    return warning


def console_picture(page: Page) -> Image.Image:
    """The console at that moment."""
    page.reload()
    page.wait_for_timeout(800)
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def phone_picture(page: Page, warning: Locator) -> Image.Image:
    page.get_by_test_id("rich-menu-toggle").first.click()
    page.wait_for_timeout(1_500)
    warning.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    page.locator(".chat-newer").first.evaluate("button => { button.hidden = true; }")
    shown = page.locator(".phone, [data-testid=phone-1]").last.screenshot()
    return Image.open(io.BytesIO(shown)).convert("RGB")


def main(service: str, phone: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        size = {"width": 1280, "height": HEIGHT}
        desk, pocket = (browser.new_page(viewport=size, locale="ja-JP") for _ in range(2))
        sign_in(desk, service)
        warning = level_4(come_aboard(pocket, phone), service)
        console = console_picture(desk)
        pictures = [phone_picture(pocket, warning), console]
        browser.close()
    scaled = [
        picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT))
        for picture in pictures
    ]
    width = sum(picture.width for picture in scaled) + GAP + 2 * EDGE
    whole = Image.new("RGB", (width, HEIGHT + 2 * EDGE), "#dfe6ec")
    left = EDGE
    for picture in scaled:
        whole.paste(picture, (left, EDGE))
        left += picture.width + GAP
    picture = whole.quantize(256, dither=Image.Dither.NONE)
    picture.save(Path(__file__).with_name("overview.png"), optimize=True)


if __name__ == "__main__":
    main(*(argument.rstrip("/") for argument in sys.argv[1:3]))
