"""The versions of kinds of reports that staff lay over the city's folder."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, text
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId

KINDS_IN_FORCE = text("confirmed_at IS NOT NULL AND ended_at IS NULL")
"""The versions that hold; a query must use exactly this condition to use the index."""
KINDS_PROPOSED = text("confirmed_at IS NULL AND ended_at IS NULL")


class KindVersion(SQLModel, table=True):
    """A version of one kind; of each kind at most one holds, and at most one is being written.

    Parameters
    ----------
    code
        The kind's.
    content
        The whole kind, as :class:`city.kinds.ReportCategory` reads it; None for the folder's own.
    digest
        Of the content, so that a process knows what it has read already.
    revision
        Counts the changes of a proposal, so that nobody writes over a colleague's.
    based_on
        The version that held when it was begun; None for the folder's own.
    note
        Why, in the words of who proposed it.
    ended_at, ended_by
        When it was replaced; for a proposal, when it was thrown away.
    """

    __tablename__ = "kind_versions"
    __table_args__ = (
        Index(
            "ix_kind_versions_in_force",
            "code",
            unique=True,
            sqlite_where=KINDS_IN_FORCE,
            postgresql_where=KINDS_IN_FORCE,
        ),
        Index(
            "ix_kind_versions_proposed",
            "code",
            unique=True,
            sqlite_where=KINDS_PROPOSED,
            postgresql_where=KINDS_PROPOSED,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    code: str = Field(max_length=32, index=True)
    content: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    digest: str = Field(default="", max_length=64)
    revision: int = 1
    based_on: int | None = None
    note: str = ""
    proposed_by: str
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_by: str | None = None
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
