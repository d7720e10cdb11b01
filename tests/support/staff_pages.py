"""Staff at their desks, as a browser drives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from playwright.sync_api import Page, expect


def signed_in(page: Page, name: str) -> Page:
    """Sign in on the sign-in page with the account that the demo shows for ``name``."""
    account = page.locator("tr", has_text=f"{name}@")
    email, password = (account.locator("code").nth(n).inner_text() for n in (0, 1))
    page.locator("input[name=email]").fill(email)
    page.locator("input[type=password]").fill(password)
    page.locator("main button.primary").click()
    expect(page.locator("nav.main-nav")).to_be_visible()
    return page


def begin(page: Page, console: str, kind: str) -> None:
    """Begin an alert; ``kind`` is ``drill`` or ``real``."""
    page.goto(f"{console}/alerts")
    page.get_by_test_id(f"begin-{kind}").click()
    expect(page.locator("form#alert")).to_be_visible()


def write(
    page: Page, *, topic: str, level: int, areas: Sequence[str], texts: Mapping[str, str]
) -> None:
    """Fill in the form of an alert."""
    page.locator("select[name=topic]").select_option(topic)
    page.locator(f"input[name=level][value='{level}']").check()
    for area in areas:
        page.locator(f"input[name=areas][value='{area}']").check()
    for language, words in texts.items():
        details = page.locator("details.language", has=page.locator(f"[name=text-{language}]"))
        # Not by a press: a language in which readers lack words opens by itself meanwhile.
        details.evaluate("language => { language.open = true }")
        page.locator(f"textarea[name=text-{language}]").fill(words)


def save(page: Page) -> str:
    """Save without sending; return the draft's address."""
    page.get_by_test_id("save").click()
    expect(page.locator("p.note-good")).to_be_visible()
    return page.url.partition("?")[0]


def look(page: Page) -> int:
    """Go on to the confirmation page; return how many residents it names."""
    page.get_by_test_id("go-check").click()
    return shown_recipients(page)


def shown_recipients(page: Page) -> int:
    said = page.get_by_test_id("recipients").first.inner_text()
    return int("".join(character for character in said if character.isdecimal()))


def arrived(page: Page) -> int:
    """Watch the delivery's page until all is sent; return how many it reached by all media."""
    expect(page.get_by_test_id("delivery-state")).to_have_text("完了", timeout=20_000)
    sent = page.get_by_test_id("sent").inner_text()
    return int(sent.replace(",", ""))


def arrived_by(page: Page, medium: str) -> int:
    """Return how many an alert reached by one medium, from the page of its delivery."""
    row = page.get_by_test_id(f"way-{medium}")
    if not row.count():
        return arrived(page)
    return int(row.locator("td").nth(3).inner_text().replace(",", ""))


def concerned_by(page: Page, medium: str) -> int:
    """Return how many an alert would reach by one medium, from the page where it is checked."""
    number = page.get_by_test_id(f"medium-{medium}-recipients")
    if not number.count():
        return shown_recipients(page)
    return int(number.inner_text().replace(",", ""))
