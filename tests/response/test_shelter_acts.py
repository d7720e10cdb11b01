"""What staff say of a site: the newest by its own time counts, however late and often it comes."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from city.folder import CityFolder, load_folder
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from response.models import ActKind, Offer, ShelterAct, ShelterLink, ShelterState, ShelterStatus
from response.shelters import Saying, checked, forget_old, history, say, set_state, statuses
from tests.support.project import SAMPLE_CITY

SITE = "0001"
LINK = 1


@pytest.fixture(scope="module")
def sample() -> CityFolder:
    return load_folder(SAMPLE_CITY)


@pytest.fixture
async def link(database: Database, clock: ManualClock) -> int:
    now = clock.now()
    row = ShelterLink(
        shelter=SITE, drill=False, made_at=now, made_by="a", expires_at=now + timedelta(days=1)
    )
    async with database.writing() as session:
        session.add(row)
        await session.flush()
        assert row.id is not None
        return row.id


def act(kind: str, value: str, at: datetime, key: str) -> Saying:
    return Saying(*checked(kind, value), at=at, key=key)


async def sent(
    database: Database, sample: CityFolder, now: datetime, link: int, *acts: Saying
) -> ShelterStatus | None:
    async with database.writing() as session:
        return await say(
            session,
            sample.shelters,
            SITE,
            acts,
            now,
            actor=f"link:{link}",
            drill=False,
            link_id=link,
        )


async def there(database: Database) -> tuple[str, int | None, list[str]]:
    async with database.reading() as session:
        found = (await statuses(session, drill=False))[SITE]
    return found.state.value, found.heads, list(found.offers)


def the_acts(start: datetime) -> list[Saying]:
    def at(minute: int) -> datetime:
        return start + timedelta(minutes=minute)

    return [
        act("state", "open", at(0), "a"),
        act("heads", "40", at(1), "b"),
        act("count", "+10", at(2), "c"),
        act("offer", "+pets", at(3), "d"),
        act("offer", "-pets", at(4), "e"),
        act("state", "full", at(5), "f"),
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(range(6)))[::80])
async def test_in_whatever_order_acts_come_the_state_is_the_same(
    database: Database, clock: ManualClock, sample: CityFolder, link: int, order: tuple[int, ...]
) -> None:
    acts = the_acts(clock.now())
    await clock.advance(3600)
    for number in order:
        await sent(database, sample, clock.now(), link, acts[number])
    assert await there(database) == ("full", 50, [])


async def test_an_act_that_is_sent_again_counts_once(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    start = clock.now()
    await clock.advance(600)
    acts = the_acts(start)
    await sent(database, sample, clock.now(), link, *acts)
    await sent(database, sample, clock.now(), link, *acts, *acts[2:3], acts[2])
    assert await there(database) == ("full", 50, [])
    async with database.reading() as session:
        assert len(list(await session.scalars(select(ShelterAct)))) == 6


async def test_two_phones_at_the_door_count_together_and_the_desk_counts_anew(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    async with database.writing() as session:
        await set_state(
            session,
            sample.shelters,
            SITE,
            ShelterState.OPEN,
            clock.now(),
            actor="a@city.example",
            drill=False,
            heads=20,
        )
    before = clock.now()
    await clock.advance(60)
    for key in ("one", "two"):
        await sent(database, sample, clock.now(), link, act("count", "+3", clock.now(), key))
    assert (await there(database))[1] == 26
    # Counted before the desk's number, come after it: it is in that number already.
    late = act("count", "+5", before - timedelta(seconds=5), "late")
    await sent(database, sample, clock.now(), link, late)
    assert (await there(database))[1] == 26
    await sent(database, sample, clock.now(), link, act("count", "-100", clock.now(), "gone"))
    assert (await there(database))[1] == 0


async def test_a_late_open_does_not_open_a_site_that_was_closed_after_it(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    opened_at = clock.now()
    await clock.advance(60)
    await sent(database, sample, clock.now(), link, act("state", "closed", clock.now(), "closed"))
    await clock.advance(60)
    await sent(database, sample, clock.now(), link, act("state", "open", opened_at, "late"))
    assert (await there(database))[0] == "closed"
    async with database.reading() as session:
        acts = await history(session, SITE, drill=False)
    assert [(one.value, one.received_at > one.at) for one in acts] == [
        ("closed", False),
        ("open", True),
    ]


async def test_a_phone_whose_clock_is_ahead_does_not_win_over_what_comes_later(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    ahead = clock.now() + timedelta(days=2)
    await sent(database, sample, clock.now(), link, act("state", "full", ahead, "ahead"))
    await clock.advance(1)
    await sent(database, sample, clock.now(), link, act("state", "open", clock.now(), "later"))
    assert (await there(database))[0] == "open"


async def test_what_is_said_before_the_first_state_counts_from_it_on(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    assert (
        await sent(database, sample, clock.now(), link, act("count", "+7", clock.now(), "a"))
        is None
    )
    await clock.advance(5)
    await sent(database, sample, clock.now(), link, act("state", "open", clock.now(), "b"))
    assert await there(database) == ("open", 7, [])


async def test_the_words_of_a_note_are_not_in_the_trail_and_go_before_the_rest(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    start = clock.now()
    note = act("note", "  <b>佐藤さん</b>\u202e の薬が\n足りない ", start, "n")
    await sent(database, sample, start, link, act("state", "open", start, "s"), note)
    async with database.reading() as session:
        trail = list(await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id))))
        kept = await session.scalar(select(ShelterAct).where(col(ShelterAct.kind) == ActKind.NOTE))
    assert [one.action for one in trail] == ["shelter.changed", "shelter.noted"]
    assert "佐藤" not in str([one.detail for one in trail])
    assert kept is not None and kept.value == "<b>佐藤さん</b> の薬が 足りない"
    assert await forget_old(database, start, start + timedelta(days=1)) == 1
    async with database.reading() as session:
        assert [one.kind for one in await session.scalars(select(ShelterAct))] == ["state"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("state", "burning"),
        ("heads", "-1"),
        ("heads", "100001"),
        ("heads", ""),
        ("count", "0"),
        ("count", "+501"),
        ("count", "1e3"),
        ("offer", "pets"),
        ("offer", "+gold"),
        ("note", " \u200b "),
        ("drop table", "x"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, value: str) -> None:
    with pytest.raises(BadInput):
        checked(kind, value)


async def test_every_offer_has_words_of_its_own(
    database: Database, clock: ManualClock, sample: CityFolder, link: int
) -> None:
    start = clock.now()
    acts = [act("offer", f"+{offer}", start, offer) for offer in Offer]
    await sent(database, sample, start, link, act("state", "open", start, "s"), *acts)
    assert (await there(database))[2] == [offer.value for offer in Offer]
