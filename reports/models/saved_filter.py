"""Filters of the list of reports that somebody saved under a name."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId

LONGEST_FILTER_NAME = 40
LONGEST_FILTER = 800


class SavedFilter(SQLModel, table=True):
    """A filter with a name.

    Parameters
    ----------
    account
        The account whose own it is; empty for one that everybody sees.
    query
        The filter as the list's address has it (``state=open&area=…``).
    counted
        Whether the first page counts it for those who see it.
    """

    __tablename__ = "report_filters"
    __table_args__ = (UniqueConstraint("account", "name"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    account: str = Field(default="", max_length=254)
    name: str = Field(max_length=LONGEST_FILTER_NAME)
    query: str = Field(max_length=LONGEST_FILTER)
    counted: bool = False
    created_by: str
    created_at: datetime = Field(sa_type=UtcDateTime)
