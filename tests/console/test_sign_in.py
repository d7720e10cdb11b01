"""Nobody gets in without permission, and nobody learns which accounts exist."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select
from yarl import URL

from console import passwords
from console.accounts import add_staff, is_signed_out, sign_out
from console.attempts import LIMIT_PAIR
from console.models import Role, Staff
from console.passwords import Password
from core.database import Database
from core.errors import Refusal
from tests.support.office import PASSWORD, Office

SOME = Password("nobody signs in with it")


async def test_signing_in_opens_the_console_and_signing_out_closes_it(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    home = await browser.get("/console/")
    assert home.status == 200
    assert "sato@city.example" in home.words
    await browser.submit(home, "/console/sign-out")
    page = await browser.get("/console/")
    assert page.url.startswith(f"{office.url}/console/sign-in")


@pytest.mark.slow
async def test_a_copied_cookie_opens_nothing_once_its_owner_signed_out(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    phone = await office.browser()
    await phone.sign_in("sato@city.example")
    thief = await office.browser()
    copied = {"todoke_staff": browser.cookie("todoke_staff")}
    thief.http.cookie_jar.update_cookies(copied, URL(office.url + "/console/"))
    assert "/sign-in" not in (await thief.get("/console/")).url
    await browser.submit(await browser.get("/console/"), "/console/sign-out")
    for _ in range(6):  # until after the last moment at which the cookie could have held
        thief.http.cookie_jar.update_cookies(copied, URL(office.url + "/console/"))
        assert "/sign-in" in (await thief.get("/console/")).url
        await phone.sign_in("sato@city.example")  # forgets attempts of windows that have passed
        office.clock.ahead += timedelta(minutes=8)
    assert "/sign-in" not in (await phone.get("/console/")).url  # a session of their own


async def test_two_presses_at_once_both_sign_out(database: Database) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    async with database.writing() as session:
        staff = (await add_staff(session, "sato@city.example", Role.ROADS, SOME, now=now)).staff

    async def press() -> None:
        async with database.writing() as session:
            await sign_out(session, staff, "one session", now)

    await asyncio.gather(press(), press())
    async with database.reading() as session:
        assert await is_signed_out(session, "one session")


async def test_a_password_that_was_handed_over_is_changed_before_anything_else(
    office: Office,
) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    people = await boss.get("/console/staff")
    made = await boss.submit(
        people, "/console/staff", email="new@city.example", name="", role="disaster"
    )
    given = made.tree.xpath('string(//code[@data-testid="password"])')
    newcomer = await office.browser()
    assert (await newcomer.sign_in("new@city.example", given)).url.endswith("/console/account")
    for path in ("/console/", "/console/alerts", "/console/reports", "/console/account/code"):
        assert (await newcomer.get(path)).url.endswith("/console/account")
    part = await newcomer.get("/console/now/live", **{"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == "/console/account"
    page = await newcomer.get("/console/account")
    form = page.form("/console/account/password")
    refused = await newcomer.post("/console/alerts", {**form, "kind": "drill"})
    assert refused.url.endswith("/console/account")
    assert not await office.drafts()
    action = "/console/account/password"
    same = await newcomer.submit(page, action, present=given, new=given, again=given)
    assert same.status == 400
    new = "a password of my own"
    done = await newcomer.submit(page, action, present=given, new=new, again=new)
    assert done.status == 200
    assert (await newcomer.get("/console/alerts")).url.endswith("/console/alerts")


async def test_a_wrong_password_and_an_unknown_address_look_the_same(office: Office) -> None:
    await office.hire(Role.ROADS, "known")
    answers = []
    for email in ("known@city.example", "unknown@city.example", "not an address"):
        page = await (await office.browser()).sign_in(email, "wrong password!")
        answers.append((page.status, page.words.replace(email, "")))
    assert len(set(answers)) == 1
    assert answers[0][0] == 400


async def test_guessing_is_slowed_down_and_ends_with_the_window(office: Office) -> None:
    await office.hire(Role.ADMIN, "boss")
    browser = await office.browser()
    browser.http.headers["X-Forwarded-For"] = "203.0.113.9"
    for _ in range(LIMIT_PAIR):
        assert (await browser.sign_in("boss@city.example", "a wrong guess")).status == 400
    assert (await browser.sign_in("boss@city.example")).status == 429
    office.clock.ahead += timedelta(minutes=16)
    assert (await browser.sign_in("boss@city.example")).status == 200


async def test_a_session_ends_after_half_an_hour_and_a_page_that_asks_by_itself_keeps_none(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.VIEWER, "idle")
    for _ in range(2):
        office.clock.ahead += timedelta(minutes=20)
        assert "/sign-in" not in (await browser.get("/console/")).url
    for _ in range(2):
        office.clock.ahead += timedelta(minutes=20)
        await browser.get("/console/now/live")
    assert "/sign-in" in (await browser.get("/console/")).url


async def test_a_session_ends_after_a_shift_however_busy(office: Office) -> None:
    browser = await office.at_desk(Role.VIEWER, "busy")
    for _ in range(36):
        office.clock.ahead += timedelta(minutes=20)
        page = await browser.get("/console/account")
    assert "/sign-in" in (await browser.get("/console/")).url or "/sign-in" in page.url


async def test_cookies_are_kept_from_scripts_and_other_sites(office: Office) -> None:
    await office.hire(Role.VIEWER, "viewer")
    browser = await office.browser()
    page = await browser.get("/console/sign-in")
    fields = {**page.form("/console/sign-in"), "email": "viewer@city.example"}
    async with browser.http.post(
        f"{office.url}/console/sign-in",
        data={**fields, "password": PASSWORD},
        allow_redirects=False,
    ) as answer:
        cookie = next(
            value for value in answer.headers.getall("set-cookie") if "todoke_staff" in value
        )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/console" in cookie


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    ["/console/alerts", "/console/language-of-nothing", "/console/sign-out", "/console/staff"],
)
async def test_a_form_without_its_token_is_refused(office: Office, path: str) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    page = await browser.post(path, {"kind": "real", "email": "x@y.example", "role": "admin"})
    assert page.status in (403, 404, 405)
    assert not await office.drafts()


async def test_a_token_of_another_session_is_refused(office: Office) -> None:
    first = await office.at_desk(Role.DISASTER, "one")
    second = await office.at_desk(Role.DISASTER, "two")
    stolen = (await first.get("/console/alerts")).form("/console/alerts")
    assert (await second.post("/console/alerts", stolen)).status == 403
    assert not await office.drafts()


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.ADMIN, {"alerts", "audit", "staff", "export"}),
        (Role.DISASTER, {"alerts", "audit"}),
        (Role.ROADS, {"export"}),
        (Role.VIEWER, set()),
    ],
)
async def test_each_role_may_do_its_work_and_no_more(
    office: Office, role: Role, allowed: set[str]
) -> None:
    browser = await office.at_desk(role, "somebody")
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    answers = {
        "alerts": await browser.post("/console/alerts", {"csrf": token, "kind": "drill"}),
        "audit": await browser.get("/console/audit"),
        "staff": await browser.get("/console/staff"),
        "export": await browser.post("/console/reports/export.csv", {"csrf": token}),
    }
    assert {name for name, page in answers.items() if page.status == 200} == allowed
    assert {page.status for name, page in answers.items() if name not in allowed} <= {403}
    for path in ("/console/", "/console/alerts", "/console/held", "/console/feeds"):
        assert (await browser.get(path)).status == 200


async def test_a_changed_role_ends_the_sessions_it_had(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    other = await office.at_desk(Role.DISASTER, "other")
    async with office.database.reading() as session:
        found = await session.scalar(
            select(Staff.id).where(col(Staff.email) == "other@city.example")
        )
    people = await boss.get(f"/console/staff/{found}")
    await boss.submit(people, f"/console/staff/{found}", role="viewer", active="yes")
    assert "/sign-in" in (await other.get("/console/")).url


async def test_the_last_administrator_cannot_be_taken_away(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    people = await boss.get("/console/staff/1")
    answer = await boss.submit(people, "/console/staff/1", role="viewer", active="yes")
    assert answer.status == 400
    assert (await boss.get("/console/staff")).status == 200


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    phone = await office.browser()
    await phone.sign_in("road@city.example")
    page = await desk.get("/console/account")
    new = "a much longer password"
    wrong = await desk.submit(
        page, "/console/account/password", present="nonsense nonsense", new=new, again=new
    )
    assert wrong.status == 400
    done = await desk.submit(
        page, "/console/account/password", present=PASSWORD, new=new, again=new
    )
    assert done.status == 200
    assert "/sign-in" not in (await desk.get("/console/")).url
    assert "/sign-in" in (await phone.get("/console/")).url


async def test_signing_in_leads_nowhere_but_the_console(office: Office) -> None:
    await office.hire(Role.VIEWER, "viewer")
    for lure in ("https://evil.example/", "//evil.example/console/", "/console/\\evil", "/"):
        browser = await office.browser()
        page = await browser.sign_in("viewer@city.example", next=lure)
        assert page.url == f"{office.url}/console/"


async def test_signing_in_leads_to_the_page_that_was_asked_for(office: Office) -> None:
    await office.hire(Role.ROADS, "road")
    for asked in ("/console/reports?state=open&text=%E7%A9%B4", "/console/held"):
        browser = await office.browser()
        page = await browser.get(asked)
        page = await browser.submit(
            page, "/console/sign-in", email="road@city.example", password=PASSWORD
        )
        assert str(URL(page.url).relative()) == str(URL(asked))


async def test_accounts_have_sound_addresses_roles_and_passwords(office: Office) -> None:
    now = office.clock.now()
    for email, role in (("nobody", "admin"), ("a@b.example", "emperor")):
        with pytest.raises(Refusal):
            async with office.database.writing() as session:
                await add_staff(session, email, role, SOME, now=now)
    async with office.database.writing() as session:
        made = await add_staff(
            session, " A@B.example ", "admin", await passwords.made_up(), now=now
        )
    assert made.staff.email == "a@b.example"
    assert len(made.password) >= 12
    with pytest.raises(Refusal):
        async with office.database.writing() as session:
            await add_staff(session, "a@b.example", "admin", SOME, now=now)


async def test_the_demo_shows_its_accounts_and_nothing_else_does(office: Office) -> None:
    from console.web import DemoAccount

    office.app.state.demo_accounts = (DemoAccount("demo@demo.example", "secret-word", "admin"),)
    browser = await office.browser()
    assert "secret-word" not in (await browser.get("/console/sign-in")).body
    office.app.state.demo = True
    assert "secret-word" in (await browser.get("/console/sign-in")).body


@pytest.mark.slow
async def test_every_page_forbids_scripts_of_others_and_being_framed(office: Office) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    for path in ("/console/", "/console/sign-in", "/console/none", "/", "/shelters"):
        page = await browser.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert "<script>" not in page.body
        assert " style=" not in page.body
        assert " onclick" not in page.body
