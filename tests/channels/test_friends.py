"""Friends who were there before: LINE's list of them, taken in through crashes and limits."""

from __future__ import annotations

import asyncio

import pytest
from sqlmodel import select

from channels.line import friends
from channels.line.friends import Fetched, fetch_friends
from core.clock import SystemClock
from core.database import Database
from core.errors import BadInput, Retryable
from simulator.line import FaultPlan, SimulatorOptions
from subscriptions import residents as registry
from subscriptions.models import Arrival, ArrivalKind, Resident, ResidentState
from tests.support.engine import EngineWorld, engine_world

FRIENDS = 2_500


def language_for(tag: str | None) -> str:
    return tag if tag in ("en", "my") else "ja"


async def fetch(made: EngineWorld, *, profiles_a_second: int = 0) -> Fetched:
    return await fetch_friends(
        made.database,
        made.city,
        made.clock,
        made.line,
        actor="shell:it",
        language_for=language_for,
        profiles_a_second=profiles_a_second,
    )


async def residents(database: Database) -> list[Resident]:
    async with database.reading() as session:
        return list(await session.scalars(select(Resident)))


@pytest.mark.slow
async def test_every_friend_becomes_a_resident_once(database: Database) -> None:
    options = SimulatorOptions(friends=FRIENDS)
    async with engine_world(database, options=options, running=False) as made:
        first = await fetch(made)
        assert (first.listed, first.people.new, first.resumed) == (FRIENDS, FRIENDS, False)
        found = await residents(database)
        assert {row.line_user_id for row in found} == set(made.simulator.users.followers())
        again = await fetch(made)
        assert (again.people.new, again.people.known) == (0, FRIENDS)
        assert len(await residents(database)) == FRIENDS


async def test_a_list_broken_off_goes_on_where_it_stopped(database: Database) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def die(_what: str, done: int, _total: int | None) -> None:
        if done == 1_000:
            raise Killed

    options = SimulatorOptions(friends=FRIENDS)
    async with engine_world(database, options=options, running=False) as made:
        with pytest.raises(Killed):
            await fetch_friends(
                database,
                made.city,
                made.clock,
                made.line,
                actor="shell:it",
                language_for=language_for,
                progress=die,
            )
        assert len(await residents(database)) == 1_000
        done = await fetch(made)
        assert (done.resumed, done.listed, done.people.new) == (True, FRIENDS, FRIENDS)
        # Three pages, none read twice.
        assert len(made.simulator.limiter.moments("followers")) == 3


async def test_a_place_in_the_list_that_line_forgot_begins_anew(database: Database) -> None:
    options = SimulatorOptions(friends=10)
    async with engine_world(database, options=options, running=False) as made:
        async with database.writing() as session:
            arrival = Arrival(
                kind=ArrivalKind.FRIENDS,
                actor="it",
                started_at=made.clock.now(),
                next_token="!forgotten",
            )
            session.add(arrival)
        done = await fetch(made)
        assert (done.resumed, done.people.new) == (True, 10)


async def test_an_account_that_is_not_verified_is_told_so(database: Database) -> None:
    options = SimulatorOptions(friends=10, faults=FaultPlan.parse("unverified=on"))
    async with engine_world(database, options=options, running=False) as made:
        with pytest.raises(BadInput, match="neither verified nor premium"):
            await fetch(made)
        assert await residents(database) == []


async def test_profiles_give_languages_and_are_read_once(database: Database) -> None:
    options = SimulatorOptions(friends=120)
    async with engine_world(database, options=options, running=False) as made:
        gone = made.simulator.users.followers()[0]
        await fetch(made)
        async with database.writing() as session:
            arrival = (await session.scalars(select(Arrival))).one()
            arrival.state, arrival.ended_at = "running", None  # type: ignore[assignment]
            chose = await registry.find(session, made.simulator.users.followers()[1])
            assert chose is not None and chose.id is not None
            await registry.choose_language(session, made.city, chose.id, "my", made.clock.now())
        made.simulator.users.set_standing(gone, "blocked")
        done = await fetch(made, profiles_a_second=500)
        asked = len(made.simulator.limiter.moments("profile"))
        assert (done.profiles, asked) == (119, 119)
        for row in await residents(database):
            assert row.line_user_id is not None
            if row.line_user_id == gone:
                assert row.language == "ja"
            elif row.id == chose.id:
                assert row.language == "my"
            else:
                spoken = made.simulator.users.language_of(row.line_user_id)
                assert row.language == language_for(spoken), spoken
                assert row.ask_language


async def test_the_pace_of_profiles_is_held(database: Database) -> None:
    options = SimulatorOptions(friends=60)
    async with engine_world(database, options=options, running=False) as made:
        started = SystemClock().monotonic()
        await fetch(made, profiles_a_second=30)
        assert made.simulator.max_in_window("profile", seconds=0.95) <= 30
        assert SystemClock().monotonic() - started >= 1.0


@pytest.mark.slow
async def test_a_line_that_does_not_answer_costs_nothing_that_was_done(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(friends, "FIRST_WAIT_SECONDS", 0.001)
    options = SimulatorOptions(friends=1_500)
    async with engine_world(database, options=options, running=False) as made:
        made.simulator.faults = FaultPlan.parse("5xx-before=100%,only=profile")
        with pytest.raises(Retryable, match="again"):
            await fetch(made, profiles_a_second=100)
        assert len(await residents(database)) == 1_500
        made.simulator.faults = FaultPlan.parse("429=100%,only=followers")
        made.line.limiter.lane("profile")._paused_until = 0.0
        assert (await fetch(made)).listed == 1_500
        with pytest.raises(Retryable, match="again"):
            await asyncio.wait_for(fetch(made), 30)


async def test_somebody_who_left_while_the_list_was_read_is_not_made_one(
    database: Database,
) -> None:
    options = SimulatorOptions(friends=20)
    async with engine_world(database, options=options, running=False) as made:
        left, erased = made.simulator.users.followers()[:2]
        async with database.writing() as session:
            await registry.unfollow(session, made.city, left, made.clock.now())
            gone = await registry.follow(session, made.city, erased, "ja", made.clock.now())
            assert gone.id is not None
            await registry.erase(session, made.city, gone.id, made.clock.now())
        done = await fetch(made)
        assert (done.people.new, done.people.left, done.people.erased) == (18, 1, 1)
        found = await residents(database)
        assert all(row.state is ResidentState.FOLLOWING for row in found)
        assert {left, erased}.isdisjoint(row.line_user_id for row in found)
