"""Messages made for single residents; equal ones still share a request."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.medium import Format
from channels.models import Delivery, Variant
from channels.planner import batch_row, cut_into_runs, send_key, send_task
from core.work import Queue

IDS_AT_ONCE = 500


@dataclass(frozen=True)
class IndividualMessage:
    """The messages for one resident: an array as JSON, in UTF-8."""

    resident_id: int
    language: str
    quiet_start: int | None
    quiet_end: int | None
    messages: bytes


async def add_individual_messages(
    session: AsyncSession,
    queue: Queue,
    delivery: Delivery,
    parcels: Sequence[IndividualMessage],
    medium: Format,
) -> None:
    """Add individual messages to a stored delivery, in the caller's transaction.

    The caller makes sure that a resident is in a delivery only once.
    """
    assert delivery.id is not None
    languages: dict[bytes, set[str]] = {}
    members: dict[tuple[bytes, int | None, int | None], array[int]] = {}
    for parcel in parcels:
        languages.setdefault(parcel.messages, set()).add(parcel.language)
        key = (parcel.messages, parcel.quiet_start, parcel.quiet_end)
        members.setdefault(key, array("I")).append(parcel.resident_id)
    variants = await _variants(session, delivery.id, languages)
    batches: list[dict[str, Any]] = []
    size = medium.batch_size
    for (messages, start, end), ids in members.items():
        batches += [
            batch_row(delivery, medium, variants[messages], (start, end), ids[at : at + size], None)
            for at in range(0, len(ids), size)
        ]
    runs = cut_into_runs(batches, delivery.runs, medium.runs)
    if batches:
        await outbox.insert_batches(session, batches)
    delivery.runs += len(runs)
    delivery.recipients += len(parcels)
    await session.flush()
    for number, not_before in runs:
        await queue.put(
            session,
            send_task(delivery.channel),
            send_key(delivery.id, number),
            priority=delivery.priority,
            not_before=not_before,
        )


async def _variants(
    session: AsyncSession, delivery_id: int, languages: dict[bytes, set[str]]
) -> dict[bytes, int]:
    """Return the variant of each distinct message, making those that are new."""
    digests = {hashlib.sha256(messages).hexdigest(): messages for messages in languages}
    found: dict[bytes, int] = {}
    wanted = list(digests)
    for start in range(0, len(wanted), IDS_AT_ONCE):
        statement = select(col(Variant.digest), col(Variant.id)).where(
            col(Variant.delivery_id) == delivery_id,
            col(Variant.digest).in_(wanted[start : start + IDS_AT_ONCE]),
        )
        for digest, variant in await session.execute(statement):
            found[digests[digest]] = cast(int, variant)
    rows = [
        {
            "delivery_id": delivery_id,
            "language": ",".join(sorted(languages[messages])),
            "digest": digest,
            "messages": messages,
            "machine_translated": False,
        }
        for digest, messages in digests.items()
        if messages not in found
    ]
    if rows:
        made = await session.execute(
            insert(Variant).returning(col(Variant.digest), col(Variant.id)), rows
        )
        found.update((digests[digest], cast(int, variant)) for digest, variant in made)
    return found
