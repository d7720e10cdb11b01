"""What residents asked in vain, in groups of similar sentences, and the answers that staff give."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.faq import FaqEntry
from core import audit
from core.changes import Changes
from core.chunks import in_chunks, rows_of
from core.clock import JAPAN
from core.database import Database
from public.models import AskedQuestion, StaffAnswer

NEWEST = 2_000
"""Sentences that the page reads; older ones wait until these are answered or erased."""
MOST_GROUPS = 100
SIMILAR = 0.5
"""Share of the pairs of letters that two sentences of one group have in common."""
MOST_ASKED = 50
"""Sentences of a group that are kept with its answer."""
HOLDS = timedelta(seconds=1)
"""For how long what was read is used again. Changes by this process are seen at once."""
_CHANGES = Changes(StaffAnswer)


@dataclass(frozen=True)
class Sentence:
    """What was asked, in which languages, how often and when last."""

    text: str
    language: str
    count: int
    last: date


@dataclass(frozen=True)
class Group:
    """Similar sentences, the most frequent one first."""

    sentences: tuple[Sentence, ...]

    @property
    def count(self) -> int:
        return sum(sentence.count for sentence in self.sentences)

    @property
    def last(self) -> date:
        return max(sentence.last for sentence in self.sentences)


def note(session: AsyncSession, text: str, language: str, day: date) -> None:
    """Keep a sentence that was not understood.

    Parameters
    ----------
    text
        Without numbers, addresses and names.
    day
        In Japan.
    """
    session.add(AskedQuestion(text=text, language=language, asked_on=day))


async def groups(session: AsyncSession) -> list[Group]:
    """Return the newest sentences in groups, the most frequent first."""
    rows = (
        await session.execute(
            select(
                col(AskedQuestion.text), col(AskedQuestion.language), col(AskedQuestion.asked_on)
            )
            .order_by(col(AskedQuestion.id).desc())
            .limit(NEWEST)
        )
    ).all()
    counts: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, str], date] = {}
    for text, language, day in rows:
        counts[text, language] += 1
        last[text, language] = max(day, last.get((text, language), day))
    return grouped(
        Sentence(text, language, count, last[text, language])
        for (text, language), count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    )


def grouped(sentences: Iterable[Sentence]) -> list[Group]:
    """Return sentences, the most frequent first, in groups of similar ones."""
    found: list[tuple[frozenset[str], list[Sentence]]] = []
    for sentence in sentences:
        pairs = letter_pairs(sentence.text)
        for known, members in found:
            if likeness(pairs, known) >= SIMILAR:
                members.append(sentence)
                break
        else:
            if len(found) < MOST_GROUPS:
                found.append((pairs, [sentence]))
    made = [Group(tuple(members)) for _, members in found]
    return sorted(made, key=lambda group: -group.count)


@lru_cache(maxsize=10_000)
def letter_pairs(text: str) -> frozenset[str]:
    """Return the pairs of neighbouring letters of a text, without spaces and case."""
    packed = "".join(c for c in text.casefold() if c.isalnum() or ord(c) > 0x2FF)
    return frozenset(packed[n : n + 2] for n in range(max(1, len(packed) - 1)))


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """Return from 0 to 1 how much two sets have in common (the coefficient of Dice)."""
    return 2 * len(one & other) / max(1, len(one) + len(other))


async def answer(
    session: AsyncSession,
    texts: Mapping[str, Mapping[str, str]],
    asked: Sequence[str],
    link: str,
    *,
    actor: str,
    now: datetime,
) -> StaffAnswer:
    """Answer what residents asked; from now on the conversation gives this answer.

    Parameters
    ----------
    texts
        By language ``question`` and ``text``; Japanese is among them.
    asked
        The sentences that are answered by it. They are no longer shown as unanswered.
    """
    made = StaffAnswer(
        texts={code: dict(one) for code, one in texts.items()},
        asked=list(asked)[:MOST_ASKED],
        link=link,
        written_by=actor,
        written_at=now,
    )
    session.add(made)
    await session.flush()
    await _remove(session, asked)
    await audit.record(
        session,
        now,
        actor=actor,
        action="question.answered",
        subject=f"answer:{made.id}",
        question=texts["ja"]["question"],
        sentences=len(asked),
    )
    return made


async def drop(session: AsyncSession, asked: Sequence[str], *, actor: str, now: datetime) -> None:
    """Remove sentences that need no answer."""
    await _remove(session, asked)
    await audit.record(
        session,
        now,
        actor=actor,
        action="question.dropped",
        subject="question:asked",
        sentences=len(asked),
    )


async def withdraw(session: AsyncSession, answer_id: int, *, actor: str, now: datetime) -> bool:
    """Give an answer no longer; return whether it was given until now."""
    found = await session.get(StaffAnswer, answer_id)
    if found is None or found.withdrawn_at is not None:
        return False
    found.withdrawn_at = now
    await audit.record(
        session, now, actor=actor, action="answer.withdrawn", subject=f"answer:{answer_id}"
    )
    return True


async def answers(session: AsyncSession) -> list[StaffAnswer]:
    """Return the answers that are given, the newest first."""
    found = await session.scalars(
        select(StaffAnswer)
        .where(col(StaffAnswer.withdrawn_at).is_(None))
        .order_by(col(StaffAnswer.id).desc())
    )
    return list(found)


async def forget_asked(database: Database, before: date) -> int:
    """Erase sentences that were asked before a day; return how many rows changed.

    An answer of before that day stays, and loses the sentences with which residents asked it. It is
    still found by the question that staff wrote.
    """
    number, old = col(AskedQuestion.id), col(AskedQuestion.asked_on) < before

    async def change(session: AsyncSession, ids: Sequence[int]) -> int:
        gone = delete(AskedQuestion).where(number.in_(ids), old)
        return rows_of(await session.execute(gone.execution_options(synchronize_session=False)))

    erased = await in_chunks(database, select(number).where(old), change)
    return erased + await _forget_in_answers(database, before)


async def _forget_in_answers(database: Database, before: date) -> int:
    begun = datetime.combine(before, time(), tzinfo=JAPAN)
    older = select(StaffAnswer).where(col(StaffAnswer.written_at) < begun)
    async with database.reading() as session:
        ids = [one.id for one in await session.scalars(older) if one.asked]
    if not ids:
        return 0
    async with database.writing() as session:
        for one in await session.scalars(older.where(col(StaffAnswer.id).in_(ids))):
            one.asked = []
    return len(ids)


class AnswersNow:
    """Gives the answers of staff as entries like those of the city's folder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._answers: tuple[FaqEntry, ...] = ()
        self._of: tuple[int, datetime] | None = None
        self._reading = asyncio.Lock()

    async def now(self, now: datetime) -> tuple[FaqEntry, ...]:
        """Return the answers, read within the last second."""
        async with self._reading:
            if self._of is None or not self._is_fresh(*self._of, now):
                # Counted before the read, so that a change meanwhile causes another read.
                count = _CHANGES.count
                async with self._database.reading() as session:
                    found = await answers(session)
                self._answers = tuple(entry for one in found for entry in _entries(one))
                self._of = (count, now)
            return self._answers

    def _is_fresh(self, count: int, read_at: datetime, now: datetime) -> bool:
        return count == _CHANGES.count and abs(now - read_at) < HOLDS


def _entries(one: StaffAnswer) -> list[FaqEntry]:
    end = f"\n\n{one.link}" if one.link else ""
    return [
        FaqEntry(
            name=f"staff-{one.id}",
            language=language,
            question=words["question"],
            text=words["text"] + end,
            asked=tuple(map(str, one.asked)),
        )
        for language, words in one.texts.items()
    ]


async def _remove(session: AsyncSession, asked: Sequence[str]) -> None:
    await session.execute(
        delete(AskedQuestion)
        .where(col(AskedQuestion.text).in_(list(asked)))
        .execution_options(synchronize_session=False)
    )
