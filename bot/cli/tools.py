"""What the commands share: settings, an open database, output for people and for programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from core.city import City
    from core.database import Database
    from core.settings import Settings
    from core.work import Queue

T = TypeVar("T")
WIDTH = 240
"""Characters of a table's line where no terminal says how many it has."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end on a new event loop."""
    return asyncio.run(work)


def settings() -> Settings:
    """The settings of the environment."""
    from core.settings import Settings

    return Settings.from_environment()


def city() -> City:
    """The city of ``TODOKE_CITY``.

    Raises
    ------
    BadInput
        The folder has mistakes; ``todoke check`` names them all.
    """
    from core.city_folder import load_city
    from core.settings import city_folder, public_url

    return load_city(city_folder()).with_shelter_page(f"{public_url()}/shelters")


@asynccontextmanager
async def opened_database() -> AsyncIterator[Database]:
    """The database of ``TODOKE_DATABASE_URL``, which must be up to date.

    Raises
    ------
    BadInput
        It was never created, or an older version of Todoke made it.
    """
    from bot.schema import require_newest
    from core.database import Database
    from core.settings import database_url

    database = Database(database_url())
    try:
        await require_newest(database)
        yield database
    finally:
        await database.close()


def queue_for(database: Database) -> Queue:
    """Who is told of what a command decides.

    On PostgreSQL it is queued in the same transaction; on SQLite the service that runs finds
    it within half a second.
    """
    from core.clock import SystemClock
    from core.work import NoWorkers

    if database.is_sqlite:
        return NoWorkers()
    from core.work_shared import ProcrastinateQueue

    return ProcrastinateQueue(database, SystemClock())


def progress_bar() -> Progress:
    """A bar for a person who waits; it stays out of what a program reads."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())


def print_json(value: object) -> None:
    """Print ``value`` as JSON, with other scripts left readable."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(columns: list[str], rows: list[list[object]]) -> None:
    """Print rows under their column names; without a header where no column has one."""
    from rich.console import Console
    from rich.table import Table

    headed = any(columns)
    table = Table(*columns, box=None, pad_edge=False, header_style="bold", show_header=headed)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
