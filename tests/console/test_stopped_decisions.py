"""Staff decide in the red lines: on the machine's clock, and on what a restore holds back."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from channels.members import pack
from channels.models import (
    Batch,
    BatchState,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Variant,
)
from channels.restored import hold_back
from console.models import Role
from core.clock_marks import ClockMark
from core.restored import RESTORED, is_unseen
from tests.support.engine import make_notice
from tests.support.office import Browser, Office, Page

STEP = 7200.0


def band(page: Page, testid: str) -> str:
    found = page.tree.xpath(f"//*[@data-testid='{testid}']")
    return " ".join(found[0].text_content().split()) if found else ""


def token(page: Page) -> str:
    """The page's own token, which every form of it sends."""
    return str(page.tree.xpath("//input[@name='csrf']/@value")[0])


async def stepped(office: Office) -> ClockMark:
    """A machine's clock has jumped by two hours, and nobody has said which time is right."""
    now = office.clock.now()
    mark = ClockMark(boot="a machine", at=now, elapsed=1.0, doubt_s=STEP, since=now)
    await office.store(mark)
    return mark


async def accepted(office: Office) -> float | None:
    async with office.database.reading() as session:
        return (await session.get_one(ClockMark, "a machine")).accepted_s


async def restored(office: Office) -> None:
    """Two deliveries were under way in the backup that was put in place."""
    now = office.clock.now()
    async with office.database.writing() as session:
        for topic, level, emergency in (("evacuation", 4, True), ("events", 0, False)):
            notice = make_notice(topic, level=level, now=now, emergency=emergency)
            session.add(notice)
            await session.flush()
            session.add(
                Delivery(
                    channel="line",
                    notice_id=notice.id,
                    state=DeliveryState.PLANNED,
                    planning_done=True,
                    priority=1,
                    created_by="rule:x",
                    created_at=now,
                )
            )
        await session.flush()
        await hold_back(session, now, now)


async def actions(office: Office) -> list[tuple[str, str, str]]:
    wanted = ("clock.confirmed", "restore.seen", "delivery.resumed", "delivery.stopped")
    return [
        (entry.actor, entry.action, entry.subject)
        for entry in await office.audit()
        if entry.action in wanted
    ]


async def test_staff_say_that_the_machines_clock_is_right(office: Office) -> None:
    await stepped(office)
    alerter = await office.at_desk(Role.DISASTER, "sato")
    page = await alerter.get("/console/")
    assert "サーバーの時計が急にずれました" in band(page, "clock-in-doubt")
    page = await alerter.submit(page, "/console/clock")
    assert page.status == 200
    assert await accepted(office) == STEP
    assert "まもなくサーバーの時刻に切り替わります" in band(page, "clock-in-doubt")
    assert not page.has_form("/console/clock")
    assert await actions(office) == [("sato@city.example", "clock.confirmed", "clock:a machine")]


async def test_a_clock_that_has_changed_meanwhile_is_looked_at_again(office: Office) -> None:
    await stepped(office)
    alerter = await office.at_desk(Role.DISASTER, "sato")
    page = await alerter.get("/console/")
    for changes in ({"size": "3600.0"}, {"boot": "another machine"}):
        refused = await alerter.submit(page, "/console/clock", **changes)
        assert "その間に時計の状態が変わりました" in refused.words
    assert await accepted(office) is None
    assert await actions(office) == []


async def test_staff_have_seen_what_may_have_gone_out(office: Office) -> None:
    await restored(office)
    alerter = await office.at_desk(Role.DISASTER, "sato")
    page = await alerter.get("/console/")
    assert "データベースが配信済みの内容より古い状態に戻りました" in band(page, "restored")
    # Nobody can claim that residents have not got it.
    assert not band(page, "emergency-failing")
    page = await alerter.post("/console/restored", {"csrf": token(page), "act": "seen"})
    async with office.database.reading() as session:
        assert not await is_unseen(session)
    # Held deliveries stay, and so does the line, until somebody decides.
    assert {row.state for row in await office.deliveries()} == {DeliveryState.PAUSED}
    assert "まとめ配信を再開" not in band(page, "restored")
    assert band(page, "restored")
    assert await actions(office) == [("sato@city.example", "restore.seen", "restore:all")]


@pytest.mark.parametrize(
    ("act", "state", "action"),
    [
        ("send", DeliveryState.DONE, "delivery.resumed"),
        ("stop", DeliveryState.STOPPED, "delivery.stopped"),
    ],
)
async def test_what_is_held_goes_on_or_is_stopped(
    office: Office, act: str, state: DeliveryState, action: str
) -> None:
    await restored(office)
    alerter = await office.at_desk(Role.DISASTER, "sato")
    page = await alerter.get("/console/")
    why = (await alerter.get("/console/deliveries/1")).words
    assert "バックアップからの復元により保留" in why
    fields = {"csrf": token(page), "act": act, "kind": DeliveryKind.NOTICE.value}
    # What will happen to how many is said first, and asked once more.
    asked = await alerter.post("/console/restored", fields)
    assert "二重に" in asked.words or "届かないまま" in asked.words
    assert {row.state for row in await office.deliveries()} == {DeliveryState.PAUSED}
    stale = await alerter.post("/console/restored", {**fields, "asked": "1:99"})
    assert "その間に件数が変わりました" in stale.words
    assert {row.state for row in await office.deliveries()} == {DeliveryState.PAUSED}
    (mark,) = stale.tree.xpath("//main//input[@name='asked']/@value")
    assert (await alerter.post("/console/restored", {**fields, "asked": mark})).status == 200
    for number in (1, 2):
        assert (await office.done(number)).state is state
    assert await actions(office) == [
        ("sato@city.example", action, f"delivery:{number}") for number in (1, 2)
    ]


async def test_the_question_says_how_many_had_it_and_how_many_had_not(office: Office) -> None:
    await restored(office)
    async with office.database.writing() as session:
        (delivery, _) = await session.scalars(select(Delivery).order_by(col(Delivery.id)))
        assert delivery.id is not None
        variant = Variant(delivery_id=delivery.id, language="ja", digest="x", messages=b"[]")
        session.add(variant)
        await session.flush()
        for number, state in ((7, BatchState.SENT), (1234, BatchState.WAITING)):
            assert variant.id is not None
            session.add(
                Batch(
                    delivery_id=delivery.id,
                    variant_id=variant.id,
                    retry_key=state.value,
                    endpoint="multicast",
                    size=number,
                    members=pack(range(1, number + 1)),
                    state=state,
                )
            )
    alerter = await office.at_desk(Role.DISASTER, "sato")
    page = await alerter.get("/console/")
    fields = {"csrf": token(page), "act": "send", "kind": DeliveryKind.NOTICE.value}
    asked = await alerter.post("/console/restored", fields)
    first = [cell.text_content() for cell in asked.tree.xpath("//tbody/tr[1]/td")]
    assert first[1:] == ["7", "1,234"]
    assert "1,234通を今すぐ送る" in asked.words


async def test_who_may_not_send_alerts_sees_the_lines_and_decides_nothing(office: Office) -> None:
    await stepped(office)
    await restored(office)
    viewer = await office.at_desk(Role.VIEWER, "ito")
    page = await viewer.get("/console/")
    assert band(page, "clock-in-doubt")
    assert band(page, "restored")
    assert not page.has_form("/console/clock")
    assert not page.has_form("/console/restored")
    await refused(office, viewer, token(page), status=403)


@pytest.mark.parametrize("csrf", ["", "of another session"])
async def test_a_form_of_another_site_decides_nothing(office: Office, csrf: str) -> None:
    await stepped(office)
    await restored(office)
    await refused(office, await office.at_desk(Role.DISASTER, "sato"), csrf, status=403)


async def test_a_decision_that_is_none_is_not_found(office: Office) -> None:
    await restored(office)
    alerter = await office.at_desk(Role.DISASTER, "sato")
    csrf = token(await alerter.get("/console/"))
    for fields in ({"act": "all"}, {"act": "send", "kind": "everything"}, {"act": "stop"}):
        assert (await alerter.post("/console/restored", {"csrf": csrf, **fields})).status == 404
    assert {(row.state, row.reason) for row in await office.deliveries()} == {
        (DeliveryState.PAUSED, RESTORED)
    }


async def refused(office: Office, browser: Browser, csrf: str, *, status: int) -> None:
    """Try every decision, which changes nothing and leaves nothing in the trail."""
    kind = DeliveryKind.NOTICE.value
    for path, fields in (
        ("/console/clock", {"boot": "a machine", "size": str(STEP)}),
        ("/console/restored", {"act": "seen"}),
        ("/console/restored", {"act": "send", "kind": kind}),
        ("/console/restored", {"act": "stop", "kind": kind}),
    ):
        assert (await browser.post(path, {"csrf": csrf, **fields})).status == status, fields
    assert await accepted(office) is None
    async with office.database.reading() as session:
        assert await is_unseen(session)
    assert {row.state for row in await office.deliveries()} == {DeliveryState.PAUSED}
    assert await actions(office) == []
