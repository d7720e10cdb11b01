"""Find reports by any part of their words, of one character or more, through an index.

SQLite has an index of three characters at a time (FTS5's trigrams), updated by triggers. A shorter
search first looks for trigrams that begin with it; that is why two line breaks end the words.
PostgreSQL has an index of one and of two characters at a time over a function of ours. It needs no
extension and handles Japanese in every locale (``pg_trgm`` ignores Japanese if the locale is C).

Source: https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, column, func, literal_column, or_, text
from sqlalchemy import select as sql_select
from sqlalchemy import table as lightweight
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from reports.models import Report

TRIGRAM = 3
MOST_HITS = 5_000
"""The newest so many reports with some words are known; more are read one by one."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SEARCH = lightweight("report_search", column("rowid", Integer))
_HIT: Any = sql_select(col(Report.id), func.coalesce(col(Report.case_id), col(Report.id)))
_TERMS = text(
    "SELECT term FROM report_search_terms WHERE term >= :first AND term < :end LIMIT 2000"
)


def _grams(wanted: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the condition by PostgreSQL's index, and the one that reads every report."""
    size = min(2, len(wanted))
    pieces = {wanted[place : place + size] for place in range(len(wanted) - size + 1)}
    # The database makes them small letters, as it did in the index.
    grams = func.string_to_array(func.lower("\n".join(sorted(pieces))), "\n")
    of_report: Any = func.report_grams(
        col(Report.number), col(Report.address), col(Report.description)
    )
    stands = contains(wanted)
    by_grams: ColumnElement[bool] = of_report.op("@>")(grams)
    return (and_(by_grams, stands) if len(wanted) > 2 else by_grams), stands


@asynccontextmanager
async def _by_the_index(session: AsyncSession) -> AsyncIterator[None]:
    """Make PostgreSQL use the index, even for frequent words.

    Otherwise it would compute the grams of each report that it reads.
    """
    await session.execute(text("SET LOCAL enable_seqscan = off"))
    yield
    await session.execute(text("SET LOCAL enable_seqscan = on"))


def contains(wanted: str, of: Any = Report, *, sqlite: bool = False) -> ColumnElement[bool]:
    """Return the condition for a query that reads every report.

    Parameters
    ----------
    of
        An alias of the reports.
    sqlite
        Whether it is for SQLite alone, which is then three times as fast.
    """
    if sqlite:
        every = of.number + "\n" + of.address + "\n" + of.description
        return func.instr(func.lower(every), func.lower(_CONTROL.sub(" ", wanted))) > 0
    return or_(
        col(of.number).icontains(wanted, autoescape=True),
        col(of.address).icontains(wanted, autoescape=True),
        col(of.description).icontains(wanted, autoescape=True),
    )


@dataclass(frozen=True)
class Hit:
    """A report with the words, and the report that leads its case."""

    report: int
    case: int


@dataclass(frozen=True)
class Hits:
    """What a search found, the newest first; ``more`` says that it is not all."""

    found: tuple[Hit, ...]
    more: bool = False


async def hits(session: AsyncSession, words: str, *, newest_of_many: bool = True) -> Hits:
    """Return the newest reports whose number, address or description contains ``words``.

    Case does not matter.

    Parameters
    ----------
    newest_of_many
        Whether the newest are wanted also if there are too many; else nothing is returned then.
    """
    wanted, most = _CONTROL.sub(" ", words), MOST_HITS
    sqlite = session.get_bind().dialect.name == "sqlite"
    find = _in_trigrams if sqlite else _in_grams
    rows = await find(session, wanted, most + 1, newest_of_many=newest_of_many)
    if len(rows) > most and not newest_of_many:
        return Hits((), more=True)
    found = tuple(Hit(report, case) for report, case in rows[:most])
    return Hits(found, more=len(rows) > most)


async def _in_trigrams(
    session: AsyncSession, wanted: str, limit: int, *, newest_of_many: bool
) -> Sequence[Any]:
    """Look in SQLite's index. Too many are only counted if nobody wants the newest of them."""
    terms = [wanted]
    if len(wanted) < TRIGRAM:
        first = wanted.lower()
        rows = await session.scalars(_TERMS, {"first": first, "end": f"{first}\U0010ffff"})
        terms = list(rows)
    if not terms:
        return ()
    phrases = " OR ".join(f'"{term.replace(chr(34), chr(34) * 2)}"' for term in terms)
    matches = literal_column("report_search").op("MATCH")(phrases)
    if not newest_of_many:
        ids = (await session.scalars(sql_select(SEARCH.c.rowid).where(matches).limit(limit))).all()
        if len(ids) == limit:
            return ids
    by_index = _HIT.join(SEARCH, SEARCH.c.rowid == col(Report.id)).where(matches)
    return (await session.execute(by_index.order_by(SEARCH.c.rowid.desc()).limit(limit))).all()


async def _in_grams(
    session: AsyncSession, wanted: str, limit: int, *, newest_of_many: bool
) -> Sequence[Any]:
    """Look in PostgreSQL's index; if there are too many, read the newest reports one by one."""
    by_grams, stands = _grams(wanted)
    async with _by_the_index(session):
        rows = (await session.execute(_HIT.where(by_grams).limit(limit))).all()
    if len(rows) == limit and newest_of_many:
        newest = _HIT.where(stands).order_by(col(Report.id).desc())
        rows = (await session.execute(newest.limit(limit))).all()
    return sorted(rows, reverse=True)
