"""Drafts of alerts for tests, and a whole way out without a web page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts import drafts
from alerts.models import AlertDraft
from alerts.reach import reach
from alerts.release import Approval, Seen, release
from channels.line.medium import LINE
from channels.media import Media
from city.city import City
from core.database import Database
from core.work import NoWorkers

BY_LINE = Media([LINE])
AUTHOR, COLLEAGUE = "author@city.example", "colleague@city.example"
WHY = "Nobody else is on duty tonight."
WORDS = {"ja": ("", "川があふれるおそれがあります。高い所へ逃げてください。")}


def written(**changes: Any) -> drafts.Written:
    """What somebody wrote: an evacuation order of level 4 for the whole city."""
    whole = drafts.Written("evacuation", 4, whole_city=True, areas=(), texts=WORDS)
    return replace(whole, **changes)


def draft_of(now: datetime, *, drill: bool = False, **changes: Any) -> AlertDraft:
    """Return a draft that is not stored."""
    empty = drafts.new_draft(drill=drill, actor=AUTHOR, now=now)
    return drafts.fill_in(empty, written(**changes))


async def stored(
    database: Database, now: datetime, *, drill: bool = False, **changes: Any
) -> AlertDraft:
    """Store a whole draft; it is its first version."""
    async with database.writing() as session:
        return await drafts.store(session, draft_of(now, drill=drill, **changes), now)


async def looked_at(session: AsyncSession, draft: AlertDraft, city: City, now: datetime) -> Seen:
    """Return what somebody sees who looks at a draft."""
    found = await reach(session, draft, city, BY_LINE)
    return Seen(draft.version, found.total, now)


async def sent(
    database: Database,
    city: City,
    draft: AlertDraft,
    now: datetime,
    *,
    actor: str = AUTHOR,
    **said: Any,
) -> int:
    """Look at a draft and send it; returns the delivery's id."""
    assert draft.id is not None
    async with database.writing() as session:
        seen = await looked_at(session, draft, city, now)
        approval = Approval(seen, **{"alone_reason": WHY, **said})
        return await release(
            session, NoWorkers(), city, BY_LINE, draft.id, approval, actor=actor, now=now
        )
