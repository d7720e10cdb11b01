"""What residents said in the demo: a newcomer finds a survey, questions and chats."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from sqlmodel import select

from alerts.chat.desk import listed, messages_of
from alerts.surveys.models import Survey, asked_now
from alerts.surveys.results import results_of
from app.demo_talk import ANSWERED, CHATS, IN_VAIN, QUESTIONS, add_talk
from city.folder import load_folder
from core.clock import ManualClock
from core.database import Database
from public.models import AskedQuestion
from public.questions import asked
from subscriptions.generate import generate
from tests.support.chats import aboard
from tests.support.project import SAMPLE_CITY
from tests.support.town import Town

WRITER = "news@demo.example"


async def test_the_demo_begins_with_a_survey_questions_and_chats(database: Database) -> None:
    clock = ManualClock(datetime(2026, 11, 30, 15, 5, tzinfo=UTC))
    city = load_folder(SAMPLE_CITY).city
    await generate(database, city, 80, seed=1, now=clock.now())
    settings = SimpleNamespace(secret_key="secret", all_secret_keys=("secret",))
    context: Any = SimpleNamespace(settings=settings, city=city, database=database, clock=clock)
    await add_talk(context, WRITER)
    async with database.reading() as session:
        (open_now,) = await asked_now(session, clock.now())
        survey = (await session.scalars(select(Survey))).one()
        assert open_now[0].id == survey.id
        results = await results_of(session, survey)
        found = await asked(session, ())
        waiting = await listed(session)
        words = [one.text for each in waiting for one in await messages_of(session, each.id or 0)]
    assert open_now[1].authors == [WRITER]
    assert results.finished + results.unfinished == ANSWERED
    assert 0 < results.unfinished < ANSWERED / 3
    assert all(one.answered for one in results.questions)
    for question in QUESTIONS:
        assert set(question.words) == {"ja", "ja-x-easy", "en", "my", "pt"}
        assert len({len(said.options) for said in question.words.values()}) == 1
    said = {one.text for group in found.open for one in group.sentences}
    assert {text for text, _, many in IN_VAIN if many >= 4} <= said
    assert sorted(words) == sorted(text for _, _, text in CHATS)


async def test_the_demos_questions_are_not_understood(town: Town) -> None:
    """Otherwise the page would show as unanswered what the conversation answers."""
    for text, language, _ in IN_VAIN:
        await town.says(await aboard(town, language), text)
    async with town.database.reading() as session:
        kept = list(await session.scalars(select(AskedQuestion.text)))
    assert set(kept) == {text for text, _, _ in IN_VAIN}, kept
