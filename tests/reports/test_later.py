"""A resident says later that it got worse: the case is looked at sooner, and the office hears."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from console import words
from core.languages import LANGUAGES
from core.restored import RestoreHold
from reports import (
    alarm_settings,
    cases,
    following,
    later,
    notices_to_staff,
    opening,
    told_office,
    work,
)
from reports.alarm_settings import Wish
from reports.later import Said
from reports.models import (
    Addition,
    Heard,
    Priority,
    Report,
    ReportUpdate,
    Rhythm,
    StaffNotice,
    Verdict,
)
from reports.notices_to_staff import Desk
from reports.states import ReportState
from reports.translation import translate_new
from reports.worse_words import says_worse
from response import staff
from response.models import StaffMessage
from response.staff import Entry
from subscriptions.models import Resident
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.plans import listening, whole_tables_read
from tests.support.translation_machine import Machine

STAFF = "jane@city.example"


async def look(office: Office) -> int:
    context = office.context
    desk = Desk(context.city, context.queue, context.settings.public_url, words.CATALOGUE)
    return await notices_to_staff.look(office.database, desk, office.clock.now())


async def hears(office: Office, **wish: Any) -> None:
    """Have the department hear by mail, and one of its members by theirs."""
    async with office.database.writing() as session:
        city, now = office.context.city, office.clock.now()
        before = await alarm_settings.of_department(session, city, "roads", now)
        await alarm_settings.change(
            session,
            city,
            "roads",
            Wish(**{"mails": ("roads@city.example",), **wish}),
            seen=before.version,
            internal=frozenset(),
            actor="admin@city.example",
            now=now,
        )
        entry = Entry(name="Aoki", department="roads", mail="aoki@city.example")
        await staff.add(session, city, entry, now, actor="admin@city.example")


async def number_of(office: Office, user: str) -> int:
    async with office.database.reading() as session:
        found = await session.scalar(select(Resident.id).where(Resident.line_user_id == user))
    assert found is not None
    return int(found)


async def says(
    office: Office, report: Report, user: str, said: str = "", message: str = ""
) -> bool:
    async with office.database.writing() as session:
        what = Said(said, "ja", message)
        number = await number_of(office, user)
        city, now = office.context.city, office.clock.now()
        return await later.say(session, city, report.number, number, what, now)


async def row(office: Office, report: Report) -> Report:
    async with office.database.reading() as session:
        return await session.get_one(Report, report.id)


async def known_case(office: Office, user: str) -> Report:
    """A report that the office was told of, and has opened."""
    report = await reported(office, user)
    await look(office)
    async with office.database.writing() as session:
        await opening.note_opened(session, report, by=STAFF, now=office.clock.now())
    return report


async def titles(office: Office) -> list[str]:
    return [one.content["title"] for one in await office.rows(StaffNotice)]


async def test_it_got_worse_raises_the_priority_and_tells_the_department_within_the_hour(
    office: Office,
) -> None:
    await hears(office, rhythm=Rhythm.HOURLY)
    user = await office.resident("ja")
    report = await known_case(office, user)
    assert report.priority == Priority.NORMAL
    office.clock.ahead += timedelta(minutes=5)
    assert await says(office, report, user)
    after = await row(office, report)
    assert (after.priority, after.priority_why) == (Priority.SOON, ["worse"])
    assert await look(office) == 1
    assert await look(office) == 0
    [_, title] = await titles(office)
    assert "悪くなった" in title and report.number in title
    assert await office.rows(StaffMessage) == [], "nobody is called at home for it"
    [step] = [one for one in await office.rows(ReportUpdate) if one.added]
    assert step.changes == {"priority": [Priority.NORMAL, Priority.SOON]}


async def test_words_of_danger_call_the_members_until_somebody_looks_again(office: Office) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    await says(office, report, user, "穴が大きくなって、自転車の人が転んでけがをした")
    after = await row(office, report)
    assert after.priority == Priority.AT_ONCE and "hurt:転ん" in after.priority_why
    assert await look(office) == 1
    assert len(await office.rows(StaffMessage)) == 1
    told = json.dumps([one.content for one in await office.rows(StaffMessage)], ensure_ascii=False)
    assert "続報" in told and "自転車" not in told
    office.clock.ahead += timedelta(minutes=11)
    await look(office)
    assert len(await office.rows(StaffMessage)) == 2, "it was opened before it got worse"
    async with office.database.writing() as session:
        now = office.clock.now()
        assert await opening.note_opened(session, report, by=STAFF, now=now)
    office.clock.ahead += timedelta(minutes=11)
    await look(office)
    assert len(await office.rows(StaffMessage)) == 2
    async with office.database.reading() as session:
        worse = select(Heard.opened_by).where(col(Heard.occasion).startswith("worse:"))
        assert list(await session.scalars(worse)) == [STAFF]


@pytest.mark.parametrize("words", ["", "自転車の人が転んでけがをした"], ids=["worse", "danger"])
async def test_what_a_clock_that_was_ahead_told_silences_nothing_when_it_comes_back(
    office: Office, words: str
) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    office.clock.ahead += timedelta(days=1)
    await says(office, report, user, words)
    assert await look(office) == 1
    async with office.database.writing() as session:
        await opening.note_opened(session, report, by=STAFF, now=office.clock.now())
    office.clock.ahead -= timedelta(days=1)
    await says(office, report, user, words)
    assert await look(office) == 1
    await says(office, report, user, words)
    assert await look(office) == 0, "they have just heard it"


async def test_at_night_danger_is_told_and_worse_alone_waits(office: Office) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    night = office.clock.now().replace(hour=17)  # 2 o'clock in Japan
    office.clock.ahead += night - office.clock.now() + timedelta(days=1)
    await says(office, report, user)
    assert await look(office) == 0
    await says(office, report, user, "崩れそうで危険です")
    assert await look(office) == 1


async def test_whoever_says_it_again_and_again_rings_once(office: Office) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    before = len(await titles(office))
    for minute in range(5):
        await says(office, report, user)
        await look(office)
        office.clock.ahead += timedelta(minutes=minute)
    assert len(await titles(office)) == before + 1
    await says(office, report, user, "危険です")
    await look(office)
    assert len(await titles(office)) == before + 2, "the danger is new"
    await says(office, report, user, "本当に危険です")
    assert await look(office) == 0, "they are being called to it"


async def test_who_joined_and_who_follows_say_it_of_the_case(office: Office) -> None:
    await hears(office)
    first, second, third, stranger = [await office.resident("ja") for _ in range(4)]
    leader, joining = await known_case(office, first), await reported(office, second)
    now = office.clock.now()
    async with office.database.writing() as session:
        await cases.join(
            session, office.context.city, leader.number, joining.number, by=STAFF, now=now
        )
        await following.follow(session, joining, await number_of(office, third), now)
    assert not await says(office, joining, stranger)
    seen = (await row(office, leader)).updated_at
    office.clock.ahead += timedelta(minutes=1)
    assert await says(office, joining, third, "危ない")
    after = await row(office, leader)
    assert after.priority == Priority.AT_ONCE
    assert after.updated_at > seen, "a colleague with an open page is told to look again"
    await look(office)
    assert leader.number in (await titles(office))[-1]
    [step] = [one for one in await office.rows(ReportUpdate) if one.added == Addition.WORSE]
    assert (step.report_id, step.by) == (joining.id, later.FOLLOWER)


async def test_a_persons_priority_stays_and_the_danger_is_told_all_the_same(
    office: Office,
) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    async with office.database.writing() as session:
        wanted = work.Change(priority=4)
        city, now = office.context.city, office.clock.now()
        await work.change(session, city, report.number, wanted, by=STAFF, now=now)
    await says(office, report, user, "危険です")
    assert (await row(office, report)).priority == 4
    await look(office)
    assert len(await office.rows(StaffMessage)) == 1


async def test_what_is_taken_back_is_gone_with_its_danger(office: Office) -> None:
    user = await office.resident("ja")
    report = await reported(office, user)
    await says(office, report, user, "けが人が出た", "m7")
    assert (await row(office, report)).said_later == "hurt:けが"
    async with office.database.writing() as session:
        await later.take_back(session, "m7")
    assert (await row(office, report)).said_later == "worse"
    [step] = [one for one in await office.rows(ReportUpdate) if one.added]
    assert (step.said, step.said_message, step.grave) == ("", "", "")


async def test_of_what_has_ended_nothing_got_worse_and_the_end_settles_it(office: Office) -> None:
    user = await office.resident("ja")
    report = await reported(office, user)
    await says(office, report, user, "危険です")
    async with office.database.writing() as session:
        wanted = work.Change(state=ReportState.DONE)
        city, now = office.context.city, office.clock.now()
        await work.change(session, city, report.number, wanted, by=STAFF, now=now)
    after = await row(office, report)
    assert (after.said_later, after.priority) == ("", Priority.NORMAL)
    assert not await says(office, report, user)


async def test_their_words_are_translated_for_staff(office: Office) -> None:
    user = await office.resident("ne")
    report = await reported(office, user)
    async with office.database.writing() as session:
        said = Said("खाल्डो ठूलो भयो", "ne")
        city, now = office.context.city, office.clock.now()
        await later.say(session, city, report.number, await number_of(office, user), said, now)
    machine = Machine({"खाल्डो ठूलो भयो": "穴が大きくなった"})
    async with office.database.writing() as session:
        found = await session.get_one(Report, report.id)
        found.language = "ja"
        session.add(found)
    assert await translate_new(office.database, machine, office.clock) == 1
    [step] = [one for one in await office.rows(ReportUpdate) if one.added]
    assert (step.japanese, step.translated_by) == ("穴が大きくなった", "machine")


async def test_a_no_after_a_restore_is_told_of_a_report_from_before_it(office: Office) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    now = office.clock.now()
    async with office.database.writing() as session:
        session.add(RestoreHold(id=1, until=now, restored_at=now, seen_at=now, seen_by=STAFF))
    office.clock.ahead += timedelta(minutes=1)
    before = len(await titles(office))
    async with office.database.writing() as session:
        found = await session.get_one(Report, report.id)
        found.state = ReportState.ACCEPTED
        number, now = await number_of(office, user), office.clock.now()
        session.add(
            Verdict(
                report_id=report.id or 0,
                resident_id=number,
                key="k",
                asked_at=now,
                said=False,
                said_at=now,
            )
        )
    await look(office)
    assert len(await titles(office)) == before + 1


@pytest.mark.new_database
async def test_a_look_reads_no_whole_table(office: Office) -> None:
    await hears(office)
    user = await office.resident("ja")
    report = await known_case(office, user)
    await says(office, report, user, "危険です")
    with listening(office.database) as asked:
        await look(office)
        async with office.database.reading() as session:
            assert len(await told_office.of_case(session, report)) == 2
        await says(office, report, user, "もっと危険です", "m2")
        async with office.database.writing() as session:
            await later.take_back(session, "m2")
    everything = {
        statement: value
        for statement, value in {**asked.reads, **asked.writes}.items()
        if "kind_versions" not in str(statement) and "SAVEPOINT" not in str(statement)
    }
    assert await whole_tables_read(office.database, everything) == []


SAID = {
    "ja": "穴がひどくなっています",
    "ja-x-easy": "あなが おおきく なりました",
    "en": "The hole is getting bigger",
    "zh-Hans": "坑变大了",
    "zh-Hant": "坑洞變嚴重了",
    "ko": "구멍이 더 커졌어요",
    "vi": "Cái hố to hơn rồi",
    "pt": "O buraco piorou",
    "es": "El hoyo está peor",
    "id": "Lubangnya makin besar",
    "tl": "Lumaki ang butas",
    "th": "หลุมใหญ่ขึ้น",
    "ne": "खाल्डो झन् ठूलो भयो",
    "km": "រន្ធកាន់តែធំ",
    "my": "ကျင်း ပိုကြီးလာတယ်",
    "mn": "Нүх томорсон",
}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_that_it_got_worse_is_read_in_every_language(language: str) -> None:
    assert says_worse(SAID[language])


@pytest.mark.parametrize(
    "text",
    [
        "道路に穴があります",
        "There is a pothole",
        "Where is the nearest shelter?",
        "路灯坏了",
        "O poste está apagado",
        "La luz está apagada",
        "大きな穴があります",
        "明日のごみは？",
        "Is a bigger bin possible?",
    ],
)
def test_what_is_new_is_not_taken_for_something_that_got_worse(text: str) -> None:
    assert not says_worse(text)
