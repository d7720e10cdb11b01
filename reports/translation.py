"""What residents wrote, in Japanese for the staff who read it, by the city's translation machine.

It is asked in the background, so that no page and no resident waits. The translation stands beside
the resident's own words and says that a machine made it. One that lost a number is not kept.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog
from sqlalchemy import update
from sqlmodel import col, select

from core.clock import Clock
from core.database import Database
from core.errors import Permanent, Retryable
from core.languages import LANGUAGES
from core.text import clean
from feeds import limits
from feeds.translators import IntoJapanese
from reports.later import MOST_WORDS
from reports.models import Report, ReportUpdate
from reports.register import LONGEST_DESCRIPTION

LATELY = timedelta(days=3)
"""How long a report's words are tried to be translated."""
AT_ONCE = 10
NONE = "none"
"""``translated_by`` of words of which no machine made Japanese that can be trusted."""
_JAPANESE = tuple(code for code, one in LANGUAGES.items() if one.is_japanese)
_DIGITS = re.compile(r"\d+")

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def translate_new(database: Database, machine: IntoJapanese, clock: Clock) -> int:
    """Translate what residents wrote lately and was not translated; return how much was.

    That is the words of their reports, and what they said of them later.
    """
    try:
        able = await _within_time(machine.readable())
    except (Retryable, Permanent) as error:
        log.warning("translator.failed", engine=machine.name, reason=str(error))
        return 0
    wanted = sorted(able - {*_JAPANESE})
    return await _translate(database, machine, clock, _REPORTS, wanted) + await _translate(
        database, machine, clock, _STEPS, wanted
    )


@dataclass(frozen=True)
class _Table:
    """A table with what residents wrote, and the column that has it."""

    table: type[Report] | type[ReportUpdate]
    words: str
    most: int


_REPORTS = _Table(Report, "description", LONGEST_DESCRIPTION)
_STEPS = _Table(ReportUpdate, "said", 2 * MOST_WORDS)


async def _translate(
    database: Database, machine: IntoJapanese, clock: Clock, of: _Table, languages: Sequence[str]
) -> int:
    """Translate the newest words of a table that were not; return how many were."""
    done = 0
    number, said = col(of.table.id), col(getattr(of.table, of.words))
    created, language_of = col(of.table.created_at), col(of.table.language)
    async with database.reading() as session:
        query = (
            select(number, said, language_of)
            .where(
                created > clock.now() - LATELY,
                col(of.table.translated_by) == "",
                said != "",
                language_of.in_(languages),
            )
            .order_by(created.desc(), number.desc())
        )
        waiting = (await session.execute(query.limit(AT_ONCE))).all()
    for row_id, words, language in waiting:
        try:
            (made,) = await _within_time(machine.into_japanese([words], language))
        except Retryable as error:
            log.warning(
                "translation.failed", engine=machine.name, language=language, reason=str(error)
            )
            break
        except Permanent as error:
            log.warning("translation.refused", language=language, reason=str(error))
            made = ""
        japanese = clean(made)[: of.most]
        good = bool(japanese) and keeps_numbers(words, japanese)
        async with database.writing() as session:
            await session.execute(
                update(of.table)
                # The words may have been taken back, or changed, since they were read.
                .where(number == row_id, said == words)
                .values(
                    japanese=japanese if good else "",
                    translated_by=machine.name if good else NONE,
                )
                .execution_options(synchronize_session=False)
            )
        done += good
    return done


def keeps_numbers(words: str, japanese: str) -> bool:
    """Whether every number of the words is in the translation; a house has the wrong one else."""

    def numbers(text: str) -> set[int]:
        plain = unicodedata.normalize("NFKC", text)
        return {int(found) for found in _DIGITS.findall(plain) if len(found) < 30}

    return numbers(words) <= numbers(japanese)


async def _within_time(asked: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(limits.TRANSLATION_TIMEOUT * 2):
            return await asked
    except TimeoutError as error:
        raise Retryable("The translator takes too long.") from error
