"""The running record: what was known, decided and sent, by whom; never changed, real and drill
apart."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from channels.models import Delivery, DeliveryState, Priority
from city.city import Decision
from console.models import Role, Staff
from console.record_words import SENTENCES
from console.staff_changes import rename
from core.clock import in_japan
from feeds.models import Notice, Source, Status
from response import modes, record, shelters
from response.models import RecordEntry, ShelterState
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.office import Browser, Office, Page
from tests.support.project import PROJECT

RECORD = "/console/record"


def lines(page: Page) -> list[str]:
    """What happened, line by line, as the page shows it."""
    cells = page.tree.xpath('//table[contains(@class, "record")]//span[@class="words"]')
    return [" ".join(cell.text_content().split()) for cell in cells]


async def typed(browser: Browser, words: str, world: str = "real", **more: Any) -> Page:
    page = await browser.get(f"{RECORD}?world={world}")
    return await browser.submit(page, RECORD, text=words, **more)


async def test_a_typed_line_stays_and_is_put_right_by_another(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    page = await typed(browser, "本部を設置", department="safety")
    assert lines(page) == ["本部を設置"]
    [entry] = await office.rows(RecordEntry)
    page = await browser.get(f"{RECORD}?corrects={entry.id}")
    assert "本部を設置" in page.tree.xpath("string(//form[@id='write']//q)")
    page = await browser.submit(page, RECORD, text="本部を第二庁舎に設置")
    assert lines(page) == ["本部を第二庁舎に設置", "本部を設置"]
    assert f"{entry.id + 1}番で訂正" in page.words
    before, after = await office.rows(RecordEntry)
    assert before == entry, "the corrected line is as it was"
    assert after.corrects_id == entry.id and after.actor == "sato@city.example"


async def test_the_same_form_twice_is_one_line(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    fields = (await browser.get(RECORD)).form(RECORD) | {"text": "停電の連絡"}
    for _ in range(2):
        assert (await browser.post(RECORD, fields)).status == 200
    assert len(await office.rows(RecordEntry)) == 1


async def test_an_event_has_its_own_time_and_none_is_ahead(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    now = in_japan(office.clock.now())
    await typed(browser, "いまの話")
    early = now - timedelta(hours=2)
    page = await typed(browser, "朝の話", at=f"{early:%Y-%m-%dT%H:%M}")
    assert lines(page) == ["いまの話", "朝の話"], "in the order in which it happened"
    assert "記入" in page.words
    page = await typed(browser, "先の話", at=f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    assert page.status == 400 and "未来" in page.words
    assert "先の話" in page.body, "nothing typed is lost"
    page = await typed(browser, "いつかの話", at="きのう")
    assert page.status == 400
    assert len(await office.rows(RecordEntry)) == 2


async def test_real_and_drill_are_never_on_one_page(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    await typed(browser, "本物の話", "real")
    await typed(browser, "訓練の話", "drill")
    real, drill = (
        await browser.get(f"{RECORD}?world=real"),
        await browser.get(f"{RECORD}?world=drill"),
    )
    assert lines(real) == ["本物の話"] and lines(drill) == ["訓練の話"]
    assert "is-drill" in drill.tree.xpath("//body")[0].get("class")
    assert "is-drill" not in real.tree.xpath("//body")[0].get("class")
    entry = next(one for one in await office.rows(RecordEntry) if not one.drill)
    page = await browser.post(
        RECORD, drill.form(RECORD) | {"text": "訂正", "corrects": str(entry.id)}
    )
    assert page.status == 400, "a drill's line puts nothing real right"
    async with office.database.writing() as session:
        await modes.begin(
            session, office.context.city, [], office.clock.now(), drill=True, actor="sato"
        )
    assert lines(await browser.get(RECORD))[-1] == "訓練の話", "the page follows what is on"


async def test_an_alert_its_end_and_a_pause_are_written_by_themselves(office: Office) -> None:
    await office.resident(topics={"evacuation": 1})
    browser = await office.at_desk(Role.DISASTER, "sato")
    number, page = await written(browser, "drill")
    delivery = delivery_of(await sent(browser, number, page))
    await office.done(delivery)
    page = await browser.get(f"{RECORD}?world=drill")
    [line] = lines(page)
    assert line.startswith("緊急のお知らせを発信")
    assert f"配信{delivery}" in page.words and "レベル4" in page.words
    assert page.tree.xpath(f'//a[@href="/console/deliveries/{delivery}"]')
    assert await record.catch_up(office.database, office.clock.now()) == 1
    assert await record.catch_up(office.database, office.clock.now()) == 0
    page = await browser.get(f"{RECORD}?world=drill")
    assert lines(page)[0].startswith("配信が終了") or lines(page)[1].startswith("配信が終了")
    assert "送信1" in page.words
    assert not lines(await browser.get(f"{RECORD}?world=real"))


async def test_modes_and_sites_are_written_by_themselves(office: Office) -> None:
    city, now = office.context.city, office.clock.now()
    site = office.folder.shelters[0]
    async with office.database.writing() as session:
        await modes.begin(session, city, [], now, drill=False, actor="sato@city.example")
        await shelters.set_state(
            session,
            office.folder.shelters,
            site.code,
            ShelterState.OPEN,
            now,
            actor="sato@city.example",
            drill=False,
            heads=12,
        )
    page = await (await office.at_desk(Role.DISASTER, "ito")).get(RECORD)
    assert lines(page) == [f"避難場所 {site.name}：開設", "災害モードを入れました"]
    assert "避難者12人" in page.words


async def test_grave_telegrams_and_what_line_does_not_take(office: Office) -> None:
    now = office.clock.now()

    def notice(identity: str, **more: Any) -> Notice:
        values: dict[str, Any] = {
            "topic": "weather",
            "hazard": "heavy-rain",
            "status": Status.ISSUED,
            "drill": False,
            "reported_at": now,
            "texts": {"ja": {"title": identity, "text": "本文"}},
            "decision": Decision.SEND,
            "decided_by": "rule:emergency",
            "created_at": now,
            "source": "jma-extra",
        }
        return Notice(identity=identity, **(values | more))

    await office.store(Source(code="jma-extra", kind="jma"))
    order = notice("レベル４大雨危険警報", level=4, emergency=True)
    await office.store(
        order,
        notice("大雨注意報", level=2),
        notice("震度４", hazard="earthquake", intensity="4"),
        notice("震度５弱", hazard="earthquake", intensity="5-"),
    )
    await office.store(
        Delivery(
            channel="line",
            notice_id=order.id,
            state=DeliveryState.STOPPED,
            priority=Priority.ROUTINE,
            created_by="rule:emergency",
            created_at=now,
        )
    )
    assert await record.catch_up(office.database, now) == 3
    page = await (await office.at_desk(Role.DISASTER, "ito")).get(RECORD)
    assert sorted(lines(page)) == [
        "発表：レベル４大雨危険警報",
        "発表：震度５弱",
        "配信が終了：レベル４大雨危険警報",
    ]


async def test_the_file_for_the_headquarters_is_japanese_and_has_no_formula(
    office: Office,
) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    await browser.post("/console/language", {"language": "en"})
    await typed(browser, '=HYPERLINK("http://evil.example")')
    page = await browser.get(RECORD)
    answer = await browser.post(
        f"{RECORD}/export.csv", page.form(f"{RECORD}/export.csv") | {"world": "real"}
    )
    assert 'filename="record.csv"' in answer.headers["Content-Disposition"]
    assert answer.body.startswith("\ufeff")
    heading, row = csv.reader(io.StringIO(answer.body.removeprefix("\ufeff")))
    assert heading[:4] == ["番号", "発生日時", "記入日時", "実災害・訓練"]
    assert row[3] == "実災害" and row[5] == '\'=HYPERLINK("http://evil.example")'
    assert (await office.audit())[-1].action == "record.exported"
    paper = await browser.get(f"{RECORD}/print?world=real")
    assert "evil.example" in paper.words


async def test_the_record_is_read_by_kind_person_and_time(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    other = await office.at_desk(Role.DISASTER, "ito")
    await typed(browser, "佐藤の話")
    await typed(other, "伊藤の話")
    assert lines(await browser.get(f"{RECORD}?who=ito@city.example")) == ["伊藤の話"]
    assert lines(await browser.get(f"{RECORD}?kind=alert")) == []
    assert len(lines(await browser.get(f"{RECORD}?kind=line"))) == 2
    # People are read by name, on the page, on paper and in the filter.
    async with office.database.writing() as session:
        staff = await session.scalar(select(Staff).where(col(Staff.email) == "ito@city.example"))
        assert staff is not None
        await rename(session, staff, "伊藤 健", office.clock.now())
    for path in (f"{RECORD}?world=real", f"{RECORD}/print?world=real"):
        page = await browser.get(path)
        assert "伊藤 健" in page.words and "ito@city.example" not in page.words
    later = in_japan(office.clock.now() + timedelta(hours=1))
    assert lines(await browser.get(f"{RECORD}?since={later:%Y-%m-%dT%H:%M}")) == []
    live = await browser.get(f"{RECORD}/live?who=ito@city.example")
    assert lines(live) == ["伊藤の話"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_older_lines_follow_without_a_gap(office: Office) -> None:
    now = office.clock.now()
    await office.store(
        *(
            RecordEntry(
                at=now - timedelta(minutes=number // 3),
                entered_at=now,
                drill=False,
                kind="line",
                text=f"{number}",
                actor="sato",
            )
            for number in range(250)
        )
    )
    browser = await office.at_desk(Role.DISASTER, "sato")
    found, address = [], RECORD
    while address:
        page = await browser.get(address)
        found += lines(page)
        older = page.tree.xpath('//p[@class="pages"]/a/@href')
        address = older[0] if older else ""
    assert sorted(map(int, found)) == list(range(250))


def test_every_code_that_is_written_has_a_sentence() -> None:
    """Codes are looked for where the record is written."""
    written = set()
    for path in PROJECT.glob("*/*.py"):
        source = path.read_text()
        if "record" in source and path.parent.name in ("response", "reports", "console"):
            written |= set(re.findall(r'code="([a-z_]+\.[a-z_]+)"', source))
    missing = {code for code in written | set(record._AS_IT_IS) if code not in SENTENCES}
    assert not missing
