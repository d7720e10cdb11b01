"""Messages that were made for residents one by one: equal ones share a request all the same.

The caller does not choose between push and multicast; what the messages are does. A personal
message is a push, a message that several get, byte for byte, is a multicast.
"""

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
from channels.models import Delivery, Variant
from channels.planner import MULTICAST_SIZE, SEND, batch_row, cut_into_runs, send_key
from core.work import Queue


@dataclass(frozen=True)
class Parcel:
    """What one resident gets: the array of LINE messages as JSON, in UTF-8."""

    resident_id: int
    language: str
    quiet_start: int | None
    quiet_end: int | None
    messages: bytes


async def add_parcels(
    session: AsyncSession, queue: Queue, delivery: Delivery, parcels: Sequence[Parcel]
) -> None:
    """Add parcels to a delivery that is stored already, in the caller's transaction.

    The caller sees to it that a resident is in a delivery once.
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
    for (messages, start, end), ids in members.items():
        batches += [
            batch_row(
                delivery, variants[messages], (start, end), ids[at : at + MULTICAST_SIZE], None
            )
            for at in range(0, len(ids), MULTICAST_SIZE)
        ]
    runs = cut_into_runs(batches, delivery.runs)
    if batches:
        await outbox.insert_batches(session, batches)
    delivery.runs += len(runs)
    delivery.recipients += len(parcels)
    await session.flush()
    for number, not_before in runs:
        await queue.put(
            session,
            SEND,
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
    for start in range(0, len(wanted), MULTICAST_SIZE):
        statement = select(col(Variant.digest), col(Variant.id)).where(
            col(Variant.delivery_id) == delivery_id,
            col(Variant.digest).in_(wanted[start : start + MULTICAST_SIZE]),
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
