"""What the page of a draft says and asks by itself while somebody writes: save this; who else is
here; what did they change?
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from sqlalchemy.ext.asyncio import AsyncSession

from alerts import drafts, writers
from alerts.drafts import second_person
from alerts.models import AlertDraft
from channels.lists import delivery_of
from console import words
from console.access import Permission
from console.accounts import names_of
from console.alert_pages import draft_of, written_of
from console.draft_fields import fields_of, merged_with
from console.draft_pages import state_of
from console.web import RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal

router = APIRouter(prefix="/console", route_class=StaffRoute)
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]


@router.post("/alerts/{draft_id}/auto")
async def save_by_itself(visitor: Sender, draft_id: RowNumber) -> Response:
    """Save the fields that somebody changed; return the whole draft, and what both changed.

    A field that a colleague changed meanwhile is not saved.
    """
    now, city = visitor.context.clock.now(), visitor.context.city
    try:
        async with visitor.context.database.writing() as session:
            draft = await drafts.open_to_write(session, draft_id)
            form = merged_with(draft, city, visitor.form)
            written = written_of(replace(visitor, form=form.form))
            await drafts.write_on(session, draft, written, city, actor=visitor.actor, now=now)
            answer = await _answer(visitor, session, draft, now)
    except Refusal as refusal:
        said = words.said(refusal, visitor.language)
        return _json({"refused": said}, status=400)
    return _json({**answer, "conflicts": form.conflicts})


@router.post("/alerts/{draft_id}/live")
async def live(visitor: Sender, draft_id: RowNumber) -> Response:
    """Say that somebody has the draft open; return who else has, and what they changed."""
    now, email = visitor.context.clock.now(), visitor.actor
    database = visitor.context.database
    seen = visitor.form.number("version")
    async with database.reading() as session:
        draft = await draft_of(session, draft_id)
        is_open = draft.notice_id is None and draft.discarded_at is None
        known = not is_open or await writers.is_here(session, draft_id, email, now)
        answer = await _answer(visitor, session, draft, now, fields=draft.version != seen)
    if not known:
        async with database.writing() as session:
            await writers.come(session, draft_id, email, now)
    return _json(answer)


async def _answer(
    visitor: Visit, session: AsyncSession, draft: AlertDraft, now: datetime, *, fields: bool = True
) -> dict[str, Any]:
    assert draft.id is not None
    there = await writers.others(session, draft.id, visitor.actor, now)
    names = await names_of(session, [draft.edited_by, *(one.email for one in there)])
    state = state_of(draft, visitor.actor, now)
    answer: dict[str, Any] = {
        "version": draft.version,
        "by": names[draft.edited_by],
        "time": words.clock(now),
        "writers": [
            visitor.say(
                "{name} is writing here since {time}",
                name=names[one.email],
                time=words.clock(one.since),
            )
            for one in there
        ],
        "open": draft.notice_id is None and draft.discarded_at is None,
    }
    if fields:
        answer["fields"] = fields_of(draft, visitor.context.city)
    if visitor.form.text("seen") != state:
        answer["state"] = state
        answer["news"] = bytes(
            visitor.page(
                "_draft_news.html",
                draft=draft,
                shown_version=draft.version,
                check=False,
                live=True,
                alone=True,
                there=(),
                delivery=await delivery_of(session, draft.notice_id),
                second=second_person(draft, visitor.actor, now),
                state=state,
            ).body
        ).decode()
    return answer


def _json(answer: dict[str, Any], *, status: int = 200) -> Response:
    return JSONResponse(answer, status_code=status, headers={"Cache-Control": "no-store"})
