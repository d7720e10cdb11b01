"""Pages for drafts other than the form: news of a colleague's change, throwing away and restoring,
confirming older words.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from alerts import drafts, writers
from alerts.drafts import second_person
from alerts.models import AlertDraft
from channels.lists import delivery_of
from console.access import Permission
from console.accounts import names_of
from console.web import Missing, RowNumber, StaffRoute, Visit, visit

router = APIRouter(prefix="/console", route_class=StaffRoute)
Reader = Annotated[Visit, Depends(visit(Permission.DRAFTS))]
Sender = Annotated[Visit, Depends(visit(Permission.ALERTS))]


@router.get("/alerts/{draft_id}/live")
async def draft_news(
    visitor: Reader, draft_id: RowNumber, version: int = 0, seen: str = "", check: bool = False
) -> Response:
    """Changes by colleagues since a page showed a draft; the page polls this.

    The answer is empty if nothing has happened, so that screen readers read each change once.
    """
    now = visitor.context.clock.now()
    async with visitor.context.database.reading() as session:
        draft = await session.get(AlertDraft, draft_id)
        if draft is None:
            raise Missing
        there = await writers.others(session, draft_id, visitor.actor, now)
        state = "-".join((state_of(draft, visitor.actor, now), *(one.email for one in there)))
        if state == seen:
            return Response(status_code=204)
        delivery = await delivery_of(session, draft.notice_id)
        names = await names_of(session, (one.email for one in there))
    return visitor.page(
        "_draft_news.html",
        draft=draft,
        shown_version=version,
        check=check,
        live=True,
        alone=False,
        delivery=delivery,
        second=second_person(draft, visitor.actor, now),
        state=state,
        there=[(names[one.email], one.since) for one in there],
    )


@router.post("/alerts/{draft_id}/still-right")
async def still_right(visitor: Sender, draft_id: RowNumber) -> Response:
    """Say that words older than the Japanese fit it all the same; they stay as they are."""
    async with visitor.context.database.writing() as session:
        await drafts.find_still_right(
            session,
            draft_id,
            visitor.form.number("version") or 0,
            actor=visitor.actor,
            now=visitor.context.clock.now(),
        )
    return visitor.go(f"/console/alerts/{draft_id}/check")


@router.post("/alerts/{draft_id}/restore")
async def restore(visitor: Sender, draft_id: RowNumber) -> Response:
    """Take a draft back that was thrown away; who confirmed it has to confirm it again."""
    async with visitor.context.database.writing() as session:
        await drafts.restore(
            session, draft_id, actor=visitor.actor, now=visitor.context.clock.now()
        )
    return visitor.go(f"/console/alerts/{draft_id}")


def state_of(draft: AlertDraft, actor: str, now: datetime) -> str:
    """Return the state that a page watches, as one word to compare."""
    confirmed = draft.confirmed_by is not None and second_person(draft, actor, now) is not None
    return "-".join(
        str(int(part or 0))
        for part in (draft.version, confirmed, draft.notice_id, draft.discarded_at is not None)
    )
