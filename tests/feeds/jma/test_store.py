"""Promise 2: what is in force survives a restart, on both databases."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from city.city import Decision
from core.database import Database
from feeds.facts import Fact
from feeds.jma import facts, last_told, load, read_telegram, remember_notice, save
from feeds.models import HazardState, Notice, Source, Status
from simulator.agency.form import Operation
from simulator.agency.writing import (
    TSUKUBA,
    Kind,
    Shaking,
    cancellation,
    intensity_detail,
    intensity_flash,
    sudden,
    warning,
)
from tests.support.telegrams import CODE, CODES, City, at, envelope, rain, raw, statuses


def a_notice() -> Notice:
    return Notice(
        identity="n",
        topic="weather",
        status=Status.LOWERED,
        drill=False,
        reported_at=at(10),
        decision=Decision.SEND,
        decided_by="rule:test",
        created_at=at(10),
        source="jma",
    )


async def read(database: Database, *telegrams: bytes) -> list[Fact]:
    """Read each telegram as a process would that starts for it alone."""
    found: list[Fact] = []
    for data in telegrams:
        async with database.writing() as session:
            board = await load(session, CODE)
            found = facts(read_telegram(data), CODES, board)
            await save(session, CODE, board)
    return found


async def test_a_restart_between_telegrams_changes_nothing(database: Database) -> None:
    day = [
        rain(0),
        rain(10, "10"),
        rain(20, "43", "発表", "10"),
        rain(20, "43", "発表", "10"),
        rain(15, "03", "発表", "10"),
        cancellation(rain(20, "43"), at(25), "取り消します。"),
        rain(30, "03", "発表", "10"),
        rain(40),
    ]
    city = City()
    for data in day:
        expected = city.read(data)
        assert await read(database, data) == expected
    async with database.reading() as session:
        rows = list(await session.scalars(select(HazardState)))
    assert [(row.hazard, row.area, row.level) for row in rows] == [("heavy-rain", CODE, 0)]


async def test_an_earthquake_told_before_a_restart_is_updated_after_it(
    database: Database,
) -> None:
    shaking = Shaking(origin_at=at(0), hypocentre=("301", "茨城県南部"), magnitude="5.9")
    first = intensity_detail(TSUKUBA, "4", shaking, envelope(5, event_id="E", serial="1"))
    second = intensity_detail(TSUKUBA, "5-", shaking, envelope(7, event_id="E", serial="2"))
    assert [fact.update for fact in await read(database, first)] == [False]
    assert [fact.update for fact in await read(database, second)] == [True]
    assert statuses(await read(database, second)) == ["continued"]


async def test_drills_are_stored_beside_the_real_thing(database: Database) -> None:
    drill = warning("VPWW55", TSUKUBA, [Kind("33")], envelope(5, operation=Operation.TRAINING))
    await read(database, rain(0, "10"), drill)
    async with database.reading() as session:
        rows = await session.scalars(select(HazardState).order_by(col(HazardState.level)))
        assert [(row.municipality, row.hazard, row.level) for row in rows] == [
            (CODE, "heavy-rain", 2),
            ("d08220", "heavy-rain", 5),
        ]
    assert statuses(await read(database, rain(20, "03", "発表", "10"))) == ["raised"]


async def test_the_notice_residents_were_told_stays_with_its_state(database: Database) -> None:
    await read(database, warning("VPWW58", TSUKUBA, [Kind("05")], envelope(0)))
    async with database.writing() as session:
        source = Source(code="jma", kind="jma")
        notice = a_notice()
        session.add(source)
        await session.flush()
        session.add(notice)
        await session.flush()
        number = notice.id
        assert number is not None
        board = await load(session, CODE)
        lower = warning("VPWW58", TSUKUBA, [Kind("15")], envelope(10))
        (gale,) = facts(read_telegram(lower), CODES, board)
        await save(session, CODE, board)
        await remember_notice(session, CODE, gale, number)
    await read(database, warning("VPWW58", TSUKUBA, [Kind("15", "継続", "15")], envelope(20)))
    async with database.reading() as session:
        row = await session.get(HazardState, (CODE, "storm", CODE, ""))
        assert row is not None
        assert (row.level, row.kind, row.notice_id) == (2, "強風注意報", number)


async def test_only_what_a_telegram_will_lift_is_said_to_be_in_force(database: Database) -> None:
    shaking = Shaking(origin_at=at(0), magnitude="5.9")
    quake = intensity_detail(TSUKUBA, "6-", shaking, envelope(5, event_id="E", serial="1"))
    band = sudden("線状降水帯発生", TSUKUBA, envelope(6))
    await read(database, quake, band, rain(7, "43"))
    async with database.reading() as session:
        rows = await session.scalars(select(HazardState).where(col(HazardState.level) > 0))
        assert [row.hazard for row in rows] == ["heavy-rain"]
    assert statuses(await read(database, band)) == ["continued"]


async def test_two_municipalities_keep_their_own_states(database: Database) -> None:
    await read(database, rain(0, "43"))
    async with database.reading() as session:
        assert len(await load(session, CODE)) == 1
        assert len(await load(session, "0820300")) == 0


async def test_what_ended_a_month_ago_is_forgotten_and_what_is_in_force_is_not(
    database: Database,
) -> None:
    month = 31 * 24 * 60
    shaking = Shaking(origin_at=at(0), magnitude="5.9")
    quake = intensity_detail(TSUKUBA, "4", shaking, envelope(5, event_id="E", serial="1"))
    gale = warning("VPWW58", TSUKUBA, [Kind("15")], envelope(5))
    await read(database, rain(0), quake, gale)
    await read(database, warning("VPWW61", TSUKUBA, [Kind("14")], envelope(month)))
    async with database.reading() as session:
        kept = {key.hazard for key, _ in (await load(session, CODE)).items()}
    assert "storm" in kept
    assert not {"earthquake", "heavy-rain"} & kept


def eruption(minutes: float, info_type: str = "発表") -> bytes:
    parts = "".join(
        f'<VolcanoInfo type="{name}"><Item><Kind><Name>噴火</Name><Code>52</Code></Kind><Areas>'
        f"<Area><Name>x</Name><Code>{code}</Code></Area></Areas></Item></VolcanoInfo>"
        for name, code in (("噴火速報", "306"), ("噴火速報（対象市町村等）", CODE))
    )
    body = parts if info_type == "発表" else ""
    return raw("噴火速報", body, minutes=minutes, info_type=info_type, event_id="20260701_306")


def nankai(minutes: float, code: str, name: str) -> bytes:
    body = (
        "<EarthquakeInfo><InfoSerial>"
        f"<Name>{name}</Name><Code>{code}</Code></InfoSerial></EarthquakeInfo>"
    )
    event = f"{at(minutes):%Y%m%d%H%M%S}"
    return raw("南海トラフ地震臨時情報", body, minutes=minutes, event_id=event)


QUAKE = Shaking(origin_at=at(0), hypocentre=("301", "茨城県南部"), magnitude="5.9")
BAND = sudden("線状降水帯発生", TSUKUBA, envelope(0, event_id="A"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            intensity_flash(TSUKUBA, "5-", QUAKE, envelope(2, event_id="E")),
            intensity_detail(TSUKUBA, "5-", QUAKE, envelope(5, event_id="E")),
        ),
        (BAND, cancellation(BAND, at(5), "取り消します。")),
        (eruption(0), eruption(5, "取消")),
        (nankai(0, "111", "調査中"), nankai(90, "190", "調査終了")),
    ],
    ids=["earthquake", "rain-band", "eruption", "nankai"],
)
async def test_what_residents_were_told_is_found_again_by_its_end_or_update(
    database: Database, first: bytes, second: bytes
) -> None:
    """A region, a forecast area or no area at all in the telegram: the board knows the city."""
    codes = CODES.model_copy(update={"tsunami_regions": ("300",)})
    found: list[Fact] = []
    for data in (first, second):
        async with database.writing() as session:
            board = await load(session, CODE)
            found += facts(read_telegram(data), codes, board)
            await save(session, CODE, board)
            if len(found) == 1:
                session.add(Source(code="jma", kind="jma"))
                await session.flush()
                notice = a_notice()
                session.add(notice)
                await session.flush()
                number = notice.id
                assert number is not None
                await remember_notice(session, CODE, found[0], number)
    assert [fact.is_news for fact in found] == [True, True]
    async with database.reading() as session:
        assert await last_told(session, CODE, found[1]) == number
