"""Whom news is for, and the rule that no segment shows or reaches a few people.

A segment is shown and reached from :data:`FEWEST` residents on. What a condition leaves out of the
next wider audience has to be as many, or nobody: else the difference of two sends would be a few
people. Counts are rounded down to tens, so that two counts do not show the difference either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import in_japan
from core.errors import Refusal
from core.languages import mark
from subscriptions.audience import count
from subscriptions.audience_query import AudienceQuery
from subscriptions.segments import Segment

FEWEST = 10
"""Fewer residents are neither shown nor reached."""
OLDEST = 18
"""Years of age of a child, at most."""
TOO_FEW = mark("Fewer than {n} residents fit. News for so few would show who they are: widen it.")
LEAVES_FEW: Mapping[str, str] = {
    "languages": mark(
        "The choice of languages leaves out fewer than {n} residents. It would show who they are: "
        "add their language, or choose none."
    ),
    "child": mark(
        "The age of a child leaves out fewer than {n} residents. It would show who they are: widen "
        "or remove it."
    ),
    "followed": mark(
        "The time since when they follow leaves out fewer than {n} residents. It would show who "
        "they are: widen or remove it."
    ),
}
"""By the condition of a segment."""


@dataclass(frozen=True)
class Wanted:
    """A segment as staff describe it.

    Parameters
    ----------
    child_from, child_through
        Whole years of age of a child, both included; None for any.
    followed_from, followed_before
        Whole months (``YYYY-MM``): follows since that month or later; since before that month.
    """

    languages: tuple[str, ...] = ()
    child_from: int | None = None
    child_through: int | None = None
    followed_from: str = ""
    followed_before: str = ""

    def __bool__(self) -> bool:
        return self != Wanted()

    def at(self, now: datetime) -> Segment:
        """Return the conditions as they are at a moment: children grow."""
        today = in_japan(now).date()
        first, last = "", ""
        if self.child_from is not None or self.child_through is not None:
            # Who is n years old was born in the twelve months before n years ago.
            if self.child_through is not None:
                first = _months_back(today, 12 * (self.child_through + 1) - 1)
            last = _months_back(today, 12 * (self.child_from or 0))
        return Segment(
            self.languages,
            first,
            last,
            _first_of(self.followed_from),
            _first_of(self.followed_before),
        )

    def without(self) -> Iterable[tuple[str, Wanted]]:
        """Yield each condition's name with the segment that lacks it."""
        if self.languages:
            yield "languages", replace(self, languages=())
        if self.child_from is not None or self.child_through is not None:
            yield "child", replace(self, child_from=None, child_through=None)
        if self.followed_from or self.followed_before:
            yield "followed", replace(self, followed_from="", followed_before="")

    def to_json(self) -> dict[str, Any]:
        """Return it in the form of ``News.segment``, without what says nothing."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        found["languages"] = list(self.languages)
        return {name: value for name, value in found.items() if value not in ("", None, [])}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Wanted:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**stored, "languages": tuple(stored.get("languages", ()))})


@dataclass(frozen=True)
class Size:
    """How many residents news reaches, as staff may know it.

    Parameters
    ----------
    about
        Rounded down to tens; 0 for fewer than :data:`FEWEST`.
    refusal
        Why it must not be sent; None for nothing.
    """

    about: int
    refusal: Refusal | None = None


async def size_of(
    session: AsyncSession, queries: Iterable[AudienceQuery], wanted: Wanted, now: datetime
) -> Size:
    """Return how many residents are meant, by all media together.

    Parameters
    ----------
    queries
        The audience of each medium, without the segment.
    """
    every = list(queries)
    total = await _total(session, every, wanted.at(now))
    narrowed = bool(wanted) or any(query.areas for query in every)
    if narrowed and total < FEWEST:
        return Size(0, Refusal(TOO_FEW, n=FEWEST))
    for name, wider in wanted.without():
        left_out = await _total(session, every, wider.at(now)) - total
        if 0 < left_out < FEWEST:
            return Size(rounded(total), Refusal(LEAVES_FEW[name], n=FEWEST))
    return Size(rounded(total))


def rounded(number: int) -> int:
    """Return a number of residents as staff may see it."""
    return number // 10 * 10


async def _total(session: AsyncSession, queries: list[AudienceQuery], segment: Segment) -> int:
    return sum([await count(session, replace(query, segment=segment)) for query in queries])


def _months_back(day: date, months: int) -> str:
    whole = day.year * 12 + day.month - 1 - months
    return f"{whole // 12:04}-{whole % 12 + 1:02}"


def _first_of(month: str) -> date | None:
    return date.fromisoformat(f"{month}-01") if month else None
