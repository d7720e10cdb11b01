"""Which residents of an audience are meant, by what they chose: language, child's age, since when.

A segment narrows an audience of topic and districts. Its steps are coarse on purpose: whole months,
whole years of age, so that nobody can be found by moving a limit a little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import and_, exists
from sqlmodel import col

from core.clock import JAPAN
from subscriptions.models import Resident, ResidentChild


@dataclass(frozen=True)
class Segment:
    """Conditions on residents; an empty one means everybody.

    Parameters
    ----------
    languages
        Only readers of these.
    born_from, born_through
        Only who has a child born in these months (``YYYY-MM``), both included.
    followed_from, followed_before
        Only who has followed since this day or later, and from before that one.
    """

    languages: tuple[str, ...] = ()
    born_from: str = ""
    born_through: str = ""
    followed_from: date | None = None
    followed_before: date | None = None

    def __bool__(self) -> bool:
        return self != Segment()

    def conditions(self) -> list[Any]:
        """Return the conditions of a statement that selects from ``residents``."""
        found: list[Any] = []
        if self.languages:
            found.append(col(Resident.language).in_(sorted(self.languages)))
        if self.born_from or self.born_through:
            born = col(ResidentChild.born)
            theirs = [col(ResidentChild.resident_id) == col(Resident.id)]
            theirs += [born >= self.born_from] if self.born_from else []
            theirs += [born <= self.born_through] if self.born_through else []
            found.append(exists().where(and_(*theirs)))
        if self.followed_from is not None:
            found.append(col(Resident.followed_at) >= _midnight(self.followed_from))
        if self.followed_before is not None:
            found.append(col(Resident.followed_at) < _midnight(self.followed_before))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it for storing, without what says nothing."""
        found: dict[str, Any] = {
            "languages": list(self.languages),
            "born_from": self.born_from,
            "born_through": self.born_through,
            "followed_from": self.followed_from and self.followed_from.isoformat(),
            "followed_before": self.followed_before and self.followed_before.isoformat(),
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Segment:
        """Read what :meth:`to_json` wrote."""
        return cls(
            tuple(stored.get("languages", ())),
            stored.get("born_from", ""),
            stored.get("born_through", ""),
            _day(stored.get("followed_from")),
            _day(stored.get("followed_before")),
        )


EVERYBODY = Segment()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), JAPAN)


def _day(stored: str | None) -> date | None:
    return date.fromisoformat(stored) if stored else None
