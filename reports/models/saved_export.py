"""Exports that are written to a file before somebody fetches them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index
from sqlmodel import Field, SQLModel

from core.database import ReasonText, UtcDateTime, text_enum
from core.reason import Reason
from reports.models.exchange import Sending
from subscriptions.models import RowId


class SavedExport(SQLModel, table=True):
    """An export of one account's, being written or ready to be fetched.

    Parameters
    ----------
    account
        Who asked for it, and nobody else gets it.
    file
        The name of its file, which nobody can guess.
    reports, done
        How many reports it has, and how many are written.
    seen_at
        The last sign of life of the process that writes it.
    """

    __tablename__ = "report_exports"
    __table_args__ = (Index("ix_report_exports_account", "account", "id"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    account: str = Field(max_length=254)
    file: str = Field(max_length=64)
    state: Sending = Field(default=Sending.TRYING, sa_type=text_enum(Sending))
    reports: int
    done: int = 0
    error: Reason | None = Field(default=None, sa_type=ReasonText)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
    seen_at: datetime = Field(sa_type=UtcDateTime)
