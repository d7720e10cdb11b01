"""Posts within the service: each account takes what the city chose for it, and no drill by mistake.

The networks are stand-ins on this machine; Apprise's own plugins speak to them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from sqlmodel import col, select

from channels import dispatch, outbox
from channels.engine import Engine
from channels.media import Media, deliver_by
from channels.models import Batch, BatchState, ChannelStop, Delivery, DeliveryState
from channels.posts.accounts import NAME, keep_accounts
from channels.posts.medium import BY_POSTS, PostsMedium
from channels.posts.network import post_by
from channels.progress import Progress, detailed
from channels.responses import Accepted, Busy, Unavailable
from city.city import City, PostAccount
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from subscriptions.audience import count
from subscriptions.bitmaps import rebuild
from subscriptions.models import Resident, Subscription
from tests.support.clocks import HastyClock
from tests.support.engine import add_residents, make_notice, small_city

NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)
ALL = PostAccount(name="all", drills=True)
WARNINGS = PostAccount(name="warnings", languages=("ja", "en"), topics=("evacuation",), level=4)
EVENTS = PostAccount(name="events", topics=("events",), length=140)


def city_with(*accounts: PostAccount) -> City:
    return small_city().model_copy(
        update={"posts": accounts, "public_url": "https://todoke.city.example"}
    )


@dataclass
class Networks:
    """Other networks: what was posted by which account, and what they answer next."""

    posts: list[tuple[str, str]] = field(default_factory=list)
    answers: dict[str, list[Exception]] = field(default_factory=dict)
    unanswered: dict[str, int] = field(default_factory=dict)
    """By account: how many posts are there although no answer came."""

    async def post(self, name: str, url: str, text: str) -> Accepted:
        assert url == f"secret of {name}"
        if waiting := self.answers.get(name):
            raise waiting.pop(0)
        self.posts.append((name, text))
        if self.unanswered.get(name):
            self.unanswered[name] -= 1
            raise Unavailable("no answer")
        return Accepted("")

    def names(self) -> list[str]:
        return sorted(name for name, _ in self.posts)


@dataclass
class World:
    database: Database
    city: City
    clock: HastyClock
    networks: Networks
    medium: PostsMedium
    engine: Engine

    async def send(self, notice: Notice) -> int:
        async with self.database.writing() as session:
            [delivery] = await deliver_by(
                session,
                NoWorkers(),
                notice,
                self.city,
                self.clock.now(),
                media=Media([BY_POSTS]),
                created_by="a@city",
            )
            assert delivery.id is not None
            return delivery.id

    async def work(self, delivery: int, *, rounds: int = 30) -> Progress:
        """Plan and send a delivery through all waits."""
        await self.engine.plan(str(delivery))
        for _ in range(rounds):
            async with self.database.reading() as session:
                row = await session.get_one(Delivery, delivery)
                if row.state not in outbox.UNDER_WAY:
                    break
                runs = await outbox.unfinished_runs(session, row, self.clock.now())
            if not runs:
                break
            moments = [at for _, at in runs if at is not None]
            if len(moments) == len(runs):
                self.clock.skip((min(moments) - self.clock.now()).total_seconds())
            for run, _ in runs:
                await self.engine.send(f"{delivery}:{run}")
        # It sees that an emergency has ended, which holds back what is none.
        await self.engine.watch()
        async with self.database.reading() as session:
            return await detailed(session, delivery, self.clock.now())

    async def reasons(self, delivery: int) -> list[str]:
        async with self.database.reading() as session:
            found = await session.scalars(
                select(Batch).where(
                    col(Batch.delivery_id) == delivery, col(Batch.state) == BatchState.FAILED
                )
            )
            return [each.error.code for each in found if each.error is not None]


async def world_of(
    database: Database,
    *accounts: PostAccount,
    secrets: Mapping[str, str] | None = None,
    networks: Networks | None = None,
    clock: HastyClock | None = None,
) -> World:
    """The service with these accounts, as a process of it starts."""
    city, clock, networks = city_with(*accounts), clock or HastyClock(NOON), networks or Networks()
    async with database.writing() as session:
        await keep_accounts(session, city, clock.now())
    if secrets is None:
        secrets = {account.setting: f"secret of {account.name}" for account in accounts}
    medium = PostsMedium(
        clock, {account.name: account for account in accounts}, secrets, networks.post, None
    )
    engine = Engine(database, city, clock, NoWorkers(), [medium], worker="test", seed=1)
    return World(database, city, clock, networks, medium, engine)


async def stored(database: Database) -> dict[str, tuple[str, str, dict[str, int]]]:
    """Return each account's row: its state, language, and topics with levels."""
    async with database.reading() as session:
        rows = await session.scalars(select(Resident).where(col(Resident.medium) == NAME))
        found = {}
        for row in rows.all():
            topics = await session.scalars(
                select(Subscription).where(col(Subscription.resident_id) == row.id)
            )
            wants = {one.topic: one.min_level for one in topics}
            found[row.address or ""] = (row.state.value, row.language, wants)
        return found


async def test_accounts_are_kept_in_step_with_the_city(database: Database) -> None:
    await world_of(database, ALL, WARNINGS)
    every = {"evacuation": 0, "events": 0}
    assert await stored(database) == {
        "all/ja": ("following", "ja", every | {":drills": 0}),
        "warnings/ja": ("following", "ja", {"evacuation": 4}),
        "warnings/en": ("following", "en", {"evacuation": 4}),
    }
    changed = WARNINGS.model_copy(update={"languages": ("en",), "level": 3})
    await world_of(database, changed)
    assert await stored(database) == {
        "all/ja": ("left", "ja", every | {":drills": 0}),
        "warnings/ja": ("left", "ja", {"evacuation": 4}),
        "warnings/en": ("following", "en", {"evacuation": 3}),
    }
    back = ALL.model_copy(update={"drills": False})
    await world_of(database, back, changed)
    assert (await stored(database))["all/ja"] == ("following", "ja", every)


async def test_several_processes_that_start_at_once_make_each_account_once(
    database: Database,
) -> None:
    city = city_with(ALL, WARNINGS, EVENTS)

    async def start() -> None:
        async with database.writing() as session:
            await keep_accounts(session, city, NOON)

    await asyncio.gather(*(start() for _ in range(6)))
    found = await stored(database)
    assert sorted(found) == ["all/ja", "events/ja", "warnings/en", "warnings/ja"]
    assert found["warnings/en"][2] == {"evacuation": 4}


async def test_an_account_takes_its_topics_from_its_level_upwards_in_its_languages(
    database: Database,
) -> None:
    world = await world_of(database, ALL, WARNINGS, EVENTS)
    order = make_notice(level=4, now=NOON)
    done = await world.work(await world.send(order))
    assert (done.recipients, done.sent, done.failed) == (3, 3, 0)
    assert world.networks.names() == ["all", "warnings", "warnings"]
    texts = [text for name, text in world.networks.posts if name == "warnings"]
    assert sorted(order.texts[each]["title"] for each in ("ja", "en")) == sorted(
        text.split("\n\n")[0] for text in texts
    )
    assert all(f"https://todoke.city.example/n/{order.code}" in text for text in texts)
    world.networks.posts.clear()
    # A mandatory topic is for people: an account below its level gets nothing of it.
    await world.work(await world.send(make_notice(level=3, now=NOON)))
    await world.work(await world.send(make_notice("events", level=0, now=NOON)))
    assert world.networks.names() == ["all", "all", "events"]


@pytest.mark.parametrize("counted", [False, True], ids=["by rows", "by bitmaps"])
async def test_promise_5_a_drill_goes_only_to_accounts_that_are_marked_for_it(
    database: Database, counted: bool
) -> None:
    world = await world_of(database, ALL, WARNINGS)
    await add_residents(database, 100, 4)
    if counted:
        assert await rebuild(database)
    drill = make_notice(level=5, now=NOON, drill=True)
    async with database.reading() as session:
        asked = dispatch.audience_of(drill, world.city, NAME)
        assert await count(session, asked) == 1
        assert await count(session, dispatch.audience_of(drill, world.city)) == 4
    done = await world.work(await world.send(drill))
    assert (done.recipients, done.sent) == (1, 1)
    [(name, text)] = world.networks.posts
    assert name == "all" and text.startswith(drill_mark("ja"))


async def test_promise_5_a_planned_drill_is_kept_back_if_the_account_is_not_for_drills(
    database: Database,
) -> None:
    """The city changed its mind between planning and sending."""
    before = await world_of(database, ALL)
    delivery = await before.send(make_notice(level=5, now=NOON, drill=True))
    await before.engine.plan(str(delivery))
    after = await world_of(database, ALL.model_copy(update={"drills": False}))
    done = await after.work(delivery)
    assert after.networks.posts == [] and (done.sent, done.failed) == (0, 1)
    assert await after.reasons(delivery) == ["posts.no-drills"]


async def test_a_correction_names_the_post_that_it_corrects(database: Database) -> None:
    world = await world_of(database, WARNINGS)
    wrong = make_notice(level=4, now=NOON)
    await world.work(await world.send(wrong))
    world.clock.skip(600)
    right = make_notice(
        level=3, now=world.clock.now(), status=Status.CANCELLED, replaces_id=wrong.id
    )
    done = await world.work(await world.send(right))
    # Below its level, but it was told the wrong one.
    assert done.kind == "correction" and done.sent == 2
    for _, text in world.networks.posts[2:]:
        first, title, *_ = text.split("\n\n")
        assert first == f"↩ 2026-05-29 12:00 https://todoke.city.example/n/{wrong.code}"
        assert title in {words["title"] for words in right.texts.values()}
        assert text.endswith(f"https://todoke.city.example/n/{right.code}")


async def test_an_expired_token_costs_that_account_alone(database: Database) -> None:
    async def answer(request: web.Request) -> web.Response:
        taken.append(request.path)
        expired = "Bearer old" in request.headers.get("Authorization", "")
        return web.json_response({"id": "1"}, status=401 if expired else 200)

    taken: list[str] = []
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        world = await world_of(database, ALL, WARNINGS)
        secrets = {ALL.setting: f"mastodon://old@{host}", WARNINGS.setting: f"ntfy://{host}/city"}
        world.medium._secrets, world.medium._post = secrets, post_by
        delivery = await world.send(make_notice(level=4, now=NOON))
        done = await world.work(delivery)
    finally:
        await runner.cleanup()
    assert (done.state, done.sent, done.failed) == (DeliveryState.DONE, 2, 1)
    assert await world.reasons(delivery) == ["posts.token"]
    async with database.reading() as session:
        assert await session.get(ChannelStop, NAME) is None


async def test_an_account_whose_network_is_busy_rests_and_the_others_do_not(
    database: Database,
) -> None:
    world = await world_of(database, ALL, WARNINGS)
    world.networks.answers["all"] = [Busy("too fast") for _ in range(3)]
    done = await world.work(await world.send(make_notice("evacuation", level=4, now=NOON)))
    assert done.sent == 3
    assert [name for name, _ in world.networks.posts] == ["warnings", "warnings", "all"]


@pytest.mark.parametrize(
    ("notice", "times"),
    [({"level": 5}, 2), ({"topic": "events", "level": 0}, 1)],
    ids=["an emergency once more", "routine not"],
)
@pytest.mark.parametrize("killed", [False, True], ids=["no answer", "killed"])
async def test_what_may_be_there_is_repeated_only_for_an_emergency(
    database: Database, notice: dict[str, Any], times: int, killed: bool
) -> None:
    world = await world_of(database, ALL)
    delivery = await world.send(make_notice(**notice, now=NOON))
    if killed:
        dying = asyncio.Event()

        async def hang(name: str, _url: str, text: str) -> Accepted:
            world.networks.posts.append((name, text))
            dying.set()
            await asyncio.Event().wait()
            raise AssertionError

        world.medium._post = hang
        working = asyncio.create_task(world.work(delivery))
        await dying.wait()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        world = await world_of(database, ALL, networks=world.networks, clock=world.clock)
        await world.engine.recover()
    else:
        # Whatever is tried, no answer ever comes.
        world.networks.unanswered["all"] = 10
    done = await world.work(delivery)
    assert len(world.networks.posts) == times
    sent = 1 if killed and times == 2 else 0
    assert (done.sent, done.failed) == (sent, 1 - sent)


async def test_an_account_without_its_address_says_so_and_the_others_post(
    database: Database,
) -> None:
    secrets = {WARNINGS.setting: "secret of warnings"}
    world = await world_of(database, ALL, WARNINGS, secrets=secrets)
    delivery = await world.send(make_notice(level=4, now=NOON))
    assert (await world.work(delivery)).sent == 2
    assert await world.reasons(delivery) == ["posts.no-address"]


async def test_an_account_that_is_too_short_posts_nothing_and_the_others_do(
    database: Database,
) -> None:
    world = await world_of(database, ALL, EVENTS)
    notice = make_notice("events", level=0, now=NOON)
    notice.texts["ja"]["title"] = "催しのお知らせ" * 30
    delivery = await world.send(notice)
    assert (await world.work(delivery)).sent == 1
    assert world.networks.names() == ["all"]
    assert await world.reasons(delivery) == ["posts.no-room"]


def test_a_digest_has_whole_titles_in_every_length() -> None:
    several = [make_notice("events", level=0, now=NOON + timedelta(hours=n)) for n in range(9)]
    [message] = BY_POSTS.digest(several, "ja", city_with())
    titles = [each.texts["ja"]["title"] for each in several]
    shown = BY_POSTS.as_read([message]).text
    assert [line[1:] for line in shown.splitlines() if line.startswith("・")] == titles[::-1]
