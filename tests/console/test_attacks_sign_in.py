"""Attacks on the sign-in: open redirects, finding accounts, replaying sessions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, func, update
from sqlmodel import col, select
from yarl import URL

from console import passwords
from console.attempts import LIMIT_PAIR, MOST_ROWS, WINDOW
from console.models import Role, SignInAttempts, Staff
from console.sessions import COOKIE, IDLE, LONGEST
from core.audit import AuditEntry
from tests.support.office import PASSWORD, Browser, Office, Page

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OFFICER = "duty@city.example"

LURES = (
    "https://evil.example/",
    "https:evil.example",
    "http:///evil.example/",
    "//evil.example/console/",
    "///evil.example/console/",
    "/\\evil.example/console/",
    "\\\\evil.example/console/",
    "/console/\\..\\..\\evil.example",
    "/\t/evil.example/console/",
    "\t//evil.example/console/",
    "/\n/evil.example/console/",
    " //evil.example/console/",
    "/%2f%2fevil.example/console/",
    "%2f%2fevil.example",
    "http://[",
    "//[evil.example/console/",
    "https://city.example\u2100.evil.example/console/",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example@city.example/console/",
    "https://city.example@evil.example/console/",
    "/console",
    "/consoles/",
    "console/",
    "/console/sign-out",
)
INSIDE = (
    "/console/%2f%2fevil.example",
    "/console//evil.example",
    "/console/..//evil.example/",
    "/console/held\r\nSet-Cookie: todoke_staff=planted",
    "/console/held%0d%0aSet-Cookie:%20todoke_staff=planted",
    "/console/held#//evil.example",
    "/console/?next=//evil.example",
)
"""They look bad and stay with us, as a browser reads them."""


async def led(browser: Browser, path: str, fields: Mapping[str, Any]) -> str:
    """Send a form and return the address that the answer leads to."""
    async with browser.http.post(browser.url + path, data=fields, allow_redirects=False) as answer:
        assert answer.status == 303, (fields, answer.status)
        assert "planted" not in str(answer.headers.getall("Set-Cookie", []))
        return answer.headers["Location"]


def host(location: str) -> str:
    """Where a browser goes, as the WHATWG's URL standard reads an address."""
    plain = re.sub(r"[\t\r\n]", "", location).strip("\x00\x20").replace("\\", "/")
    return urlsplit(urljoin("http://city.example/console/sign-in", plain)).netloc


@pytest.mark.slow
async def test_signing_in_leads_nobody_astray(office: Office) -> None:
    await office.hire(Role.VIEWER, "duty")
    browser = await office.browser()
    form = (await browser.get("/console/sign-in")).form("/console/sign-in")
    fields = {**form, "email": OFFICER, "password": PASSWORD}
    for lure in LURES:
        assert await led(browser, "/console/sign-in", {**fields, "next": lure}) == "/console/"
        page = await (await office.browser()).get(str(URL("/console/sign-in") % {"next": lure}))
        assert page.form("/console/sign-in").get("next", "") == "", lure
    for lure in INSIDE:
        location = await led(browser, "/console/sign-in", {**fields, "next": lure})
        assert (host(location), location[:9]) == ("city.example", "/console/"), lure


async def test_choosing_a_language_leads_nobody_astray(office: Office) -> None:
    browser = await office.browser()
    for lure in LURES:
        back = await led(browser, "/console/language", {"language": "en", "back": lure})
        assert back == "/console/", lure
    for lure in INSIDE:
        location = await led(browser, "/console/language", {"language": "en", "back": lure})
        assert host(location) == "city.example", lure
    nul = await browser.post("/console/language", {"language": "en", "back": "\0//evil.example/"})
    assert nul.status == 400


class Counted:
    """Counts the hashes that are checked."""

    def __init__(self) -> None:
        self.checked = 0
        self._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        self.checked += 1
        return self._hasher.verify(hashed, password)


async def test_an_unknown_account_costs_and_says_what_a_wrong_password_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher = Counted()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    passwords.nobodys.cache_clear()
    await office.hire(Role.VIEWER, "duty")
    await office.hire(Role.VIEWER, "gone")
    async with office.database.writing() as session:
        gone = update(Staff).where(col(Staff.email) == "gone@city.example", col(Staff.active))
        await session.execute(gone.values(active=False))
    statements: list[str] = []
    event.listen(
        office.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: statements.append(statement),
    )
    addresses = iter(range(1, 100))

    async def told(email: str, password: str) -> tuple[object, ...]:
        browser = await office.browser()
        browser.http.headers["X-Forwarded-For"] = f"203.0.113.{next(addresses)}"
        form = await browser.get("/console/sign-in")
        before = hasher.checked
        statements.clear()
        page = await browser.submit(form, "/console/sign-in", email=email, password=password)
        return (
            page.status,
            hasher.checked - before,
            # The limits are looked at in an order that says nothing; the engine asks beside it.
            sorted(each for each in statements if "staff" in each or "attempts" in each),
            sorted(page.headers),
            _without_names(page, email),
        )

    await told("first@city.example", "the first of a window begins the counts")
    unknown = ("nobody@city.example", "gone@city.example", "no address", "")
    for password in ("not the password", "x" * 5_000):
        known = await told(OFFICER, password)
        assert known[:2] == (400, 1)
        for email in unknown:
            assert await told(email, password) == known, email
    right = [await told(email, PASSWORD) for email in unknown]
    assert right[0][:2] == (400, 1)
    assert right == [right[0]] * len(unknown)


def _without_names(page: Page, email: str) -> str:
    body = re.sub(r'value="[^"]*"', "", page.body)
    return body.replace(email, "") if email else body


@pytest.mark.slow
async def test_a_session_ends_after_idle_time_and_after_a_shift(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    office.clock.ahead += IDLE + timedelta(seconds=1)
    assert "/sign-in" in (await desk.get("/console/")).url
    await desk.sign_in(OFFICER)
    for _ in range(int(LONGEST / IDLE) * 2):
        office.clock.ahead += IDLE / 2 - timedelta(seconds=5)
        assert "/sign-in" not in (await desk.get("/console/")).url
    office.clock.ahead += timedelta(minutes=4)
    assert "/sign-in" in (await desk.get("/console/")).url


async def test_a_session_of_before_is_no_session_after(office: Office) -> None:
    """Neither after signing out, nor after another password, nor after the account is closed."""
    boss = await office.at_desk(Role.ADMIN, "boss")
    desk = await office.at_desk(Role.DISASTER, "duty")

    async def opens(cookie: str) -> bool:
        thief = await office.browser()
        thief.http.cookie_jar.update_cookies({COOKIE: cookie}, URL(f"{office.url}/console/"))
        return "/sign-in" not in (await thief.get("/console/")).url

    first = desk.cookie(COOKIE)
    assert await opens(first)
    page = await desk.get("/console/account")
    new = "several umbrellas and a cat"
    await desk.submit(page, "/console/account/password", present=PASSWORD, new=new, again=new)
    second = desk.cookie(COOKIE)
    assert [await opens(each) for each in (first, second)] == [False, True]
    people = await boss.get("/console/staff/2")
    await boss.submit(people, "/console/staff/2", role="disaster", active=None)
    assert not await opens(second)


@pytest.mark.slow
async def test_strangers_leave_a_bounded_trail_however_many_windows_they_try_for(
    office: Office,
) -> None:
    """Rows for ever per wrong try were a fault: the trail takes so many a window, the counts
    none that are older than one."""
    await office.hire(Role.DISASTER, "duty")
    browser = await office.browser()
    form = (await browser.get("/console/sign-in")).form("/console/sign-in")
    windows = 3
    for window in range(windows):
        for number in range(MOST_ROWS + 15):
            fields = {**form, "email": f"{window}-{number}@city.example", "password": "a guess"}
            headers = {"X-Forwarded-For": f"198.51.{window}.{number}"}
            async with browser.http.post(
                f"{office.url}/console/sign-in", data=fields, headers=headers
            ) as answer:
                assert answer.status == 400
        office.clock.ahead += WINDOW + timedelta(seconds=1)
    failed = [e for e in await office.audit() if e.action == "session.refused"]
    assert len(failed) <= windows * MOST_ROWS
    await browser.sign_in("last@city.example", "a guess")
    async with office.database.reading() as session:
        counts = await session.scalar(select(func.count()).select_from(SignInAttempts))
        rows = await session.scalar(select(func.count()).select_from(AuditEntry))
    assert (counts or 0) <= LIMIT_PAIR
    assert (rows or 0) <= windows * MOST_ROWS + 2
