"""Promise 9: of somebody who has themselves erased, no table says a word any more."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlmodel import select

from app.retention import forget
from bot.my_data import kept_of, queries_of
from channels.dispatch import push
from channels.line.medium import LINE
from core.clock import ManualClock
from core.work import NoWorkers
from reports.models import Follower, Forward, ForwardWay, Photo, Report
from reports.register import note_step
from reports.releasing import release
from reports.states import ReportState
from reports.work import Change, change
from response.households import Told, tell
from response.models import Condition, Need
from subscriptions import bitmaps
from subscriptions.models import Resident
from subscriptions.residents import find
from tests.support.chats import HERE, a_photo, aboard, reports, sends
from tests.support.town import Town

pytestmark = pytest.mark.slow

BORN = f"{datetime.now(UTC).year - 3}-07"
SECRETS = ("Sato from next door", "KAWA-1968", "Your street lamp, Anna")


async def everything(town: Town) -> dict[str, str]:
    """All rows of all tables as text, numbers and bytes among them."""
    async with town.database.engine.connect() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        found = {}
        for name in names:
            rows = await connection.execute(text(f'SELECT * FROM "{name}"'))
            found[name] = "\n".join(_readable(tuple(row)) for row in rows)
        return found


def _readable(row: tuple[Any, ...]) -> str:
    return " | ".join(
        cell.decode("utf-8", "replace") + cell.hex() if isinstance(cell, bytes) else str(cell)
        for cell in row
    )


async def somebody(town: Town) -> str:
    """A resident who wrote, reported a hole, and was answered by staff."""
    user = await aboard(town)
    await town.says(user, SECRETS[0])
    await sends(town, user, a_photo())
    news = await town.is_at(user, *HERE)
    news = await town.taps(user, news, town.city.report_categories[0].names["en"])
    news = await town.says(user, "A hole in the road")
    await town.taps(user, news, "Send")
    await town.says(user, SECRETS[1])
    town.simulator.phones.postback(user, f"do=child&born={BORN}&on=1")
    await town.news(user)
    async with town.database.writing() as session:
        resident = await find(session, user)
        assert resident is not None
        assert resident.id is not None
        await push(
            session,
            NoWorkers(),
            resident.id,
            [{"type": "text", "text": SECRETS[2]}],
            "staff@city.example.jp",
            town.context.clock.now(),
            medium=LINE,
        )
    await bitmaps.rebuild(town.database)
    said = "\n".join((await everything(town)).values())
    assert all(word in said for word in (user, *SECRETS, BORN))
    return user


async def nothing_is_left(town: Town, user: str) -> None:
    after = await everything(town)
    for word in (user, *SECRETS, BORN):
        where = [name for name, rows in after.items() if word in rows]
        assert where == [], f"{word} is still in {where}"
    (report,) = await reports(town)
    assert report.resident_id is None


def _points_at_residents(connection: Connection, table: str) -> bool:
    keys = inspect(connection).get_foreign_keys(table)
    return any(key["referred_table"] == "residents" for key in keys)


async def test_promise_9_nothing_of_an_erased_resident_is_left_in_any_table(town: Town) -> None:
    user = await somebody(town)
    data = await town.taps(user, await town.says(user, "settings"), "data")
    asked = await town.taps(user, data, "erase")
    await town.taps(user, asked, "erase-yes")
    await nothing_is_left(town, user)


async def test_promise_9_nothing_of_somebody_who_left_outlives_the_citys_days(town: Town) -> None:
    user = await somebody(town)
    town.simulator.phones.block(user)
    await town.settle()
    clock = ManualClock(town.context.clock.now() + timedelta(days=31))
    await forget(replace(town.context, clock=clock))
    await nothing_is_left(town, user)


async def test_promise_9_the_file_of_a_residents_data_has_every_table_that_names_them(
    town: Town,
) -> None:
    """What a walk through all tables finds of a resident, the file has too."""
    user = await somebody(town)
    async with town.database.reading() as session:
        resident = await find(session, user)
        assert resident is not None
        kept = await kept_of(session, town.city, resident, town.context.clock.now())
    said = json.dumps(kept, ensure_ascii=False)
    assert all(word in said for word in (user, *SECRETS, BORN))
    async with town.database.engine.connect() as connection:
        for table in await connection.run_sync(lambda sync: inspect(sync).get_table_names()):
            if await connection.run_sync(_points_at_residents, table):
                assert table in kept["kept"], table


async def test_promise_9_the_file_has_the_parts_of_what_a_resident_told_the_city(
    town: Town,
) -> None:
    """Photos and answers to their reports, and a household's needs; nothing that is not theirs."""
    user = await somebody(town)
    other = await aboard(town)
    now = town.context.clock.now()
    async with town.database.writing() as session:
        resident, neighbour = await find(session, user), await find(session, other)
        assert resident is not None and resident.id is not None
        assert neighbour is not None and neighbour.id is not None
        for number, need in ((resident.id, Need.WATER), (neighbour.id, Need.MEDICINE)):
            told = Told("01HX", condition=Condition.IN_NEED, need=(need, True))
            await tell(session, number, told, now, told_ms=1, drill=False, area=None)
        (report,) = await session.scalars(select(Report))
        assert report.id is not None
        by = "jane@city.example"
        await note_step(session, report, answer="We mend it in May.", by=by, now=now)
        ended = Change(state=ReportState.DONE, note="Ask Mr Ono", priority=1)
        await change(session, town.city, report.number, ended, by=by, now=now)
        (photo,) = await session.scalars(select(Photo))
        await release(
            session, photo.id or 0, "", seen=f"{photo.sha256}|||0", areas=0, by=by, now=now
        )
        session.add(
            Forward(
                report_id=report.id,
                key="1",
                owner="prefecture",
                way=ForwardWay.MAIL,
                address="roads@pref.example",
                words="Ono knows.",
                reply_to=by,
                by=by,
                not_before=now,
                created_at=now,
            )
        )
        session.add(Follower(report_id=report.id, resident_id=neighbour.id, created_at=now))
    async with town.database.reading() as session:
        kept = (await kept_of(session, town.city, resident, now))["kept"]
        (photo,) = await session.scalars(select(Photo))
    assert [row["need"] for row in kept["household_needs"]] == ["water"]
    assert [row["sha256"] for row in kept["photos"]] == [photo.sha256]
    steps = {(row["state"], row["answer"]) for row in kept["report_updates"]}
    assert steps >= {(None, "We mend it in May."), ("done", "")}
    assert kept["report_followers"] == []
    assert not any(word in json.dumps(kept) for word in ("jane", "Ono"))


async def test_the_file_names_nobody_of_the_office(town: Town) -> None:
    """A column that says who did something is left out, also of a table that is new."""
    now = town.context.clock.now()
    somebody_known = Resident(
        id=1, line_user_id="U1", language="ja", followed_at=now, updated_at=now
    )
    named = {
        (table, column.name)
        for table, query in queries_of(somebody_known)
        for column in query.selected_columns
        if column.name == "by" or column.name.endswith("_by")
    }
    assert named == {
        ("reports", "came_by"),  # LINE, the telephone …
        ("reports", "translated_by"),  # a machine
        ("report_updates", "translated_by"),
        ("chat_messages", "translated_by"),
    }
