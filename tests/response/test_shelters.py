"""Staff say which evacuation sites are open; residents are offered the right ones (promise 6)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from city.folder import CityFolder, load_folder
from city.shelters import Hazard
from core.audit import AuditEntry
from core.clock import ManualClock
from core.database import Database
from core.errors import BadInput
from response.models import Offer, ShelterState, ShelterStatus
from response.shelters import choose, set_state, statuses
from response.situation import SituationNow
from tests.support.project import SAMPLE_CITY

NEAR_YAMANOBE = (140.0523, 36.1841)


@pytest.fixture(scope="module")
def sample() -> CityFolder:
    return load_folder(SAMPLE_CITY)


def said(clock: ManualClock, code: str, state: ShelterState) -> ShelterStatus:
    return ShelterStatus(
        shelter=code, drill=False, state=state, changed_at=clock.now(), changed_by="a@city.example"
    )


def offered(
    sample: CityFolder, clock: ManualClock, **states: ShelterState
) -> list[tuple[str, bool]]:
    known = {code.strip("_"): said(clock, code.strip("_"), state) for code, state in states.items()}
    sites = [site for site in sample.shelters if Hazard.FLOOD in site.hazards]
    found = choose(sites, known, NEAR_YAMANOBE, most=5)
    return [(one.site.code, one.is_full) for one in found]


def test_before_staff_say_anything_the_nearest_sites_are_offered(
    sample: CityFolder, clock: ManualClock
) -> None:
    found = choose(sample.shelters, {}, NEAR_YAMANOBE, most=5)
    assert found[0].site.code == "0001"
    assert [one.metres for one in found] == sorted(one.metres for one in found)
    assert len(found) == 5


def test_an_open_site_comes_before_a_nearer_one_and_a_closed_one_is_never_offered(
    sample: CityFolder, clock: ManualClock
) -> None:
    nearest = [code for code, _ in offered(sample, clock)]
    first, second, third = nearest[:3]
    now = offered(
        sample, clock, **{f"_{first}": ShelterState.CLOSED, f"_{third}": ShelterState.OPEN}
    )
    codes = [code for code, _ in now]
    assert codes[:2] == [third, second]
    assert first not in codes


def test_a_full_site_nearby_is_said_and_comes_last(sample: CityFolder, clock: ManualClock) -> None:
    nearest = [code for code, _ in offered(sample, clock)]
    now = offered(sample, clock, **{f"_{nearest[0]}": ShelterState.FULL})
    assert now[-1] == (nearest[0], True)
    assert [full for _, full in now[:-1]] == [False] * 4


async def test_a_state_is_kept_with_who_changed_it_and_leaves_an_entry(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    async with database.writing() as session:
        await set_state(
            session,
            sample.shelters,
            "0001",
            ShelterState.OPEN,
            clock.now(),
            actor="desk@city.example",
            drill=False,
            heads=12,
            offers=[Offer.PETS, Offer.STEP_FREE],
        )
    await clock.advance(60)
    async with database.writing() as session:
        await set_state(
            session,
            sample.shelters,
            "0001",
            ShelterState.FULL,
            clock.now(),
            actor="shell:root",
            drill=False,
        )
    async with database.reading() as session:
        found = (await statuses(session, drill=False))["0001"]
        entries = list(await session.scalars(select(AuditEntry)))
    assert (found.state, found.heads, found.offers) == ("full", 12, ["step-free", "pets"])
    assert (found.changed_by, found.changed_at) == ("shell:root", clock.now())
    assert [entry.action for entry in entries] == ["shelter.changed"] * 2
    assert entries[0].actor == "desk@city.example"
    assert entries[0].subject == "shelter:0001"


async def test_a_site_opened_in_a_drill_is_not_open(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    async with database.writing() as session:
        await set_state(
            session,
            sample.shelters,
            "0001",
            ShelterState.OPEN,
            clock.now(),
            actor="a@city.example",
            drill=True,
        )
    async with database.reading() as session:
        assert await statuses(session, drill=False) == {}
        assert set(await statuses(session, drill=True)) == {"0001"}


@pytest.mark.parametrize(("code", "heads"), [("9999", None), ("0001", -1)])
async def test_what_cannot_be_is_refused(
    database: Database, clock: ManualClock, sample: CityFolder, code: str, heads: int | None
) -> None:
    with pytest.raises(BadInput):
        async with database.writing() as session:
            await set_state(
                session,
                sample.shelters,
                code,
                ShelterState.OPEN,
                clock.now(),
                actor="a@city.example",
                drill=False,
                heads=heads,
            )


async def test_a_change_is_seen_at_once_and_one_of_another_process_within_a_second(
    database: Database, clock: ManualClock, sample: CityFolder
) -> None:
    situation = SituationNow(database)
    assert (await situation.now(clock.now())).shelters == {}
    async with database.writing() as session:
        await set_state(
            session,
            sample.shelters,
            "0002",
            ShelterState.CLOSED,
            clock.now(),
            actor="a@city.example",
            drill=False,
        )
    assert set((await situation.now(clock.now())).shelters) == {"0002"}
    later = clock.now() + timedelta(seconds=1)
    assert set((await situation.now(later)).shelters) == {"0002"}
