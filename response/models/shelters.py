"""Evacuation sites: their state, what was said of them, and the links of their staff."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
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
    """The present state of one evacuation site, as its acts make it (:class:`ShelterAct`).

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


class ActKind(StrEnum):
    """What staff say of a site in one act."""

    STATE = "state"
    HEADS = "heads"
    """How many people are there."""
    COUNT = "count"
    """So many more, or fewer."""
    OFFER = "offer"
    NOTE = "note"


IS_NOTE = text("kind = 'note'")


class ShelterAct(SQLModel, table=True):
    """One thing that staff said of an evacuation site. The newest by its own time counts.

    Parameters
    ----------
    link_id, act_key
        The link of the phone that said it, and the phone's own key of the act, so that what is
        sent again is not done again. At the desk there is no link.
    value
        By kind: a value of :class:`ShelterState`; a number of people; a number to add; an
        :class:`Offer` with ``+`` or ``-`` before it; the words.
    at
        When it was said. What comes late is put where it belongs.
    received_at
        When it came.
    actor
        A staff member's address, ``shell:<user>`` or ``link:<number>``.
    """

    __tablename__ = "shelter_acts"
    __table_args__ = (
        UniqueConstraint("link_id", "act_key", name="uq_shelter_acts_key"),
        Index("ix_shelter_acts_site", "shelter", "drill", "kind", "at", "id"),
        Index("ix_shelter_acts_history", "shelter", "drill", "at", "id"),
        Index(
            "ix_shelter_acts_notes",
            "drill",
            "at",
            "id",
            sqlite_where=IS_NOTE,
            postgresql_where=IS_NOTE,
        ),
        Index("ix_shelter_acts_at", "at"),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    shelter: str = Field(max_length=64)
    drill: bool
    kind: ActKind = Field(sa_type=text_enum(ActKind))
    value: str = Field(max_length=300)
    at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    link_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("shelter_links.id", ondelete="CASCADE"), nullable=True),
    )
    act_key: str = Field(max_length=40)


class ShelterLink(SQLModel, table=True):
    """A link for the staff at one site, in one world, until it ends or is revoked."""

    __tablename__ = "shelter_links"
    __table_args__ = (Index("ix_shelter_links_site", "shelter", "drill", "made_at"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    shelter: str = Field(max_length=64)
    drill: bool
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""


class ShelterPhone(SQLModel, table=True):
    """A browser in which a link was opened: several mean that the link was passed on.

    Parameters
    ----------
    phone
        A random name that the browser keeps in a cookie.
    name
        What it calls itself: iPhone, Android, a computer.
    """

    __tablename__ = "shelter_phones"

    link_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("shelter_links.id", ondelete="CASCADE"), primary_key=True
        )
    )
    phone: str = Field(primary_key=True, max_length=40)
    name: str = Field(default="", max_length=20)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    opened: int = 1
