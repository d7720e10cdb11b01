"""What residents asked in vain: in groups, without who asked; answered once, understood at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from console.models import Role
from core.audit import AuditEntry
from core.own_words import WordVersion
from public.models import AskedQuestion
from tests.support.office import Browser, Office, Page
from tests.support.translator import translator

DAY = date(2026, 6, 15)
ANSWER = "/console/questions/answer"
ZOO = ("動物園の割引券はどこ", "動物園の割引券はどこ", "動物園の割引券どこですか")
JA = {"c:質問": "動物園の割引券はありますか", "c:回答": "市民課にあります。"}


async def ask(office: Office, *texts: str, language: str = "ja", day: date = DAY) -> None:
    """Each is asked by another resident."""
    await office.store(
        *(
            AskedQuestion(text=text, language=language, asked_on=day, asker=n)
            for n, text in enumerate(texts)
        )
    )


async def a_desk(office: Office) -> Browser:
    await ask(office, *ZOO)
    await ask(office, "zoo discount?", "zoo discount", language="en")
    return await office.at_desk(Role.EDITOR, "editor")


async def form(desk: Browser, lead: str = ZOO[0]) -> Page:
    return await desk.get(f"{ANSWER}?asked={quote(lead)}")


def answers(office: Office) -> dict[str, Any]:
    return {one.question: one for one in office.app.state.folder.answers}


async def test_similar_sentences_stand_together_and_what_few_asked_is_not_shown(
    office: Office,
) -> None:
    desk = await a_desk(office)
    page = await desk.get("/console/questions")
    [group] = page.tree.xpath("//*[@data-group]")
    assert "3回" in group.text_content() and ZOO[2] in group.text_content()
    assert "zoo discount" not in page.words, "only two asked"
    await office.store(AskedQuestion(text="zoo discount", language="en", asked_on=DAY, asker=2))
    assert "zoo discount" in (await desk.get("/console/questions")).words
    english = await desk.get("/console/questions?language=en")
    assert "zoo discount" in english.words and ZOO[0] not in english.words


async def test_one_resident_who_asks_often_stays_hidden(office: Office) -> None:
    same = [AskedQuestion(text=ZOO[0], language="ja", asked_on=DAY, asker=7) for _ in range(9)]
    # Nobody knows of another quarter whether it was the same resident.
    other = [
        AskedQuestion(text=ZOO[0], language="ja", asked_on=DAY + timedelta(days=n), asker=n)
        for n in (0, 30)
    ]
    before = [AskedQuestion(text=ZOO[0], language="ja", asked_on=DAY) for _ in range(5)]
    await office.store(*same, *other[1:], *before)
    desk = await office.at_desk(Role.EDITOR, "editor")
    assert not (await desk.get("/console/questions")).tree.xpath("//*[@data-group]")
    assert (await form(desk)).status == 404, "not by its address either"


async def test_it_is_answered_once_checked_and_holds_without_a_restart(office: Office) -> None:
    desk = await a_desk(office)
    page = await form(desk)
    assert page.form(ANSWER)["pattern"] == [ZOO[0], ZOO[2]]
    page = await desk.submit(page, ANSWER, do="look", **JA, pattern=[ZOO[0]])
    assert page.status == 200, page.words
    assert [row.get("data-heard") for row in page.tree.xpath("//tr[@data-heard]")] == [
        "answered",
        "offered",
    ]
    assert page.tree.xpath("//*[@data-testid='unchanged']") and page.tree.find_class("phone")
    assert await office.rows(WordVersion) == [], "only looked at"
    saving = page
    page = await desk.submit(saving, ANSWER, do="save")
    assert page.status == 200 and page.url.endswith("done=answered"), page.words
    entry = answers(office)["動物園の割引券はありますか"]
    assert (entry.text, entry.asked) == ("市民課にあります。", (ZOO[0],))
    assert not page.tree.xpath("//*[@data-group]")
    done = await desk.get("/console/questions?state=answered")
    assert ZOO[0] in done.words and ZOO[2] in done.words
    actions = [one.action for one in await office.audit()]
    assert actions[-2:] == ["words.changed", "question.answered"]
    again = await desk.submit(saving, ANSWER, do="save")
    assert again.status == 200 and len(await office.rows(WordVersion)) == 1, "sent twice"


async def test_taking_the_answer_back_opens_the_group_again(office: Office) -> None:
    desk = await a_desk(office)
    page = await desk.submit(await form(desk), ANSWER, do="save", **JA)
    [version] = await office.rows(WordVersion)
    row = await desk.get(f"/console/words/questions/row?key={version.key}")
    assert ZOO[0] in row.form("/console/words/questions/row")["c:聞き方"]
    page = await desk.submit(row, "/console/words/questions/undo")
    assert page.status == 200 and "動物園の割引券はありますか" not in answers(office)
    page = await desk.get("/console/questions")
    assert len(page.tree.xpath("//*[@data-group]")) == 1


async def test_a_known_question_gets_the_sentences_of_residents(office: Office) -> None:
    await ask(office, "ソファーすてたいんだけど", "ソファーすてたいんだが", "ソファーすてたい")
    desk = await office.at_desk(Role.EDITOR, "editor")
    page = await form(desk, "ソファーすてたい")
    page = await desk.submit(page, ANSWER, do="save", key="bulky")
    assert page.url.endswith("done=answered"), page.words
    known = [one for one in office.app.state.folder.answers if one.name == "bulky"]
    assert len(known) > 2 and all("ソファーすてたい" in one.asked for one in known)


async def test_the_check_shows_what_would_be_answered_differently(office: Office) -> None:
    desk = await a_desk(office)
    # The label of the menu's button for the evacuation sites is no question of the zoo.
    certificate = next(
        one for one in office.folder.answers if one.name == "certificate" and one.language == "ja"
    )
    fields = JA | {"more": certificate.question}
    page = await desk.submit(await form(desk), ANSWER, do="look", **fields)
    [warned] = page.tree.xpath("//*[@data-testid='changed']")
    assert certificate.question in page.words and "答えが変わります" in warned.text_content()


async def test_a_machine_drafts_and_the_marks_say_so(office: Office) -> None:
    desk = await a_desk(office)
    async with translator(office, {"en": "At the citizens desk.", "th": "ที่แผนก"}):
        page = await desk.submit(await form(desk), ANSWER, do="draft", **JA)
    assert page.status == 200, page.words
    fields = page.form(ANSWER)
    assert fields["c:回答_en"] == "At the citizens desk." and fields["made:en"]
    changed = {"c:回答_th": "ที่แผนกพลเมือง"}
    page = await desk.submit(page, ANSWER, do="save", **changed)
    assert page.url.endswith("done=answered"), page.words
    [entry] = [one for one in await office.rows(AuditEntry) if one.action == "question.answered"]
    assert (entry.detail["machine"]["en"], entry.detail["machine"]["th"]) == (
        "machine",
        "machine, changed",
    )
    told = [one for one in office.app.state.folder.answers if one.text == "At the citizens desk."]
    assert [one.language for one in told] == ["en"]


async def test_what_needs_no_answer_is_dismissed_with_a_reason_and_taken_back(
    office: Office,
) -> None:
    desk = await a_desk(office)
    page = await desk.get("/console/questions")
    page = await desk.submit(page, "/console/questions/dismiss", reason=" ")
    assert page.status == 400 and "理由" in page.words
    page = await desk.submit(page, "/console/questions/dismiss", reason="市の仕事ではない")
    assert page.status == 200 and not page.tree.xpath("//*[@data-group]")
    assert (await office.audit())[-1].action == "question.dismissed"
    await ask(office, ZOO[0])
    page = await desk.get("/console/questions?state=dismissed")
    assert "市の仕事ではない" in page.words and "4回" in page.words, "asked again, still so"
    page = await desk.submit(page, "/console/questions/reopen")
    assert (await office.audit())[-1].action == "question.reopened"
    assert len((await desk.get("/console/questions")).tree.xpath("//*[@data-group]")) == 1


async def test_bad_words_are_refused_and_nothing_typed_is_lost(office: Office) -> None:
    desk = await a_desk(office)
    script = "<script>alert(1)</script>"
    page = await desk.submit(
        await form(desk), ANSWER, do="save", **{"c:質問": "", "c:回答": script}
    )
    page = await desk.submit(page, ANSWER, do="save", **{"c:質問": "", "more": script})
    assert page.status == 400 and "日本語で書いてください" in page.words
    assert page.form(ANSWER)["more"] == script and script not in page.body
    long = await desk.submit(page, ANSWER, do="save", **JA, more="あ" * 101)
    assert long.status == 400 and "101" not in long.words
    formula = await desk.submit(page, ANSWER, do="save", **{**JA, "c:回答": "=1+1"})
    assert formula.status == 400
    assert await office.rows(WordVersion) == []


async def test_two_answer_one_group_and_the_second_keeps_what_was_typed(office: Office) -> None:
    one = await a_desk(office)
    two = await office.at_desk(Role.EDITOR, "two")
    first, second = await form(one), await form(two)
    await one.submit(first, ANSWER, do="save", **JA)
    late = await two.submit(second, ANSWER, do="save", **{**JA, "c:回答": "別の答え"})
    assert late.status == 400 and late.form(ANSWER)["c:回答"] == "別の答え"
    assert len(await office.rows(WordVersion)) == 1
