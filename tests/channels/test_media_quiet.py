"""Quiet hours and the daily digest by mail and by web push: as at LINE, and with the real words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from channels.digest import send_digests
from city.city import Decision
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice
from subscriptions.models import Resident
from tests.support.clocks import HastyClock
from tests.support.engine import add_residents, make_notice
from tests.support.mailed import MailedMedium, MailRecipients
from tests.support.media_town import MediaWorld
from tests.support.pushed import Browsers, PushedMedium

EVENING = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
"""Half past nine in Japan."""
QUIET = (21 * 60, 7 * 60)
BY_MAIL, BY_PUSH = range(1, 4), range(4, 7)


@pytest.fixture
async def world(database: Database) -> MediaWorld:
    """Three follow by mail and three by web push; all are quiet from nine to seven."""
    clock = HastyClock(EVENING)
    mail, push = MailRecipients(), Browsers()
    media = [MailedMedium(clock, mail), PushedMedium(clock, push)]
    for people, name, around in (
        (BY_MAIL, "email", mail.around),
        (BY_PUSH, "webpush", push.around),
    ):
        await add_residents(
            database,
            people.start,
            len(people),
            languages=("ja",),
            quiet=QUIET,
            medium=name,
            address=around,
        )
    return MediaWorld(database, clock, several=media)


async def look(world: MediaWorld, at: datetime) -> None:
    """Let it be a time, and do what is due then."""
    world.clock.skip((at - world.clock.now()).total_seconds())
    media = world.several
    await send_digests(world.database, NoWorkers(), world.city, world.clock, media)
    await world.work()


def everybody(world: MediaWorld, times: int) -> bool:
    """Whether each of the six was told so often."""
    told = world.told()
    return all(
        sorted(told[name].values()) == ([times] * 3 if times else [])
        for name in ("email", "webpush")
    )


def titles(world: MediaWorld) -> set[str]:
    return {title for each in world.several for _, title in each.recipients.received()}


async def collect(world: MediaWorld, *names: str, at: datetime = EVENING) -> None:
    """Store news that wait for the digest."""
    async with world.database.writing() as session:
        for name in names:
            session.add(news(name, at))


def news(name: str, at: datetime) -> Notice:
    made = make_notice(
        "events", level=0, now=at, languages=("ja",), expires_at=at + timedelta(days=2)
    )
    made.decision = Decision.DIGEST
    made.texts = {"ja": {"title": name, "text": f"{name}です。"}}
    return made


async def choose_hour(world: MediaWorld, hour: int) -> None:
    async with world.database.writing() as session:
        await session.execute(update(Resident).where(col(Resident.id) > 0).values(digest_hour=hour))


async def test_what_can_wait_comes_after_the_quiet_hours_and_once(world: MediaWorld) -> None:
    await world.send(make_notice("events", level=0, now=EVENING))
    for hours in (0.0, 4.0, 9.4):
        await look(world, EVENING + timedelta(hours=hours))
        assert everybody(world, 0)
    for hours in (9.6, 9.7, 30.0):
        await look(world, EVENING + timedelta(hours=hours))
        assert everybody(world, 1)


@pytest.mark.parametrize("level", [3, 4, 5])
async def test_an_emergency_comes_in_the_quiet_hours(world: MediaWorld, level: int) -> None:
    await world.send(make_notice(level=level, now=EVENING))
    await world.work()
    assert everybody(world, 1)
    assert world.clock.now() - EVENING < timedelta(seconds=5)


async def test_the_digest_is_one_message_at_the_hour_with_everything_once(
    world: MediaWorld,
) -> None:
    await choose_hour(world, 12)
    await collect(world, "朝市", "花火", "講座")
    noon = datetime(2026, 6, 16, 3, 2, tzinfo=UTC)
    await look(world, noon - timedelta(minutes=10))
    assert everybody(world, 0)
    for minutes in (0, 0, 1, 90):
        await look(world, noon + timedelta(minutes=minutes))
        assert everybody(world, 1)
    mails = [title for _, title in world.several[0].recipients.received()]
    assert set(mails) == {"まとめ：お知らせ3件 · 試験市"}
    pushed = {title for _, title in world.several[1].recipients.received()}
    assert len(pushed) == 1 and "3" in pushed.pop()
    # Nothing new: no digest. Something new: it alone.
    await look(world, noon + timedelta(days=1))
    assert everybody(world, 1)
    await collect(world, "図書館", at=world.clock.now())
    await look(world, noon + timedelta(days=2))
    assert everybody(world, 2)
    assert any(title.startswith("図書館") for title in titles(world))


async def test_a_digest_of_an_hour_that_is_quiet_waits_for_its_end(world: MediaWorld) -> None:
    await choose_hour(world, 22)
    await collect(world, "朝市")
    ten = datetime(2026, 6, 15, 13, 2, tzinfo=UTC)
    await look(world, ten)
    assert everybody(world, 0)
    await look(world, datetime(2026, 6, 15, 21, 59, tzinfo=UTC))
    assert everybody(world, 0)
    for minutes in (1, 30):
        await look(world, datetime(2026, 6, 15, 22, minutes, tzinfo=UTC))
        assert everybody(world, 1)


async def test_who_stands_by_for_line_has_no_second_digest(world: MediaWorld) -> None:
    await add_residents(world.database, 10, 1, languages=("ja",), quiet=QUIET)
    await choose_hour(world, 12)
    async with world.database.writing() as session:
        await session.execute(
            update(Resident)
            .where(col(Resident.id) == BY_MAIL.start)
            .values(linked_id=10, only_if_line_fails=True)
        )
    await collect(world, "朝市")
    await look(world, datetime(2026, 6, 16, 3, 2, tzinfo=UTC))
    assert sorted(world.told()["email"].values()) == [1, 1]
