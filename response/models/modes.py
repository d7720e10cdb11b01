"""The disaster mode, and what changes on phones with it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import (
    JSON,
    Column,
    Index,
    text,
)
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime
from subscriptions.models import RowId

OPEN_MODE = text("ended_at IS NULL")


class DisasterMode(SQLModel, table=True):
    """A time in which the city, or some districts, are in a disaster, for real or as a drill.

    At most one is open. ``areas`` are districts' codes; none means the whole city. A drill can be
    for staff only: then no resident sees anything of it.
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
    staff_only: bool = False
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    began_at: datetime = Field(sa_type=UtcDateTime)
    began_by: str
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""

    def concerns(self, areas: Iterable[str]) -> bool:
        """Whether it is for a resident with these districts.

        A resident without districts hears of every disaster, and of drills for the whole city.
        """
        if self.staff_only:
            return False
        chosen = set(areas)
        if not self.areas or bool(chosen & set(self.areas)):
            return True
        return not chosen and self.without_area

    @property
    def without_area(self) -> bool:
        """Whether residents without districts are concerned."""
        return not self.drill or not self.areas


class RuleMark(SQLModel, table=True):
    """A danger for which a rule of ``city.toml`` has switched disaster mode on.

    While the danger is in force the rule does not do it again, as staff may have ended it.

    Parameters
    ----------
    rule
        The rule's code.
    danger
        Which danger: the hazard or topic, and of an earthquake the event.
    gravity
        How grave it was at most (``response.by_rule``).
    areas
        Districts that were switched on for it; none means the whole city.
    """

    __tablename__ = "disaster_rule_marks"

    rule: str = Field(primary_key=True, max_length=32)
    danger: str = Field(primary_key=True, max_length=200)
    gravity: int
    areas: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    at: datetime = Field(sa_type=UtcDateTime)


TO_MOVE = text("done_at IS NULL")


class MenuMove(SQLModel, table=True):
    """Residents of one language whose menu must be looked at again, as disaster mode changed.

    It goes through them in the order of their ids, so that a crash continues where it was. Which
    menu somebody gets is decided when it is their turn.

    Parameters
    ----------
    areas
        Districts whose residents are concerned; none means everybody.
    without_area
        Whether residents without districts are concerned.
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
    without_area: bool = True
    through: int = Field(default=0, sa_column=Column(RowId, nullable=False))
    moved: int = 0
    asked_at: datetime = Field(sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
