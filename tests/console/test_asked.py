"""What residents asked in vain: staff see it in groups, without who asked, and answer it once."""

from __future__ import annotations

from datetime import date

from console.models import Role
from public.models import AskedQuestion, StaffAnswer
from tests.support.office import Browser, Office

DAY = date(2026, 6, 15)


async def a_desk(office: Office) -> Browser:
    asked = [
        ("動物園の割引券はどこ", "ja"),
        ("動物園の割引券はどこ", "ja"),
        ("動物園の割引券どこですか", "ja"),
        ("zoo discount?", "en"),
    ]
    await office.store(
        *(AskedQuestion(text=text, language=language, asked_on=DAY) for text, language in asked)
    )
    return await office.at_desk(Role.EDITOR, "editor")


async def test_similar_sentences_stand_together_with_how_often(office: Office) -> None:
    desk = await a_desk(office)
    page = await desk.get("/console/questions")
    first, second = page.tree.xpath("//*[@data-group]")
    assert "3回" in first.text_content() and "動物園の割引券どこですか" in first.text_content()
    assert "1回" in second.text_content() and "zoo discount?" in second.text_content()


async def test_an_answer_is_given_from_now_on_and_the_group_is_gone(office: Office) -> None:
    desk = await a_desk(office)
    page = await desk.get("/console/questions")
    fields = page.form("/console/questions")
    fields |= {"text-ja": "市民課にあります。", "link": "https://city.example/zoo"}
    page = await desk.post("/console/questions", fields | {"decision": "answer"})
    assert page.status == 200 and "市民課にあります。" in page.words
    [written] = await office.rows(StaffAnswer)
    assert written.texts == {
        "ja": {"question": "動物園の割引券はどこ", "text": "市民課にあります。"}
    }
    assert written.asked == ["動物園の割引券はどこ", "動物園の割引券どこですか"]
    assert [one.text for one in await office.rows(AskedQuestion)] == ["zoo discount?"]
    assert [one.action for one in await office.audit()][-1] == "question.answered"
    page = await desk.submit(page, f"/console/questions/{written.id}/withdraw")
    assert [one.action for one in await office.audit()][-1] == "answer.withdrawn"
    assert "市民課にあります。" not in page.words


async def test_what_needs_no_answer_is_removed(office: Office) -> None:
    desk = await a_desk(office)
    sent = {"asked": "zoo discount?", "decision": "drop"}
    token = (await desk.get("/console/questions")).form("/console/questions")
    page = await desk.post("/console/questions", token | sent)
    assert page.status == 200 and "zoo discount?" not in page.words
    assert [one.action for one in await office.audit()][-1] == "question.dropped"


async def test_an_answer_without_japanese_or_with_a_wrong_link_is_refused(office: Office) -> None:
    desk = await a_desk(office)
    fields = (await desk.get("/console/questions")).form("/console/questions")
    page = await desk.post("/console/questions", fields | {"decision": "answer"})
    assert page.status == 400 and "日本語で書いてください" in page.words
    wrong = {"text-ja": "はい", "link": "javascript:alert(1)", "decision": "answer"}
    page = await desk.post("/console/questions", fields | wrong)
    assert page.status == 400 and "https://" in page.words
    assert not await office.rows(StaffAnswer)
