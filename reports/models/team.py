"""Who does the work on the streets."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Column, ForeignKey
from sqlmodel import Field, SQLModel

from core.database import UtcDateTime, text_enum
from subscriptions.models import RowId


class TeamKind(StrEnum):
    PERSON = "person"
    TEAM = "team"
    CONTRACTOR = "contractor"


class Team(SQLModel, table=True):
    """A person, a team or a contractor to whom cases are assigned.

    Parameters
    ----------
    department
        The code of the department for which it works; empty for every one.
    mail
        Where it hears of its cases; empty if it does not.
    active
        Whether cases can be assigned to it.
    """

    __tablename__ = "teams"

    id: int | None = Field(
        default=None, sa_column=Column(RowId, primary_key=True, autoincrement=True)
    )
    name: str = Field(max_length=60, unique=True)
    kind: TeamKind = Field(sa_type=text_enum(TeamKind))
    department: str = Field(default="", max_length=32)
    mail: str = Field(default="", max_length=254)
    active: bool = True
    created_at: datetime = Field(sa_type=UtcDateTime)


class TeamAccount(SQLModel, table=True):
    """A staff account that belongs to a team, by its e-mail address."""

    __tablename__ = "team_accounts"

    team_id: int = Field(
        sa_column=Column(RowId, ForeignKey("teams.id", ondelete="CASCADE"), primary_key=True)
    )
    account: str = Field(primary_key=True, max_length=254, index=True)


class MorningMail(SQLModel, table=True):
    """The last day on which somebody was told of what is overdue (``reports.overdue``).

    ``whom`` is ``team:ID`` or ``department:CODE``.
    """

    __tablename__ = "report_mornings"

    whom: str = Field(primary_key=True, max_length=48)
    day: date
