"""Accounts: two administrators make a third, a closed account stays closed, names change."""

from __future__ import annotations

from console.models import RecoveryCode, Role, Staff
from tests.support.office import PASSWORD, Browser, Office, Page
from tests.support.one_time_codes import with_codes


async def person(office: Office, number: int) -> Staff:
    [found] = [one for one in await office.rows(Staff) if one.id == number]
    assert isinstance(found, Staff)
    return found


async def asked(office: Office) -> tuple[Browser, Browser]:
    """Two administrators; the first has asked that the third person becomes one."""
    boss = await office.at_desk(Role.ADMIN, "boss")
    second = await office.at_desk(Role.ADMIN, "second")
    await office.hire(Role.ROADS, "road")
    page = await boss.get("/console/staff/3")
    page = await boss.submit(page, "/console/staff/3", role=["admin", "roads"], active="yes")
    assert page.status == 200, page.words
    return boss, second


async def decide(browser: Browser, agrees: str) -> Page:
    page = await browser.get("/console/staff/3")
    return await browser.submit(page, "/console/staff/3/promotion", agrees=agrees)


async def test_a_second_administrator_has_to_agree_to_a_third(office: Office) -> None:
    boss, second = await asked(office)
    assert (await person(office, 3)).roles == (Role.ROADS,)
    assert (await decide(boss, "yes")).status == 400, "not the one who asks"
    assert (await person(office, 3)).roles == (Role.ROADS,)
    assert (await decide(second, "yes")).status == 200
    assert (await person(office, 3)).roles == (Role.ADMIN, Role.ROADS)
    [entry] = [one for one in await office.audit() if one.action == "staff.promoted"]
    assert (entry.actor, entry.detail["asked_by"]) == ("second@city.example", "boss@city.example")


async def test_a_promotion_is_refused_or_taken_back(office: Office) -> None:
    boss, second = await asked(office)
    await decide(second, "no")
    assert (await person(office, 3)).promotion_asked_by is None
    page = await boss.get("/console/staff/3")
    assert not page.has_form("/console/staff/3/promotion")


async def test_nobody_agrees_to_their_own_promotion(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    page = await boss.get("/console/staff")
    made = await boss.submit(
        page, "/console/staff", email="new@city.example", name="", role=["admin"]
    )
    assert made.status == 200
    new = await person(office, 2)
    assert (new.roles, new.promotion_asked_by) == ((Role.VIEWER,), "boss@city.example")
    page = await boss.get("/console/staff/2")
    refused = await boss.submit(page, "/console/staff/2/promotion", agrees="yes")
    assert refused.status == 400
    assert (await person(office, 2)).roles == (Role.VIEWER,)


async def test_a_closed_account_ends_at_once_and_for_good(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    desk = await office.at_desk(Role.DISASTER, "duty")
    await with_codes(office, desk)
    page = await boss.get("/console/staff/2")
    assert (await boss.submit(page, "/console/staff/2/close", sure=None)).status == 400
    page = await boss.submit(page, "/console/staff/2/close", sure="yes")
    assert page.tree.xpath("//*[@data-testid='closed']")
    assert "/sign-in" in (await desk.get("/console/")).url
    assert (await (await office.browser()).sign_in("duty@city.example")).status == 400
    assert await office.rows(RecoveryCode) == []
    token = page.form("/console/sign-out")["csrf"]
    fields = {"csrf": token, "role": "disaster", "active": "yes"}
    for act in ("", "/reset", "/promotion"):
        assert (await boss.post(f"/console/staff/2{act}", fields)).status == 400, act
    closed = await person(office, 2)
    assert (closed.email, closed.active) == ("duty@city.example", False)


async def test_nobody_closes_their_own_account(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    page = await boss.get("/console/staff/1")
    assert not page.has_form("/console/staff/1/close")
    fields = {"csrf": page.form("/console/sign-out")["csrf"], "sure": "yes"}
    assert (await boss.post("/console/staff/1/close", fields)).status == 400
    assert (await person(office, 1)).active


async def test_names_are_edited_by_oneself_and_by_an_administrator(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    desk = await office.at_desk(Role.ROADS, "road")
    page = await desk.get("/console/account")
    await desk.submit(page, "/console/account/name", name="道路 太郎\u202e")
    assert (await person(office, 2)).name == "道路 太郎"
    page = await boss.get("/console/staff/2")
    await boss.submit(page, "/console/staff/2", name="道路 次郎", role=["roads"], active="yes")
    assert (await person(office, 2)).name == "道路 次郎"
    trail = await boss.get("/console/audit")
    assert "道路 太郎 → 道路 次郎" in trail.words


async def test_the_last_sign_in_is_shown(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    await office.hire(Role.ROADS, "road")
    page = await boss.get("/console/staff/2")
    assert "なし" in page.words
    await (await office.browser()).sign_in("road@city.example", PASSWORD)
    page = await boss.get("/console/staff/2")
    assert "パスワードで" in page.words


async def test_a_person_has_several_roles_and_may_what_each_may(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    desk = await office.at_desk(Role.ROADS, "both")
    page = await boss.get("/console/staff/2")
    await boss.submit(
        page,
        "/console/staff/2",
        role=["roads", "disaster-write"],
        department=["parks"],
        active="yes",
    )
    await desk.sign_in("both@city.example")
    assert (await desk.get("/console/entry")).status == 200
    assert (await desk.get("/console/templates")).status == 200
    both = await person(office, 2)
    assert both.roles == (Role.DISASTER_WRITE, Role.ROADS)
    assert both.departments == ("parks",)


async def test_who_writes_alerts_does_not_confirm_them_and_the_other_way_round(
    office: Office,
) -> None:
    writer = await office.at_desk(Role.DISASTER_WRITE, "writer")
    confirmer = await office.at_desk(Role.DISASTER_CONFIRM, "confirmer")
    page = await writer.get("/console/alerts")
    page = await writer.submit(page, "/console/alerts", kind="drill")
    address = page.url.removeprefix(office.url)
    fields = {
        "topic": "evacuation",
        "level": "3",
        "whole_city": "yes",
        "title-ja": "訓練",
        "text-ja": "これは避難の訓練です。落ち着いて行動してください。",
        "then": "check",
    }
    page = await writer.submit(page, address, **fields)
    check = f"{address}/check"
    assert page.url.endswith("/check"), page.words
    assert page.tree.xpath("//*[@data-testid='others-send']")
    for act in ("confirm", "send"):
        assert not page.has_form(f"{address}/{act}")
        token = {"csrf": page.form("/console/sign-out")["csrf"], "version": "1"}
        assert (await writer.post(f"{address}/{act}", token)).status == 403
    shown = await confirmer.get(check)
    assert shown.has_form(f"{address}/send")
    assert not shown.has_form(f"{address}/test")
    token = {"csrf": shown.form("/console/sign-out")["csrf"], **fields}
    assert (await confirmer.post(address, token)).status == 403
    assert (await confirmer.get(address)).status == 403
    typed = {"typed": "訓練"}
    sent = await confirmer.submit(shown, f"{address}/send", **typed)
    assert "/console/deliveries/" in sent.url, sent.words


async def test_a_role_of_a_department_has_a_department(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    page = await boss.get("/console/staff")
    refused = await boss.submit(
        page, "/console/staff", email="waste@city.example", role=["department"]
    )
    assert refused.status == 400 and "担当する部署を選んでください" in refused.words
    made = await boss.submit(
        page, "/console/staff", email="waste@city.example", role=["department"], department="waste"
    )
    assert made.status == 200, made.words
    [waste] = [one for one in await office.rows(Staff) if one.email == "waste@city.example"]
    changed = f"/console/staff/{waste.id}"
    refused = await boss.submit(await boss.get(changed), changed, department=None)
    assert refused.status == 400 and "担当する部署を選んでください" in refused.words
