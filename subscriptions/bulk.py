"""Many residents written at once, in the way each database takes them fastest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

Rows = list[tuple[Any, ...]]


async def reserve_ids(session: AsyncSession, size: int) -> list[int]:
    """Return ids for ``size`` new residents that nobody else will be given."""
    if session.get_bind().dialect.name == "sqlite":
        # SQLite remembers the table's highest id; we raise it as an insert would.
        found = await session.scalar(text("SELECT seq FROM sqlite_sequence WHERE name='residents'"))
        last = int(found or 0) + size
        raised = (
            "INSERT INTO sqlite_sequence (name, seq) VALUES ('residents', :last)"
            if found is None
            else "UPDATE sqlite_sequence SET seq = :last WHERE name = 'residents'"
        )
        await session.execute(text(raised), {"last": last})
        return list(range(last - size + 1, last + 1))
    rows = await session.scalars(
        text(
            "SELECT nextval(pg_get_serial_sequence('residents', 'id')) "
            "FROM generate_series(1, :size)"
        ),
        {"size": size},
    )
    return list(rows)


async def write_rows(session: AsyncSession, table: str, columns: str, rows: Rows) -> None:
    """Add rows to a table; names of tables and columns are the caller's own."""
    connection = await session.connection()
    write = _insert if connection.dialect.name == "sqlite" else _copy
    await write(connection, table, columns, rows)


async def write_choices(session: AsyncSession, subscriptions: Rows, areas: Rows) -> None:
    """Add ``(resident, topic, least level)`` and ``(resident, area)``."""
    await write_rows(session, "subscriptions", "resident_id, topic, min_level", subscriptions)
    await write_rows(session, "resident_areas", "resident_id, area", areas)


async def write_changes(session: AsyncSession, residents: Sequence[int]) -> None:
    """Note that residents changed, for counts."""
    await write_rows(session, "resident_changes", "resident_id", [(each,) for each in residents])


async def _insert(connection: AsyncConnection, table: str, columns: str, rows: Rows) -> None:
    if not rows:
        return
    marks = ", ".join("?" * len(rows[0]))
    # Names of tables and columns are this module's own.
    await connection.exec_driver_sql(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",  # noqa: S608
        rows,
    )


async def _copy(connection: AsyncConnection, table: str, columns: str, rows: Rows) -> None:
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    assert driver is not None
    async with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy,
    ):
        await copy.write("".join(_copy_lines(rows)).encode())


def _copy_lines(rows: Rows) -> Iterable[str]:
    """Yield lines of PostgreSQL's text format; no value that is written so needs escaping."""
    for row in rows:
        if None in row:
            yield "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"
        else:
            yield "\t".join(map(str, row)) + "\n"
