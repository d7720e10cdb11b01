"""A grave danger ends a drill at once, and begins disaster mode only where city.toml says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from city.city import City, Decision, DisasterRule
from city.context import Context
from city.folder import check_city, load_city
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from core.settings import Settings
from core.work import LocalQueue
from feeds.models import Notice, Status
from response.by_rule import BY_DANGER, keep_rules
from response.modes import begin, concerned, end, last_modes, open_modes
from subscriptions import residents
from tests.support.project import SAMPLE_CITY

STAFF = "desk@city.example"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY)


def context(database: Database, clock: ManualClock, city: City, *rules: DisasterRule) -> Context:
    settings = Settings(
        city=SAMPLE_CITY,
        database_url="sqlite://",
        media_dir=Path("/nowhere"),
        public_url="http://127.0.0.1:8000",
        line_channel_secret="a",
        line_channel_access_token="a",
        secret_key="a-key",
    )
    return Context(
        settings=settings,
        city=city.model_copy(update={"disaster_rules": rules}),
        database=database,
        clock=clock,
        queue=LocalQueue(clock),
        http=None,  # type: ignore[arg-type]  # nothing is fetched
    )


async def danger(
    database: Database,
    clock: ManualClock,
    *areas: str,
    level: int = 0,
    intensity: str = "",
    topic: str = "evacuation",
    drill: bool = False,
    replaces: int | None = None,
    status: Status = Status.ISSUED,
    decision: Decision = Decision.SEND,
) -> int:
    now = clock.now()
    quake = bool(intensity)
    row = Notice(
        identity=f"{now.isoformat()}-{level}-{intensity}-{areas}",
        topic="earthquake" if quake else topic,
        kind="震度速報" if quake else "避難指示",
        hazard="earthquake" if quake else "",
        level=level,
        urgency=level or (4 if intensity >= "5-" else 3),
        intensity=intensity,
        emergency=True,
        status=status,
        areas=list(areas),
        drill=drill,
        reported_at=now,
        event_id=now.isoformat() if quake else "",
        texts={"ja": {"title": "避難指示", "text": "逃げてください"}},
        replaces_id=replaces,
        decision=decision,
        decided_by=STAFF,
        created_at=now,
    )
    async with database.writing() as session:
        session.add(row)
        await session.flush()
        assert row.id is not None
        return row.id


async def on(database: Database) -> list[tuple[bool, list[str], str]]:
    async with database.reading() as session:
        return [(m.drill, m.areas, m.began_by) for m in await open_modes(session)]


async def switch(
    database: Database,
    city: City,
    clock: ManualClock,
    *areas: str,
    drill: bool = True,
    staff_only: bool = False,
) -> None:
    async with database.writing() as session:
        await begin(
            session,
            city,
            areas,
            clock.now(),
            drill=drill,
            actor=STAFF,
            staff_only=staff_only,
        )


@pytest.mark.parametrize("staff_only", [True, False])
@pytest.mark.parametrize(
    "grave", [{"level": 4}, {"level": 5}, {"intensity": "5-"}, {"intensity": "6+"}]
)
async def test_a_grave_danger_ends_a_drill_and_says_why(
    database: Database, clock: ManualClock, city: City, staff_only: bool, grave: dict[str, object]
) -> None:
    await switch(database, city, clock, staff_only=staff_only)
    service = context(database, clock, city)
    assert not await keep_rules(service)
    await danger(database, clock, **grave)  # type: ignore[arg-type]
    assert await keep_rules(service)
    async with database.reading() as session:
        [ended] = await last_modes(session, 1)
    assert ended.ended_by == BY_DANGER and ended.ended_at == clock.now()
    with pytest.raises(BadInput, match="a drill cannot begin"):
        await switch(database, city, clock, staff_only=staff_only)


@pytest.mark.parametrize("weak", [{"level": 3}, {"intensity": "4"}, {"level": 5, "drill": True}])
async def test_a_weaker_danger_or_a_drill_of_others_does_not(
    database: Database, clock: ManualClock, city: City, weak: dict[str, object]
) -> None:
    await switch(database, city, clock)
    await danger(database, clock, **weak)  # type: ignore[arg-type]
    await keep_rules(context(database, clock, city))
    assert await on(database) == [(True, [], STAFF)]


async def test_nothing_is_switched_on_by_itself_without_a_rule(
    database: Database, clock: ManualClock, city: City
) -> None:
    await danger(database, clock, level=5)
    assert not await keep_rules(context(database, clock, city))
    assert await on(database) == []


async def test_a_rule_switches_on_for_the_districts_of_the_danger_and_staff_end_it(
    database: Database, clock: ManualClock, city: City
) -> None:
    first, second, third = (district.code for district in city.districts[:3])
    service = context(database, clock, city, DisasterRule(code="orders", level=4))
    await danger(database, clock, first, level=3)
    await keep_rules(service)
    assert await on(database) == []
    await danger(database, clock, second, level=4)
    await keep_rules(service)
    assert await on(database) == [(False, [second], "rule:orders")]
    # More districts are added, none is taken away.
    await clock.advance(60)
    await danger(database, clock, third, level=4)
    await keep_rules(service)
    assert await on(database) == [(False, sorted((second, third)), "rule:orders")]
    # Staff end it, and the same danger does not contradict them.
    async with database.writing() as session:
        await end(session, city, clock.now(), drill=False, actor=STAFF)
    await clock.advance(60)
    await keep_rules(service)
    assert await on(database) == []
    # A graver one does.
    await danger(database, clock, second, level=5)
    await keep_rules(service)
    assert [(drill, by) for drill, _, by in await on(database)] == [(False, "rule:orders")]


async def test_a_rule_of_an_intensity_and_of_some_districts(
    database: Database, clock: ManualClock, city: City
) -> None:
    first = city.districts[0].code
    rule = DisasterRule(code="quake", intensity="5-", topics=("earthquake",), areas=(first,))
    service = context(database, clock, city, rule)
    await danger(database, clock, intensity="4")
    await keep_rules(service)
    assert await on(database) == []
    await clock.advance(1)
    await danger(database, clock, intensity="5-")
    await keep_rules(service)
    assert await on(database) == [(False, [first], "rule:quake")]
    async with database.writing() as session:
        await end(session, city, clock.now(), drill=False, actor=STAFF)
    # Another earthquake is another danger.
    await clock.advance(3600)
    await danger(database, clock, intensity="5-")
    await keep_rules(service)
    assert await on(database) == [(False, [first], "rule:quake")]


async def test_a_rule_replaces_a_drill_by_the_real_mode_in_one_step(
    database: Database, clock: ManualClock, city: City
) -> None:
    await switch(database, city, clock)
    await danger(database, clock, level=4)
    await keep_rules(context(database, clock, city, DisasterRule(code="orders", level=4)))
    assert await on(database) == [(False, [], "rule:orders")]
    async with database.reading() as session:
        _, drill = await last_modes(session, 2)
    assert (drill.drill, drill.ended_by) == (True, BY_DANGER)


async def test_a_drill_for_staff_reaches_nobody_and_one_for_districts_only_theirs(
    database: Database, clock: ManualClock, city: City
) -> None:
    first, second = (district.code for district in city.districts[:2])
    now = clock.now()
    for number, areas in enumerate(([first], [second], [first, second], [])):
        async with database.writing() as session:
            one = await residents.follow(session, city, f"U{number:032}", language="ja", now=now)
            assert one.id is not None
            await residents.choose_areas(session, city, one.id, areas, now)
    numbers = {}
    for drill, staff_only, where in (
        (True, True, ()),
        (True, False, (first,)),
        (True, False, ()),
        (False, False, (first,)),
        (False, False, ()),
    ):
        async with database.writing() as session:
            mode = await begin(
                session, city, where, now, drill=drill, actor=STAFF, staff_only=staff_only
            )
            numbers[drill, staff_only, where] = await concerned(session, mode)
    assert list(numbers.values()) == [0, 2, 4, 3, 4]
    with pytest.raises(BadInput, match="Only a drill"):
        await switch(database, city, clock, drill=False, staff_only=True)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('code = "a"', "needs a level"),
        ('code = "a"\nlevel = 2', "level"),
        ('code = "a"\nintensity = "9"', "an intensity is one of"),
        ('code = "a"\nlevel = 4\ntopics = ["evacuaton"]', "evacuation"),
        ('code = "a"\nlevel = 4\nareas = ["nowhere"]', "'nowhere' is not a district"),
        ('code = "a"\nlevel = 4\nlevels = [4]', "levels"),
        ('code = "A b"\nlevel = 4', "A b"),
    ],
)
def test_a_wrong_rule_is_named_and_left_out(tmp_path: Path, rule: str, said: str) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    toml = folder / "city.toml"
    toml.write_text(toml.read_text("utf-8") + f"\n[[disaster_rules]]\n{rule}\n", "utf-8")
    faults = check_city(folder)
    assert any(said in str(fault) for fault in faults), [str(fault) for fault in faults]
    assert not any(fault.stops for fault in faults)
    assert all(one.code != "a" or one.level for one in load_city(folder).disaster_rules)


def test_a_right_rule_is_taken(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SAMPLE_CITY, tmp_path / "city"))
    toml = folder / "city.toml"
    rule = '\n[[disaster_rules]]\ncode = "quake"\nintensity = "5-"\ntopics = ["earthquake"]\n'
    toml.write_text(toml.read_text("utf-8") + rule, "utf-8")
    assert check_city(folder) == []
    assert load_city(folder).disaster_rules == (
        DisasterRule(code="quake", intensity="5-", topics=("earthquake",)),
    )


async def test_a_grave_telegram_that_is_held_for_a_person_ends_a_drill_too(
    database: Database, clock: ManualClock, city: City
) -> None:
    """Nobody was told of it yet; what staff and residents do from now on is real."""
    rules = context(database, clock, city)
    await switch(database, city, clock)
    await danger(database, clock, intensity="4", decision=Decision.HOLD)
    await danger(database, clock, intensity="6-", decision=Decision.HOLD, drill=True)
    assert not await keep_rules(rules) and await on(database)
    await danger(database, clock, intensity="5-", decision=Decision.HOLD)
    assert await keep_rules(rules)
    assert await on(database) == []
    with pytest.raises(BadInput, match="震度速報"):
        await switch(database, city, clock, staff_only=True)
