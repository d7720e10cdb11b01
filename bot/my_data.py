"""Everything that is kept of one resident, for themselves (promise 9).

Every table that refers to a resident, by their number or their LINE user id, is read, and every
table that refers to a row of these, so that a new table is not forgotten here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table
from sqlalchemy import select as select_rows
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from channels.members import pack
from channels.models import ALONE, Batch, Delivery, DeliveryKind, Variant
from city.city import City
from subscriptions import residents
from subscriptions.models import Resident

MOST_ROWS = 10_000
"""Rows of one table in a file."""
NAMES = ("resident_id", "line_user_id")
"""How tables call the column that refers to a resident."""
OF_STAFF = {
    "reports": ("opened_by", "entered_by", "priority_by"),
    "reports_heard": ("opened_by",),
    "photos": ("released_by",),
    "forwards": ("key", "words", "reply_to", "by", "remote_token", "settled_by"),
    "photo_addresses": ("by",),
    "work_order_items": ("words", "outcome_words", "settled_by"),
    "mail_failures": ("ended_by",),
    "report_updates": ("by", "note"),
    "report_verdicts": ("key",),
    "household_cases": ("person",),
    "household_notes": ("by", "words"),
    "tasks": ("title", "created_by", "taken_by"),
    "dangers": ("decided_by",),
    "chat_threads": ("taken_by", "closed_by"),
    "chat_messages": ("by",),
}
"""Columns by table that name staff, are what staff write to each other, or open something: not in
the file. What was sent to the resident is among the messages.
"""


async def kept_of(
    session: AsyncSession, city: City, resident: Resident, now: datetime
) -> dict[str, Any]:
    """Return all of it, ready for JSON.

    ``settings`` are the choices, ``kept`` the rows by table, ``messages`` what was sent to this
    resident alone.
    """
    assert resident.id is not None
    record = await residents.export(session, city, resident.id)
    return {
        "city": city.name["ja"],
        "made_at": now.isoformat(),
        "settings": record.to_json(),
        "kept": {name: await _rows(session, query) for name, query in queries_of(resident)},
        "messages": await _messages(session, resident.id),
    }


def tables_of_residents() -> Iterator[tuple[Table, Column[Any]]]:
    """Yield every table that has a column which refers to a resident, with the column."""
    for table in SQLModel.metadata.sorted_tables:
        for name in NAMES:
            if name in table.columns:
                yield table, table.columns[name]


def queries_of(resident: Resident) -> Iterator[tuple[str, Select[Any]]]:
    """Yield the query of a resident's rows for every table, with the table's name."""
    direct = {
        table: column
        for table, column in tables_of_residents()
        # Rows of no user at LINE are not those of a resident without one.
        if column.name == "resident_id" or resident.line_user_id is not None
    }
    for table, column in direct.items():
        yield table.name, select_rows(*_shown(table)).where(_own(column, resident))
    for table in SQLModel.metadata.sorted_tables:
        if table in direct:
            continue  # of somebody else, such as who follows a report of this resident
        for key in table.foreign_keys:
            if (parent := key.column.table) in direct:
                theirs = select_rows(key.column).where(_own(direct[parent], resident))
                yield table.name, select_rows(*_shown(table)).where(key.parent.in_(theirs))


def _shown(table: Table) -> list[Column[Any]]:
    """Return the columns that are in the file."""
    left_out = OF_STAFF.get(table.name, ())
    return [one for one in table.columns if one.name not in left_out]


def _own(column: Column[Any], resident: Resident) -> ColumnElement[bool]:
    return column == (resident.id if column.name == "resident_id" else resident.line_user_id)


async def _rows(session: AsyncSession, query: Select[Any]) -> list[dict[str, Any]]:
    found = await session.execute(query.limit(MOST_ROWS))
    return [{name: _plain(value) for name, value in row.items()} for row in found.mappings()]


async def _messages(session: AsyncSession, number: int) -> list[dict[str, Any]]:
    """Return messages that were made for this resident alone, the newest last."""
    found = await session.execute(
        select(Delivery.created_at, Variant.messages)
        .join(Batch, col(Batch.delivery_id) == col(Delivery.id))
        .join(Variant, col(Variant.id) == col(Batch.variant_id))
        .where(
            ALONE,
            col(Batch.members) == pack([number]),
            col(Delivery.kind).in_((DeliveryKind.PERSONAL, DeliveryKind.DIGEST)),
        )
        .order_by(col(Batch.id))
        .limit(MOST_ROWS)
    )
    return [{"at": at.isoformat(), "messages": json.loads(words)} for at, words in found]


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case None | bool() | int() | float() | str() | list() | dict():
            return value
    return str(value)
