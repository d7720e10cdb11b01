"""A kind asks its own questions, in the resident's language; some kinds say whom to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.catalogue import WORDS
from bot.dialogues import report, respond
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known, Located, Pressed, Said
from bot.messages import decode_postback
from city.folder import CityFolder
from city.kinds import AnswerType, Question, ReportCategory
from city.parts import name_in, sentence_in
from core.languages import LANGUAGES
from reports.models import Report
from tests.support.chats import HERE, a_photo, aboard, known_in, last_message, reports, sends
from tests.support.town import Town, actions_in, find_action, words_in

pytestmark = pytest.mark.usefixtures("unpacked_here")


def kind_of(town: Town | CityFolder, code: str) -> ReportCategory:
    kind = town.city.kind(code)
    assert kind is not None
    return kind


async def at_the_questions(town: Town, user: str, code: str, language: str) -> Any:
    """A report of a kind, as far as its first question."""
    news = await sends(town, user, a_photo())
    news = await town.taps(user, news, name_in(kind_of(town, code).names, language))
    news = await town.taps(user, news, "r-no-far")
    return await town.is_at(user, *HERE)


def values_of(one: Report) -> Mapping[str, list[str]]:
    return {answer["code"]: answer["values"] for answer in one.attributes}


@pytest.mark.parametrize("language", ["ja", "en", "my", "ne"])
async def test_a_dead_lamp_is_asked_about_in_the_residents_language(
    town: Town, language: str
) -> None:
    user = await aboard(town, language)
    fault, lamp = kind_of(town, "street-light").questions
    news = await at_the_questions(town, user, "street-light", language)
    assert fault.names[language] in words_in(news)
    off, blinking = fault.choices[0].names[language], fault.choices[1].names[language]
    news = await town.taps(user, news, off)
    news = await town.taps(user, news, blinking)
    news = await town.taps(user, news, off)
    assert words_in(news).count("✓") == 1
    news = await town.taps(user, news, "r-ticked")
    assert lamp.names[language] in words_in(news)
    news = await town.says(user, "Ａ－123")
    news = await town.taps(user, news, "r-no-note")
    said = words_in(news)
    assert blinking in said and off not in said
    assert "Ａ－123" in said
    await town.taps(user, news, "r-send")
    (one,) = await reports(town)
    assert values_of(one) == {"fault": ["blinking"], "lamp": ["Ａ－123"]}
    assert one.category == "street-light"


async def test_answers_can_be_skipped_and_changed_before_sending(town: Town) -> None:
    user = await aboard(town)
    news = await at_the_questions(town, user, "street-light", "en")
    news = await town.taps(user, news, "r-skip")
    news = await town.says(user, "B-7")
    news = await town.taps(user, news, "r-no-note")
    assert "What is wrong with the light?" not in words_in(news)
    news = await town.taps(user, news, "Change answers")
    assert "Which answer do you want to change?" in words_in(news)
    news = await town.taps(user, news, "What is wrong with the light?")
    news = await town.taps(user, news, "It is off")
    news = await town.taps(user, news, "Done")
    assert "Is this right?" in words_in(news)
    assert "It is off" in words_in(news)
    await town.taps(user, news, "Send")
    (one,) = await reports(town)
    assert values_of(one) == {"fault": ["off"], "lamp": ["B-7"]}


async def test_a_typed_answer_counts_like_a_tap_and_another_is_asked_again(town: Town) -> None:
    user = await aboard(town)
    news = await at_the_questions(town, user, "guard-rail", "en")
    assert "Which side of the road is it on?" in words_in(news)
    news = await town.says(user, "somewhere")
    assert "Please choose one of the answers." in words_in(news)
    assert "Which side of the road is it on?" in words_in(news)
    news = await town.says(user, "north side")
    assert "anything to add" in words_in(news)
    news = await town.taps(user, news, "Skip")
    assert "North side" in words_in(news)


async def test_a_photo_in_the_middle_is_kept_and_the_question_stays(town: Town) -> None:
    user = await aboard(town)
    await at_the_questions(town, user, "guard-rail", "en")
    news = await sends(town, user, a_photo())
    assert "2 of 4" in words_in(news)
    assert "Which side of the road is it on?" in words_in(news)
    news = await town.taps(user, news, "South side")
    news = await town.taps(user, news, "Skip")
    await town.taps(user, news, "Send")
    (one,) = await reports(town)
    assert values_of(one) == {"side": ["south"]}
    assert one.photo_count == 2


async def test_an_old_button_changes_its_own_answer_and_cancel_ends_it_all(town: Town) -> None:
    user = await aboard(town)
    asked = await at_the_questions(town, user, "guard-rail", "en")
    await town.taps(user, asked, "North side")
    news = await town.taps(user, asked, "West side")
    assert (await town.dialogue(user)).data["answers"]["side"]["values"] == ["west"]
    assert "anything to add" in words_in(news)
    news = await town.taps(user, asked, "Cancel")
    assert "cancelled" in words_in(news)
    news = await town.taps(user, asked, "East side")
    assert "older report" in words_in(news)
    assert await reports(town) == []


async def test_an_answer_that_is_taken_back_is_asked_for_again(town: Town) -> None:
    user = await aboard(town)
    news = await at_the_questions(town, user, "street-light", "en")
    await town.taps(user, news, "r-skip")
    news = await town.says(user, "C-9")
    lamp = last_message(town, user)
    assert "anything to add" in words_in(news)
    town.simulator.phones.unsend(user, lamp)
    await town.settle()
    dialogue = await town.dialogue(user)
    assert "lamp" not in dialogue.data["answers"]
    assert dialogue.step == "ask"


async def test_an_answer_that_is_taken_back_later_goes_from_the_report(town: Town) -> None:
    user = await aboard(town)
    news = await at_the_questions(town, user, "street-light", "en")
    news = await town.taps(user, news, "It is off")
    await town.taps(user, news, "Done")
    news = await town.says(user, "C-9")
    lamp = last_message(town, user)
    news = await town.taps(user, news, "Skip")
    await town.taps(user, news, "Send")
    (one,) = await reports(town)
    assert values_of(one) == {"fault": ["off"], "lamp": ["C-9"]}
    town.simulator.phones.unsend(user, lamp)
    await town.settle()
    (one,) = await reports(town)
    assert values_of(one) == {"fault": ["off"]}


async def test_a_leak_is_told_whom_to_call_and_nothing_is_filed(town: Town) -> None:
    user = await aboard(town, "ne")
    news = await town.says(user, WORDS.text("ne", "Report damage"))
    kind = kind_of(town, "water-leak")
    news = await town.taps(user, news, name_in(kind.names, "ne"))
    assert kind.message is not None
    assert any(
        text in words_in(news)
        for text in (kind.message.texts["ne"], kind.message.closed_texts["ne"])
    )
    calls = {action.get("uri") for action in actions_in(news)}
    assert calls & {f"tel:{kind.message.phone}", f"tel:{kind.message.closed_phone}"}
    assert (await town.dialogue(user)).name == "idle"
    assert await reports(town) == []


async def test_photos_wait_for_another_kind_after_a_message(town: Town) -> None:
    user = await aboard(town)
    await sends(town, user, a_photo())
    news = await town.is_at(user, *HERE)
    news = await town.taps(user, news, "Water main leaking")
    assert (await town.dialogue(user)).data["told"] is True
    news = await town.taps(user, news, "Choose another kind")
    news = await town.taps(user, news, "Pothole")
    news = await town.taps(user, news, "Skip")
    news = await town.taps(user, news, "Skip")
    await town.taps(user, news, "Send")
    (one,) = await reports(town)
    assert (one.category, one.photo_count) == ("pothole", 1)


# What follows needs no town: the dialogue is a function.

OFFICE_HOURS = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)  # a Monday, noon in Japan
NIGHT = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
NEW_YEAR = datetime(2027, 1, 1, 3, 0, tzinfo=UTC)
WINTER = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)
QUIET: Mapping[str, Any] = {"near": (), "in_force": ()}


def having(known: Known, *kinds: ReportCategory) -> Known:
    return replace(known, city=known.city.model_copy(update={"report_categories": kinds}))


def tap(outcome: DialogueOutcome, wanted: str, known: Known) -> DialogueOutcome:
    do, values = decode_postback(find_action(list(outcome.messages), wanted)["data"])
    return respond(outcome.state, Pressed(do, values), known)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_says_the_number_of_the_hour(sample: CityFolder, language: str) -> None:
    message = kind_of(sample, "water-leak").message
    assert message is not None
    for now, texts, phone in (
        (OFFICE_HOURS, message.texts, message.phone),
        (NIGHT, message.closed_texts, message.closed_phone),
        (NEW_YEAR, message.closed_texts, message.closed_phone),
    ):
        known = replace(known_in(language, sample), now=now, **QUIET)
        told = report.begin(DialogueState(), known, "water-leak")
        assert sentence_in(texts, language) in words_in(list(told.messages))
        assert f"tel:{phone}" in str(told.messages)
        assert told.state.name == "idle"


def test_snow_is_offered_in_its_season_only(sample: CityFolder) -> None:
    summer = replace(known_in("en", sample), **QUIET)
    shown = report.begin(DialogueState(), summer)
    assert "Snow or ice on the road" not in words_in(list(shown.messages))
    winter = replace(summer, now=WINTER)
    shown = report.begin(DialogueState(), winter)
    assert "Snow or ice on the road" in words_in(list(shown.messages))
    old = find_action(list(shown.messages), "Snow or ice on the road")
    late = respond(shown.state, Pressed(*decode_postback(old["data"])), summer)
    assert "does not take this kind" in words_in(list(late.messages))
    begun = respond(shown.state, Pressed(*decode_postback(old["data"])), winter)
    after = respond(begun.state, Said("photo"), summer)
    assert after.state.data["kind"] == "snow", "what was begun in the season can be sent"


def asks(*questions: Question) -> ReportCategory:
    return ReportCategory(
        code="hole", names={"ja": "穴", "en": "Hole"}, department="roads", questions=questions
    )


DEPTH = Question(
    code="depth", names={"ja": "深さは何cmですか"}, type=AnswerType.NUMBER, needed=True
)
WATER = Question(
    code="water", names={"ja": "水は？", "ja-x-easy": "みずは？"}, type=AnswerType.YES_NO
)


def begun(known: Known) -> DialogueOutcome:
    """A report as far as the questions of its kind."""
    outcome = report.begin(DialogueState(), known, "hole")
    outcome = tap(outcome, "r-no-photo", known)
    return respond(outcome.state, Located(*HERE), known)


def test_a_number_is_asked_until_there_is_one_and_cannot_be_skipped(sample: CityFolder) -> None:
    known = having(replace(known_in("en", sample), **QUIET), asks(DEPTH, WATER))
    outcome = begun(known)
    assert "深さは何cmですか" in words_in(list(outcome.messages)), "no other language has it"
    assert "Write a number, such as 12." in words_in(list(outcome.messages))
    assert "r-skip" not in str(outcome.messages)
    draft = outcome.state.data["draft"]
    forced = respond(outcome.state, Pressed("r-skip", {"q": "depth", "d": draft}), known)
    assert "depth" not in forced.state.data["answers"]
    outcome = respond(outcome.state, Said("deep", "m1"), known)
    assert "That is not a number." in words_in(list(outcome.messages))
    outcome = respond(outcome.state, Said("１５", "m2"), known)
    assert outcome.state.data["answers"]["depth"] == {"values": ["15"], "message": "m2"}
    assert "みずは？" in words_in(list(outcome.messages)), "easy Japanese before Japanese"
    outcome = respond(outcome.state, Said("no", "m3"), known)
    assert outcome.state.data["answers"]["water"] == {"values": ["no"], "message": "m3"}


def test_questions_that_change_meanwhile_are_asked_as_they_are(sample: CityFolder) -> None:
    known = having(replace(known_in("en", sample), **QUIET), asks(WATER))
    outcome = tap(begun(known), "Yes", known)
    outcome = tap(outcome, "Skip", known)
    assert outcome.state.step == "confirm"
    changed = having(known, asks(WATER, DEPTH))
    asked = tap(outcome, "Send", changed)
    assert asked.effects == ()
    assert "深さは何cmですか" in words_in(list(asked.messages))
    fewer = having(known, asks())
    sent = tap(outcome, "Send", fewer)
    assert sent.effects
    assert sent.effects[0].draft.attributes == ()  # type: ignore[union-attr]


def test_a_kind_that_the_city_no_longer_has_is_asked_for_again(sample: CityFolder) -> None:
    known = having(replace(known_in("en", sample), **QUIET), asks())
    outcome = tap(begun(known), "Skip", known)
    gone = having(known, kind_of(sample, "pothole"))
    asked = tap(outcome, "Send", gone)
    assert asked.effects == ()
    assert "What is broken?" in words_in(list(asked.messages))


def test_in_a_disaster_no_question_stands_between_a_danger_and_the_city(
    sample: CityFolder,
) -> None:
    known = having(known_in("en", sample), asks(DEPTH, WATER))
    outcome = report.begin(DialogueState(), replace(known, near=()), "hole", danger=True)
    outcome = tap(outcome, "r-no-photo", known)
    outcome = respond(outcome.state, Located(*HERE), replace(known, near=()))
    assert outcome.state.step == "note"
