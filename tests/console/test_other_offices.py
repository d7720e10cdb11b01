"""Staff send a case to another office, see what became of it, and keep the list of webhooks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import col, select

from city.city import Endpoint, Owner
from console.models import Role, Staff
from reports import forwarding
from reports.models import Forward, ForwardWay, Report, Sending, Webhook
from reports.photos import store_photo
from reports.states import ReportState
from tests.support.filed_reports import picture, reported
from tests.support.office import Office
from tests.support.receiver import Receiver

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _known(office: Office) -> None:
    owner = Owner(
        code="prefecture",
        names={"ja": "県土木事務所", "en": "Prefectural office"},
        kinds=("pothole",),
        mail="roads@pref.example",
        open311=Endpoint(url="https://open311.pref.example/v2"),
    )
    city = office.context.city.model_copy(update={"owners": (owner,)})
    object.__setattr__(office.context, "city", city)


async def test_a_case_is_sent_with_what_staff_left_of_the_words(office: Office) -> None:
    pictures = (store_photo(office.context.settings.media_dir, picture()),)
    report = await reported(
        office, description="<script>alert(1)</script>穴です。田中", pictures=pictures
    )
    desk = await office.at_desk(Role.ROADS, "michi")
    async with office.database.writing() as session:
        found = await session.scalars(select(Staff).where(col(Staff.email) == "michi@city.example"))
        person = found.one()
        person.name = "森 千夏"
        session.add(person)
    page = await desk.get(f"/console/reports/{report.number}")
    path = f"/console/reports/{report.number}/forward"
    assert path in page.body
    page = await desk.get(path)
    assert page.status == 200 and "<script>alert" not in page.body
    assert "roads@pref.example" in page.words and "県土木事務所 御中" in page.words
    page = await desk.submit(page, path, office="prefecture:mail", reason="", words="穴です")
    assert page.status == 400 and "理由" in page.words
    assert page.form(path)["words"] == "穴です", "nobody types it twice"
    page = await desk.submit(
        page, path, office="prefecture:mail", reason="prefecture", words="穴です"
    )
    assert page.status == 200, page.words
    assert "森 千夏 が決定" in page.words and "完了しました" not in page.words, "it is on its way"
    [row] = await office.rows(Forward)
    assert (row.way, row.words, row.by) == (ForwardWay.MAIL, "穴です", "michi@city.example")
    assert row.photos == [], "no photo is released, and nobody ticked all"
    assert row.reply_to
    case = await desk.get(f"/console/reports/{report.number}")
    assert "→ 県土木事務所（メール）" in case.words
    page = await desk.get("/console/forwards")
    assert report.number in page.words and "送信中" in page.words
    page = await desk.submit(await desk.get(path), f"/console/forwards/{row.id}/stop")
    assert page.status == 200
    assert (await office.rows(Forward))[0].state is Sending.STOPPED


async def test_what_the_office_closed_is_decided_on_once(office: Office) -> None:
    user = await office.resident("ja")
    report = await reported(office, user)
    now = office.clock.now()
    await office.store(
        Forward(
            report_id=report.id or 0,
            key=forwarding.new_key(),
            owner="prefecture",
            way=ForwardWay.OPEN311,
            address="https://open311.pref.example/v2",
            reason="prefecture",
            by="michi",
            state=Sending.DONE,
            sent_at=now,
            remote_id="P-1",
            remote_status="closed",
            remote_notes="<b>補修しました</b>",
            closed_at=now,
            not_before=now,
            created_at=now,
        )
    )
    desk = await office.at_desk(Role.ROADS, "michi")
    page = await desk.get("/console/forwards")
    assert "<b>補修" not in page.body and "補修しました" in page.words
    [row] = await office.rows(Forward)
    act = f"/console/forwards/{row.id}/done"
    done = await desk.submit(page, act)
    assert done.status == 200, done.words
    [after] = await office.rows(Report)
    assert after.state is ReportState.DONE
    again = await desk.submit(page, act)
    assert again.status == 400
    looker = await office.at_desk(Role.VIEWER, "only-looks")
    assert not (await looker.get("/console/forwards")).has_form(act)


async def test_a_secret_is_shown_once_and_a_trial_says_what_came_back(office: Office) -> None:
    admin = await office.at_desk(Role.ADMIN, "admin")
    async with Receiver() as receiver:
        settings = replace(office.context.settings, internal_hosts=(f"127.0.0.1:{receiver.port}",))
        object.__setattr__(office.context, "settings", settings)
        page = await admin.get("/console/webhooks")
        bad = await admin.submit(
            page, "/console/webhooks", name="Inside", url="https://192.168.0.1/"
        )
        assert bad.status == 400 and await office.rows(Webhook) == []
        page = await admin.submit(
            page, "/console/webhooks", name="<i>GIS</i>", url=receiver.url, with_words="yes"
        )
        [secret] = page.tree.xpath("//*[@data-testid='secret']/text()")
        assert secret.startswith("whsec_") and "<i>GIS" not in page.body
        assert page.headers["Cache-Control"] == "no-store"
        page = await admin.get("/console/webhooks")
        assert secret not in page.body
        assert "「<i>GIS</i>」を削除" in page.words, "a program is no person"
        [row] = await office.rows(Webhook)
        assert row.with_words
        page = await admin.submit(page, f"/console/webhooks/{row.id}/try")
        assert "200" in page.tree.xpath("//*[@data-testid='tried']")[0].text_content()
        assert receiver.heard[0].said["type"] == "ping"
        page = await admin.submit(page, f"/console/webhooks/{row.id}/secret")
        [new] = page.tree.xpath("//*[@data-testid='secret']/text()")
        assert new != secret
        await reported(office)
        page = await admin.get(f"/console/webhooks/{row.id}")
        assert page.status == 200 and "2026-000001" in page.words
        page = await admin.submit(
            await admin.get("/console/webhooks"), f"/console/webhooks/{row.id}/off"
        )
        assert "停止" in page.words
        page = await admin.submit(page, f"/console/webhooks/{row.id}/remove")
        assert await office.rows(Webhook) == []
    roads = await office.at_desk(Role.ROADS, "michi")
    assert (await roads.get("/console/webhooks")).status == 403
