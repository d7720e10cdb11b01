"""A link for one site and one world: signed, ending, revocable, and seen when passed on."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest

from city.folder import CityFolder, load_folder
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from response.models import ShelterLink
from response.shelter_links import (
    MOST_PHONES,
    ShelterTokens,
    is_valid,
    links_of,
    make,
    opened,
    revoke,
)
from tests.support.project import SAMPLE_CITY

STAFF = "desk@city.example"
TOKENS = ShelterTokens("a-key")


@pytest.fixture(scope="module")
def sample() -> CityFolder:
    return load_folder(SAMPLE_CITY)


async def made(
    database: Database,
    clock: ManualClock,
    sample: CityFolder,
    code: str = "0001",
    drill: bool = False,
) -> ShelterLink:
    async with database.writing() as session:
        return await make(
            session, sample.shelters, code, clock.now(), drill=drill, hours=24, actor=STAFF
        )


async def found(database: Database, token: str) -> ShelterLink | None:
    async with database.reading() as session:
        return await TOKENS.find(session, token)


async def test_a_token_is_of_one_link_and_short_enough_for_a_code(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    real, drill = (
        await made(database, clock, sample),
        await made(database, clock, sample, drill=True),
    )
    tokens = [TOKENS.token(link) for link in (real, drill)]
    assert len(set(tokens)) == 2 and max(map(len, tokens)) <= 48
    for link, token in zip((real, drill), tokens, strict=True):
        opened_link = await found(database, token)
        assert opened_link is not None and (opened_link.id, opened_link.drill) == (
            link.id,
            link.drill,
        )
    assert ShelterTokens("another-key").token(real) != tokens[0]


async def test_a_changed_or_invented_token_is_nobodys(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    token = TOKENS.token(await made(database, clock, sample))
    for position in range(len(token)):
        other = "A" if token[position] != "A" else "B"
        assert await found(database, token[:position] + other + token[position + 1 :]) is None
    for wrong in ("", "x", token + "=", token + "A", token[:-1], "ü" * 40, "A" * 44, token * 40):
        assert await found(database, wrong) is None
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    assert await found(database, base64.b64encode(raw).decode()) is None or b"+" not in raw


async def test_a_link_of_before_a_restore_is_not_another_sites(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    token = TOKENS.token(await made(database, clock, sample, "0001"))
    async with database.writing() as session:
        row = await session.get_one(ShelterLink, 1)
        row.shelter, row.made_at = "0002", clock.now() + timedelta(seconds=1)
        session.add(row)
    assert await found(database, token) is None


async def test_it_ends_at_its_time_and_when_it_is_revoked(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    link, other = await made(database, clock, sample), await made(database, clock, sample)
    assert is_valid(link, clock.now() + timedelta(hours=23, minutes=59))
    assert not is_valid(link, clock.now() + timedelta(hours=24))
    assert other.id is not None
    async with database.writing() as session:
        gone = await revoke(session, other.id, clock.now(), actor=STAFF)
        again = await revoke(session, other.id, clock.now(), actor="somebody@city.example")
    assert not is_valid(gone, clock.now()) and again.revoked_by == STAFF
    with pytest.raises(BadInput):
        async with database.writing() as session:
            await revoke(session, 99, clock.now(), actor=STAFF)


async def test_each_phone_in_which_it_was_opened_is_seen_and_a_flood_of_them_is_bounded(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    link = await made(database, clock, sample)
    async with database.writing() as session:
        for phone in ("a", "a", "b"):
            await opened(session, link, phone, "iPhone", clock.now())
    async with database.reading() as session:
        [(_, phones)] = await links_of(session, "0001", drill=False)
        assert await links_of(session, "0001", drill=True) == []
    assert [(one.phone, one.opened) for one in phones] == [("a", 2), ("b", 1)]
    async with database.writing() as session:
        for number in range(MOST_PHONES + 10):
            await opened(session, link, f"p{number}", "", clock.now())
    async with database.reading() as session:
        [(_, phones)] = await links_of(session, "0001", drill=False)
    assert len(phones) == MOST_PHONES


async def test_a_link_is_of_a_site_of_the_city_and_not_for_ever(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    for code, hours in (("nowhere", 24), ("0001", 10_000), ("0001", 0)):
        with pytest.raises(BadInput):
            async with database.writing() as session:
                await make(
                    session,
                    sample.shelters,
                    code,
                    clock.now(),
                    drill=False,
                    hours=hours,
                    actor=STAFF,
                )
