"""Tables of the disaster as it runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Boolean, Column
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum


class ShelterState(StrEnum):
    """What staff say of an evacuation site. A site without a state was not announced."""

    OPEN = "open"
    FULL = "full"
    CLOSED = "closed"


class Offer(StrEnum):
    """What people find at a site."""

    STEP_FREE = "step-free"
    TOILETS = "toilets"
    PETS = "pets"
    BABIES = "babies"
    POWER = "power"


class ShelterStatus(SQLModel, table=True):
    """The present state of one evacuation site; earlier ones are in the audit trail.

    Parameters
    ----------
    shelter
        Its code in ``shelters.csv``.
    drill
        A site has one state for real and one for the drill.
    heads
        People there, as staff counted them; None if they did not.
    offers
        Values of :class:`Offer`.
    """

    __tablename__ = "shelter_statuses"

    shelter: str = Field(primary_key=True, max_length=64)
    drill: bool = Field(sa_column=Column(Boolean, primary_key=True))
    state: ShelterState = Field(sa_type=text_enum(ShelterState))
    heads: int | None = None
    offers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    changed_at: datetime = Field(sa_type=UtcDateTime)
    changed_by: str
