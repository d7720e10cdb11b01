"""Check that the database is undamaged, for ``todoke check``."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from app.revision import newest_revision
from app.schema import missing_tables, revision_of
from core.errors import BadInput

STEPS = 100_000
"""Steps of SQLite's virtual machine between two looks at the time."""


@dataclass
class DatabaseCheck:
    """Faults, and remarks, as one sentence each."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_database(
    url: str, seconds: float | None = 10.0, *, timer: Callable[[], float] = time.monotonic
) -> DatabaseCheck:
    """Look at the database without changing it.

    Parameters
    ----------
    seconds
        How long SQLite's pages are looked at; None for as long as it takes.
    """
    found, address = DatabaseCheck(), make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    if sqlite:
        file = Path(address.database or "")
        if not file.exists():
            found.warnings.append(f"There is no database {file} yet; run 'todoke db upgrade'.")
            return found
        _check_pages(file, found, seconds, timer)
    if found.faults:
        return found
    if not sqlite:
        from core.work_shared import require_known_schema

        try:
            require_known_schema()
        except BadInput as error:
            found.faults.append(str(error))
    driver = "sqlite" if sqlite else "postgresql+psycopg"
    engine = create_engine(address.set(drivername=driver), poolclass=NullPool, hide_parameters=True)
    try:
        with engine.connect() as connection:
            revision, newest = revision_of(connection), newest_revision()
            missing = missing_tables(connection) if revision == newest else []
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        found.faults.append(f"The database cannot be used: {reason}.")
        return found
    if revision is None:
        found.warnings.append("The database is empty; run 'todoke db upgrade'.")
    elif revision != newest:
        todo = "run 'todoke db upgrade'" if revision < newest else "update Todoke"
        found.faults.append(f"The database is at revision {revision}, not {newest}; {todo}.")
    elif missing:
        found.faults.append(f"The database lacks the tables {', '.join(missing)}.")
    return found


def _check_pages(
    file: Path, found: DatabaseCheck, seconds: float | None, timer: Callable[[], float]
) -> None:
    """Let SQLite check its tables one after another, until the time is over."""
    end = None if seconds is None else timer() + seconds
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        if end is not None:
            connection.set_progress_handler(lambda: timer() > end, STEPS)
        left: list[str] = []
        try:
            names = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            ).fetchall()
            left = [name for (name,) in names]
            while left and (end is None or timer() <= end):
                quoted = left[0].replace('"', '""')
                (said,) = connection.execute(f'PRAGMA quick_check("{quoted}")').fetchone()
                if said != "ok":
                    found.faults.append(_damaged(file, f"{left[0]}: {said.splitlines()[0]}"))
                del left[0]
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorname", "") != "SQLITE_INTERRUPT":
                found.faults.append(_damaged(file, str(error)))
                return
    if left:
        found.warnings.append(
            f"Not all of {file} was looked at in {seconds:g} s ({', '.join(left)}); "
            "'todoke check --database-seconds 0' takes the time it needs."
        )


def _damaged(file: Path, what: str) -> str:
    return f"The database {file} is damaged ({what}); restore a backup."
