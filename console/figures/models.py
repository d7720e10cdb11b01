"""The table of daily figures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime


class DayFigures(SQLModel, table=True):
    """The numbers of one day in Japan, by name and key (``docs/figures.md`` lists them).

    ``counts`` is replaced as a whole when a day is counted again. ``line`` is what LINE said of
    the day, which comes later.
    """

    __tablename__ = "day_figures"

    day: date = Field(primary_key=True)
    counts: dict[str, dict[str, int]] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )
    line: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    counted_at: datetime = Field(sa_type=UtcDateTime)
