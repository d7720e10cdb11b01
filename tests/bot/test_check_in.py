"""Check in at an evacuation site by its QR code, and out again."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import aiohttp
import pytest

from bot.dialogues import respond
from bot.dialogues.check_in import asked_for, check_in_link, check_in_text
from bot.dialogues.kinds import DialogueState, Pressed, Said
from bot.posters import posters
from city.folder import CityFolder
from core.languages import LANGUAGES
from feeds.texts import drill_mark
from response.check_ins import heads
from response.models import CheckIn, DisasterMode
from response.modes import begin
from subscriptions import residents
from tests.support.chats import aboard, known_in
from tests.support.town import Town, actions_in, words_in
from tests.support.webhook_calls import Caller, body_of

STAFF = "desk@city.example"


def test_the_link_opens_the_chat_with_the_sites_code() -> None:
    link = check_in_link("@todoke", "0001")
    assert link == "https://line.me/R/oaMessage/%40todoke/?%23check-in%200001"
    parts = urlsplit(link)
    assert unquote(parts.query) == check_in_text("0001")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("#check-in 0001", "0001"),
        ("＃ｃｈｅｃｋ－ｉｎ　０００１", "0001"),
        ("#Check-in  A 7", "a 7"),
        ("check-in 0001", None),
        ("避難所はどこ", None),
    ],
)
def test_only_such_a_message_is_a_check_in(text: str, code: str | None) -> None:
    assert asked_for(text) == code


async def present(town: Town, *, drill: bool = False) -> dict[str, tuple[int, int]]:
    async with town.database.reading() as session:
        return await heads(session, drill=drill)


async def switched_on(town: Town, *, drill: bool = False) -> None:
    async with town.database.writing() as session:
        await begin(session, town.city, (), town.context.clock.now(), drill=drill, actor=STAFF)


async def test_in_and_out_again_and_from_one_site_to_another(town: Town) -> None:
    user = await aboard(town, "en")
    said = words_in(await town.says(user, "#check-in 0001"))
    assert "need not check in" in said
    await switched_on(town)
    news = await town.says(user, "#check-in 0001")
    assert "You are checked in: Yamanobe Elementary School" in words_in(news)
    await town.taps(user, news, "3")
    assert await present(town) == {"0001": (1, 3)}
    # The same code read twice is one visit.
    await town.says(user, "#check-in 0001")
    assert await present(town) == {"0001": (1, 1)}
    news = await town.says(user, "#check-in 0002")
    assert await present(town) == {"0002": (1, 1)}
    out = next(a for a in actions_in([news[-1]["quickReply"]["items"]]) if "check-out" in str(a))
    town.simulator.phones.tap(user, out)
    assert "checked out" in words_in(await town.news(user))
    assert await present(town) == {}
    assert "no evacuation site" in words_in(await town.says(user, "#check-in 99x"))
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    async with town.database.reading() as session:
        assert await session.get(CheckIn, 1) is None


async def test_a_check_in_that_comes_after_the_later_check_out_changes_nothing(town: Town) -> None:
    user = await aboard(town, "en")
    await switched_on(town)
    town.simulator.webhooks.hold()
    came = town.simulator.phones.send_text(user, "#check-in 0001")
    went = town.simulator.phones.postback(user, "do=check-out&drill=0")
    went["timestamp"] = came["timestamp"] + 1000
    async with aiohttp.ClientSession() as http:
        caller = Caller(town, http)
        for event in (went, came):
            assert await caller.post(body_of(event)) == 200
            await town.queue.drained()
    assert await present(town) == {}


async def test_somebody_who_writes_for_the_first_time_by_the_code_is_checked_in(town: Town) -> None:
    await switched_on(town)
    user = town.newcomer("vi")
    town.simulator.phones.follow(user)
    await town.settle()
    await town.says(user, "#check-in 0003")
    assert await present(town) == {"0003": (1, 1)}
    stranger = town.newcomer("en")
    town.simulator.phones.send_text(stranger, "#check-in 0003")
    await town.settle()
    async with town.database.reading() as session:
        assert await residents.find(session, stranger) is not None
    assert await present(town) == {"0003": (2, 2)}


async def test_a_drills_check_in_is_marked_and_apart(town: Town) -> None:
    await switched_on(town, drill=True)
    user = await aboard(town, "ja")
    assert words_in(await town.says(user, "#check-in 0001")).startswith("【訓練】")
    assert await present(town) == {}
    assert await present(town, drill=True) == {"0001": (1, 1)}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_line_takes_it_in_every_language(town: Town, language: str) -> None:
    if not town.database.is_sqlite:
        pytest.skip("what is said does not depend on the database")
    known = replace(known_in(language, town.folder), in_force=())
    drill = DisasterMode(drill=True, areas=[], began_at=known.now, began_by=STAFF)
    for here in (known, replace(known, mode=drill)):
        for event in (
            Said("#check-in 0001"),
            Said("#check-in x"),
            Pressed("check-out", {"drill": "1"}),
        ):
            said = list(respond(DialogueState(), event, here).messages)
            await town.line.validate("reply", json.dumps(said).encode())
    out = respond(DialogueState(), Pressed("check-out", {"drill": "1"}), known).messages[0]
    assert out["text"].startswith(drill_mark(language))


def test_the_posters_have_a_code_and_the_words_for_each_site(sample: CityFolder) -> None:
    page = posters(sample.city, sample.shelters[:3], "@todoke")
    assert page.count("<svg") == 3
    assert page.count("<section>") == 3
    for language in sample.city.languages:
        assert page.count(f'lang="{language}"') >= 3
    assert "#check-in 0002" in page
