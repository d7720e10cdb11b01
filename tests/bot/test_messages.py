"""Whatever the conversation says, in whatever language, LINE takes it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from bot.dialogues import respond
from bot.dialogues.kinds import (
    FileReport,
    Followed,
    Incoming,
    InForce,
    Known,
    Located,
    Outcome,
    Photographed,
    Pressed,
    Said,
    Sent,
    State,
)
from bot.richmenu import IMAGES, RichMenus, describe
from channels.line import LineClient
from channels.simulator import Simulator, SimulatorOptions
from core.city_folder import CityFolder
from core.clock import ManualClock, SystemClock
from core.context import Context
from core.database import Database
from core.languages import LANGUAGES
from core.settings import Settings
from core.work import NoWorkers
from reports.photos import Picture
from subscriptions.service import Preferences
from tests.bot.conftest import SECRET, Town, actions_in
from tests.bot.test_report import aboard

HERE = Located(140.1115, 36.0825, "茨城県つくば市研究学園一丁目１番地１")
FAR = Located(139.7, 35.7)


BUTTONS = (
    *("menu", "help", "now", "settings", "language", "areas", "topics", "levels"),
    *("quiet-hours", "quiet-from", "data", "erase", "erase-no", "erase-yes"),
    *("nonsense", "skip", "area-all", "rubbish", "questions"),
)


def known_in(language: str, sample: CityFolder) -> Known:
    city = sample.city
    every = tuple(district.code for district in city.districts)
    return Known(
        city=city,
        preferences=Preferences(
            resident_id=1,
            following=True,
            language=language,
            language_chosen=True,
            areas=every,
            topics={topic.code: 3 for topic in city.topics},
            topics_chosen=True,
            quiet_start=1290,
            quiet_end=375,
            digest_hour=None,
        ),
        now=datetime(2026, 6, 15, 3, 0, tzinfo=UTC),
        event_id="01HX",
        shelters=sample.shelters,
        calendar=sample.calendar,
        answers=sample.answers,
        in_force=tuple(InForce("題" * 100, "文" * 3000) for _ in range(6)),
        taken_up=frozenset({"pothole"}),
        reports=12,
        following_since=datetime(2026, 6, 1, tzinfo=UTC),
    )


def photo(number: int, taken_at: tuple[float, float] | None = None) -> Photographed:
    return Photographed(Picture(f"{number:064x}", 640, 480, 1000, taken_at))


def journeys() -> Iterator[tuple[State, list[Incoming]]]:
    """Ways through the conversation that together say everything it can say."""
    boarding = State("onboarding", "area")
    yield State(), [Followed()]
    yield State(), [Followed(returning=True)]
    yield boarding, [Said("nowhere at all"), FAR, Said("a"), HERE, Pressed("topics-done")]
    yield boarding, [Pressed("area-all"), Pressed("skip"), Said("hello?")]
    yield State("onboarding", "language"), [Sent("sticker"), Pressed("skip")]
    draft = {"d": "01HX"}
    yield (
        State(),
        [
            *(Pressed("report"), Said("report"), photo(1, (140.1, 36.08))),
            *(Pressed("r-exif", draft | {"use": "0"}), photo(2), photo(3), photo(4), photo(5)),
            *(
                FAR,
                HERE,
                Said("?"),
                Pressed("r-kind", draft | {"to": "pothole"}),
                Said("あ" * 2000),
            ),
            *(Pressed("r-change", draft | {"to": "place"}), Said("x" * 500)),
            *(Pressed("r-send", draft), Pressed("r-send", draft)),
        ],
    )
    yield State(), [Photographed(refusal=reason) for reason in ("too-large", "unreadable", "x")]
    yield State(), [photo(1), Said("cancel"), Pressed("r-cancel", draft)]
    yield State(), [Pressed("shelters"), HERE, HERE, Said("119"), Sent("video"), Sent("sticker")]
    for do in BUTTONS:
        yield State(), [Pressed(do)]
    yield State(), [
        Pressed("set-language", {"to": "my"}), Pressed("level", {"to": "2"}),
        Pressed("quiet-until", {"time": "21:00"}), Pressed("quiet", {"start": "0", "end": "0"}),
        Pressed("topic", {"code": "crime", "on": "0"}), Said("unknown"),
    ]  # fmt: skip


def said_in(language: str, sample: CityFolder) -> Iterator[list[dict[str, Any]]]:
    for state, events in journeys():
        for event in events:
            outcome: Outcome = respond(state, event, known_in(language, sample))
            state, messages = outcome.state, outcome.messages
            if any(isinstance(effect, FileReport) for effect in outcome.effects):
                assert outcome.filed is not None
                state, messages = outcome.filed("2026-000123")
            assert messages, (state, event)
            yield list(messages)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    options = SimulatorOptions(
        channel_secret=SECRET, channel_access_token="a-token", rate_limits=False
    )
    async with Simulator(options) as opened:
        yield opened


@pytest.fixture
async def line(settings: Settings, simulator: Simulator) -> AsyncIterator[LineClient]:
    async with aiohttp.ClientSession() as http:
        ours = Settings(
            **{
                **settings.__dict__,
                "line_api_url": simulator.url,
                "line_data_api_url": simulator.url,
            }
        )
        yield LineClient(http, ours, SystemClock())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_line_takes_everything_that_is_said(
    line: LineClient, sample: CityFolder, language: str
) -> None:
    count = 0
    for messages in said_in(language, sample):
        await line.validate("reply", json.dumps(messages).encode())
        for action in actions_in(messages):
            assert len(action.get("data", "")) <= 300
        count += 1
    assert count > 55


async def test_the_rich_menus_are_made_once_and_given_by_language(town: Town) -> None:
    menus = RichMenus(town.context, town.line)
    menus.register()
    made = await menus.ensure()
    assert set(made) == set(town.city.languages)
    again = await RichMenus(town.context, town.line).ensure()
    assert again == made
    assert len(await town.line.list_rich_menus()) == len(made)
    assert len(await town.line.list_rich_menu_aliases()) == len(made)
    user = await aboard(town, "my")
    assert town.simulator.users.get(user).rich_menu_id == made["my"]
    await town.taps(user, await town.says(user, "language"), "Tiếng Việt")
    assert town.simulator.users.get(user).rich_menu_id == made["vi"]
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    assert town.simulator.users.get(user).rich_menu_id is None


async def test_an_older_rich_menu_is_replaced_and_nobody_is_without_one_meanwhile(
    line: LineClient,
    simulator: Simulator,
    settings: Settings,
    sample: CityFolder,
    database: Database,
) -> None:
    if not database.is_sqlite:
        pytest.skip("the menus do not depend on the database")
    context = Context(
        settings=settings,
        city=sample.city,
        database=database,
        clock=ManualClock(datetime(2026, 6, 15, 3, 0, tzinfo=UTC)),
        queue=NoWorkers(),
        http=aiohttp.ClientSession(),
    )
    first = await RichMenus(context, line).ensure()
    picture = (IMAGES / "ja.png").read_bytes()
    old = await line.create_rich_menu({**describe("ja", picture), "name": "todoke-zh-Hans-older"})
    await line.upload_rich_menu_image(old, picture, "image/png")
    resident = simulator.users.add_user("住民", "zh-Hans")
    await line.link_rich_menu(resident, old)
    await line.update_rich_menu_alias("todoke-ja", old)
    # Made, but the process died before its picture was sent.
    await line.delete_rich_menu_alias("todoke-my")
    await line.delete_rich_menu(first["my"])
    burmese = describe("my", (IMAGES / "my.png").read_bytes())
    first = {**first, "my": await line.create_rich_menu(burmese)}
    assert await RichMenus(context, line).ensure() == first
    aliases = await line.list_rich_menu_aliases()
    assert aliases["todoke-ja"] == first["ja"]
    # Whoever had it has the one that follows it in their language, before it goes.
    assert simulator.users.people[resident].rich_menu_id == first["zh-Hans"]
    assert aliases["todoke-old-older-20260615"] == old
    # Another process, or this one started again: LINE may still be moving residents.
    assert await RichMenus(context, line).ensure() == first
    assert old in {menu["richMenuId"] for menu in await line.list_rich_menus()}
    later = replace(context, clock=ManualClock(datetime(2026, 6, 17, 3, 0, tzinfo=UTC)))
    assert await RichMenus(later, line).ensure() == first
    assert simulator.users.people[resident].rich_menu_id == first["zh-Hans"]
    assert old not in {menu["richMenuId"] for menu in await line.list_rich_menus()}
    assert set(await line.list_rich_menu_aliases()) == set(aliases) - {"todoke-old-older-20260615"}
    await context.http.close()
