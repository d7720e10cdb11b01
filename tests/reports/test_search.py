"""Whatever part of a report's words somebody looks for is found, in every script and length."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql
from sqlmodel import col, select

from app.schema import upgrade_now
from city.city import City
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from reports import register, search
from reports.models import Report
from reports.register import Draft, ReportFilter, create_report
from reports.states import ReportState
from tests.support.filed_reports import how_many

SAMPLE = Path(__file__).resolve().parents[2] / "deploy" / "city"
WORDS = (
    ("中央1-2-3", "道路に大きな穴があいています。"),
    ("竹園２丁目", "街灯が切れて真っ暗。怖い"),
    ("研究学園駅", 'A "broken" LIGHT_POLE, 100% dark * OR NOT (near) the station'),
    ("", "Có ổ gà lớn trên đường Ngô Quyền"),
    ("桜", "橋"),
    ("栄町", "👨‍👩‍👧の前の側溝 ふたが割れ"),
    ("a\\b_c", "it's 50%"),
    ("道", ""),
)
LOOKED_FOR = (
    *(
        "道路",
        "道",
        "路に",
        "穴",
        "橋",
        "桜",
        "の",
        "。",
        "怖い",
        "怖",
        "街灯が切れて真っ暗",
        "丁目",
    ),
    *("LIGHT", "light", "Light_p", '"', '"broken"', "%", "100%", "50%", "_", "*", "or not", "OR"),
    *("(near)", "ổ gà", "NGÔ", "ngô quyền", "👧", "👨‍👩‍👧の", "'", "it's", "\\", "\\b", "a\\b_c"),
    *(
        "2026",
        "000003",
        "6-0",
        "火星人",
        "ＬＩＧＨＴ",
        "栄町👨",
        "暗A",
        "桜橋",
        "zz",
        "q",
        "ふ",
        "割れ",
    ),
)


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE)


async def store(database: Database, city: City, clock: ManualClock) -> None:
    async with database.writing() as session:
        for number, (address, description) in enumerate(WORDS):
            made = Draft(
                category=city.report_categories[0].code,
                origin=str(number),
                address=address,
                description=description,
            )
            now = clock.now() + timedelta(minutes=number)
            await create_report(session, city, made, resident_id=None, language="ja", now=now)


async def store_as_before(database: Database, clock: ManualClock) -> None:
    """Store the same reports in the columns that there were before the search."""
    columns = (
        *("number", "origin", "category", "department", "state", "address", "description"),
        *("place_message", "note_message", "language", "created_at", "updated_at"),
    )
    statement = sql(
        f"INSERT INTO reports ({', '.join(columns)}) "
        f"VALUES ({', '.join(':' + name for name in columns)})"
    )
    async with database.writing() as session:
        for number, (address, description) in enumerate(WORDS):
            at = clock.now() + timedelta(minutes=number)
            row = dict.fromkeys(columns, "") | {"created_at": at, "updated_at": at}
            row |= {"number": f"2026-{number:06}", "origin": str(number), "state": "new"}
            row |= {"address": address, "description": description, "language": "ja"}
            await session.execute(statement, row)


async def found(database: Database, text: str, states: tuple[ReportState, ...] = ()) -> list[str]:
    async with database.reading() as session:
        wanted = ReportFilter(text=text, states=states)
        listed = [report.number for report in await register.list_reports(session, wanted)]
        size = await how_many(session, wanted)
        assert size.more or size.number == len(listed)
        return listed


async def holding(database: Database, text: str) -> list[str]:
    """Return what a look at every word finds."""
    async with database.reading() as session:
        every = list(await session.scalars(select(Report).order_by(col(Report.id).desc())))
    return [
        report.number
        for report in every
        if any(
            text.lower() in field.lower()
            for field in (report.number, report.address, report.description)
        )
    ]


async def test_every_part_of_the_words_is_found(
    database: Database, city: City, clock: ManualClock
) -> None:
    await store(database, city, clock)
    for text in LOOKED_FOR:
        assert await found(database, text) == await holding(database, text), text
    assert await found(database, "道路", states=(ReportState.DONE,)) == []
    assert await found(database, "道路", states=(ReportState.NEW,)) == ["2026-000001"]


async def test_words_in_many_reports_are_found_too(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_HITS", 1)
    await store(database, city, clock)
    for text in LOOKED_FOR:
        assert await found(database, text) == await holding(database, text), text


async def test_what_is_changed_or_gone_is_not_found_any_more(
    database: Database, city: City, clock: ManualClock
) -> None:
    await store(database, city, clock)
    async with database.writing() as session:
        report = await register.get_report(session, "2026-000001")
        report.description, report.address = "", "つくば市"
        session.add(report)
        await session.delete(await register.get_report(session, "2026-000005"))
    assert await found(database, "大きな穴") == []
    assert await found(database, "穴") == []
    assert await found(database, "桜") == []
    assert await found(database, "くば") == ["2026-000001"]


async def test_reports_from_before_the_search_are_found(
    database_url: str, clock: ManualClock
) -> None:
    upgrade_now(database_url, "0011")
    database = Database(database_url)
    await store_as_before(database, clock)
    upgrade_now(database_url)
    for text in ("街灯", "橋", "大きな穴", "ngô"):
        assert await found(database, text) == await holding(database, text) != [], text
    await database.close()
