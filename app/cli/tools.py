"""Shared parts of the commands: settings, an open database, output for people and programs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from channels.media import Media
    from city.city import City
    from core.clock import Clock
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


def media(place: City) -> Media:
    """The media that are set up, for a command that writes deliveries."""
    from app.media import media_of
    from core.settings import Settings

    return media_of(Settings.from_environment(sends=False), place)


def city() -> City:
    """The city of ``TODOKE_CITY``.

    Raises
    ------
    BadInput
        The folder has mistakes; ``todoke check`` names them all.
    """
    from city.folder import load_city
    from core.settings import city_folder, public_url

    return load_city(city_folder()).served_at(public_url())


@asynccontextmanager
async def opened_database() -> AsyncIterator[Database]:
    """The database of ``TODOKE_DATABASE_URL``, which must be up to date.

    What a command does goes into the running record too, which hears the audit trail as soon as it
    is imported.

    Raises
    ------
    BadInput
        It was never created, or an older version of Todoke made it.
    """
    import response.record  # noqa: F401
    from app.schema import require_newest
    from core.database import Database
    from core.settings import database_url

    database = Database(database_url())
    try:
        await require_newest(database)
        yield database
    finally:
        await database.close()


async def service_clock(database: Database) -> Clock:
    """The service's clock, for commands that send, expire or judge by age.

    The machine's clock may have made a step that the service does not believe (``core.steady``).

    Raises
    ------
    BadInput
        The clock is behind a time that Todoke has used, and nothing says which is right.
    """
    from core import clock_marks
    from core.clock import SystemClock
    from core.errors import BadInput
    from core.steady import SteadyClock

    machine = SystemClock()
    clock = SteadyClock(machine)
    async with database.reading() as session:
        await clock_marks.begin(session, clock, clock_marks.this_boot())
    doubt = clock.doubt
    if doubt is None or not doubt.at_least:
        return clock
    if doubt.size < timedelta(0):
        raise BadInput(
            f"The machine's clock says {machine.now().isoformat(timespec='seconds')}, but Todoke "
            f"already went by {clock.now().isoformat(timespec='seconds')}; please set the clock "
            "right, or start the service, which asks LINE for the time."
        )
    # Nothing ran for a long time; the person at the shell can see the date.
    return machine


def by_language(values: list[str] | None, option: str) -> dict[str, str]:
    """Return the values of an option ``LANG=TEXT`` by language.

    Raises
    ------
    BadInput
        One has no language or no text, or a language comes twice.
    """
    from core.errors import BadInput

    texts: dict[str, str] = {}
    for value in values or ():
        language, separator, words = value.partition("=")
        if not separator or not words.strip():
            raise BadInput(f"{option} takes LANG=TEXT, not {value!r}.")
        if language in texts:
            raise BadInput(f"{option} says {language} twice.")
        texts[language] = words
    return texts


def queue_for(database: Database, clock: Clock) -> Queue:
    """The queue for the decisions of a command.

    On PostgreSQL work is queued in the same transaction; on SQLite the running service finds it
    within half a second.
    """
    from core.work import NoWorkers

    if database.is_sqlite:
        return NoWorkers()
    from core.work_shared import ProcrastinateQueue

    return ProcrastinateQueue(database, clock)


def progress_bar() -> Progress:
    """A progress bar for a person; it is not part of the output for programs."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty())


def print_json(value: object) -> None:
    """Print ``value`` as JSON, with other scripts left readable."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_rows(
    columns: Sequence[str], rows: Sequence[Mapping[str, object]], *, as_json: bool
) -> None:
    """Print rows for a program, or these columns of them for a person."""
    if as_json:
        print_json(rows)
    else:
        print_table(list(columns), [[row[column] for column in columns] for row in rows])


def print_table(columns: list[str], rows: list[list[object]]) -> None:
    """Print rows under their column names; without a header where no column has one."""
    from rich.console import Console
    from rich.table import Table

    headed = any(columns)
    table = Table(*columns, box=None, pad_edge=False, header_style="bold", show_header=headed)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)
