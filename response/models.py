"""Tables of the disaster as it runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


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


OPEN_MODE = text("ended_at IS NULL")


class DisasterMode(SQLModel, table=True):
    """A time in which the city, or some districts, are in a disaster, for real or as a drill.

    At most one is open. ``areas`` are districts' codes; none means the whole city.
    """

    __tablename__ = "disaster_modes"
    __table_args__ = (
        Index(
            "ix_disaster_modes_open",
            "drill",
            unique=True,
            sqlite_where=OPEN_MODE,
            postgresql_where=OPEN_MODE,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    drill: bool
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    began_at: datetime = Field(sa_type=UtcDateTime)
    began_by: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""

    def concerns(self, areas: Iterable[str]) -> bool:
        """Whether it is for somebody with these districts; without districts: the whole city."""
        chosen = set(areas)
        return not self.areas or not chosen or bool(chosen & set(self.areas))


class Condition(StrEnum):
    """How a household is, in its own words."""

    SAFE = "safe"
    EVACUATED = "evacuated"
    CANNOT_MOVE = "cannot-move"
    IN_NEED = "in-need"


class Whereabouts(StrEnum):
    HOME = "home"
    CAR = "car"
    SHELTER = "shelter"
    RELATIVES = "relatives"


class Need(StrEnum):
    MEDICINE = "medicine"
    WHEELCHAIR = "wheelchair"
    BABY = "baby"
    WATER = "water"


class HouseholdAnswer(SQLModel, table=True):
    """What one household said: how it is, how many, where.

    The last one counts (``newest``); earlier ones stay until the city's retention ends.

    Parameters
    ----------
    origin
        The webhook event that began the answer; later buttons complete the same answer.
    told_ms
        LINE's time of that event, so that an event that comes late does not win.
    area
        The resident's first district at that moment; None if they chose none.
    shelter
        The site's code, if they are at one.
    words, words_message
        What they wrote in their own words, and LINE's id of that message, which can be taken back.
    """

    __tablename__ = "household_answers"
    __table_args__ = (
        UniqueConstraint("resident_id", "origin", name="uq_household_answers_origin"),
        Index(
            "ix_household_answers_newest",
            "resident_id",
            "drill",
            unique=True,
            sqlite_where=text("newest"),
            postgresql_where=text("newest"),
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False)
    )
    origin: str = Field(max_length=64)
    told_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    newest: bool
    drill: bool
    condition: Condition = Field(sa_type=text_enum(Condition))
    people: int | None = None
    whereabouts: Whereabouts | None = Field(default=None, sa_type=text_enum(Whereabouts))
    area: str | None = Field(default=None, max_length=32)
    shelter: str | None = Field(default=None, max_length=64)
    words: str = ""
    words_message: str = Field(default="", max_length=40)
    told_at: datetime = Field(sa_type=UtcDateTime, index=True)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class HouseholdNeed(SQLModel, table=True):
    """Something that a household needs."""

    __tablename__ = "household_needs"

    answer_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_answers.id", ondelete="CASCADE"), primary_key=True
        )
    )
    need: Need = Field(sa_column=Column(text_enum(Need), primary_key=True))


STILL_THERE = text("out_at IS NULL")


class CheckIn(SQLModel, table=True):
    """A household came to an evacuation site, and went out again.

    They are at one site at a time.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        Index(
            "ix_check_ins_open",
            "resident_id",
            "drill",
            unique=True,
            sqlite_where=STILL_THERE,
            postgresql_where=STILL_THERE,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    shelter: str = Field(max_length=64)
    drill: bool
    in_at: datetime = Field(sa_type=UtcDateTime, index=True)
    out_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


TO_MOVE = text("done_at IS NULL")


class MenuMove(SQLModel, table=True):
    """Residents of one language whose menu must be looked at again, as disaster mode changed.

    It goes through them in the order of their ids, so that a crash continues where it was. Which
    menu somebody gets is decided when it is their turn.

    Parameters
    ----------
    areas
        Districts whose residents are concerned; none means everybody.
    through
        The last resident who was moved; 0 before the first.
    moved
        How many were moved.
    """

    __tablename__ = "menu_moves"
    __table_args__ = (
        Index("ix_menu_moves_open", "id", sqlite_where=TO_MOVE, postgresql_where=TO_MOVE),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    language: str = Field(max_length=16)
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    moved: int = 0
    asked_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
