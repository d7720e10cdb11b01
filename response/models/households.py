"""How households are, what they need, where they are, and what staff do about it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


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
        # What the desk counts every few seconds is read from this index alone.
        Index(
            "ix_household_answers_counted",
            "drill",
            "area",
            "shelter",
            "condition",
            "people",
            # SQLite reads an index alone only if it has the columns of its own condition too.
            "newest",
            # As the statement says it on SQLite, which compares words.
            sqlite_where=text("newest = 1"),
            postgresql_where=text("newest"),
        ),
        # How many came with each check-in.
        Index(
            "ix_household_answers_heads",
            "resident_id",
            "drill",
            "people",
            "newest",
            sqlite_where=text("newest = 1"),
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
        # Heads by site are counted from this index alone.
        Index(
            "ix_check_ins_counted",
            "drill",
            "shelter",
            "resident_id",
            "out_at",
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


class CaseState(StrEnum):
    """What becomes of a household's call for help. Nothing else says it in other words."""

    NOTHING = "nothing"
    """They are safe and need nothing; nobody has to do anything."""
    OPEN = "open"
    TAKEN = "taken"
    """A person or a department is on it."""
    DONE = "done"

    @property
    def waits(self) -> bool:
        return self in WAITING_CASES


WAITING_CASES = (CaseState.OPEN, CaseState.TAKEN)


class HouseholdCase(SQLModel, table=True):
    """One household as the desk follows it, for real or in the drill.

    Its last answer says how it is; this row says what the city does about it. It is erased with
    the answers.

    Parameters
    ----------
    urgency
        How grave the last answer is (``response.cases.urgency_of``); 0 needs nothing.
    since
        From when they have been waiting.
    person, department
        Who is on it: a staff member's e-mail, a department's code; "" for nobody.
    version
        Counts the changes, so that nobody decides on what has changed meanwhile.
    """

    __tablename__ = "household_cases"
    __table_args__ = (
        UniqueConstraint("resident_id", "drill", name="uq_household_cases_resident"),
        Index("ix_household_cases_queue", "drill", "state", "urgency", "since", "id"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    resident_id: int = Field(
        sa_column=Column(RowId, ForeignKey("residents.id", ondelete="CASCADE"), nullable=False)
    )
    drill: bool
    state: CaseState = Field(sa_type=text_enum(CaseState))
    urgency: int = 0
    since: datetime = Field(sa_type=UtcDateTime)
    person: str = Field(default="", max_length=254)
    department: str = Field(default="", max_length=32)
    version: int = 0
    changed_at: datetime = Field(sa_type=UtcDateTime, index=True)


class CaseStep(StrEnum):
    """What a line of a case's history says."""

    NOTED = "noted"
    TAKEN = "taken"
    DONE = "done"
    REOPENED = "reopened"
    """By staff."""
    WORSE = "worse"
    """The household's answer got worse, and the case is open again."""
    SAFE = "safe"
    """The household said that it needs nothing any more."""
    SENT = "sent"
    """A message went to the household."""


class HouseholdNote(SQLModel, table=True):
    """A line of a case's history; never changed, and erased with the case.

    Parameters
    ----------
    words
        What staff noted, or what was sent, in the language in which it was sent.
    delivery_id
        The delivery of what was sent.
    key
        What made it, so that a form that comes twice makes one line and one message.
    """

    __tablename__ = "household_notes"
    __table_args__ = (UniqueConstraint("case_id", "key", name="uq_household_notes_key"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    case_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_cases.id", ondelete="CASCADE"), nullable=False
        )
    )
    step: CaseStep = Field(sa_type=text_enum(CaseStep))
    by: str
    words: str = ""
    delivery_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("deliveries.id", ondelete="SET NULL"), index=True),
    )
    key: str | None = Field(default=None, max_length=64)
    at: datetime = Field(sa_type=UtcDateTime, index=True)


class HouseholdPhoto(SQLModel, table=True):
    """A photo of a household's answer, re-encoded without metadata; the file has its hash's name.

    Only those who answer households see it.
    """

    __tablename__ = "household_photos"
    __table_args__ = (UniqueConstraint("answer_id", "sha256", name="uq_household_photos_file"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    answer_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("household_answers.id", ondelete="CASCADE"), nullable=False
        )
    )
    sha256: str = Field(max_length=64, index=True)
    width: int
    height: int
    size: int
    """Bytes on disk."""
    message_id: str = Field(default="", max_length=40)
    """LINE's id of the message that brought it, which can be taken back."""
    created_at: datetime = Field(sa_type=UtcDateTime)
