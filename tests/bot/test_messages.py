"""Whatever the conversation says, in whatever language, LINE takes it."""

from __future__ import annotations

import ast
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from linebot.v3.messaging import Message

import bot
from bot.catalogue import WORDS
from bot.dialogues import respond
from bot.dialogues.kinds import (
    DialogueOutcome,
    DialogueState,
    FileReport,
    Followed,
    Incoming,
    Located,
    Photographed,
    Pressed,
    Said,
    Sent,
)
from bot.dialogues.onboarding import MENU
from bot.richmenu import RichMenus, describe, image_file
from bot.richmenu.places import AT_ONCE, PLACES, TITLES, Kind
from channels.line.client import LineClient
from city.context import Context
from city.folder import CityFolder
from core.clock import ManualClock, SystemClock
from core.database import Database
from core.errors import Retryable
from core.languages import LANGUAGES
from core.settings import Settings
from core.work import NoWorkers
from feeds.texts import drill_mark
from reports.photos import Picture
from simulator.line import FaultPlan, Simulator, SimulatorOptions
from simulator.line.measure import grapheme_clusters
from tests.support.chats import aboard, known_in
from tests.support.town import SECRET, Town, actions_in

HERE = Located(140.1115, 36.0825, "茨城県つくば市研究学園一丁目１番地１")
FAR = Located(139.7, 35.7)


BUTTONS = (
    "numbers",
    *("menu", "help", "now", "settings", "language", "areas", "topics", "levels"),
    *("quiet-hours", "quiet-from", "data", "erase", "erase-no", "erase-yes"),
    *("amounts", "digest", "reminder", "children", "child-year", "data-text", "quakes"),
    *("nonsense", "skip", "area-all", "rubbish", "questions"),
)


def photo(number: int, taken_at: tuple[float, float] | None = None) -> Photographed:
    return Photographed(Picture(f"{number:064x}", 640, 480, 1000, taken_at))


def journeys() -> Iterator[tuple[DialogueState, list[Incoming]]]:
    """Ways through the conversation that together say everything it can say."""
    boarding = DialogueState("onboarding", "area")
    yield DialogueState(), [Followed()]
    yield DialogueState(), [Followed(returning=True)]
    yield boarding, [Said("nowhere at all"), FAR, Said("a"), HERE, Pressed("topics-done")]
    yield boarding, [Pressed("area-all"), Pressed("skip"), Said("hello?")]
    yield DialogueState("onboarding", "language"), [Sent("sticker"), Pressed("skip")]
    draft = {"d": "01HX"}
    yield (
        DialogueState(),
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
            *(Said("中央"), Pressed("r-hit", draft | {"n": "1"}), Said("Chuo Station")),
            *(Pressed("r-pin", draft | {"use": "1"}), Pressed("r-change", draft | {"to": "far"})),
            *(Pressed("r-change", draft | {"to": "photo"}), Pressed("r-keep", draft)),
            *(Pressed("r-send", draft), Pressed("r-send", draft)),
        ],
    )
    yield (
        DialogueState(),
        [Photographed(refusal=reason) for reason in ("too-large", "unreadable", "x")],
    )
    yield DialogueState(), [photo(1), Said("cancel"), Pressed("r-cancel", draft)]
    yield DialogueState(), [Said("傘の捨て方"), Said("電池"), Said("ごみ")]
    yield (
        DialogueState(),
        [Pressed("shelters"), HERE, HERE, Said("119"), Sent("video"), Sent("sticker")],
    )
    for do in BUTTONS:
        yield DialogueState(), [Pressed(do)]
    yield DialogueState(), [
        Pressed("amount", {"code": "crime"}), Pressed("amount", {"code": "weather"}),
        Pressed("child-month", {"year": "2025"}), Pressed("child", {"born": "2024-02", "on": "1"}),
        Pressed("areas"), Said("ちゅう"), Said("Atlantis-upon-Sea"), HERE, FAR,
        Said("通知がうるさい"), Pressed("month", {"to": "chuo"}),
        Pressed("month", {"to": "chuo", "ahead": "12"}),
    ]  # fmt: skip
    yield DialogueState(), [
        Pressed("set-language", {"to": "my"}), Pressed("level", {"to": "2"}),
        Pressed("quiet-until", {"time": "21:00"}), Pressed("quiet", {"start": "0", "end": "0"}),
        Pressed("topic", {"code": "crime", "on": "0"}), Said("unknown"),
    ]  # fmt: skip


def said_in(language: str, sample: CityFolder) -> Iterator[list[dict[str, Any]]]:
    for state, events in journeys():
        for event in events:
            outcome: DialogueOutcome = respond(state, event, known_in(language, sample))
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
        for message in messages:
            # LINE's SDK knows every field of it, and would write the same.
            assert Message.from_dict(message).to_dict() == message
        for action in actions_in(messages):
            assert len(action.get("data", "")) <= 300
        count += 1
    assert count > 55


ONLY_IN_TILES = {"No quiet hours"}
"""Labels that reach a tile by a name of their own."""


def labels_in_code() -> set[str]:
    """Return every message that is the label of an action, except tiles, whose text may be long."""
    makers = {"press", "uri", "location", "camera", "camera_roll", "pick_time"}
    found: set[str] = set()
    for path in (Path(bot.__file__).parent / "dialogues").glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        in_tiles = {id(part) for call in calls if named(call) == "tile" for part in ast.walk(call)}
        for call in calls:
            if named(call) not in makers | {"_press"} or id(call) in in_tiles:
                continue
            for part in ast.walk(call):
                if isinstance(part, ast.Call) and named(part) == "say":
                    found |= {
                        a.value
                        for a in part.args
                        if isinstance(a, ast.Constant) and isinstance(a.value, str)
                    }
    return found - ONLY_IN_TILES


def named(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def test_every_label_fits_into_what_line_takes_in_every_language() -> None:
    labels = labels_in_code() | {name for _, name in MENU}
    assert {"Rubbish days", "Send location", "Report damage", "Call 119"} <= labels
    too_long = {
        (language, label, WORDS.text(language, label))
        for language in LANGUAGES
        for label in labels
        if grapheme_clusters(WORDS.text(language, label)) > 20
    }
    assert too_long == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_said_keeps_to_lines_lengths(sample: CityFolder, language: str) -> None:
    """Labels have 20 grapheme clusters, display texts 300 characters, alternative texts 400."""
    for said in said_in(language, sample):
        assert len(said) <= 5
        for message in said:
            assert 0 < len(message.get("altText", "-")) <= 400
            items = message.get("quickReply", {}).get("items", [])
            assert len(items) <= 13
            assert all(0 < grapheme_clusters(item["action"]["label"]) <= 20 for item in items), (
                items
            )
        for action in actions_in(said):
            assert len(action.get("displayText", "")) <= 300
            assert grapheme_clusters(action.get("label", "")) <= 20


async def test_the_rich_menus_are_made_once_and_given_by_language(town: Town) -> None:
    menus = RichMenus(town.context, town.line)
    menus.register()
    made = await menus.ensure()
    assert len(made) == len(town.city.languages) * len(AT_ONCE)
    again = await RichMenus(town.context, town.line).ensure()
    assert again == made
    assert len(await town.line.list_rich_menus()) == len(made)
    assert len(await town.line.list_rich_menu_aliases()) == len(made)
    user = await aboard(town, "my")
    assert town.simulator.users.get(user).rich_menu_id == made["my-news"]
    await town.taps(user, await town.says(user, "language"), "Tiếng Việt")
    assert town.simulator.users.get(user).rich_menu_id == made["vi-news"]
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    assert town.simulator.users.get(user).rich_menu_id is None


async def test_a_rich_menu_survives_an_alias_made_meanwhile_and_a_refused_token(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await RichMenus(town.context, town.line).ensure()
    picture = image_file(Kind.NEWS, "ja").read_bytes()
    older = await town.line.create_rich_menu(
        {**describe("ja", Kind.NEWS, picture), "name": "another"}
    )
    await town.line.upload_rich_menu_image(older, picture, "image/png")
    await town.line.update_rich_menu_alias("todoke-ja-news", older)

    async def none_yet() -> dict[str, str]:
        return {}

    with monkeypatch.context() as patch:
        patch.setattr(town.line, "list_rich_menu_aliases", none_yet)
        assert await RichMenus(town.context, town.line).ensure() == made
    assert (await town.line.list_rich_menu_aliases())["todoke-ja-news"] == made["ja-news"]
    user = await aboard(town, "my")
    town.simulator.faults = FaultPlan(unauthorized=True)
    with pytest.raises(Retryable):
        await RichMenus(town.context, town.line).give(user)
    town.simulator.faults = FaultPlan()
    await RichMenus(town.context, town.line).give(user)
    assert town.simulator.users.get(user).rich_menu_id == made["my-news"]


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
    picture = image_file(Kind.NEWS, "ja").read_bytes()
    old = await line.create_rich_menu(
        {**describe("ja", Kind.NEWS, picture), "name": "todoke-zh-Hans-older"}
    )
    await line.upload_rich_menu_image(old, picture, "image/png")
    resident = simulator.users.add_user("住民", "zh-Hans")
    await line.link_rich_menu(resident, old)
    await line.update_rich_menu_alias("todoke-ja-news", old)
    # Made, but the process died before its picture was sent.
    await line.delete_rich_menu_alias("todoke-my-news")
    await line.delete_rich_menu(first["my-news"])
    burmese = describe("my", Kind.NEWS, image_file(Kind.NEWS, "my").read_bytes())
    first = {**first, "my-news": await line.create_rich_menu(burmese)}
    assert await RichMenus(context, line).ensure() == first
    aliases = await line.list_rich_menu_aliases()
    assert aliases["todoke-ja-news"] == first["ja-news"]
    # Its residents get its successor in their language before it is deleted.
    assert simulator.users.people[resident].rich_menu_id == first["zh-Hans-news"]
    assert aliases["todoke-old-older-20260615"] == old
    # Another process, or this one started again: LINE may still be moving residents.
    assert await RichMenus(context, line).ensure() == first
    assert old in {menu["richMenuId"] for menu in await line.list_rich_menus()}
    later = replace(context, clock=ManualClock(datetime(2026, 6, 17, 3, 0, tzinfo=UTC)))
    assert await RichMenus(later, line).ensure() == first
    assert simulator.users.people[resident].rich_menu_id == first["zh-Hans-news"]
    assert old not in {menu["richMenuId"] for menu in await line.list_rich_menus()}
    assert set(await line.list_rich_menu_aliases()) == set(aliases) - {"todoke-old-older-20260615"}
    await context.http.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_place_of_the_rich_menus_has_a_label_to_read_out(language: str) -> None:
    for kind in Kind:
        menu = describe(language, kind, image_file(kind, language).read_bytes())
        assert len(menu["chatBarText"]) <= 14
        labels = [area["action"]["label"] for area in menu["areas"]]
        assert all(0 < grapheme_clusters(label) <= 20 for label in labels), labels
        assert len(set(labels)) == len(labels)
        drills = menu["chatBarText"] in (drill_mark(language), drill_mark("ja"))
        assert drills == (kind is Kind.DRILL)


def test_every_place_of_the_rich_menus_is_answered(sample: CityFolder) -> None:
    known = known_in("en", sample)
    for places in PLACES.values():
        for place in places:
            outcome = respond(DialogueState(), Pressed(place.do, place.values), known)
            said = json.dumps(outcome.messages)
            assert outcome.messages and "no longer works" not in said, place
    assert set(TITLES) == set(Kind)
