"""I am safe; I need: a household answers in a few taps, in a disaster or a drill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from bot.dialogues import respond
from bot.dialogues.kinds import (
    SAFETY,
    DialogueState,
    Incoming,
    Known,
    Pressed,
    Said,
    TellCity,
    WarningShown,
)
from city.folder import CityFolder
from core.languages import LANGUAGES
from feeds.texts import drill_mark
from response.households import Household, Told, last_of
from response.models import Condition, DisasterMode, Need, Whereabouts
from response.modes import begin, end
from simulator.line.measure import grapheme_clusters
from subscriptions import residents
from tests.support.chats import aboard, known_in
from tests.support.town import Town, actions_in, words_in

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
GRAVE = (WarningShown("氾濫", "逃げて", grave=True),)


def mode(*, drill: bool = False) -> DisasterMode:
    return DisasterMode(id=1, drill=drill, areas=[], began_at=NOW, began_by="desk@city.example")


def told(*, drill: bool = False, **parts: Any) -> Household:
    return Household("01HX", drill, parts.pop("condition", Condition.SAFE), NOW, **parts)


def tells(known: Known, event: Incoming, state: DialogueState | None = None) -> list[Told]:
    effects = respond(state or DialogueState(), event, known).effects
    return [effect.told for effect in effects if isinstance(effect, TellCity)]


def test_on_an_ordinary_day_somebody_safe_gets_a_kind_answer_and_nothing_is_kept(
    sample: CityFolder,
) -> None:
    known = replace(known_in("ja", sample), in_force=())
    assert tells(known, Said("無事です")) == []
    assert "よかった" in words_in(list(respond(DialogueState(), Said("無事です"), known).messages))


@pytest.mark.parametrize("asking", [{"mode": mode()}, {"in_force": GRAVE}])
def test_in_a_disaster_or_under_a_grave_warning_it_is_kept_with_the_first_word(
    sample: CityFolder, asking: dict[str, Any]
) -> None:
    known = replace(known_in("ja", sample), **{"in_force": (), **asking})
    assert tells(known, Said("無事です")) == [Told("01HX", Condition.SAFE)]
    assert tells(known, Pressed("safe", {"how": "cannot-move"}))[0].condition == "cannot-move"


def test_a_cry_gets_the_numbers_first_and_then_a_way_to_tell_the_city(sample: CityFolder) -> None:
    known = replace(known_in("ja", sample), in_force=(), mode=mode())
    first, second = respond(DialogueState(), Said("身動きがとれない"), known).messages[:2]
    assert [a["uri"] for a in actions_in([first])] == ["tel:119", "tel:110", "tel:118"]
    does = [action["data"] for action in actions_in([second])]
    assert does == ["do=safe&how=cannot-move", "do=safe&how=in-need", "do=safe&how=safe"]


def test_what_is_written_instead_of_tapped_is_kept_as_it_was_said(sample: CityFolder) -> None:
    known = replace(known_in("ja", sample), in_force=(), mode=mode(), household=told())
    state = DialogueState(SAFETY, "needs", {"origin": "01HX"})
    kept = tells(known, Said("むらさきのふりかけ", "55"), state)
    assert kept == [Told("01HX", words="むらさきのふりかけ", words_message="55")]
    # A cry has its numbers first, and is kept too.
    outcome = respond(state, Said("たすけて", "56"), known)
    assert "tel:119" in json.dumps(list(outcome.messages[:1]))
    assert [effect.told.words for effect in outcome.effects] == ["たすけて"]  # type: ignore[union-attr]


def test_a_button_of_an_older_answer_shows_the_last_one_and_changes_nothing(
    sample: CityFolder,
) -> None:
    known = replace(known_in("en", sample), mode=mode(), household=told(people=2))
    outcome = respond(DialogueState(), Pressed("safe-people", {"n": "5", "o": "other"}), known)
    assert outcome.effects == ()
    assert "People\n2" in words_in(list(outcome.messages))


def test_a_real_cry_is_not_filed_under_an_old_drill(sample: CityFolder) -> None:
    asked = DialogueState(SAFETY, "needs", {"origin": "01HX"})
    for cry in ("助けて！2階から動けません", "インスリンが切れそうです", "ほげほげ"):
        known = replace(known_in("ja", sample), in_force=(), mode=mode(), now=NOW)
        known = replace(known, household=told(drill=True))
        assert tells(known, Said(cry), asked) == []
        days_ago = replace(known, household=told(), now=NOW + timedelta(days=5))
        assert tells(days_ago, Said(cry), asked) == []
        [kept] = tells(replace(known, household=told()), Said(cry), asked)
        assert (kept.origin, kept.words) == ("01HX", cry)


@pytest.mark.parametrize("how", ["cannot-move", "in-need"])
def test_a_tap_for_help_after_the_end_gets_the_numbers(sample: CityFolder, how: str) -> None:
    known = replace(known_in("en", sample), in_force=(), mode=None)
    first, *_ = respond(DialogueState(), Pressed("safe", {"how": how}), known).messages
    assert "tel:119" in json.dumps(first)


def test_a_real_warning_during_a_drill_is_no_drill(sample: CityFolder) -> None:
    known = replace(known_in("en", sample), in_force=(), mode=mode(drill=True))
    assert known.in_drill
    assert not replace(known, in_force=GRAVE).in_drill


@pytest.mark.parametrize("now", [{"mode": mode()}, {"mode": mode(drill=True), "in_force": GRAVE}])
@pytest.mark.parametrize("do", ["safe-people", "safe-where", "safe-need", "safe-done"])
def test_a_card_of_the_drill_takes_no_answer_when_it_is_real(
    sample: CityFolder, now: dict[str, Any], do: str
) -> None:
    known = replace(known_in("en", sample), **{"in_force": (), **now})
    known = replace(known, household=told(drill=True))
    values = {"o": "01HX", "n": "3", "at": "home", "what": "medicine", "on": "1"}
    outcome = respond(DialogueState(), Pressed(do, values), known)
    assert outcome.effects == ()
    [asked] = outcome.messages
    assert drill_mark("en") not in words_in([asked])
    assert "do=safe&how=cannot-move" in [one["data"] for one in actions_in([asked])]


def everything_said(known: Known) -> Iterator[list[dict[str, Any]]]:
    """Each message of the dialogue, for each answer."""
    idle = DialogueState()
    yield list(respond(idle, Pressed("safe"), known).messages)
    yield list(respond(idle, Said("119"), known).messages)[:2]
    for household in (
        told(drill=known.in_drill),
        told(
            drill=known.in_drill,
            condition=Condition.IN_NEED,
            people=6,
            whereabouts=Whereabouts.SHELTER,
            shelter=known.shelters[0].code,
            needs=frozenset(Need),
            words="x" * 500,
        ),
    ):
        inside = replace(known, household=household)
        for press in (
            Pressed("safe-people", {"n": "6", "o": "01HX"}),
            *(Pressed("safe-where", {"at": at.value, "o": "01HX"}) for at in Whereabouts),
            Pressed("safe-site", {"site": known.shelters[0].code, "o": "01HX"}),
            Pressed("safe-need", {"what": "water", "on": "1", "o": "01HX"}),
            Pressed("safe-change", {"o": "01HX"}),
            Pressed("safe-done", {"o": "01HX"}),
        ):
            yield list(respond(idle, press, inside).messages)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_line_takes_all_of_it_and_a_drill_is_marked_in_every_card(
    town: Town, language: str
) -> None:
    if not town.database.is_sqlite:
        pytest.skip("what is said does not depend on the database")
    known = replace(known_in(language, town.folder), in_force=(), mode=mode(drill=True))
    for said in everything_said(known):
        assert said
        await town.line.validate("reply", json.dumps(said).encode())
        cards = [m for m in said if m["type"] == "flex" and "119" not in m["altText"]]
        assert cards
        for card in cards:
            title = card["contents"]["body"]["contents"][0]["text"]
            assert title.startswith(drill_mark(language))
            assert card["altText"].startswith(drill_mark(language))
        for action in actions_in(said):
            assert grapheme_clusters(action.get("label", "")) <= 20
            assert len(action.get("data", "")) <= 300
            assert len(action.get("uri", "")) <= 1000
            if action.get("uri", "").startswith("https://line.me/R/share"):
                text = unquote(urlsplit(action["uri"]).query.removeprefix("text="))
                assert text.startswith(drill_mark(language))
    real = replace(known, mode=mode())
    for said in everything_said(real):
        assert drill_mark(language) not in words_in(said)


async def last(town: Town, user: str) -> Household | None:
    async with town.database.reading() as session:
        resident = await residents.find(session, user)
        assert resident is not None and resident.id is not None
        return await last_of(session, resident.id)


async def switch(town: Town, *, on: bool, drill: bool = False) -> None:
    async with town.database.writing() as session:
        now = town.context.clock.now()
        if on:
            await begin(session, town.city, (), now, drill=drill, actor="desk@city.example")
        else:
            await end(session, town.city, now, drill=drill, actor="desk@city.example")


async def test_a_household_answers_changes_its_answer_and_sees_and_erases_it(town: Town) -> None:
    user = await aboard(town, "en")
    await switch(town, on=True)
    news = await town.says(user, "We are safe")
    assert "How many of you are there?" in words_in(news)
    news = await town.taps(user, news, "4")
    assert "Where are you?" in words_in(news)
    news = await town.taps(user, news, "At home")
    news = await town.taps(user, news, "Drinking water")
    news = await town.taps(user, news, "That is all")
    said = words_in(news)
    assert "I am safe" in said and "People\n4" in said and "Needs\nDrinking water" in said
    kept = await last(town, user)
    assert kept is not None
    assert (kept.condition, kept.people, kept.whereabouts) == ("safe", 4, "home")
    assert kept.needs == {Need.WATER} and not kept.drill
    share = next(a["uri"] for a in actions_in(news) if "line.me/R/share" in a.get("uri", ""))
    assert unquote(share).startswith("https://line.me/R/share?text=I am safe (")
    # Changed by a later one.
    news = await town.says(user, "help, we cannot get out")
    news = await town.taps(user, news, "I cannot move")
    kept = await last(town, user)
    assert kept is not None and kept.condition == "cannot-move" and kept.people is None
    assert "I cannot move" in words_in(await town.says(user, "my data"))
    town.simulator.phones.postback(user, "do=erase-yes")
    await town.settle()
    async with town.database.reading() as session:
        assert await residents.find(session, user) is None


async def test_in_a_drill_all_of_it_works_and_is_kept_apart(town: Town) -> None:
    user = await aboard(town, "ja")
    await switch(town, on=True, drill=True)
    news = await town.says(user, "無事です")
    assert words_in(news).startswith("【訓練】")
    news = await town.taps(user, news, "2")
    assert words_in(news).startswith("【訓練】")
    kept = await last(town, user)
    assert kept is not None and kept.drill and kept.people == 2
    await switch(town, on=False, drill=True)
    assert "【訓練】" not in words_in(await town.says(user, "無事です"))


async def test_two_phones_pressing_at_once_and_a_press_from_yesterday_lose_nothing(
    town: Town,
) -> None:
    user = await aboard(town, "en")
    await switch(town, on=True)
    first = await town.says(user, "I am safe")
    second = await town.says(user, "I am safe")
    await town.taps(user, second, "2")
    news = await town.taps(user, first, "5")
    assert "People\n2" in words_in(news)
    kept = await last(town, user)
    assert kept is not None and kept.people == 2
