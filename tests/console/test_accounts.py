"""A second factor in addition to the password, and a way back in after losing one of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.models import Role, Staff
from tests.support.office import PASSWORD, Office
from tests.support.one_time_codes import CODE, key_on, shows, with_codes


async def test_codes_are_asked_for_once_they_were_shown_to_work(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    phone = await office.browser()
    await phone.sign_in("duty@city.example")
    key = await with_codes(office, desk)
    assert "/sign-in" not in (await desk.get("/console/")).url
    assert "/sign-in" in (await phone.get("/console/")).url, "other sessions ended"
    assert (await phone.sign_in("duty@city.example")).status == 400
    assert (await phone.sign_in("duty@city.example", code="000000")).status == 400
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in shows(office, key))
    signed_in = await phone.sign_in("duty@city.example", code=wide)
    assert signed_in.url.endswith("/console/")
    assert key not in (await desk.get("/console/account")).body
    assert "staff.codes_enabled" in {entry.action for entry in await office.audit()}


async def test_the_code_that_switched_codes_on_opens_nothing(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    page = await desk.get(CODE)
    code = shows(office, key_on(page))
    await desk.submit(page, CODE, new_code=code, present=PASSWORD)
    thief = await office.browser()
    assert (await thief.sign_in("duty@city.example", code=code)).status == 400


async def test_a_code_opens_once(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "duty")
    key = await with_codes(office, desk)
    code = shows(office, key)
    assert (await (await office.browser()).sign_in("duty@city.example", code=code)).status == 200
    thief = await office.browser()
    assert (await thief.sign_in("duty@city.example", code=code)).status == 400
    office.clock.ahead += timedelta(minutes=1)
    own = await (await office.browser()).sign_in("duty@city.example", code=shows(office, key))
    assert own.status == 200


async def test_a_key_that_no_app_took_locks_nobody_out(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "viewer")
    page = await desk.get(CODE)
    key = key_on(page)
    for fields in (
        {"new_code": "123", "present": PASSWORD},
        {"new_code": "１２３４５６", "present": PASSWORD},
        {"new_code": shows(office, key), "present": "not the password"},
    ):
        refused = await desk.submit(page, CODE, **fields)
        assert refused.status == 400
        assert key_on(refused) == key, "the key stays, so that it need not be typed again"
    office.clock.ahead += timedelta(minutes=16)
    late = await desk.submit(page, CODE, new_code=shows(office, key), present=PASSWORD)
    assert late.status == 400
    [viewer] = await office.rows(Staff)
    assert viewer.totp_secret is None


async def test_a_key_offered_to_one_is_not_taken_by_another(office: Office) -> None:
    first = await office.at_desk(Role.VIEWER, "first")
    second = await office.at_desk(Role.VIEWER, "second")
    offered = await first.get(CODE)
    page = await second.get(CODE)
    stolen = offered.form(CODE)["offer"]
    code = shows(office, key_on(offered))
    refused = await second.submit(page, CODE, offer=stolen, new_code=code, present=PASSWORD)
    assert refused.status == 400
    assert all(one.totp_secret is None for one in await office.rows(Staff))


@pytest.mark.slow
async def test_codes_end_with_password_and_code(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    key = await with_codes(office, desk)
    page = await desk.get("/console/account")
    off = "/console/account/code/off"
    assert (await desk.submit(page, off, present=PASSWORD, code="000000")).status == 400
    done = await desk.submit(page, off, present=PASSWORD, code=shows(office, key))
    assert done.status == 200
    assert (await (await office.browser()).sign_in("road@city.example")).status == 200


async def test_an_administrator_lets_somebody_in_who_lost_phone_and_password(
    office: Office,
) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    desk = await office.at_desk(Role.ROADS, "road")
    await with_codes(office, desk)
    own_page = await boss.get("/console/staff/1")
    assert not own_page.has_form("/console/staff/1/reset"), "one's own goes by one's own page"
    people = await boss.get("/console/staff/2")
    done = await boss.submit(people, "/console/staff/2/reset")
    [shown] = done.tree.xpath("//*[@data-testid='password']")
    password = shown.text_content()
    assert "/sign-in" in (await desk.get("/console/")).url
    again = await desk.sign_in("road@city.example", password)
    assert again.url.endswith("/console/account")  # to choose a password of their own
    assert password not in (await boss.get("/console/staff")).body
    assert "staff.reset" in {entry.action for entry in await office.audit()}
    for role in (Role.DISASTER, Role.ROADS, Role.VIEWER):
        other = await office.at_desk(role, f"other-{role}")
        token = (await other.get("/console/account")).form("/console/account/password")["csrf"]
        assert (await other.post("/console/staff/1/reset", {"csrf": token})).status == 403
    own = {"csrf": people.form("/console/staff/2")["csrf"]}
    assert (await boss.post("/console/staff/1/reset", own)).status == 400


async def test_a_desk_left_open_is_closed_from_another(office: Office) -> None:
    left_open = await office.at_desk(Role.DISASTER, "duty")
    phone = await office.browser()
    await phone.sign_in("duty@city.example")
    page = await phone.get("/console/account")
    assert (await phone.submit(page, "/console/account/elsewhere")).status == 200
    assert "/sign-in" in (await left_open.get("/console/")).url
    assert "/sign-in" not in (await phone.get("/console/")).url
