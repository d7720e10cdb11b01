"""Work orders, the places on them, the links of the crews, and what crews say and used."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class OrderKind(StrEnum):
    """What a crew is sent out for: to mend, or to look (道路パトロール)."""

    WORK = "work"
    PATROL = "patrol"


class WorkOrder(SQLModel, table=True):
    """What one team does on one day (作業指示書).

    Parameters
    ----------
    on_day
        The day in Japan.
    words
        What holds for the whole day.
    by_hand
        Whether somebody put the places in an order of their own; then no machine changes it.
    """

    __tablename__ = "work_orders"
    __table_args__ = (UniqueConstraint("team_id", "kind", "on_day"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    kind: OrderKind = Field(sa_type=text_enum(OrderKind))
    team_id: int = Field(sa_column=Column(RowId, ForeignKey("teams.id"), nullable=False))
    on_day: date = Field(index=True)
    words: str = Field(default="", sa_type=Text)
    by_hand: bool = False
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str

    @property
    def number(self) -> str:
        return f"W-{self.id}"


class Outcome(StrEnum):
    """What a crew says of a place."""

    WAITING = "open"
    DONE = "done"
    COULD_NOT = "could-not"
    NEEDS_MORE = "needs-more"


IS_SAID = text("outcome != 'waiting' AND settled_at IS NULL")
"""Places of which a crew said something at which nobody in the office has looked; a query must use
exactly this condition to use the index.
"""


class OrderItem(SQLModel, table=True):
    """One place of an order: a case, or a routine place of a patrol.

    Parameters
    ----------
    report_id
        The leading report of the case; None for a routine place.
    name, longitude, latitude
        Of a routine place; degrees, WGS 84.
    words
        What to do there.
    found
        Whether the crew itself found it on its way.
    outcome, outcome_at, outcome_words
        What the crew said last, by the time at which it was said.
    settled_at, settled_by
        When somebody in the office looked at it.
    """

    __tablename__ = "work_order_items"
    __table_args__ = (
        UniqueConstraint("order_id", "report_id"),
        Index("ix_work_order_items_order", "order_id", "position"),
        Index(
            "ix_work_order_items_said",
            "order_id",
            sqlite_where=IS_SAID,
            postgresql_where=IS_SAID,
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    order_id: int = Field(
        sa_column=Column(RowId, ForeignKey("work_orders.id", ondelete="CASCADE"), nullable=False)
    )
    report_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), index=True),
    )
    name: str = Field(default="", max_length=120)
    longitude: float | None = None
    latitude: float | None = None
    position: int
    words: str = Field(default="", sa_type=Text)
    found: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    outcome: Outcome = Field(default=Outcome.WAITING, sa_type=text_enum(Outcome))
    outcome_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome_words: str = Field(default="", sa_type=Text)
    settled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    settled_by: str = ""


class OrderLink(SQLModel, table=True):
    """A link for the crew of one order, until it ends or is withdrawn."""

    __tablename__ = "work_order_links"
    __table_args__ = (Index("ix_work_order_links_order_id", "order_id", "id"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    order_id: int = Field(
        sa_column=Column(RowId, ForeignKey("work_orders.id", ondelete="CASCADE"), nullable=False)
    )
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_by: str = ""


class OrderPhone(SQLModel, table=True):
    """A browser in which a link was opened: several mean that the link was passed on."""

    __tablename__ = "work_order_phones"

    link_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("work_order_links.id", ondelete="CASCADE"), primary_key=True
        )
    )
    phone: str = Field(primary_key=True, max_length=40)
    name: str = Field(default="", max_length=20)
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    opened: int = 1


class OrderAct(SQLModel, table=True):
    """One thing that a crew pressed, once, by the key that its phone gave it.

    Parameters
    ----------
    kind
        As ``reports.crew_acts.ActKind`` has it.
    at
        When it was pressed; ``received_at`` is when it came.
    """

    __tablename__ = "work_order_acts"
    __table_args__ = (UniqueConstraint("link_id", "act_key"),)

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    link_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("work_order_links.id", ondelete="CASCADE"), nullable=False
        )
    )
    act_key: str = Field(max_length=40)
    item_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("work_order_items.id", ondelete="CASCADE"), index=True),
    )
    kind: str = Field(max_length=16)
    words: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)


class WorkUsed(SQLModel, table=True):
    """What a crew used at a place, and how long it took.

    Parameters
    ----------
    report_id
        The case, so that its page and the statistics need no order.
    minutes
        On site.
    people
        Who worked there.
    materials
        In the crew's own words, such as ``常温合材 2 袋``.
    """

    __tablename__ = "work_used"

    item_id: int = Field(
        sa_column=Column(
            RowId, ForeignKey("work_order_items.id", ondelete="CASCADE"), primary_key=True
        )
    )
    report_id: int | None = Field(
        default=None,
        sa_column=Column(RowId, ForeignKey("reports.id", ondelete="CASCADE"), index=True),
    )
    team_id: int = Field(
        sa_column=Column(RowId, ForeignKey("teams.id"), index=True, nullable=False)
    )
    minutes: int | None = None
    people: int | None = None
    materials: str = Field(default="", sa_type=Text)
    at: datetime = Field(sa_type=UtcDateTime)


class PatrolPlace(SQLModel, table=True):
    """A place that patrols look at again and again."""

    __tablename__ = "patrol_places"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=120, unique=True)
    longitude: float | None = None
    latitude: float | None = None
    words: str = Field(default="", sa_type=Text)
    """What to look at."""
    active: bool = True
    made_at: datetime = Field(sa_type=UtcDateTime)
    made_by: str
