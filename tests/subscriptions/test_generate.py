"""Synthetic residents: the same seed, the same people, in every way like real ones."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func
from sqlmodel import col, select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import residents
from subscriptions.audience import count
from subscriptions.audience_query import AudienceQuery
from subscriptions.generate import generate
from subscriptions.models import (
    Resident,
    ResidentArea,
    Subscription,
    area_list,
)


async def everybody(database: Database) -> list[tuple[object, ...]]:
    """Return all there is to know of every resident but the id, in order of user ids."""
    async with database.reading() as session:
        topics: dict[int, list[tuple[str, int]]] = {}
        for row in await session.scalars(select(Subscription).order_by(col(Subscription.topic))):
            topics.setdefault(row.resident_id, []).append((row.topic, row.min_level))
        areas: dict[int, list[str]] = {}
        for home in await session.scalars(select(ResidentArea).order_by(col(ResidentArea.area))):
            areas.setdefault(home.resident_id, []).append(home.area)
        people = await session.scalars(select(Resident).order_by(col(Resident.line_user_id)))
        return [
            (
                p.line_user_id,
                p.state,
                p.language,
                p.quiet_start,
                p.quiet_end,
                p.followed_at,
                p.area_list,
                tuple(areas.get(p.id or 0, [])),
                tuple(topics.get(p.id or 0, [])),
                p.topics_chosen,
            )
            for p in people
        ]


async def test_the_same_seed_makes_the_same_residents(
    database: Database, city: City, clock: ManualClock
) -> None:
    await generate(database, city, 300, seed=7, now=clock.now())
    first = await everybody(database)
    async with database.writing() as session:
        ids = list(await session.scalars(select(Resident.id)))
        await residents.erase_rows(session, [number for number in ids if number])
    await generate(database, city, 300, seed=7, now=clock.now())
    assert await everybody(database) == first
    assert len({row[0] for row in first}) == 300


@pytest.mark.slow
async def test_they_are_like_the_residents_of_a_city(
    database: Database, city: City, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subscriptions.generate.CHUNK", 1000)
    told: list[int] = []
    number = 3500
    await generate(database, city, number, seed=1, now=clock.now(), progress=told.append)
    assert len(told) == 4
    assert told[-1] == number
    people = await everybody(database)
    assert all(re.fullmatch("U[0-9a-f]{32}", str(row[0])) for row in people)
    share = {code: sum(row[2] == code for row in people) / number for code in ("ja", "vi", "my")}
    assert share["ja"] > 0.8
    assert share["vi"] > share["my"] > 0
    assert 0.6 < sum(len(row[7]) == 1 for row in people) / number < 0.9  # type: ignore[arg-type]
    assert any(len(row[7]) == 0 for row in people)  # type: ignore[arg-type]
    assert any(len(row[7]) > 1 for row in people)  # type: ignore[arg-type]
    assert all(row[6] == area_list(row[7]) for row in people)  # type: ignore[arg-type]
    unchosen = [row for row in people if not row[9]]
    assert {row[8] for row in unchosen} == {(("lifeline", 0), ("weather", 0))}
    async with database.reading() as session:
        everyone = AudienceQuery("evacuation", 4, mandatory=True)
        assert await count(session, everyone) == number


async def test_real_residents_who_follow_meanwhile_keep_their_numbers(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        before = await residents.follow(session, city, "U" + "f" * 32, "ja", clock.now())
    await generate(database, city, 50, seed=1, now=clock.now())
    async with database.writing() as session:
        after = await residents.follow(session, city, "U" + "e" * 32, "ja", clock.now())
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Resident)) == 52
        kept = await session.get(Resident, before.id)
        assert kept is not None
        assert kept.line_user_id == "U" + "f" * 32
    assert after.id is not None
    assert before.id is not None
    assert after.id > before.id + 50


async def test_the_same_seed_twice_is_refused_with_a_reason(
    database: Database, city: City, clock: ManualClock
) -> None:
    await generate(database, city, 20, seed=3, now=clock.now())
    with pytest.raises(BadInput, match="seed 3"):
        await generate(database, city, 20, seed=3, now=clock.now())
    await generate(database, city, 20, seed=4, now=clock.now())
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Resident)) == 40


async def test_a_number_is_never_given_twice(
    database: Database, city: City, clock: ManualClock
) -> None:
    async with database.writing() as session:
        first = await residents.follow(session, city, "U" + "a" * 32, "ja", clock.now())
        assert first.id is not None
        await residents.erase(session, city, first.id, clock.now())
    async with database.writing() as session:
        second = await residents.follow(session, city, "U" + "a" * 32, "ja", clock.now())
    assert second.id is not None
    assert second.id > first.id


@pytest.mark.parametrize("medium", ["email", "webpush"])
async def test_residents_of_another_medium_have_addresses_that_nobody_has(
    database: Database, city: City, clock: ManualClock, medium: str
) -> None:
    await generate(database, city, 200, seed=3, now=clock.now())
    await generate(database, city, 300, seed=3, now=clock.now(), medium=medium)
    with pytest.raises(BadInput, match="seed 3"):
        await generate(database, city, 1, seed=3, now=clock.now(), medium=medium)
    everywhere = AudienceQuery("evacuation", 5, mandatory=True)
    async with database.reading() as session:
        assert await count(session, everywhere) == 200
        assert await count(session, replace(everywhere, medium=medium)) == 300
        found = await session.scalars(select(Resident).where(col(Resident.medium) == medium))
        people = list(found)
    assert {person.line_user_id for person in people} == {None}
    addresses = {person.address or "" for person in people}
    assert len(addresses) == 300
    for one in addresses:
        if medium == "email":
            # RFC 2606: ".example" belongs to nobody.
            assert re.fullmatch(r"r[0-9a-f]{32}@residents\.example", one)
            continue
        said = json.loads(one)
        assert set(said) == {"endpoint", "p256dh", "auth"}
        host = urlsplit(said["endpoint"]).hostname
        assert host is not None and host.endswith(".example")
        point = base64.urlsafe_b64decode(said["p256dh"] + "=")
        # RFC 8291: an uncompressed point of P-256, and 16 bytes.
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        assert len(base64.urlsafe_b64decode(said["auth"] + "==")) == 16


async def test_there_are_no_synthetic_residents_of_an_unknown_medium(
    database: Database, city: City, clock: ManualClock
) -> None:
    with pytest.raises(BadInput, match="pigeon"):
        await generate(database, city, 1, seed=1, now=clock.now(), medium="pigeon")
