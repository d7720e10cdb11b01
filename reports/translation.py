"""What residents wrote, in Japanese for the staff who read it, by the city's translation machine.

It is asked in the background, so that no page and no resident waits. The translation stands beside
the resident's own words and says that a machine made it. One that lost a number is not kept.
"""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Awaitable
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
from reports.models import Report
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
    """Translate the newest reports that were not; return how many were."""
    try:
        able = await _within_time(machine.readable())
    except (Retryable, Permanent) as error:
        log.warning("translator.failed", engine=machine.name, reason=str(error))
        return 0
    done = 0
    async with database.reading() as session:
        query = (
            select(col(Report.id), col(Report.description), col(Report.language))
            .where(
                col(Report.created_at) > clock.now() - LATELY,
                col(Report.translated_by) == "",
                col(Report.description) != "",
                col(Report.language).in_(sorted(able - {*_JAPANESE})),
            )
            .order_by(col(Report.created_at).desc(), col(Report.id).desc())
        )
        waiting = (await session.execute(query.limit(AT_ONCE))).all()
    for report_id, words, language in waiting:
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
        japanese = clean(made)[:LONGEST_DESCRIPTION]
        good = bool(japanese) and keeps_numbers(words, japanese)
        async with database.writing() as session:
            await session.execute(
                update(Report)
                # The words may have been taken back, or changed, since they were read.
                .where(col(Report.id) == report_id, col(Report.description) == words)
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
