"""What residents asked and the conversation did not understand, in groups."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response

from console import words
from console.access import Permission
from console.web import StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import mark
from core.text import clean, whole_number
from public import questions
from public.questions import Asked

router = APIRouter(prefix="/console", route_class=StaffRoute)
Editor = Annotated[Visit, Depends(visit(Permission.QUESTIONS))]
MOST_SENTENCES = 300
PER_PAGE = 25
STATES = {
    "": mark("To be answered"),
    "answered": mark("Answered already"),
    "dismissed": mark("Needs no answer"),
}
GONE = mark("These sentences are no longer there.")
REASON_NEEDED = mark("Say why this needs no answer.")


@router.get("/questions")
async def questions_page(visitor: Editor) -> Response:
    return await _page(visitor)


@router.post("/questions/dismiss")
async def dismiss(visitor: Editor) -> Response:
    """Say that a group needs no answer, and why."""
    why = clean(visitor.form.text("reason"), line=True)[: questions.MOST_REASON]
    asked, now = visitor.form.all("asked")[:MOST_SENTENCES], visitor.context.clock.now()
    try:
        if not why:
            raise Refusal(REASON_NEEDED)
        async with visitor.context.database.writing() as session:
            await questions.dismiss(session, asked, why, actor=visitor.actor, now=now)
    except (Refusal, questions.NothingToDecide) as refused:
        return await _page(visitor, refusal=_said(refused))
    return visitor.go("/console/questions?done=dismissed")


@router.post("/questions/reopen")
async def reopen(visitor: Editor) -> Response:
    """Take back that a group needs no answer."""
    asked, now = visitor.form.all("asked")[:MOST_SENTENCES], visitor.context.clock.now()
    try:
        async with visitor.context.database.writing() as session:
            await questions.reopen(session, asked, actor=visitor.actor, now=now)
    except questions.NothingToDecide as refused:
        return await _page(visitor, refusal=_said(refused))
    return visitor.go("/console/questions?done=reopened")


def _said(refused: Refusal | questions.NothingToDecide) -> Refusal:
    return refused if isinstance(refused, Refusal) else Refusal(GONE)


async def asked_now(visitor: Visit) -> Asked:
    """Return what was asked, with what the city answers now."""
    folder = await visitor.request.app.state.own_words.refresh()
    async with visitor.context.database.reading() as session:
        return await questions.asked(session, {one.name for one in folder.answers})


def answer_address(lead: str) -> str:
    """Return the page on which a group is answered."""
    return f"/console/questions/answer?asked={quote(lead, safe='')}"


async def _page(visitor: Visit, *, refusal: Refusal | None = None) -> Response:
    asked = await asked_now(visitor)
    query = visitor.request.query_params
    state = query.get("state", "")
    state = state if state in STATES else ""
    listed = {"answered": asked.answered, "dismissed": asked.dismissed}.get(
        state, tuple((group, questions.Decision()) for group in asked.open)
    )
    spoken = sorted({code for group, _ in listed for code in group.languages})
    language = query.get("language", "")
    if language in spoken:
        listed = tuple(one for one in listed if language in one[0].languages)
    number = max(1, whole_number(query.get("page", "")) or 1)
    return visitor.page(
        "questions.html",
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        done=query.get("done", ""),
        typed=visitor.form if refusal else {},
        listed=listed[(number - 1) * PER_PAGE : number * PER_PAGE],
        most=MOST_SENTENCES,
        hidden_groups=asked.hidden,
        least=questions.LEAST_ASKERS,
        state=state,
        states={
            code: (name, count)
            for (code, name), count in zip(
                STATES.items(),
                (len(asked.open), len(asked.answered), len(asked.dismissed)),
                strict=True,
            )
        },
        of=language if language in spoken else "",
        spoken=spoken,
        number=number,
        pages=-(-len(listed) // PER_PAGE),
        answer_address=answer_address,
        days=visitor.context.city.retention.questions,
        most_reason=questions.MOST_REASON,
    )
