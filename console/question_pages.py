"""What residents asked and the conversation did not understand, and the answers of staff."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Response

from city.faq import MAX_ANSWER, MAX_QUESTION
from console import words
from console.access import Permission
from console.web import RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import EASY_JAPANESE
from core.text import clean
from public import questions

router = APIRouter(prefix="/console", route_class=StaffRoute)
Editor = Annotated[Visit, Depends(visit(Permission.QUESTIONS))]
WRITTEN_IN = ("ja", EASY_JAPANESE, "en")
"""Languages of the form; residents with another one get English, or Japanese."""
MOST_SENTENCES, MOST_LINK = 200, 500


@router.get("/questions")
async def questions_page(visitor: Editor) -> Response:
    return await _page(visitor)


@router.post("/questions")
async def decide(visitor: Editor) -> Response:
    """Answer a group of sentences, or remove it."""
    form, now = visitor.form, visitor.context.clock.now()
    asked = form.all("asked")[:MOST_SENTENCES]
    try:
        async with visitor.context.database.writing() as session:
            if form.text("decision") == "drop":
                await questions.drop(session, asked, actor=visitor.actor, now=now)
            else:
                texts, link = _answer(visitor)
                await questions.answer(session, texts, asked, link, actor=visitor.actor, now=now)
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/questions?saved=yes")


@router.post("/questions/{answer_id}/withdraw")
async def withdraw(visitor: Editor, answer_id: RowNumber) -> Response:
    """Give an answer no longer."""
    try:
        async with visitor.context.database.writing() as session:
            if not await questions.withdraw(
                session, answer_id, actor=visitor.actor, now=visitor.context.clock.now()
            ):
                raise Refusal("This answer is no longer there.")
    except Refusal as refusal:
        return await _page(visitor, refusal=refusal)
    return visitor.go("/console/questions?saved=yes")


def _answer(visitor: Visit) -> tuple[dict[str, dict[str, str]], str]:
    """Return the texts by language, and the link, that a form brought."""
    form = visitor.form
    link = clean(form.text("link"), line=True)
    texts = {
        language: {
            "question": clean(form.text(f"question-{language}"), line=True),
            "text": clean(form.text(f"text-{language}")),
        }
        for language in WRITTEN_IN
        if form.text(f"text-{language}")
    }
    if "ja" not in texts or not texts["ja"]["question"]:
        raise Refusal("Write the question and the answer in Japanese.")
    for one in texts.values():
        one["question"] = one["question"] or texts["ja"]["question"]
        if len(one["question"]) > MAX_QUESTION or len(one["text"]) + len(link) > MAX_ANSWER:
            raise Refusal("The question or the answer is too long.")
    parts = urlsplit(link)
    if link and (parts.scheme != "https" or not parts.netloc or len(link) > MOST_LINK):
        raise Refusal("The link must begin with https://.")
    return texts, link


async def _page(visitor: Visit, *, refusal: Refusal | None = None) -> Response:
    async with visitor.context.database.reading() as session:
        groups = await questions.groups(session)
        answers = await questions.answers(session)
    return visitor.page(
        "questions.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        saved=visitor.request.query_params.get("saved") == "yes",
        typed=visitor.form if refusal else {},
        groups=groups,
        answers=answers,
        written_in=WRITTEN_IN,
        days=visitor.context.city.retention.questions,
        most_question=MAX_QUESTION,
        most_answer=MAX_ANSWER,
    )
