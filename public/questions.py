"""What residents asked in vain: kept without who asked, decided on in groups, erased in time.

A group is answered by a question of the city's own words. Whether that question is there decides
whether the group is open, so taking the answer back opens the group again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from core import audit
from core.chunks import in_chunks, rows_of
from core.database import Database
from core.errors import BadInput
from public.models import AskedQuestion
from public.question_groups import Group, Sentence, grouped

NEWEST = 5_000
"""Times that something was asked that a page reads; older ones wait until these are decided."""
LEAST_ASKERS = 3
"""A group that fewer residents asked is not shown: it could tell of one of them."""
TOKENS = 4_096
"""So many tokens there are: in a city of more residents, each is one of several of them."""
MOST_REASON = 200


@dataclass(frozen=True)
class Decision:
    """What was decided on sentences: the question that answers them, or why they need none."""

    answer_key: str = ""
    dismissed: str = ""
    by: str = ""
    at: datetime | None = None


class NothingToDecide(BadInput):
    """None of the sentences is there any more."""


@dataclass(frozen=True)
class Asked:
    """What residents asked in vain, in groups.

    Parameters
    ----------
    hidden
        Open groups that are not shown, because too few residents asked.
    """

    open: tuple[Group, ...]
    hidden: int
    answered: tuple[tuple[Group, Decision], ...]
    dismissed: tuple[tuple[Group, Decision], ...]

    def with_lead(self, text: str) -> Group | None:
        """Return the open group that has a sentence, the one that it leads first."""
        for group in self.open:
            if any(one.text == text for one in group.sentences):
                return group
        return None


def asker_token(secret_key: str, line_user_id: str, day: date) -> int:
    """Return a number for who asked, the same for a quarter of the year.

    It is short on purpose: many residents have the same, so not even the key tells who asked.
    """
    said = f"{day.year}-{quarter_of(day)}/{line_user_id}".encode()
    made = hmac.new(f"asked/{secret_key}".encode(), said, hashlib.sha256).digest()
    return int.from_bytes(made[:4]) % TOKENS


def quarter_of(day: date) -> int:
    return (day.month - 1) // 3


def note(
    session: AsyncSession, text: str, language: str, day: date, *, asker: int | None = None
) -> None:
    """Keep a sentence that was not understood.

    Parameters
    ----------
    text
        Without numbers, addresses and names.
    day
        In Japan.
    asker
        Of :func:`asker_token`.
    """
    session.add(AskedQuestion(text=text, language=language, asked_on=day, asker=asker))


async def asked(session: AsyncSession, answers: Collection[str]) -> Asked:
    """Return what was asked, in groups, the most frequent first.

    Parameters
    ----------
    answers
        The names of the questions that the city answers now.
    """
    newest = select(AskedQuestion).order_by(col(AskedQuestion.id).desc()).limit(NEWEST)
    rows = list(await session.scalars(newest))
    decided = _decided(rows, answers)
    waiting = _sentences([row for row in rows if row.text not in decided])
    # Beside the service's other work: it takes some tenths of a second.
    opened = await asyncio.to_thread(grouped, waiting)
    shown = tuple(group for group in opened if group.askers >= LEAST_ASKERS)
    done: defaultdict[Decision, list[AskedQuestion]] = defaultdict(list)
    for row in rows:
        if (decision := decided.get(row.text)) is not None:
            done[decision].append(row)
    ended = [(_one_group(rows), decision) for decision, rows in done.items()]
    return Asked(
        shown,
        len(opened) - len(shown),
        tuple(one for one in ended if one[1].answer_key),
        tuple(one for one in ended if one[1].dismissed),
    )


def _decided(rows: Sequence[AskedQuestion], answers: Collection[str]) -> dict[str, Decision]:
    """Return the decisions that hold, by sentence; one asked again later has the same."""
    found: dict[str, Decision] = {}
    for row in reversed(rows):
        if row.answer_key in answers or row.dismissed:
            found[row.text] = Decision(
                row.answer_key or "", row.dismissed or "", row.decided_by or "", row.decided_at
            )
    return found


def _one_group(rows: Sequence[AskedQuestion]) -> Group:
    return Group(tuple(sorted(_sentences(rows), key=lambda one: (-one.count, one.text))))


def _sentences(rows: Sequence[AskedQuestion]) -> list[Sentence]:
    together: defaultdict[tuple[str, str], list[AskedQuestion]] = defaultdict(list)
    for row in rows:
        together[row.text, row.language].append(row)
    return [
        Sentence(
            text,
            language,
            len(same),
            max(row.asked_on for row in same),
            frozenset((_quarter(row.asked_on), row.asker or 0) for row in same),
        )
        for (text, language), same in together.items()
    ]


def _quarter(day: date) -> int:
    return day.year * 4 + quarter_of(day)


async def answered(
    session: AsyncSession,
    texts: Sequence[str],
    key: str,
    *,
    question: str,
    machine: Mapping[str, str],
    actor: str,
    now: datetime,
) -> None:
    """Mark sentences as answered by a question of the city's own words.

    Parameters
    ----------
    machine
        By language, where the words come from: a machine, or a machine and then a person.
    """
    await _decide(session, texts, actor=actor, now=now, answer_key=key)
    await audit.record(
        session,
        now,
        actor=actor,
        action="question.answered",
        subject=f"words:questions/{key}",
        question=question,
        sentences=len(texts),
        machine=dict(machine),
    )


async def dismiss(
    session: AsyncSession, texts: Sequence[str], why: str, *, actor: str, now: datetime
) -> None:
    """Mark sentences that need no answer, and say why."""
    await _decide(session, texts, actor=actor, now=now, dismissed=why)
    await audit.record(
        session,
        now,
        actor=actor,
        action="question.dismissed",
        subject="question:asked",
        sentences=len(texts),
        reason=why,
    )


async def reopen(session: AsyncSession, texts: Sequence[str], *, actor: str, now: datetime) -> None:
    """Take back that sentences need no answer."""
    await _decide(session, texts, actor=None, now=None)
    await audit.record(
        session,
        now,
        actor=actor,
        action="question.reopened",
        subject="question:asked",
        sentences=len(texts),
    )


async def _decide(
    session: AsyncSession,
    texts: Sequence[str],
    *,
    actor: str | None,
    now: datetime | None,
    answer_key: str | None = None,
    dismissed: str | None = None,
) -> None:
    changed = await session.execute(
        update(AskedQuestion)
        .where(col(AskedQuestion.text).in_(list(texts)))
        .values(answer_key=answer_key, dismissed=dismissed, decided_by=actor, decided_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_of(changed):
        raise NothingToDecide("None of the sentences is there.")


async def forget_asked(database: Database, before: date) -> int:
    """Erase sentences that were asked before a day; return how many."""
    number, old = col(AskedQuestion.id), col(AskedQuestion.asked_on) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(AskedQuestion).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    return await in_chunks(database, select(number).where(old), change)
