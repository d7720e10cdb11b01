"""Find reports by any part of their words, of one character or more, through an index.

SQLite has an index of three characters at a time (FTS5's trigrams), updated by triggers. A shorter
search first looks for trigrams that begin with it; that is why two line breaks end the words.
PostgreSQL has an index of one and of two characters at a time over a function of ours. It needs no
extension and handles Japanese in every locale (``pg_trgm`` ignores Japanese if the locale is C).

Source: https://www.sqlite.org/fts5.html#the_trigram_tokenizer
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, column, false, func, literal_column, or_, text
from sqlalchemy import select as sql_select
from sqlalchemy import table as lightweight
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from reports.models import Report

TRIGRAM = 3
FEW = 1_000
"""So many reports are found by their ids; words in more are soon met, newest first."""
MOST_HITS = 5_000
"""The newest so many reports with some words are known; more are read one by one."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SEARCH = lightweight("report_search", column("rowid", Integer))
_TERMS = text(
    "SELECT term FROM report_search_terms WHERE term >= :first AND term < :end LIMIT 2000"
)


@dataclass(frozen=True)
class Match:
    """The conditions of a search for one database.

    Parameters
    ----------
    by_index
        Whether to join reports with SQLite's index, in its order of ids.
    to_count
        The better condition for counting all matches.
    """

    where: ColumnElement[bool]
    by_index: bool = False
    to_count: ColumnElement[bool] | None = None


async def matching(session: AsyncSession, words: str) -> Match:
    """Return the condition that a report's number, address or description contains ``words``.

    Case does not matter.
    """
    wanted = _CONTROL.sub(" ", words)
    if session.get_bind().dialect.name == "sqlite":
        return await _in_trigrams(session, wanted)
    return await _in_grams(session, wanted)


async def _in_trigrams(session: AsyncSession, wanted: str) -> Match:
    terms = [wanted]
    if len(wanted) < TRIGRAM:
        first = wanted.lower()
        rows = await session.scalars(_TERMS, {"first": first, "end": f"{first}\U0010ffff"})
        terms = list(rows)
    phrases = [f'"{term.replace(chr(34), chr(34) * 2)}"' for term in terms]
    if not phrases:
        return Match(false())
    matches = literal_column("report_search").op("MATCH")(" OR ".join(phrases))
    return Match(matches, by_index=True)


async def _in_grams(session: AsyncSession, wanted: str) -> Match:
    by_grams, stands = _grams(wanted)
    async with by_the_index(session):
        found = await session.scalars(sql_select(col(Report.id)).where(by_grams).limit(FEW + 1))
        ids = list(found)
    if len(ids) > FEW:
        return Match(stands, to_count=by_grams)
    return Match(col(Report.id).in_(ids))


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
async def by_the_index(session: AsyncSession) -> AsyncIterator[None]:
    """Make PostgreSQL use the index, even for frequent words.

    Otherwise it would compute the grams of each report that it reads.
    """
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
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


async def hits(
    session: AsyncSession, words: str, most: int = MOST_HITS, *, newest_of_many: bool = True
) -> Hits:
    """Return the newest reports whose number, address or description contains ``words``.

    Parameters
    ----------
    newest_of_many
        Whether the newest are wanted also if there are too many; else nothing is returned then.
    """
    query: Any = sql_select(col(Report.id), func.coalesce(col(Report.case_id), col(Report.id)))
    newest = query.order_by(col(Report.id).desc())
    if session.get_bind().dialect.name == "sqlite":
        match = await matching(session, words)
        if match.by_index:
            if not newest_of_many:
                some = sql_select(SEARCH.c.rowid).where(match.where).limit(most + 1).subquery()
                size = await session.scalar(sql_select(func.count()).select_from(some)) or 0
                if size > most:
                    return Hits((), more=True)
            query = query.join(SEARCH, SEARCH.c.rowid == col(Report.id))
            newest = query.order_by(SEARCH.c.rowid.desc())
        rows = (await session.execute(newest.where(match.where).limit(most + 1))).all()
    else:
        by_grams, stands = _grams(_CONTROL.sub(" ", words))
        async with by_the_index(session):
            rows = (await session.execute(query.where(by_grams).limit(most + 1))).all()
        if len(rows) > most and not newest_of_many:
            return Hits((), more=True)
        if len(rows) > most:
            rows = (await session.execute(newest.where(stands).limit(most + 1))).all()
        rows = sorted(rows, reverse=True)
    found = tuple(Hit(report, case) for report, case in rows[:most])
    return Hits(found, more=len(rows) > most)
