"""Ask residents from an imported list for their language, once, with a message that is not urgent.

Residents with an open question get the notice's own words with the question below, as a separate
variant. The question is closed in a transaction before the batches are stored. A crash in between
may leave somebody unasked, but nobody is asked twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.audiences import Chunk, Group, chosen_of
from channels.medium import compact_json
from channels.models import Delivery, Variant, Wording
from core.database import Database
from subscriptions.arrivals import ask_once
from subscriptions.models import Resident

MOST_MESSAGES = 5
"""LINE's limit for one request."""

Question = Callable[[str], Mapping[str, Any]]
"""Returns the question as a LINE message, in a language."""


class LanguageQuestion:
    """Asks the question.

    Parameters
    ----------
    question
        None if nobody is asked.
    """

    def __init__(self, database: Database, question: Question | None) -> None:
        self._database = database
        self._question = question

    async def divide(
        self, delivery: Delivery, chunk: Chunk, variant_of: Callable[[str], int]
    ) -> tuple[Sequence[Group], dict[str, int]]:
        """Divide a chunk's groups into residents who are asked with this delivery and others.

        Parameters
        ----------
        variant_of
            Returns the variant of the notice's own words in a language.

        Returns
        -------
        tuple
            The groups (residents who are asked have the wording ``ASKING``), and the variants for
            these by language.
        """
        if self._question is None or not delivery.respects_quiet:
            return chunk.groups, {}
        unasked = await self._unasked(chunk)
        mine = {
            group.language: variant_of(group.language)
            for group in chunk.groups
            if group.wording is Wording.MAIN and not unasked.isdisjoint(group.ids)
        }
        if not mine:
            return chunk.groups, {}
        async with self._database.writing() as session:
            variants = await self._variants(session, delivery, mine)
            if len(variants) < len(mine):
                return chunk.groups, {}
            wanted = [
                each
                for group in chunk.groups
                if group.wording is Wording.MAIN
                for each in group.ids
                if each in unasked
            ]
            asked = await ask_once(session, wanted)
        return list(_divided(chunk.groups, asked)), variants

    async def _unasked(self, chunk: Chunk) -> set[int]:
        statement = select(col(Resident.id)).where(
            col(Resident.ask_language),
            col(Resident.id) > chunk.after,
            col(Resident.id) <= chunk.through,
        )
        async with self._database.reading() as session:
            return {number for number in await session.scalars(statement) if number is not None}

    async def _variants(
        self, session: AsyncSession, delivery: Delivery, mine: Mapping[str, int]
    ) -> dict[str, int]:
        """Return the variants with the question, without those that have no space for it."""
        assert self._question is not None and delivery.id is not None
        made: dict[str, int] = {}
        for language, base in mine.items():
            plain = await session.get_one(Variant, base)
            messages = json.loads(plain.messages)
            if len(messages) >= MOST_MESSAGES:
                break
            content = compact_json([*messages, self._question(language)])
            digest = hashlib.sha256(content).hexdigest()
            known = await session.scalar(
                select(Variant).where(
                    col(Variant.delivery_id) == delivery.id,
                    col(Variant.wording) == Wording.ASKING,
                    col(Variant.language) == language,
                    col(Variant.digest) == digest,
                )
            )
            if known is None:
                known = Variant(
                    delivery_id=delivery.id,
                    wording=Wording.ASKING,
                    language=language,
                    digest=digest,
                    messages=content,
                    machine_translated=plain.machine_translated,
                )
                session.add(known)
                await session.flush()
            assert known.id is not None
            made[language] = known.id
        return made


def _divided(groups: Iterable[Group], asked: set[int]) -> Iterable[Group]:
    for group in groups:
        if group.wording is not Wording.MAIN or asked.isdisjoint(group.ids):
            yield group
            continue
        chosen = [each in asked for each in group.ids]
        yield from chosen_of(group, chosen, Wording.ASKING)
        yield from chosen_of(group, [not each for each in chosen], Wording.MAIN)
