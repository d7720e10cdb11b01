"""Takes a picture of each page of a running demo, and says what each page weighs.

./dev test --co -q >/dev/null      # installs Playwright, once
./dev demo                         # in another terminal
.venv/bin/python docs/images/every_page.py http://127.0.0.1:8000 FOLDER

It signs in as the administrator and follows the links it finds. Of the pages that differ only in a
number or a name it takes the first. Pages of the console are taken in Japanese and English, those
of everybody in Burmese too, at 390 and 1440 pixels. ``weights.tsv`` has the bytes of each page with
its styles and scripts, without pictures, and its height on the phone.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from pathlib import Path
from urllib.parse import parse_qs, urldefrag, urlsplit

from playwright.sync_api import BrowserContext, Page, Response, sync_playwright

CHROMIUM = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars")
SIZES = ((390, 844), (1440, 900))
CONSOLE, PUBLIC = ("ja", "en"), ("ja", "en", "my")
FIRST_CONSOLE = ("/console/", "/console/account", "/console/papers/reports.md")
FIRST_PUBLIC = (
    *("/", "/shelters", "/lifelines", "/reports", "/reports/months", "/follow", "/check"),
    *("/map", "/signage/setup", "/demo", "/demo/components", "/demo/mail", "/no-such-page"),
)
FILES = re.compile(
    r"\.(csv|json|geojson|xml|pdf|png|jpg|wav|ics|atom|toml|html)$|/feeds/|/open311/"
)
STYLES = ("document", "stylesheet", "script")


def kind_of(address: str) -> str:
    """The address with numbers, long codes and words of one row left out."""
    path = urlsplit(address).path
    path = re.sub(r"/\d{4}-\d+|/\d+|/[\w-]{16,}", "/N", path)
    parts = path.strip("/").split("/")
    if parts[:2] in (["console", "kinds"], ["console", "answers"]) and len(parts) > 2:
        parts[2] = "N"
    if len(parts) > 1 and parts[-2] in ("words", "texts"):
        parts[-1] = "N"
    site = "code" in parse_qs(urlsplit(address).query)
    return "/" + "/".join(parts) + ("?code" if site else "")


def sign_in(page: Page, service: str) -> None:
    page.goto(f"{service}/console/sign-in")
    account = page.locator("tr", has_text="admin@")
    email, password = (account.locator("code").nth(n).inner_text() for n in (0, 1))
    page.locator("input[name=email]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.locator("main button").first.click()
    page.wait_for_url("**/console/")


def begin_drafts(page: Page, service: str) -> list[str]:
    """A drill and a real alert that are being written; returns their pages."""
    found = []
    for choice in (".choose-drill", ".choose-real"):
        page.goto(f"{service}/console/alerts")
        if not page.locator(choice).count():
            continue
        page.locator(choice).first.click()
        page.wait_for_url(re.compile(r"/console/alerts/\d+"))
        page.locator("select[name=topic]").select_option("evacuation")
        page.locator("input[name=level][value='4']").check()
        page.locator("input[name=areas]").first.check()
        page.locator("textarea[name=text-ja]").fill("川の水があふれるおそれがあります。")
        page.get_by_test_id("save").click()
        page.wait_for_url("**saved**")
        found += [page.url.partition("?")[0], f"{page.url.partition('?')[0]}/check"]
    return [urlsplit(one).path for one in found]


def found_pages(page: Page, service: str, first: tuple[str, ...], under: str) -> list[str]:
    """Follow links from ``first``; return one address of each kind."""
    waiting, seen = deque(first), dict[str, str]()
    while waiting:
        address = waiting.popleft()
        kind = kind_of(address)
        if kind in seen or FILES.search(urlsplit(address).path):
            continue
        answer = page.goto(service + address)
        if answer is None or "html" not in answer.headers.get("content-type", ""):
            continue
        seen[kind] = address
        for link in page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)"):
            to = urldefrag(link)[0].removeprefix(service)
            if to.startswith(under) and (under != "/" or not to.startswith("/console")):
                waiting.append(to)
    return list(seen.values())


def take(page: Page, service: str, address: str, language: str, folder: Path) -> tuple[int, int]:
    """Take one page at each size; returns its bytes and its height on the phone."""
    bytes_of: dict[str, int] = {}

    def note(answer: Response) -> None:
        if answer.request.resource_type in STYLES and answer.ok:
            bytes_of[answer.url] = len(answer.body())

    page.on("response", note)
    query = (
        "" if address.startswith("/console") else f"{'&' if '?' in address else '?'}lang={language}"
    )
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    page.goto(service + address + query)
    page.wait_for_timeout(250)
    page.remove_listener("response", note)
    height = page.evaluate("document.documentElement.scrollHeight")
    name = re.sub(r"[^\w-]+", "_", kind_of(address).strip("/")) or "index"
    for wide, high in SIZES:
        page.set_viewport_size({"width": wide, "height": high})
        page.wait_for_timeout(100)
        page.screenshot(path=folder / f"{name}.{language}.{wide}.png", full_page=True)
    return sum(bytes_of.values()), int(height)


def window(browser: object, language: str) -> BrowserContext:
    locale = {"ja": "ja-JP", "en": "en-GB", "my": "my-MM"}[language]
    return browser.new_context(locale=locale)  # type: ignore[attr-defined,no-any-return]


def main(service: str, out: str) -> None:
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    weights = ["page\tlanguage\tbytes\theight at 390"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        desk = window(browser, "ja").new_page()
        for language in CONSOLE:
            take(desk, service, "/console/sign-in", language, folder)
        sign_in(desk, service)
        drafts = begin_drafts(desk, service)
        console = found_pages(desk, service, (*drafts, *FIRST_CONSOLE), "/console")
        console = [one for one in console if "sign-out" not in one]
        for language in CONSOLE:
            desk.context.add_cookies(
                [{"name": "todoke_console_language", "value": language, "url": service}]
            )
            for address in console:
                size, height = take(desk, service, address, language, folder)
                weights.append(f"{address}\t{language}\t{size}\t{height}")
        everybody = window(browser, "ja").new_page()
        public = found_pages(everybody, service, FIRST_PUBLIC, "/")
        for language in PUBLIC:
            for address in public:
                size, height = take(everybody, service, address, language, folder)
                weights.append(f"{address}\t{language}\t{size}\t{height}")
        browser.close()
    (folder / "weights.tsv").write_text("\n".join(weights) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), sys.argv[2])
