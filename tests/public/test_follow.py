"""Following by mail: nobody before they confirmed, everybody out with one click."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import aiohttp
import pytest
from playwright.async_api import async_playwright
from sqlmodel import col, func, select

from channels.email import signups
from channels.email.models import MailSignup, SignupState
from channels.email.signups import MOST_OF_NETWORK
from channels.email.tokens import MailTokens, Purpose
from core.languages import LANGUAGES
from public.follow_pages import STOPPED
from public.link_codes import LinkCodes
from subscriptions import other_media, residents
from subscriptions.models import Resident, ResidentState
from tests.support.accessible import faults_of
from tests.support.chromium import chromium_address
from tests.support.office import Browser, Office, Page

TARO = "taro@home.example"


def tokens(office: Office) -> MailTokens:
    return MailTokens(office.context.settings.secret_key)


async def ask(browser: Browser, address: str = TARO, language: str = "en") -> Page:
    page = await browser.get(f"/follow?lang={language}")
    return await browser.submit(page, f"/follow/mail?lang={language}", address=address)


async def mail_to(office: Office, address: str = TARO) -> EmailMessage:
    await until(lambda: bool(office.mails.to(address)))
    return office.mails.to(address)[-1]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def link_in(mail: EmailMessage, path: str) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(rf"https?://[^/]+({path}/\S+)", body.get_content())
    assert found is not None
    return found[1]


async def resident(office: Office, address: str = TARO) -> Resident | None:
    async with office.database.reading() as session:
        return await other_media.find_at(session, signups.MEDIUM, address)


async def followed(office: Office, address: str = TARO, language: str = "en") -> Resident:
    async with office.database.writing() as session:
        token = tokens(office).link(Purpose.CONFIRM, address, office.clock.now(), language)
        found = await signups.confirm(
            session, office.context.city, tokens(office), token, office.clock.now()
        )
    assert found is not None
    return found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_speaks_every_language_and_needs_no_script(
    office: Office, language: str
) -> None:
    page = await (await office.browser()).get(f"/follow?lang={language}")
    assert page.status == 200
    assert page.tree.get("lang") == LANGUAGES[language].tag
    assert page.has_form(f"/follow/mail?lang={language}")
    assert not page.tree.xpath("//script")
    assert "script-src" not in page.headers["Content-Security-Policy"]


async def test_who_asks_confirms_and_chooses_follows(office: Office) -> None:
    browser = await office.browser()
    page = await ask(browser, " Taro@Home.example ")
    assert (page.status, page.url.endswith("/follow/sent?lang=en")) == (200, True)
    mail = await mail_to(office)
    assert mail["Subject"].endswith("Please confirm your mail address")
    assert await resident(office) is None
    path = link_in(mail, "/follow/confirm")
    asked = await browser.get(path)
    assert TARO in asked.words
    assert await resident(office) is None, "a program that looks at links confirms nothing"
    settings = await browser.submit(asked, path)
    assert "/settings/" in settings.url
    assert "Districts" in settings.words
    found = await resident(office)
    assert found is not None
    assert (found.state, found.language) == (ResidentState.FOLLOWING, "en")
    assert (await browser.submit(asked, path)).status == 200, "a second press is no mistake"


async def test_an_address_is_kept_only_until_its_mail_is_sent(office: Office) -> None:
    await ask(await office.browser())
    await mail_to(office)

    async def sent() -> MailSignup:
        async with office.database.reading() as session:
            return (await session.scalars(select(MailSignup))).one()

    async with asyncio.timeout(20):
        while (row := await sent()).state is SignupState.WAITING:
            await asyncio.sleep(0.01)
    assert (row.state, row.address) == (SignupState.SENT, "")
    assert TARO not in str(row.model_dump())
    assert await signups.forget_signups(office.database, office.clock.now()) == 0
    later = office.clock.now() + timedelta(days=7, minutes=1)
    assert await signups.forget_signups(office.database, later) == 1


async def test_the_page_does_not_say_whether_an_address_is_known(office: Office) -> None:
    await followed(office)
    browser = await office.browser()
    known, unknown = await ask(browser), await ask(browser, "hanako@home.example")
    again = await ask(browser, "hanako@home.example")
    assert known.words == unknown.words == again.words
    assert known.status == unknown.status == again.status == 200
    await mail_to(office, "hanako@home.example")
    await mail_to(office)


async def test_whose_phone_refused_the_first_mail_asks_again_the_same_day(office: Office) -> None:
    browser = await office.browser()
    expected: list[int] = []
    for number in range(signups.MOST_TO_ADDRESS):
        expected.append(number)
        # Who is impatient loses nothing, and gets no more.
        for _ in range(2):
            await ask(browser)
        await until(lambda: len(office.mails.to(TARO)) == len(expected))
        office.clock.ahead += timedelta(minutes=31)
    await ask(browser)
    await ask(browser, "hanako@home.example")
    await mail_to(office, "hanako@home.example")
    assert len(office.mails.to(TARO)) == signups.MOST_TO_ADDRESS


async def test_who_asks_often_in_a_moment_gets_one_mail(office: Office) -> None:
    browser = await office.browser()
    await ask(browser)
    await mail_to(office)
    await ask(browser)
    await ask(browser, "hanako@home.example")
    await mail_to(office, "hanako@home.example")
    assert len(office.mails.to(TARO)) == 1
    office.clock.ahead += timedelta(days=1, minutes=1)
    await ask(browser)
    await until(lambda: len(office.mails.to(TARO)) == 2)


async def test_one_person_cannot_sign_up_thousands(office: Office) -> None:
    browser = await office.browser()
    pages = [await ask(browser, f"r{n}@home.example") for n in range(MOST_OF_NETWORK + 5)]
    statuses = [page.status for page in pages]
    assert statuses == [200] * MOST_OF_NETWORK + [429] * 5
    async with office.database.reading() as session:
        assert await session.scalar(select(func.count(col(MailSignup.id)))) == MOST_OF_NETWORK
    office.clock.ahead += timedelta(hours=1, minutes=1)
    assert (await ask(browser, "late@home.example")).status == 200


async def test_many_networks_together_have_a_limit_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signups, "MOST_IN_ALL", 3)
    async with office.database.writing() as session:
        for n in range(3):
            await signups.ask(
                session,
                office.context.queue,
                tokens(office),
                signups.Asked(f"r{n}@home.example", "ja", f"203.0.113.{n}"),
                office.clock.now(),
            )
    assert (await ask(await office.browser())).status == 429


def test_a_network_is_an_address_or_a_line() -> None:
    one, other = "2001:db8:0:1::1", "2001:db8:0:1:ffff::2"
    assert signups.network_of(one) == signups.network_of(other)
    assert signups.network_of("2001:db8:0:2::1") != signups.network_of(one)
    assert signups.network_of("192.0.2.1") != signups.network_of("192.0.2.2")


@pytest.mark.parametrize("typed", ["", "taro", "taro@", "a b@c.example", "x@y.example\r\nBcc: z@z"])
async def test_what_is_no_address_is_marked(office: Office, typed: str) -> None:
    page = await ask(await office.browser(), typed)
    assert page.status == 422
    assert "Please check the mail address." in page.words
    async with office.database.reading() as session:
        assert await session.scalar(select(func.count(col(MailSignup.id)))) == 0


async def test_a_form_of_another_site_asks_nothing(office: Office) -> None:
    browser = await office.browser()
    async with browser.http.post(
        browser.url + "/follow/mail",
        data={"address": TARO},
        headers={"Origin": "https://evil.example"},
    ) as answer:
        assert answer.status == 404
    async with office.database.reading() as session:
        assert await session.scalar(select(func.count(col(MailSignup.id)))) == 0


async def test_a_link_works_for_a_day(office: Office) -> None:
    browser, now = await office.browser(), office.clock.now()
    token = tokens(office).link(Purpose.CONFIRM, TARO, now - timedelta(hours=25), "en")
    assert (await browser.get(f"/follow/confirm/{token}")).status == 404
    assert (await browser.post(f"/follow/confirm/{token}", {})).status == 404
    assert await resident(office) is None


async def test_a_link_in_a_mail_opens_the_settings(office: Office) -> None:
    await followed(office)
    browser, now = await office.browser(), office.clock.now()
    token = tokens(office).link(Purpose.SETTINGS, TARO, now)
    page = await browser.get(f"/follow/settings/{token}")
    assert "/settings/" in page.url
    saved = await browser.submit(
        page,
        page.url.partition("8000")[2] or re.sub(r"^https?://[^/]+", "", page.url),
        language="my",
    )
    assert saved.status == 200
    found = await resident(office)
    assert found is not None and found.language == "my"
    other = tokens(office).link(Purpose.UNSUBSCRIBE, TARO, now)
    assert (await browser.get(f"/follow/settings/{other}")).status == 404


async def test_a_mail_program_ends_the_mails_with_one_request(office: Office) -> None:
    await followed(office)
    browser = await office.browser()
    path = f"/follow/stop/{tokens(office).link(Purpose.UNSUBSCRIBE, TARO, office.clock.now())}"
    # RFC 8058, 3.2: no cookies, no origin, no redirects.
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            browser.url + path, data={"List-Unsubscribe": "One-Click"}, allow_redirects=False
        ) as answer,
    ):
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
    found = await resident(office)
    assert found is not None and found.state is ResidentState.LEFT
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    async with browser.http.post(browser.url + path, data=form) as answer:
        assert answer.status == 200, "again, and as multipart"


async def test_a_person_ends_the_mails_with_a_button(office: Office) -> None:
    await followed(office)
    browser = await office.browser()
    path = f"/follow/stop/{tokens(office).link(Purpose.UNSUBSCRIBE, TARO, office.clock.now())}"
    page = await browser.get(path)
    found = await resident(office)
    assert found is not None and found.state is ResidentState.FOLLOWING, "looking ends nothing"
    done = await browser.submit(page, path)
    assert STOPPED in done.words
    found = await resident(office)
    assert found is not None and found.state is ResidentState.LEFT


async def test_a_person_can_have_everything_erased(office: Office) -> None:
    await followed(office)
    browser = await office.browser()
    path = f"/follow/stop/{tokens(office).link(Purpose.UNSUBSCRIBE, TARO, office.clock.now())}"
    page = await browser.post(path, {"erase": "1"})
    assert "Nothing is kept of you" in page.words
    assert await resident(office) is None


async def test_a_forged_link_ends_nothing(office: Office) -> None:
    await followed(office)
    browser, now = await office.browser(), office.clock.now()
    stranger = MailTokens("another key").link(Purpose.UNSUBSCRIBE, TARO, now)
    for token in (stranger, tokens(office).link(Purpose.SETTINGS, TARO, now), "x", "A" * 600):
        assert (await browser.post(f"/follow/stop/{token}", {})).status == 404
    found = await resident(office)
    assert found is not None and found.state is ResidentState.FOLLOWING


async def test_what_is_kept_of_a_mail_resident_is_a_file(office: Office) -> None:
    await followed(office)
    browser, now = await office.browser(), office.clock.now()
    page = await browser.get(f"/follow/settings/{tokens(office).link(Purpose.SETTINGS, TARO, now)}")
    (href,) = page.tree.xpath("//a[contains(@href, 'data.json')]/@href")
    data = await browser.get(href)
    assert data.status == 200
    assert TARO in data.body


@pytest.mark.slow
async def test_the_pages_are_for_everybody(office: Office) -> None:
    now = office.clock.now()
    stop = tokens(office).link(Purpose.UNSUBSCRIBE, TARO, now)
    addresses = [
        *(f"{office.url}/follow?lang={language}" for language in ("ja", "en", "my")),
        f"{office.url}/follow/sent?lang=my",
        f"{office.url}/follow/confirm/{tokens(office).link(Purpose.CONFIRM, TARO, now, 'my')}",
        f"{office.url}/follow/stop/{stop}",
    ]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        page = await (await chromium.new_context()).new_page()
        assert await faults_of(page, addresses) == {}
        await chromium.close()


async def at_line(office: Office) -> Resident:
    user = await office.resident("en")
    async with office.database.reading() as session:
        found = await residents.find(session, user)
    assert found is not None
    return found


async def settings_page(office: Office, browser: Browser, who: Resident) -> tuple[str, Page]:
    path = f"/settings/{office.app.state.links.token(who, office.clock.now())}"
    return path, await browser.get(path)


async def test_a_mail_address_is_joined_with_a_line_account_by_a_code(office: Office) -> None:
    browser, friend, reader = await office.browser(), await at_line(office), await followed(office)
    _, shown = await settings_page(office, browser, friend)
    (code,) = shown.tree.xpath("//p[@class='address']/text()")
    path, page = await settings_page(office, browser, reader)
    wrong = await browser.submit(page, f"{path}/line", code="0000-000-000000", act="join")
    assert "This code is not valid." in wrong.words
    typed = code.lower().replace("-", " ").replace("0", "o")
    done = await browser.submit(page, f"{path}/line", code=typed, only="1", act="join")
    assert "joined with your LINE account" in done.words
    found = await resident(office)
    assert found is not None
    assert (found.linked_id, found.only_if_line_fails) == (friend.id, True)
    await browser.submit(done, f"{path}/line", act="change", only=None)
    found = await resident(office)
    assert found is not None
    assert (found.linked_id, found.only_if_line_fails) == (friend.id, False)
    await browser.submit(done, f"{path}/line", act="separate")
    found = await resident(office)
    assert found is not None and found.linked_id is None


async def test_a_code_is_for_an_hour_and_of_our_own_making(office: Office) -> None:
    friend, now = await at_line(office), office.clock.now()
    assert friend.id is not None
    codes = LinkCodes(office.context.settings.secret_key)
    code = codes.code(friend.id, now)
    assert codes.resident(code, now + timedelta(minutes=29)) == friend.id
    assert codes.resident(code, now + timedelta(minutes=61)) is None
    assert LinkCodes("another").resident(code, now) is None
    for typed in ("", "x" * 1000, code[:-1], code + "0", "１" * 13, "😀" * 13):
        assert codes.resident(typed, now) is None
    assert codes.code(32**7 - 1, now).startswith("ZZZZ-ZZZ-")


async def test_only_the_page_of_a_mail_address_joins(office: Office) -> None:
    browser, friend = await office.browser(), await at_line(office)
    path, _ = await settings_page(office, browser, friend)
    assert (await browser.post(f"{path}/line", {"act": "join"})).status == 404
    reader = await followed(office)
    path, page = await settings_page(office, browser, reader)
    assert (await browser.post(f"{path}/line", {"act": "join", "csrf": "x"})).status == 404
    # A friend who has left, or somebody of another medium, is nobody to be joined with.
    assert reader.id is not None
    own = LinkCodes(office.context.settings.secret_key).code(reader.id, office.clock.now())
    wrong = await browser.submit(page, f"{path}/line", code=own, act="join")
    assert "This code is not valid." in wrong.words
