"""Kinds that staff lay over the city's folder: written, confirmed, holding everywhere, undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlmodel import select

from city.city import City
from city.folder import CityFolder
from core.audit import AuditEntry
from core.database import Database
from core.errors import Refusal
from reports import kinds
from reports.kinds import city_now
from reports.models import KindVersion
from reports.register import Draft, create_report

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
AIKO, KEN = "aiko@city.example", "ken@city.example"


@pytest.fixture
def city(sample: CityFolder) -> City:
    return sample.city


async def written(
    database: Database, city: City, code: str, content: dict[str, Any] | None, *, by: str = AIKO
) -> KindVersion:
    async with database.writing() as session:
        held = await kinds.version_in_force(session, code)
        proposal = await kinds.proposal_of(session, code)
        return await kinds.propose(
            session,
            city,
            code,
            content,
            seen=kinds.mark_of(proposal, held),
            note="冬に向けて",
            actor=by,
            now=NOW,
        )


async def confirmed(database: Database, city: City, code: str, *, by: str = KEN) -> KindVersion:
    async with database.writing() as session:
        held = await kinds.version_in_force(session, code)
        proposal = await kinds.proposal_of(session, code)
        seen = kinds.mark_of(proposal, held)
        return await kinds.confirm(session, city, code, seen=seen, actor=by, now=NOW)


async def now_in(database: Database, city: City) -> City:
    async with database.reading() as session:
        return await city_now(session, city)


def changed(city: City, code: str, **values: Any) -> dict[str, Any]:
    kind = city.kind(code)
    assert kind is not None
    return kinds.dump_kind(kind) | values


async def test_a_version_holds_from_its_confirmation_on(database: Database, city: City) -> None:
    assert await now_in(database, city) is city
    content = changed(city, "pothole", due_days=2, names={"ja": "穴", "en": "Hole"})
    await written(database, city, "pothole", content)
    assert await now_in(database, city) is city, "what is only written holds nowhere"
    await confirmed(database, city, "pothole")
    held = await now_in(database, city)
    kind = held.kind("pothole")
    assert kind is not None
    assert (kind.due_days, kind.names["en"]) == (2, "Hole")
    assert await now_in(database, city) is held, "nothing is read twice"
    assert [one.code for one in held.report_categories] == [
        one.code for one in city.report_categories
    ]
    assert held.districts is city.districts


async def test_the_order_of_the_office_holds_for_who_has_the_city_already(
    database: Database, city: City
) -> None:
    """Pages hand on the city of their visit: nothing is laid over it twice."""
    codes = [kind.code for kind in city.report_categories]
    for code, order in ((codes[-1], 5), (codes[-2], 6), (codes[-3], 15)):
        await written(database, city, code, changed(city, code, order=order))
        await confirmed(database, city, code)
    held = await now_in(database, city)
    wanted = [codes[-1], codes[-2], codes[0], codes[-3], *codes[1:-3]]
    assert [kind.code for kind in held.report_categories] == wanted
    assert await now_in(database, held) is held
    assert held.as_in_folder is city


async def test_a_new_kind_is_filed_and_stands_before_the_last(
    database: Database, city: City
) -> None:
    content = {
        "code": "bench",
        "names": {"ja": "ベンチ"},
        "department": "parks",
        "order": kinds.order_of(city, "bench"),
    }
    await written(database, city, "bench", content)
    await confirmed(database, city, "bench")
    held = await now_in(database, city)
    assert [one.code for one in held.report_categories][-2:] == ["bench", "other"]
    async with database.writing() as session:
        report = await create_report(
            session,
            city,
            Draft(category="bench", origin="a"),
            resident_id=None,
            language="ja",
            now=NOW,
        )
    assert report.department == "parks"


async def test_going_back_to_the_folder_is_a_version_too(database: Database, city: City) -> None:
    await written(database, city, "sign", changed(city, "sign", priority=1))
    await confirmed(database, city, "sign")
    await written(database, city, "sign", None)
    await confirmed(database, city, "sign")
    assert (await now_in(database, city)).kind("sign") == city.kind("sign")
    async with database.reading() as session:
        versions = await kinds.history(session, "sign")
    assert [version.content is None for version in versions] == [True, False]
    assert [version.ended_at is None for version in versions] == [True, False]


async def test_a_kind_of_staff_cannot_be_taken_away_only_switched_off(
    database: Database, city: City
) -> None:
    content = {"code": "bench", "names": {"ja": "ベンチ"}, "department": "parks"}
    await written(database, city, "bench", content)
    await confirmed(database, city, "bench")
    with pytest.raises(Refusal, match="Switch it off"):
        await written(database, city, "bench", None)
    await written(database, city, "bench", content | {"off_from": "2026-11-01"})
    await confirmed(database, city, "bench")
    held = await now_in(database, city)
    assert held.kind("bench") is not None, "old cases keep its name"
    assert "bench" not in [one.code for one in held.kinds_offered(NOW.date())]


async def test_nobody_writes_over_a_colleague(database: Database, city: City) -> None:
    content = changed(city, "park", due_days=3)
    await written(database, city, "park", content)
    async with database.writing() as session:
        with pytest.raises(Refusal, match="meanwhile"):
            await kinds.propose(
                session, city, "park", content, seen="0.0", note="", actor=KEN, now=NOW
            )
    async with database.writing() as session:
        proposal = await kinds.proposal_of(session, "park")
        assert proposal is not None
        seen = kinds.mark_of(proposal, None)
    await written(database, city, "park", content | {"due_days": 4}, by=KEN)
    async with database.writing() as session:
        with pytest.raises(Refusal, match="meanwhile"):
            await kinds.confirm(session, city, "park", seen=seen, actor=AIKO, now=NOW)


async def test_what_is_wrong_or_the_same_is_not_confirmed(database: Database, city: City) -> None:
    await written(database, city, "park", changed(city, "park"))
    with pytest.raises(Refusal, match="Nothing is changed"):
        await confirmed(database, city, "park")
    await written(database, city, "park", changed(city, "park", department="nobody"))
    with pytest.raises(Refusal, match="wrong"):
        await confirmed(database, city, "park")
    async with database.writing() as session:
        await kinds.throw_away(session, "park", actor=AIKO, now=NOW)
    async with database.reading() as session:
        assert await kinds.proposals(session) == []


async def test_every_step_is_in_the_trail(database: Database, city: City) -> None:
    await written(database, city, "park", changed(city, "park", due_days=3))
    await confirmed(database, city, "park")
    async with database.reading() as session:
        entries = [
            one for one in await session.scalars(select(AuditEntry)) if one.subject == "kind:park"
        ]
    assert [(one.action, one.actor) for one in entries] == [
        ("kind.proposed", AIKO),
        ("kind.confirmed", KEN),
    ]
    assert entries[1].detail["changes"] == [{"field": "due_days", "before": None, "after": 3}]


async def test_a_version_of_another_release_leaves_the_folder_standing(
    database: Database, city: City
) -> None:
    await written(database, city, "park", changed(city, "park", due_days=3))
    version = await confirmed(database, city, "park")
    async with database.writing() as session:
        found = await session.get_one(KindVersion, version.id)
        assert found.content is not None
        found.content, found.digest = {**found.content, "colour": "red"}, "x"
    assert (await now_in(database, city)).kind("park") == city.kind("park")


def test_faults_are_those_of_the_folder(city: City) -> None:
    good = changed(city, "park")
    assert kinds.faults(city, good) == []
    for wrong, place in (
        ({"names": {}}, ("names",)),
        ({"names": {"ja": ""}}, ("names", "ja")),
        ({"department": "x"}, ("department",)),
        ({"priority": 9}, ("priority",)),
        ({"owner": "x"}, ("owner",)),
        ({"areas": [{"districts": ["x"], "department": "parks"}]}, ("areas", 0, "districts", 0)),
        ({"nobody": 1}, ("nobody",)),
        ({"questions": [{"code": "a b", "names": {"ja": "x"}}]}, ("questions", 0, "code")),
    ):
        assert place in [at for at, _ in kinds.faults(city, good | wrong)], wrong


def test_differences_name_questions_by_their_code() -> None:
    before: dict[str, Any] = {"questions": [{"code": "a", "names": {"ja": "い"}}], "due_days": 3}
    after = {"questions": [{"code": "b", "names": {"ja": "ろ"}}, *before["questions"]]}
    found = {
        ".".join(map(str, place)): (old, new)
        for place, old, new in kinds.differences(before, after)
    }
    assert found == {
        "questions.b.order": (None, 1),
        "questions.b.code": (None, "b"),
        "questions.b.names.ja": (None, "ろ"),
        "questions.a.order": (1, 2),
        "due_days": (3, None),
    }
