"""A mail server or push services that take nothing for a minute: noticed, and told apart from one
recipient who has to wait.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.models import ChannelSilence
from channels.responses import Later, Unavailable
from channels.silence import ACTOR_OF_OTHERS, FEW, note_silences
from core.audit import newest
from core.database import Database
from core.errors import TodokeError
from core.reason import Reason
from tests.support.engine import add_residents, make_notice
from tests.support.media_town import DEAD, NOON, Town

GREYLISTED: list[TodokeError] = [
    Later(Reason("email.later", {"code": 451}), retry_after=10) for _ in range(10_000)
]
MORE = range(20, 20 + FEW)
"""Others who follow by mail."""


@pytest.fixture
async def town(database: Database) -> Town:
    made = Town(database)
    await made.settle()
    return made


async def silences(town: Town) -> list[ChannelSilence]:
    async with town.database.writing() as session:
        return await note_silences(session, town.media, town.clock.now())


async def test_a_mail_server_that_takes_nothing_is_noticed_once_and_heard_again(
    town: Town,
) -> None:
    town.mail.failures = list(DEAD)
    await town.send(make_notice("events", level=0, now=NOON))
    await town.work()
    town.clock.skip(50)
    assert await silences(town) == []
    town.clock.skip(20)
    [first] = await silences(town)
    [again] = await silences(town)
    assert (first.channel, first.id) == ("email", again.id)
    assert first.since - NOON < timedelta(seconds=1)
    town.mail.failures = []
    town.clock.skip(400)
    await town.work()
    assert await silences(town) == []
    async with town.database.reading() as session:
        entries = [(each.action, each.subject, each.actor) for each in await newest(session, 9)]
    assert entries == [
        ("channel.heard", "channel:email", ACTOR_OF_OTHERS),
        ("channel.silent", "channel:email", ACTOR_OF_OTHERS),
    ]


@pytest.mark.parametrize("level", [0, 5], ids=["routine", "emergency"])
async def test_some_who_have_to_wait_are_no_silence(town: Town, level: int) -> None:
    """A greylisting server of one provider says nothing about the city's own."""
    town.mail.failures = GREYLISTED[:1]
    await town.send(make_notice("evacuation" if level else "events", level=level, now=NOON))
    await town.work(rounds=1)
    town.mail.failures = GREYLISTED[:9]
    for _ in range(4):
        town.clock.skip(40)
        await town.work()
        assert await silences(town) == []


async def test_if_everybody_has_to_wait_it_is_the_server(town: Town) -> None:
    await add_residents(town.database, MORE.start, len(MORE), medium="email")
    town.by_mail.batch_size = 1
    town.mail.failures = list(GREYLISTED)
    await town.send(make_notice(level=4, now=NOON))
    await town.work()
    town.clock.skip(70)
    [found] = await silences(town)
    assert found.channel == "email"


async def test_a_stopped_medium_is_a_silence(town: Town) -> None:
    """A relay that refuses the password, or push services that refuse the key."""
    town.mail.locked = True
    await town.send(make_notice(level=4, now=NOON))
    await town.work()
    town.clock.skip(70)
    assert [each.channel for each in await silences(town)] == ["email"]


async def test_posts_that_fail_are_no_silence(town: Town) -> None:
    town.posts.failures = [Unavailable("no answer") for _ in range(99)]
    await town.send(make_notice(level=4, now=NOON))
    await town.work()
    town.clock.skip(70)
    assert await silences(town) == []


async def test_a_medium_that_nobody_uses_is_never_silent(town: Town) -> None:
    town.clock.skip(3600)
    assert await silences(town) == []
