"""What a password alone does not open: one-time codes, recovery codes, passkeys; who needs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from city.roles import Role, SignInRules
from console.models import RecoveryCode, Staff
from tests.support.authenticator import Authenticator
from tests.support.office import PASSWORD, Browser, Office, Page
from tests.support.one_time_codes import CODE, key_on, shows, with_codes

RECOVERY = "/console/account/recovery"
PASSKEYS = "/console/account/passkeys"
SIGN_IN = "/console/sign-in/passkey"
ORIGIN = "http://localhost:8000"


def codes_on(page: Page) -> list[str]:
    return [
        one.text_content() for one in page.tree.xpath("//*[@data-testid='recovery-codes']//code")
    ]


async def set_up(office: Office, browser: Browser) -> tuple[str, list[str]]:
    """Set up one-time codes; returns the key and the recovery codes."""
    page = await browser.get(CODE)
    key = key_on(page)
    done = await browser.submit(page, CODE, new_code=shows(office, key), present=PASSWORD)
    office.clock.ahead += timedelta(seconds=60)
    return key, codes_on(done)


def demand(office: Office, *roles: Role, public_url: str = ORIGIN) -> None:
    """Have roles need a second factor, at an address for which browsers make passkeys."""
    office.context = replace(
        office.context,
        city=office.context.city.model_copy(update={"sign_in": SignInRules(second_factor=roles)}),
        settings=replace(office.context.settings, public_url=public_url),
    )
    office.app.state.context = office.context


async def test_the_key_comes_as_a_picture_that_an_app_scans(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    page = await desk.get(CODE)
    assert page.tree.xpath("//*[@data-testid='picture']/*[local-name()='svg']")


async def test_each_recovery_code_opens_once(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    _, codes = await set_up(office, desk)
    assert len(set(codes)) == 10
    first = await office.browser()
    typed = codes[0].upper().replace("-", " ")
    assert (await first.sign_in("road@city.example", code=typed)).url.endswith("/console/")
    again = await office.browser()
    assert (await again.sign_in("road@city.example", code=codes[0])).status == 400
    assert (await again.sign_in("road@city.example", code=codes[1])).status == 200
    account = await again.get("/console/account")
    assert "残り8個" in account.words
    assert "回復コードで" in account.words
    used = [one for one in await office.audit() if one.action == "staff.recovery_used"]
    assert [one.detail["left"] for one in used] == [9, 8]


async def test_the_database_does_not_say_the_recovery_codes(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    _, codes = await set_up(office, desk)
    async with office.database.reading() as session:
        rows = str((await session.execute(text("SELECT * FROM recovery_codes"))).all())
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)
    shown = (await desk.get("/console/account")).body + (await desk.get(RECOVERY)).body
    assert not any(code in shown for code in codes), "they are shown once"


async def test_a_code_of_somebody_else_opens_nothing(office: Office) -> None:
    _, codes = await set_up(office, await office.at_desk(Role.ROADS, "road"))
    await with_codes(office, await office.at_desk(Role.DISASTER, "duty"))
    browser = await office.browser()
    assert (await browser.sign_in("duty@city.example", code=codes[0])).status == 400


async def test_new_codes_end_the_old_ones_and_turning_codes_off_ends_all(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    key, old = await set_up(office, desk)
    page = await desk.get(RECOVERY)
    assert (await desk.submit(page, RECOVERY, present="a wrong one", code="000000")).status == 400
    new = codes_on(await desk.submit(page, RECOVERY, present=PASSWORD, code=shows(office, key)))
    browser = await office.browser()
    assert (await browser.sign_in("road@city.example", code=old[0])).status == 400
    assert (await browser.sign_in("road@city.example", code=new[0])).status == 200
    office.clock.ahead += timedelta(seconds=60)
    page = await desk.get("/console/account")
    off = "/console/account/code/off"
    await desk.submit(page, off, present=PASSWORD, code=shows(office, key))
    assert await office.rows(RecoveryCode) == []


async def test_a_role_that_needs_more_than_a_password_sets_it_up_first(office: Office) -> None:
    demand(office, Role.DISASTER, public_url="http://127.0.0.1:8000")
    desk = await office.at_desk(Role.DISASTER, "duty")
    for path in ("/console/", "/console/alerts", "/console/people"):
        page = await desk.get(path)
        assert page.url.endswith("/console/account"), path
        assert page.tree.xpath("//*[@data-testid='second-needed']")
    await with_codes(office, desk)
    assert (await desk.get("/console/alerts")).url.endswith("/console/alerts")
    other = await office.at_desk(Role.ROADS, "road")
    assert (await other.get("/console/reports")).url.endswith("/console/reports")


async def registered(office: Office, browser: Browser, name: str = "スマホ") -> Authenticator:
    """Register a passkey, as the page's script and the browser do it."""
    key = Authenticator(ORIGIN)
    page = await browser.get(PASSKEYS)
    [form] = page.tree.xpath("//form[@data-testid='new-passkey']")
    answer = key.create(form.get("data-passkey"))
    done = await browser.submit(page, PASSKEYS, name=name, credential=answer, present=PASSWORD)
    assert done.url.endswith("done=passkey-added"), done.words
    return key


async def with_passkey(office: Office, key: Authenticator, **changes: str) -> Page:
    browser = await office.browser()
    page = await browser.get("/console/sign-in")
    [form] = page.tree.xpath("//form[@data-testid='passkey']")
    answer = key.get(form.get("data-passkey"))
    return await browser.submit(page, SIGN_IN, **{"credential": answer, **changes})


async def test_several_passkeys_are_registered_named_used_and_removed(office: Office) -> None:
    demand(office)
    desk = await office.at_desk(Role.ROADS, "road")
    phone = await registered(office, desk, "スマホ")
    token = await registered(office, desk, "鍵")
    for key in (phone, token):
        page = await with_passkey(office, key)
        assert page.url.endswith("/console/"), page.words
    [staff] = await office.rows(Staff)
    assert staff.signed_in_by == "passkey"
    page = await desk.get(PASSKEYS)
    page = await desk.submit(page, f"{PASSKEYS}/1", name="私のスマホ")
    assert "私のスマホ" in page.words
    wrong = await desk.submit(page, f"{PASSKEYS}/1/remove", present="a wrong one")
    assert wrong.status == 400
    await desk.submit(page, f"{PASSKEYS}/1/remove", present=PASSWORD)
    assert (await with_passkey(office, phone)).status == 400
    assert (await with_passkey(office, token)).status == 200
    acts = [one.action for one in await office.audit() if "passkey" in one.action]
    assert acts == [
        *("staff.passkey_added", "staff.passkey_added"),
        *("staff.passkey_renamed", "staff.passkey_removed"),
    ]


async def test_a_passkey_needs_the_password_and_ends_other_sessions(office: Office) -> None:
    demand(office)
    desk = await office.at_desk(Role.ROADS, "road")
    other = await office.browser()
    await other.sign_in("road@city.example")
    key = Authenticator(ORIGIN)
    page = await desk.get(PASSKEYS)
    [form] = page.tree.xpath("//form[@data-testid='new-passkey']")
    answer = key.create(form.get("data-passkey"))
    refused = await desk.submit(page, PASSKEYS, credential=answer, present="a wrong one")
    assert refused.status == 400
    await registered(office, desk)
    assert "/sign-in" in (await other.get("/console/")).url


ATTACKS: dict[str, dict[str, Any]] = {
    "another site": {"origin": "http://localhost.evil.example:8000"},
    "another port": {"origin": "http://localhost:8001"},
    "another relying party": {"rp_id": "evil.example"},
    "nobody touched it": {"flags": 0x04},
    "nobody was checked": {"flags": 0x01},
    "another challenge": {"challenge": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    "a registration": {"type": "webauthn.create"},
    "another signature": {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"},
    "another person": {"user": b"todoke-99"},
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_forged_passkey_lets_nobody_in(office: Office, attack: str) -> None:
    demand(office)
    key = await registered(office, await office.at_desk(Role.ROADS, "road"))
    key.faults = ATTACKS[attack]
    page = await with_passkey(office, key)
    assert page.status == 400
    assert "session.refused" in {one.action for one in await office.audit()}


async def test_a_copied_passkey_is_noticed_by_its_counter(office: Office) -> None:
    demand(office)
    key = await registered(office, await office.at_desk(Role.ROADS, "road"))
    assert (await with_passkey(office, key)).status == 200
    key.count -= 1
    assert (await with_passkey(office, key)).status == 400
    assert "staff.passkey_copied" in {one.action for one in await office.audit()}


async def test_an_answer_of_a_passkey_counts_once_and_in_its_browser(office: Office) -> None:
    demand(office)
    key = await registered(office, await office.at_desk(Role.ROADS, "road"))
    browser, thief = await office.browser(), await office.browser()
    page = await browser.get("/console/sign-in")
    [form] = page.tree.xpath("//form[@data-testid='passkey']")
    answer = key.get(form.get("data-passkey"))
    sealed = page.form(SIGN_IN)["sealed"]
    stolen = await thief.submit(
        await thief.get("/console/sign-in"), SIGN_IN, credential=answer, sealed=sealed
    )
    assert stolen.status == 400
    assert (await browser.submit(page, SIGN_IN, credential=answer)).status == 200
    again = await browser.get("/console/sign-in")
    key.count -= 1  # the counter is not what refuses it
    assert (await browser.submit(again, SIGN_IN, credential=answer, sealed=sealed)).status == 400


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", '{"id": 1}', "x" * 30_000, "{" * 5000])
async def test_what_is_no_passkey_is_refused(office: Office, answer: str) -> None:
    demand(office)
    browser = await office.browser()
    page = await browser.get("/console/sign-in")
    assert (await browser.submit(page, SIGN_IN, credential=answer)).status == 400


async def test_a_password_alone_does_not_go_round_a_passkey_that_is_demanded(
    office: Office,
) -> None:
    """Whoever knows the password must not be asked to set up codes of their own."""
    demand(office, Role.DISASTER)
    key = await registered(office, await office.at_desk(Role.DISASTER, "duty"))
    thief = await office.browser()
    page = await thief.sign_in("duty@city.example")
    assert page.status == 403
    assert "パスキー" in page.words
    assert "/sign-in" in (await thief.get("/console/account")).url
    assert (await with_passkey(office, key)).url.endswith("/console/")


async def test_a_closed_account_and_a_reset_one_have_no_passkey(office: Office) -> None:
    demand(office)
    boss = await office.at_desk(Role.ADMIN, "boss")
    key = await registered(office, await office.at_desk(Role.ROADS, "road"))
    await boss.submit(await boss.get("/console/staff/2"), "/console/staff/2/reset")
    assert (await with_passkey(office, key)).status == 400
