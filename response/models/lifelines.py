"""Water, power, roads and the like, as staff list them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    Column,
    Index,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId

TO_END = text("ended_at IS NULL")


class LifelineKind(StrEnum):
    WATER = "water"
    TOILET = "toilet"
    BATH = "bath"
    CHARGING = "charging"
    SHOP = "shop"
    POWER = "power"
    ROAD = "road"


class LifelineState(StrEnum):
    """How it is; which a kind has is in ``response.lifelines.STATES_OF``."""

    OPEN = "open"
    BUSY = "busy"
    STOPPED = "stopped"
    CLOSED = "closed"


class Lifeline(SQLModel, table=True):
    """Something that people need in a disaster, at one place or in one district.

    Parameters
    ----------
    name
        The place's name, as on the sign.
    area
        The district's code; "" where it is not known.
    longitude, latitude
        Degrees (WGS 84), both or neither.
    opens, closes
        Minutes after midnight in Japan; both or neither. Equal: all day.
    remarks
        Codes of ``public.words.REMARKS``, which have words in every language.
    notes
        Words of staff by language.
    until
        When it ends by itself.
    """

    __tablename__ = "lifelines"
    __table_args__ = (
        Index("ix_lifelines_open", "drill", "until", sqlite_where=TO_END, postgresql_where=TO_END),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: LifelineKind = Field(sa_type=text_enum(LifelineKind))
    drill: bool
    name: str = Field(max_length=80)
    area: str = Field(default="", max_length=32)
    longitude: float | None = None
    latitude: float | None = None
    state: LifelineState = Field(sa_type=text_enum(LifelineState))
    opens: int | None = None
    closes: int | None = None
    remarks: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    notes: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    until: datetime = Field(sa_type=UtcDateTime)
    began_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
