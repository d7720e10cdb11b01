"""What goes into a request: the addresses of a batch's members as of now, and its messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlmodel import col, select

from channels.addresses import Addresses
from channels.members import pack, unpack
from channels.models import Variant
from core.database import Database
from subscriptions.models import Resident, ResidentState

# %(column)s is a column of residents that a medium names. It never comes from input.
_LOOK_UP_SQLITE = """
    SELECT (
        SELECT group_concat(r.%(column)s, :separator)
        FROM json_each(wanted.value) AS member
        CROSS JOIN residents AS r ON r.id = member.value
        WHERE r.state = 'following'
    )
    FROM json_each(:wanted) AS wanted ORDER BY wanted.key
    """
_LOOK_UP_POSTGRESQL = """
    SELECT (
        SELECT string_agg(r.%(column)s, :separator)
        FROM residents AS r
        WHERE r.id = ANY (CAST(wanted.ids AS bigint[])) AND r.state = 'following'
    )
    FROM unnest(CAST(:wanted AS text[])) WITH ORDINALITY AS wanted (ids, place)
    ORDER BY wanted.place
    """


async def joined_addresses(
    database: Database, members: Sequence[bytes], addresses: Addresses
) -> list[str | None]:
    """Return the addresses of the batches' members who still exist, joined for their medium.

    One string for each batch, made by the database; None if nobody is left. An erased or departed
    resident is not in it.
    """
    lists = [unpack(each).tolist() for each in members]
    look_up = _LOOK_UP_SQLITE if database.is_sqlite else _LOOK_UP_POSTGRESQL
    statement = text(look_up % {"column": addresses.column})
    wanted: object = str(lists)
    if not database.is_sqlite:
        wanted = ["{" + str(each)[1:-1] + "}" for each in lists]
    async with database.reading() as session:
        values = {"wanted": wanted, "separator": addresses.separator}
        rows = await session.execute(statement, values)
        return [joined for (joined,) in rows]


async def absent_members(database: Database, members: bytes) -> bytes:
    """Return those of a batch's members, packed, who have left or were erased."""
    ids = unpack(members).tolist()
    statement = select(col(Resident.id)).where(
        col(Resident.id).in_(ids), col(Resident.state) == ResidentState.FOLLOWING
    )
    async with database.reading() as session:
        here = set(await session.scalars(statement))
    return pack(each for each in ids if each not in here)


async def variant_messages(database: Database, ids: Iterable[int]) -> dict[int, bytes]:
    """Return the messages of variants as they go into a body."""
    wanted = list(set(ids))
    found: dict[int, bytes] = {}
    async with database.reading() as session:
        for start in range(0, len(wanted), 500):
            statement = select(col(Variant.id), col(Variant.messages)).where(
                col(Variant.id).in_(wanted[start : start + 500])
            )
            for variant_id, messages in await session.execute(statement):
                assert variant_id is not None
                found[variant_id] = messages
    return found
