"""Residents who came in by a list are asked for their language once, with a message that is not
urgent.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import col, select

from channels.line.language_question import LanguageQuestion
from channels.models import Variant, Wording
from core.database import Database
from simulator.line import SimulatorOptions
from subscriptions import arrivals, residents
from subscriptions.arrivals import Newcomer
from subscriptions.models import ArrivalKind, Resident
from tests.support.engine import EngineWorld, add_residents, engine_world, make_notice, user_id


def question(language: str) -> dict[str, Any]:
    return {"type": "text", "text": f"Which language? ({language})"}


async def newcomers(made: EngineWorld, first: int, count: int) -> list[str]:
    """Take people in by a list; they hear of events, and never are in their quiet hours."""
    users = [user_id(number) for number in range(first, first + count)]
    async with made.database.writing() as session:
        now = made.clock.now()
        arrival = await arrivals.begin(session, ArrivalKind.FRIENDS, actor="it", now=now)
        people = [Newcomer(user, topics={"events": 0}) for user in users]
        await arrivals.take_in(session, made.city, arrival.id or 0, people, now)
        for resident in await session.scalars(select(Resident)):
            if resident.line_user_id in users:
                resident.quiet_start = resident.quiet_end = 0
                session.add(resident)
    return users


def asked(made: EngineWorld, user: str) -> list[bool]:
    """Whether each message somebody had came with the question."""
    return [
        any("Which language?" in json.dumps(message) for message in entry.messages)
        for entry in made.simulator.ledger.deliveries(user)
    ]


async def send(made: EngineWorld, topic: str, level: int) -> int:
    made.medium.asking = LanguageQuestion(made.database, question)
    delivery = await made.send(make_notice(topic, level=level, now=made.clock.now()))
    await made.ended(delivery)
    return delivery


async def test_the_question_comes_once_and_not_with_an_order(database: Database) -> None:
    options = SimulatorOptions(any_user=True)
    async with engine_world(database, options=options) as made:
        users = await newcomers(made, 1_000, 30)
        await add_residents(database, 500, 20)
        await send(made, "evacuation", 5)
        await send(made, "events", 0)
        await send(made, "events", 0)
        for user in users:
            assert asked(made, user) == [False, True, False]
        for number in range(500, 520):
            assert asked(made, user_id(number)) == [False, False, False]
        progress = await made.progress(2)
        assert (progress.recipients, progress.sent) == (50, 50)
        assert progress.by_language["ja"]["sent"] == 35
        assert progress.by_wording == {Wording.MAIN: 50}


async def test_who_chose_or_spoke_meanwhile_is_not_asked(database: Database) -> None:
    options = SimulatorOptions(any_user=True)
    async with engine_world(database, options=options) as made:
        spoke, silent = await newcomers(made, 1_000, 2)
        async with database.writing() as session:
            found = await residents.find(session, spoke)
            assert found is not None
            await residents.spoke(session, found, made.clock.now())
        await send(made, "events", 0)
        assert (asked(made, spoke), asked(made, silent)) == ([False], [True])


async def test_a_plan_begun_anew_asks_nobody_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    options = SimulatorOptions(any_user=True)
    async with engine_world(database, options=options, running=False) as made:
        users = await newcomers(made, 1_000, 3)
        delivery = await made.send(make_notice("events", level=0, now=made.clock.now()))
        made.medium.asking = LanguageQuestion(database, question)

        async def die(*_: object, **__: object) -> None:
            raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr("channels.planner.outbox.insert_batches", die)
            await made.engine.plan(str(delivery))
        async with engine_world(database, simulator=made.simulator) as restarted:
            restarted.medium.asking = LanguageQuestion(database, question)
            await restarted.ended(delivery)
            for user in users:
                assert len(asked(restarted, user)) == 1
            await send(restarted, "events", 0)
            assert all(sum(asked(restarted, user)) <= 1 for user in users)
        async with database.reading() as session:
            variants = await session.scalars(
                select(Variant).where(col(Variant.wording) == Wording.ASKING)
            )
            assert len(list(variants)) <= 1
