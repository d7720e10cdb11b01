"""Residents of other media: nobody of them is in an audience of LINE, and the other way round."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from subscriptions import other_media, residents
from subscriptions.audience import audience_select, count, count_by_area, count_by_language, members
from subscriptions.audience_query import AudienceQuery, Standby
from subscriptions.bitmaps import following_at_line, rebuild
from subscriptions.models import GoneFriend, Resident, ResidentState

AT_LINE = AudienceQuery("weather", 5)
BY_MAIL = replace(AT_LINE, medium="email")
USERS = ["U" + digit * 32 for digit in "abc"]


async def _people(database: Database, city: City, clock: ManualClock) -> dict[str, int]:
    """Three at LINE and three by mail; one of these stands by for LINE, one is linked to it."""
    now = clock.now()
    found: dict[str, int] = {}
    async with database.writing() as session:
        for user in USERS:
            resident = await residents.follow(session, city, user, "ja", now)
            found[user] = resident.id or 0
        for name in ("own", "linked", "standby"):
            resident = await other_media.follow_at(
                session, city, "email", f"{name}@mail.example", "en", now
            )
            found[name] = resident.id or 0
        await other_media.link(session, found["linked"], found[USERS[0]], now)
        await other_media.link(
            session, found["standby"], found[USERS[1]], now, only_if_line_fails=True
        )
    return found


async def _planned(session: AsyncSession, query: AudienceQuery) -> set[int]:
    return {number for number, *_ in await session.execute(audience_select(query))}


@pytest.mark.parametrize("pictured", [False, True], ids=["rows", "bitmaps"])
async def test_an_audience_has_only_residents_of_its_medium(
    database: Database, city: City, clock: ManualClock, pictured: bool
) -> None:
    people = await _people(database, city, clock)
    if pictured:
        assert await rebuild(database)
    at_line = {people[user] for user in USERS}
    by_mail = {people["own"], people["linked"]}
    wanted = {
        AT_LINE: at_line,
        replace(AT_LINE, topic="", mandatory=True): at_line,
        BY_MAIL: by_mail,
        replace(BY_MAIL, topic="", mandatory=True): by_mail,
        replace(BY_MAIL, standby=Standby.TOO): {*by_mail, people["standby"]},
        replace(BY_MAIL, standby=Standby.ALONE): {people["standby"]},
        replace(AT_LINE, medium="webpush"): set(),
    }
    async with database.reading() as session:
        for query, who in wanted.items():
            assert await _planned(session, query) == who, query
            assert await count(session, query) == len(who), query
            assert sum((await count_by_language(session, query)).values()) == len(who), query
            bits = (await members(session, query)).bits
            assert bits == sum(1 << number for number in who), query
            by_area = await count_by_area(session, query, ["north", "south"])
            assert by_area == {"north": len(who), "south": len(who)}, query
        assert await following_at_line(session) == sum(1 << number for number in at_line)


@pytest.mark.parametrize("leaves", ["unfollows", "is erased by the city"])
async def test_who_stands_by_gets_everything_there_once_they_are_gone_from_line(
    database: Database, city: City, clock: ManualClock, leaves: str
) -> None:
    people = await _people(database, city, clock)
    assert await rebuild(database)
    async with database.writing() as session:
        if leaves == "unfollows":
            await residents.unfollow(session, city, USERS[1], clock.now())
        else:
            await residents.erase_rows(session, [people[USERS[1]]])
    for _ in range(2):
        async with database.reading() as session:
            assert people["standby"] in await _planned(session, BY_MAIL)
            assert await count(session, BY_MAIL) == 3
            assert await count(session, replace(BY_MAIL, standby=Standby.ALONE)) == 0
        assert await rebuild(database)


async def test_who_comes_back_to_line_stands_by_again(
    database: Database, city: City, clock: ManualClock
) -> None:
    people = await _people(database, city, clock)
    async with database.writing() as session:
        await residents.unfollow(session, city, USERS[1], clock.now())
    assert await rebuild(database)
    async with database.writing() as session:
        await residents.follow(session, city, USERS[1], "ja", clock.now())
    async with database.reading() as session:
        assert people["standby"] not in await _planned(session, BY_MAIL)
        assert await count(session, BY_MAIL) == 2


async def test_an_address_is_one_resident_of_its_medium_and_keeps_its_choices(
    database: Database, city: City, clock: ManualClock
) -> None:
    address = "a@mail.example"
    async with database.writing() as session:
        first = await other_media.follow_at(session, city, "email", address, "my", clock.now())
        again = await other_media.follow_at(session, city, "email", address, "ja", clock.now())
        other = await other_media.follow_at(session, city, "posts", address, "ja", clock.now())
        assert first.id == again.id != other.id
        assert first.language == "my" and first.line_user_id is None
        assert first.id is not None
        await residents.choose_language(session, city, first.id, "vi", clock.now())
    async with database.writing() as session:
        left = await other_media.unfollow_at(session, "email", address, clock.now())
        assert left is not None and left.state is ResidentState.LEFT
        back = await other_media.follow_at(session, city, "email", address, "ja", clock.now())
        assert back.language == "vi"
        assert await other_media.find_at(session, "email", "b@mail.example") is None
        found = await other_media.find_at(session, "email", address)
        assert found is not None and found.id == first.id


async def test_erasing_somebody_erases_what_is_linked_to_them_and_no_hash_of_an_address(
    database: Database, city: City, clock: ManualClock
) -> None:
    people = await _people(database, city, clock)
    async with database.writing() as session:
        record = (await residents.export(session, city, people[USERS[0]])).to_json()
        assert [one["address"] for one in record["elsewhere"]] == ["linked@mail.example"]
        await residents.erase(session, city, people[USERS[0]], clock.now())
        await residents.erase(session, city, people["own"], clock.now())
    async with database.reading() as session:
        left = set(await session.scalars(select(Resident.id)))
        assert left == {people[USERS[1]], people[USERS[2]], people["standby"]}
        assert len(list(await session.scalars(select(GoneFriend)))) == 1


async def test_only_a_resident_of_another_medium_is_linked_to_one_at_line(
    database: Database, city: City, clock: ManualClock
) -> None:
    people = await _people(database, city, clock)
    async with database.writing() as session:
        for one, other in ((USERS[0], USERS[1]), ("own", "linked")):
            with pytest.raises(BadInput):
                await other_media.link(session, people[one], people[other], clock.now())
        await other_media.link(session, people["standby"], None, clock.now())
        row = await session.scalar(select(Resident).where(col(Resident.id) == people["standby"]))
        assert row is not None and not row.only_if_line_fails
