"""Surveys in the console: written by two, approved, sent by the door of news, counted, closed."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.news.release import Door
from alerts.news.sending import send_due
from alerts.surveys import answering
from alerts.surveys.answering import Answer
from alerts.surveys.models import Survey, SurveyAnswer, SurveyResponse
from city.city import NewsRules
from city.folder import load_folder
from console.models import Role
from core.audit import AuditEntry
from core.database import Database
from subscriptions.models import Resident
from tests.support.news_desk import on_the_list
from tests.support.office import Browser, Office, Page, running_office
from tests.support.project import SAMPLE_CITY
from tests.support.surveys import sent_survey

WORDS = {
    "topic": "events",
    "title-ja": "公園のアンケート",
    "text-ja": "公園について教えてください。",
    "whole_city": "yes",
    "when": "now",
    "closes_on": "2026-06-30",
    "q0-text": "何をしますか。",
    "q0-kind": "one",
    "q0-options": "散歩\n=球技",
    "q0-en": "What do you do?\nWalk\nBall games",
    "q1-text": "ひとことどうぞ。",
    "q1-kind": "words",
    "q1-optional": "yes",
}


@pytest.fixture
async def strict(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall that wants approval of news."""
    sample = load_folder(SAMPLE_CITY)
    city = sample.city.model_copy(update={"news": NewsRules(approval=True)})
    async with running_office(database, replace(sample, city=city), tmp_path, monkeypatch) as made:
        yield made


async def begun(browser: Browser) -> Page:
    return await browser.submit(await browser.get("/console/surveys"), "/console/surveys")


async def saved(browser: Browser, page: Page, **changes: Any) -> Page:
    action = page.url.removeprefix(browser.url).partition("?")[0]
    fields = {**page.form(action), **WORDS, **changes}
    return await browser.post(action, {k: v for k, v in fields.items() if v is not None})


async def surveys(office: Office) -> list[Survey]:
    return list(await office.rows(Survey))


async def answers(office: Office, survey_id: int, words: str = "") -> None:
    """Have every resident answer the first answer, and write something."""
    secrets = office.context.settings.all_secret_keys
    for resident in await office.rows(Resident):
        async with office.database.writing() as session:
            found = await answering.open_to(session, survey_id, office.clock.now())
            assert found is not None
            survey, _, is_open = found
            assert is_open
            for place in range(len(survey.questions)):
                given = await answering.given_by(session, survey, resident.id, secrets)
                said = [Answer(option="0")] if place == 0 else [Answer(words=words)]
                await answering.give(
                    session,
                    survey,
                    given,
                    place,
                    said if words or place == 0 else [],
                    language=resident.language,
                    resident_id=resident.id,
                )


def table(page: Page) -> list[list[str]]:
    return list(csv.reader(io.StringIO(page.body.removeprefix("\ufeff"))))


async def test_a_survey_leaves_after_approval_and_is_counted(strict: Office) -> None:
    readers = {await strict.resident("ja", topics={"events": 0}) for _ in range(2)}
    english = await strict.resident("en", topics={"events": 0})
    writer = await strict.at_desk(Role.EDITOR, "writer")
    approver = await strict.at_desk(Role.APPROVER, "approver")
    page = await saved(writer, await begun(writer), then="check")
    assert page.url.endswith("/check"), page.words
    # Each language's phone has the message and the questions; the Burmese says which words it has.
    assert "What do you do?" in page.words
    assert "အောက်ပါ" in page.words or "日本語" in page.words
    action = page.url.removeprefix(writer.url).removesuffix("/check")
    page = await writer.submit(page, f"{action}/plan")
    refused = await writer.post(f"{action}/approve", {**page.form(f"{action}/recall")})
    assert refused.status == 403
    look = await approver.get(f"{action}/check")
    await approver.submit(look, f"{action}/approve")
    for delivery in await strict.deliveries():
        await strict.done(delivery.id or 0)
    [survey] = await surveys(strict)
    for user in (*readers, english):
        [[message]] = strict.received(user)
        assert f"do=survey&s={survey.id}" in str(message)
    assert "Anonymous" in str(strict.received(english))

    await answers(strict, survey.id or 0, "=1+1 いい🌸")
    await answers(strict, survey.id or 0, "=1+1 いい🌸")
    results = await writer.get(f"/console/surveys/{survey.id}/results")
    assert "3人が答えました。最も多いのは「散歩」で3人です。" in results.words
    assert results.tree.xpath("//svg")
    found = table(await writer.get(f"/console/surveys/{survey.id}/counts.csv"))
    assert found == [
        ["質問文", "回答", "人数", "割合"],
        ["1. 何をしますか。", "散歩", "3", "100.0%"],
        ["1. 何をしますか。", "'=球技", "0", "0.0%"],
        ["2. ひとことどうぞ。", "自由な言葉", "3", ""],
    ]
    said = table(await writer.submit(results, f"/console/surveys/{survey.id}/words.csv"))
    assert [row[1] for row in said[1:]] == ["'=1+1 いい🌸"] * 3
    # Few are not shown apart.
    parts = await writer.get(f"/console/surveys/{survey.id}/results?of=0&by=language")
    assert "10人未満" in parts.words or "10 未満" in parts.words

    closed = await writer.submit(results, f"/console/surveys/{survey.id}/close")
    assert "締切済み" in closed.words
    again = await writer.post(
        f"/console/surveys/{survey.id}/close", results.form(f"/console/surveys/{survey.id}/close")
    )
    assert "すでに締め切られて" in again.words
    acts = [one.action for one in await strict.rows(AuditEntry)]
    for act in ("survey.begun", "survey.saved", "news.approved", "survey.exported"):
        assert act in acts
    assert acts.count("survey.closed") == 1


async def test_two_people_write_one_survey_and_no_word_is_lost(office: Office) -> None:
    one = await office.at_desk(Role.EDITOR, "one")
    other = await office.at_desk(Role.EDITOR, "other")
    mine = await begun(one)
    theirs = await other.get(mine.url.removeprefix(one.url))
    # A change of the questions alone counts as a change, too.
    await saved(other, theirs)
    refused = await saved(one, mine, **{"q0-text": "わたしの質問"})
    assert refused.status == 400
    assert "その間にほかの人が変更しました" in refused.words
    action = mine.url.removeprefix(one.url)
    assert refused.form(action)["q0-text"] == "わたしの質問"
    await saved(one, refused, **{"q0-text": "わたしの質問"})
    assert (await surveys(office))[0].asked()[0].japanese.text == "わたしの質問"


async def test_questions_are_moved_and_taken_out(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk), then="up-1")
    asked = (await surveys(office))[0].asked()
    assert [one.japanese.text for one in asked] == ["ひとことどうぞ。", "何をしますか。"]
    action = page.url.removeprefix(desk.url).partition("?")[0]
    await desk.post(action, {**page.form(action), "then": "remove-0"})
    assert [one.japanese.text for one in (await surveys(office))[0].asked()] == ["何をしますか。"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"closes_on": "2026-06-14"}, "締切日は過ぎています"),
        ({"closes_on": ""}, "締切日を入れて"),
        ({"when": "at", "send_at": "2026-07-02T09:00"}, "締切日が、送る日より前"),
        ({"q0-options": "散歩"}, "選択肢を2〜9個"),
        ({"q0-options": "散歩\n散歩"}, "同じ選択肢"),
        ({"q0-en": "What?\nWalk"}, "日本語と同じ数の選択肢"),
        ({"q0-text": "", "q0-options": "", "q0-en": "", "q1-text": ""}, "質問を1つ以上"),
        ({"q1-kind": "number", "q1-lowest": "９", "q1-highest": "3"}, "最小の数は最大の数より"),
        ({"whole_city": None}, "地区か市全域"),
    ],
)
async def test_each_mistake_has_its_sentence_and_the_words_stay(
    office: Office, changes: dict[str, Any], said: str
) -> None:
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await saved(desk, await begun(desk), then="check", **changes)
    assert "/console/surveys/" in page.url
    assert said in page.words
    action = page.url.removeprefix(desk.url).partition("?")[0]
    assert page.form(action)["text-ja"] == WORDS["text-ja"]


async def test_an_approval_or_a_time_after_the_last_day_sends_nothing(strict: Office) -> None:
    writer = await strict.at_desk(Role.EDITOR, "writer")
    approver = await strict.at_desk(Role.APPROVER, "approver")
    page = await saved(writer, await begun(writer), then="check")
    action = page.url.removeprefix(writer.url).removesuffix("/check")
    await writer.submit(page, f"{action}/plan")
    look = await approver.get(f"{action}/check")
    form = look.form(f"{action}/approve")
    strict.clock.ahead += timedelta(days=16)
    approver = await strict.at_desk(Role.APPROVER, "later")
    look = await approver.get(f"{action}/check")
    late = await approver.post(f"{action}/approve", {**form, **look.form(f"{action}/approve")})
    assert "締切日は過ぎています" in late.words
    assert not await strict.deliveries()


async def test_a_planned_survey_waits_for_a_person_after_its_last_day(office: Office) -> None:
    writer = await office.at_desk(Role.EDITOR, "writer")
    at = {"when": "at", "send_at": "2026-06-30T23:00", "then": "check"}
    page = await saved(writer, await begun(writer), **at)
    action = page.url.removeprefix(writer.url).removesuffix("/check")
    await writer.submit(page, f"{action}/plan")
    office.clock.ahead += timedelta(days=15, hours=12)
    door = Door(office.context.queue, office.context.city, office.app.state.media)
    assert await send_due(office.database, door, office.clock) == 0
    [missed] = [one for one in await office.rows(AuditEntry) if one.action == "news.missed"]
    assert missed.detail["why"] == "closed"


async def test_answers_are_for_their_own_department_or_all(office: Office) -> None:
    mine = await sent_survey(office.database, office.clock.now())
    for role, status in ((Role.VIEWER, 403), (Role.EDITOR, 200)):
        desk = await office.at_desk(role, f"{role}")
        for path in ("results", "results/live", "counts.csv", "words/4"):
            page = await desk.get(f"/console/surveys/{mine}/{path}")
            assert page.status == status, (role, path)
        # Nobody gets answers by resident of an anonymous survey.
        form = (await desk.get("/console/surveys")).form("/console/sign-out")
        taken = await desk.post(f"/console/surveys/{mine}/answers.csv", form)
        assert taken.status == 403
    async with office.database.writing() as session:
        (await session.get_one(Survey, mine)).seen_by = "all"  # type: ignore[assignment]
    viewer = await office.at_desk(Role.VIEWER, "another")
    assert (await viewer.get(f"/console/surveys/{mine}/results")).status == 200


async def test_a_test_goes_to_oneself_with_all_questions(office: Office) -> None:
    resident = await office.resident("ja", topics={"events": 0})
    writer = await office.at_desk(Role.EDITOR, "one")
    await on_the_list(office)
    page = await saved(writer, await begun(writer), then="check")
    action = page.url.removeprefix(writer.url).removesuffix("/check")
    await writer.submit(page, f"{action}/test", language="en")
    async with asyncio.timeout(20):
        while not office.mails.to("hanako@home.example"):
            await asyncio.sleep(0.02)
    [mail] = office.mails.to("hanako@home.example")
    said = "\n".join(
        part.get_content() for part in mail.walk() if part.get_content_type() == "text/plain"
    )
    assert "1. What do you do?" in said
    assert "・Ball games" in said
    assert office.received(resident) == []


async def test_ten_thousand_answers_are_read_page_by_page(office: Office) -> None:
    survey = await sent_survey(office.database, office.clock.now())
    tokens = [f"{number:040}" for number in range(10_000)]
    async with office.database.writing() as session:
        session.add_all(
            SurveyResponse(token=token, survey_id=survey, language="ja", reached=5, finished=True)
            for token in tokens
        )
        await session.flush()
        session.add_all(
            SurveyAnswer(token=token, question=4, survey_id=survey, words=f"回答{token}")
            for token in tokens
        )
    desk = await office.at_desk(Role.EDITOR, "one")
    page = await desk.get(f"/console/surveys/{survey}/words/4")
    assert len(page.tree.xpath("//ul[@data-testid='words']/li")) == 50
    [following] = page.tree.xpath("//a[@data-testid='next']/@href")
    second = await desk.get(following)
    assert tokens[50] in second.words
    last = await desk.get(f"/console/surveys/{survey}/words/4?after={tokens[-51]}")
    assert tokens[-1] in last.words
    assert not last.tree.xpath("//a[@data-testid='next']")
    results = await desk.get(f"/console/surveys/{survey}/results")
    whole = await desk.submit(results, f"/console/surveys/{survey}/words.csv")
    assert len(table(whole)) == 10_001
