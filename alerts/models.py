"""Alerts being written: the table and the questions asked of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import Field, SQLModel, col, select

from core.database import UtcDateTime, text_enum
from feeds.models import Notice, Status
from subscriptions.models import RowId

UNSAID = -1
"""The level of a draft before somebody chooses one."""
KEPT_FOR = timedelta(days=7)
"""How long a draft that was thrown away can be taken back."""
FROM_HELD = "from_held"
"""The key in ``AlertDraft.detail``: the notice that it was begun from waited for a decision."""
OPEN = text("notice_id IS NULL AND discarded_at IS NULL")
"""Drafts that can still be changed; a query must use exactly this condition to use the index."""


class AlertDraft(SQLModel, table=True):
    """An alert that is being written. It is never sent itself: only confirming it makes a notice.

    A person chooses ``drill`` when the draft is begun, and it never changes (promise 5: nothing is
    real by default; a drill's text never becomes a real alert).
    """

    __tablename__ = "alert_drafts"
    __table_args__ = (
        Index("ix_alert_drafts_open", "updated_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    topic: str = Field(max_length=32)
    level: int
    whole_city: bool = False
    """The whole city is meant. It has its own checkbox; no district never means all districts."""
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    levels: dict[str, int] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    """The level of each district that has another than ``level``."""
    drill: bool | None = None
    status: Status = Field(default=Status.ISSUED, sa_type=text_enum(Status))
    """Issued, or, with ``replaces_id``: corrected, cancelled (an error), lifted (all clear)."""
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    event: dict[str, str] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    """Day and time of the event that it announces, as typed (``alerts.event_fields``)."""
    valid_hours: int = 24
    """Hours after which undelivered messages expire."""
    replaces_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    written_by: str
    edited_by: str = ""
    """Who changed it last; somebody else must confirm a serious alert."""
    version: int = 1
    """Increased by each change; a confirmation is valid for the version that was checked."""
    confirmed_by: str | None = None
    """The colleague who confirmed this version; a change removes it."""
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    notice_id: int | None = Field(
        default=None, sa_column=Column(RowId, ForeignKey("notices.id"), index=True)
    )
    """Set once, when it is sent; a draft with it can never be sent again."""
    discarded_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    media: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    """The media that it goes by; None for those of the city's rule."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def reach(self) -> int:
        """The gravest level, which decides how serious it is."""
        return max([self.level, *self.levels.values()])

    @property
    def silent(self) -> bool:
        """Whether it makes no sound. Alerts of staff always make a sound."""
        return False


async def open_drafts(session: AsyncSession) -> list[AlertDraft]:
    """Return the drafts that can still be worked on, last changed first."""
    found = await session.scalars(
        select(AlertDraft).where(OPEN).order_by(col(AlertDraft.updated_at).desc()).limit(50)
    )
    return list(found)


async def drafts_from(session: AsyncSession, notice_id: int) -> list[AlertDraft]:
    """Return the open drafts that were begun from a held notice."""
    return [
        draft
        for draft in await open_drafts(session)
        if draft.detail.get("from_notice") == notice_id
    ]


async def thrown_away(session: AsyncSession, now: datetime) -> list[AlertDraft]:
    """Return the drafts that can be taken back, the last thrown away first."""
    found = await session.scalars(
        select(AlertDraft)
        .where(col(AlertDraft.discarded_at) > now - KEPT_FOR, col(AlertDraft.notice_id).is_(None))
        .order_by(col(AlertDraft.discarded_at).desc(), col(AlertDraft.id).desc())
        .limit(20)
    )
    return list(found)


async def draft_of_notice(session: AsyncSession, notice_id: int | None) -> AlertDraft | None:
    """Return the draft that became a notice, alone or with lower levels; None for a notice that
    staff did not write.
    """
    first = select(func.coalesce(col(Notice.with_id), col(Notice.id))).where(
        col(Notice.id) == notice_id
    )
    found: AlertDraft | None = await session.scalar(
        select(AlertDraft).where(col(AlertDraft.notice_id) == first.scalar_subquery())
    )
    return found


async def open_follow_up(
    session: AsyncSession, notices: Iterable[int], statuses: Collection[Status]
) -> AlertDraft | None:
    """Return the newest open draft that follows one of these notices in one of these ways."""
    found: AlertDraft | None = await session.scalar(
        select(AlertDraft)
        .where(
            col(AlertDraft.replaces_id).in_(list(notices)),
            col(AlertDraft.status).in_(statuses),
            col(AlertDraft.notice_id).is_(None),
            col(AlertDraft.discarded_at).is_(None),
        )
        .order_by(col(AlertDraft.id).desc())
        .limit(1)
    )
    return found


class AlertTemplate(SQLModel, table=True):
    """A template of the city: words with blanks that are filled in when an alert is written."""

    __tablename__ = "alert_templates"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    version: int = 1
    """The newest of its versions."""
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was taken out of the list; its versions stay."""


class TemplateVersion(SQLModel, table=True):
    """The words of a template at one time. They never change: a change makes a new version."""

    __tablename__ = "alert_template_versions"

    template_id: int = Field(
        sa_column=Column(RowId, ForeignKey("alert_templates.id"), primary_key=True)
    )
    version: int = Field(primary_key=True)
    name: str = Field(max_length=80)
    """Its name for staff."""
    texts: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    """Words with blanks by language."""
    written_by: str
    written_at: datetime = Field(sa_type=UtcDateTime)


class DraftWriter(SQLModel, table=True):
    """Somebody who has a draft open for writing. Rows of people who left are removed."""

    __tablename__ = "draft_writers"

    draft_id: int = Field(
        sa_column=Column(RowId, ForeignKey("alert_drafts.id", ondelete="CASCADE"), primary_key=True)
    )
    email: str = Field(max_length=254, primary_key=True)
    since: datetime = Field(sa_type=UtcDateTime)
    """When they opened it."""
    seen_at: datetime = Field(sa_type=UtcDateTime)
    """When their page last said that it is open."""
