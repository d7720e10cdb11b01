"""A resident answers a survey: step by step, once, changeable until it closes, and namelessly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from alerts.surveys.closing import close, close_due, forget_words
from alerts.surveys.models import Survey, SurveyAnswer, SurveyResponse
from alerts.surveys.results import Results, crossed, results_of, words_of
from bot.models import WebhookEvent
from core.clock import ManualClock
from core.languages import LANGUAGES
from feeds.texts import survey_word
from reports.questions import yes_no
from subscriptions.residents import find
from tests.support.chats import aboard, last_message
from tests.support.surveys import QUESTIONS, WRITER, sent_survey
from tests.support.town import Town, words_in

LONG = "公園が好き🌸" + "あ" * 4993


async def begun(town: Town, **more: Any) -> int:
    return await sent_survey(town.database, town.context.clock.now(), **more)


async def presses(town: Town, user: str, data: str) -> list[dict[str, Any]]:
    town.simulator.phones.postback(user, data)
    return await town.news(user)


async def counted(town: Town, survey_id: int) -> Results:
    async with town.database.reading() as session:
        return await results_of(session, await session.get_one(Survey, survey_id))


async def answered(town: Town, user: str, survey_id: int, first: str = "0") -> str:
    """Answer all of it; returns what was said at the end."""
    s = f"s={survey_id}"
    await presses(town, user, f"do=survey&{s}")
    await presses(town, user, f"do=survey-answer&{s}&q=0&v={first}")
    await presses(town, user, f"do=survey-tick&{s}&q=1&v=1&on=1")
    await presses(town, user, f"do=survey-done&{s}&q=1")
    await presses(town, user, f"do=survey-answer&{s}&q=2&v=yes")
    await town.says(user, "４")
    return words_in(await town.says(user, "花がきれい"))


async def test_a_resident_answers_every_kind_and_is_counted_once(town: Town) -> None:
    survey = await begun(town)
    user = await aboard(town, "ja")
    said = words_in(await presses(town, user, f"do=survey&s={survey}"))
    assert "無記名" in said
    assert "質問 1／5" in said
    assert "公園で何をしますか。" in said
    news = await presses(town, user, f"do=survey-answer&s={survey}&q=0&v=2")
    news = await town.taps(user, news, "ベンチ")
    news = await town.taps(user, news, "トイレ")
    # The same button again, as after a slow answer, changes nothing.
    news = await presses(town, user, f"do=survey-tick&s={survey}&q=1&v=1&on=1")
    news = await town.taps(user, news, "survey-done")
    news = await town.says(user, yes_no("no", "ja"))
    assert "1から20までの数字" in words_in(news)
    news = await town.says(user, "百人")
    assert "数字" in words_in(news)
    assert (await counted(town, survey)).finished == 0
    await town.says(user, "３")
    assert "回答を受け取りました" in words_in(await town.says(user, LONG))
    found = await counted(town, survey)
    assert (found.finished, found.unfinished) == (1, 0)
    assert [dict(one.options) for one in found.questions[:3]] == [
        {"0": 0, "1": 0, "2": 1},
        {"0": 1, "1": 1},
        {"yes": 0, "no": 1},
    ]
    assert found.questions[3].numbers is not None
    assert found.questions[3].numbers.bars == (("3", 1),)
    async with town.database.reading() as session:
        row = await session.get_one(Survey, survey)
        assert [one.words for one in await words_of(session, row, 4)] == [LONG]


async def test_nothing_stored_leads_from_the_answers_to_the_resident(town: Town) -> None:
    one, other = await begun(town), await begun(town)
    user = await aboard(town, "ja")
    await answered(town, user, one)
    await answered(town, user, other)
    async with town.database.reading() as session:
        responses = list(await session.scalars(select(SurveyResponse)))
        kept = list(await session.scalars(select(WebhookEvent)))
        resident = await find(session, user)
        assert resident is not None
    assert len({each.token for each in responses}) == 2
    assert {each.resident_id for each in responses} == {None}
    # What they pressed and wrote is not kept with their user id either.
    assert not [e for e in kept if "survey" in e.payload or "花がきれい" in e.payload]
    assert (await town.dialogue(user)).data == {}


async def test_back_skip_stop_resume_and_change(town: Town) -> None:
    survey = await begun(town)
    user = await aboard(town, "en")
    news = await town.says(user, survey_word("en"))
    assert "What do you do in the park?" in words_in(news)
    news = await town.taps(user, news, "Walk")
    assert "Language of the text below: 日本語" in words_in(news)
    news = await town.taps(user, news, "Back")
    news = await town.taps(user, news, "See the blossoms")
    news = await town.taps(user, news, "Skip")
    news = await town.taps(user, news, "Stop here")
    assert "does not count" in words_in(news)
    assert (await counted(town, survey)).finished == 0
    news = await presses(town, user, f"do=survey&s={survey}")
    assert "Question 3 of 5" in words_in(news)
    news = await town.taps(user, news, "Yes")
    # Something else is answered; then the survey goes on.
    news = await town.says(user, "Thank you")
    assert "Question 4 of 5" in words_in(news)
    news = await town.says(user, "2")
    news = await town.taps(user, news, "Skip")
    assert "You can change them until" in words_in(news)
    news = await town.taps(user, news, "Change my answers")
    await town.taps(user, news, "Ball games")
    found = await counted(town, survey)
    assert (found.finished, found.questions[0].options["1"]) == (1, 1)
    assert found.questions[1].answered == 0


async def test_a_cry_in_the_middle_is_heard_and_is_no_answer(town: Town) -> None:
    survey = await begun(town, questions=QUESTIONS[4:])
    user = await aboard(town, "ja")
    await presses(town, user, f"do=survey&s={survey}")
    said = words_in(await town.says(user, "火事です、助けて"))
    assert "119" in said
    assert (await counted(town, survey)).finished == 0
    await town.says(user, "ありがとう")
    assert (await counted(town, survey)).finished == 1


async def test_a_closed_survey_says_so_and_takes_nothing(town: Town) -> None:
    survey = await begun(town)
    user = await aboard(town, "ja")
    await answered(town, user, survey)
    half = await aboard(town, "ja")
    await presses(town, half, f"do=survey&s={survey}")
    await presses(town, half, f"do=survey-answer&s={survey}&q=0&v=1")
    async with town.database.writing() as session:
        await close(session, survey, actor=WRITER, now=town.context.clock.now())
    for data in ("survey-answer&q=0&v=1", "survey-tick&q=1&v=0&on=1", "survey-again", "survey"):
        said = words_in(await presses(town, user, f"do={data}&s={survey}"))
        assert "終わりました" in said
    assert "終わりました" in words_in(await town.says(half, "2"))
    assert "ありません" in words_in(await town.says(user, "アンケート"))
    found = await counted(town, survey)
    assert (found.finished, found.unfinished, found.questions[0].options["0"]) == (1, 0, 1)
    async with town.database.reading() as session:
        assert (await session.get_one(Survey, survey)).key is None


async def test_it_closes_by_itself_after_its_last_day(town: Town) -> None:
    survey = await begun(town)
    clock = ManualClock(town.context.clock.now() + timedelta(days=7))
    assert await close_due(town.database, clock) == 0
    await clock.advance(86_400)
    assert await close_due(town.database, clock) == 1
    assert await close_due(town.database, clock) == 0
    async with town.database.reading() as session:
        assert (await session.get_one(Survey, survey)).closed_by == "rule:surveys"


async def test_erase_me_takes_the_answers_of_open_surveys(town: Town) -> None:
    survey = await begun(town)
    named = await begun(town, named=True)
    user, other = await aboard(town, "ja"), await aboard(town, "ja")
    for each in (user, other):
        await answered(town, each, survey)
    assert "記名です" in words_in(await presses(town, user, f"do=survey&s={named}"))
    await answered(town, user, named)
    async with town.database.reading() as session:
        resident = await find(session, user)
        rows = await session.scalars(
            select(SurveyResponse.resident_id).where(col(SurveyResponse.survey_id) == named)
        )
        assert resident is not None
        assert list(rows) == [resident.id]
    news = await presses(town, user, "do=erase")
    await town.taps(user, news, "erase-yes")
    assert (await counted(town, survey)).finished == 1
    assert (await counted(town, named)).finished == 0


async def test_an_answer_whose_message_is_taken_back_goes_and_the_others_count(
    town: Town,
) -> None:
    survey = await begun(town, questions=QUESTIONS[2:])
    user, other = await aboard(town, "ja"), await aboard(town, "ja")
    said = {}
    for who in (user, other):
        await presses(town, who, f"do=survey&s={survey}")
        for word in (yes_no("yes", "ja"), "4", "花がきれい"):
            await town.says(who, word)
            said[who, word] = last_message(town, who)

    async def left() -> list[tuple[int, str | None]]:
        async with town.database.reading() as session:
            found = await session.scalars(select(SurveyAnswer))
            return sorted((one.question, one.words) for one in found)

    every = [(0, None), (1, None), (2, "花がきれい")]
    assert await left() == sorted(every * 2)
    # Somebody else cannot take it back, and a message that was no answer takes nothing.
    for who, message_id in ((other, said[user, "花がきれい"]), (user, "999999999")):
        source = {"type": "user", "userId": who}
        town.simulator.phones.raw_event(
            {"type": "unsend", "source": source, "unsend": {"messageId": message_id}}
        )
        await town.news(who)
    assert await left() == sorted(every * 2)
    for word, rest in (("花がきれい", every[:2]), ("4", every[:1]), (yes_no("yes", "ja"), [])):
        town.simulator.phones.unsend(user, said[user, word])
        await town.news(user)
        assert await left() == sorted(every + rest)
    # What was changed since stays.
    await presses(town, other, f"do=survey-back&s={survey}&q=2")
    await town.says(other, "5")
    town.simulator.phones.unsend(other, said[other, "4"])
    await town.news(other)
    assert await left() == every
    assert (await counted(town, survey)).finished == 2


async def test_agreeing_to_a_topic_is_a_tap_of_its_own(town: Town) -> None:
    survey = await begun(town, offers="business")
    user = await aboard(town, "ja")
    said = await answered(town, user, survey)
    assert "回答とは結び付けません" in said
    assert "business" not in (await town.preferences(user)).topics
    await presses(town, user, "do=survey-topic&t=business")
    assert (await town.preferences(user)).topics["business"] == 0
    # Nobody is signed up for what everybody gets, or for what there is not.
    await presses(town, user, "do=survey-topic&t=nothing")


async def test_several_open_surveys_are_listed(town: Town) -> None:
    await begun(town, title="一つ目")
    await begun(town, title="二つ目")
    user = await aboard(town, "ja")
    news = await town.says(user, "アンケート")
    assert "一つ目" in words_in(news)
    assert "質問 1／5" in words_in(await town.taps(user, news, "二つ目"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_can_answer(town: Town, language: str) -> None:
    survey = await begun(town)
    user = await aboard(town, language)
    await answered(town, user, survey)
    found = await counted(town, survey)
    assert (found.finished, found.questions[3].answered) == (1, 1)


async def test_parts_with_fewer_than_ten_are_hidden_and_words_go_in_time(town: Town) -> None:
    survey = await begun(town)
    now = town.context.clock.now()
    async with town.database.writing() as session:
        for number in range(24):
            token = f"{number:040}"
            many = number < 13
            session.add(
                SurveyResponse(
                    token=token,
                    survey_id=survey,
                    language="ja" if many else "en" if number < 22 else "my",
                    reached=5,
                    finished=True,
                )
            )
            await session.flush()
            session.add(SurveyAnswer(token=token, question=0, option="0", survey_id=survey))
            session.add(SurveyAnswer(token=token, question=4, survey_id=survey, words="ひとこと"))
    async with town.database.reading() as session:
        row = await session.get_one(Survey, survey)
        parts = await crossed(session, row, 0, "language")
        first = await words_of(session, row, 4, most=20)
        rest = await words_of(session, row, 4, after=first[-1].token, most=20)
    assert parts["ja"]["0"] == 10
    assert parts["en"]["0"] is None
    assert parts["my"]["0"] is None
    assert (len(first), len(rest)) == (20, 4)
    async with town.database.writing() as session:
        await close(session, survey, actor=WRITER, now=now)
    assert await forget_words(town.database, now, now) == 0
    later = now + timedelta(days=366)
    assert await forget_words(town.database, later - timedelta(days=365), later) == 24
    found = await counted(town, survey)
    assert (found.finished, found.questions[0].options["0"]) == (24, 24)
    async with town.database.reading() as session:
        row = await session.get_one(Survey, survey)
        assert row.erased_words_at == later
        assert await words_of(session, row, 4) == []
