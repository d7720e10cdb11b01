"""Strangers who try passwords shut nobody out and fill nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event

from console import hashing
from console.accounts import add_staff, change_staff
from console.attempts import LIMIT_ACCOUNT, LIMIT_ADDRESS, LIMIT_PAIR, MOST_ROWS, Origin
from console.models import Role
from console.passwords import Password
from core.database import Database
from core.errors import Refusal
from tests.support.office import Browser, Office

SOME = Password("nobody signs in with it")
OFFICER = "duty@city.example"


async def stranger(office: Office, address: str = "") -> Browser:
    browser = await office.browser()
    if address:
        browser.http.headers["X-Forwarded-For"] = address
    return browser


async def refused(browser: Browser, email: str = OFFICER) -> int:
    return (await browser.sign_in(email, "a wrong guess")).status


@pytest.mark.slow
async def test_nobodys_tries_shut_out_a_browser_that_signed_in_before(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    await desk.submit(await desk.get("/console/"), "/console/sign-out")
    statuses = [
        await refused(await stranger(office, f"198.51.100.{n}")) for n in range(LIMIT_ACCOUNT + 1)
    ]
    assert statuses == [400] * LIMIT_ACCOUNT + [429]
    assert (await (await stranger(office, "198.51.100.250")).sign_in(OFFICER)).status == 429
    assert (await desk.sign_in(OFFICER)).url.endswith("/console/")


async def test_a_browser_known_for_one_account_is_a_stranger_to_others(office: Office) -> None:
    await office.hire(Role.DISASTER, "duty")
    thief = await office.at_desk(Role.VIEWER, "viewer")
    thief.http.headers["X-Forwarded-For"] = "203.0.113.9"
    await thief.submit(await thief.get("/console/"), "/console/sign-out")
    assert [await refused(thief) for _ in range(LIMIT_PAIR + 1)][-1] == 429
    # Even a known browser may not guess without limit at its own account.
    assert [await refused(thief, "viewer@city.example") for _ in range(LIMIT_PAIR + 1)][-1] == 429


async def test_a_forged_sign_of_a_known_browser_is_none(office: Office) -> None:
    await office.hire(Role.DISASTER, "duty")
    forged = await stranger(office, "203.0.113.9")
    forged.http.headers["Cookie"] = 'todoke_device="WyJuYW1lIixbMV1d.c2lnbmF0dXJl"'
    assert (await forged.get("/console/sign-in")).status == 200


@pytest.mark.slow
async def test_ipv6_is_counted_by_its_64_and_not_by_each_address(office: Office) -> None:
    statuses = [
        await refused(await stranger(office, f"2001:db8:1:2::{n:x}"), f"nobody{n}@city.example")
        for n in range(1, LIMIT_ADDRESS + 2)
    ]
    assert statuses == [400] * LIMIT_ADDRESS + [429]
    assert await refused(await stranger(office, "2001:db8:1:3::1")) == 400


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_what_an_address_is_counted_as(address: str, network: str) -> None:
    assert Origin(address).network == network


async def test_a_proxy_that_does_not_say_who_asks_is_never_the_culprit(office: Office) -> None:
    await office.hire(Role.DISASTER, "duty")
    for number in range(LIMIT_ADDRESS + 1):
        assert await refused(await stranger(office), f"nobody{number}@city.example") == 400
    assert (await (await stranger(office)).sign_in(OFFICER)).url.endswith("/console/")


@pytest.mark.slow
async def test_failed_tries_from_everywhere_leave_few_rows_in_the_trail(office: Office) -> None:
    for number in range(MOST_ROWS + 20):
        browser = await stranger(office, f"198.51.{number}.7")
        assert await refused(browser, f"nobody{number}@city.example") == 400
    rows = [entry for entry in await office.audit() if entry.action == "session.refused"]
    assert len(rows) == MOST_ROWS
    assert rows[-1].detail == {"further_ones": "only counted"}
    office.clock.ahead += timedelta(minutes=16)
    await refused(await stranger(office, "198.51.100.7"))
    rows = [entry for entry in await office.audit() if entry.action == "session.refused"]
    assert len(rows) == MOST_ROWS + 1


async def test_many_who_sign_in_at_once_are_told_to_come_again_and_cost_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All places are in use; a further sign-in writes nothing and hashes nothing."""
    desk = await office.at_desk(Role.DISASTER, "duty")
    await desk.submit(await desk.get("/console/"), "/console/sign-out")
    monkeypatch.setattr(hashing.STRANGERS, "trying", hashing.MOST_TRYING)
    written: list[str] = []
    event.listen(
        office.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: written.append(statement),
    )
    page = await (await stranger(office, "203.0.113.9")).sign_in(OFFICER)
    assert page.status == 503
    assert "混み合っています" in page.words
    assert not [s for s in written if s.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN IMM"))]
    # A browser that has signed in before has places that strangers cannot take.
    assert (await desk.sign_in(OFFICER)).url.endswith("/console/")


async def test_who_is_over_the_limit_costs_no_writing(office: Office) -> None:
    browser = await stranger(office, "203.0.113.9")
    for _ in range(LIMIT_PAIR):
        await refused(browser)
    written: list[str] = []
    event.listen(
        office.database.engine.sync_engine,
        "before_cursor_execute",
        lambda _c, _cursor, statement, *_: written.append(statement),
    )
    assert await refused(browser) == 429
    assert not [s for s in written if s.startswith(("INSERT", "UPDATE", "DELETE", "BEGIN IMM"))]


async def test_a_session_seen_in_the_future_opens_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    office.clock.ahead += timedelta(days=1)
    await desk.sign_in(OFFICER)
    assert "/sign-in" not in (await desk.get("/console/")).url
    office.clock.ahead -= timedelta(days=1)
    assert "/sign-in" in (await desk.get("/console/")).url


async def test_two_administrators_cannot_take_each_other_away(
    database: Database, office: Office
) -> None:
    now = office.clock.now()
    ids = []
    async with database.writing() as session:
        for name in ("one", "two"):
            made = await add_staff(session, f"{name}@city.example", Role.ADMIN, SOME, now=now)
            ids.append(made.staff.id or 0)

    async def demote(staff_id: int) -> None:
        async with database.writing() as session:
            await change_staff(
                session, staff_id, roles=(Role.VIEWER,), active=True, now=now, actor="the other"
            )

    done = await asyncio.gather(*map(demote, ids), return_exceptions=True)
    assert [type(outcome) for outcome in done if outcome is not None] == [Refusal]
