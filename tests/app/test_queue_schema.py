"""The shared queue's tables are made by our own SQL, and fit the Procrastinate that is there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from app.database_check import check_database
from app.processes import Parts, assembled
from app.schema import upgrade_now
from core.errors import BadInput
from core.settings import Settings
from core.work_shared import LAST_CHANGE, SCHEMA, require_known_schema
from tests.support.queues import QUEUE_SQL

TABLES = (
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
)


@pytest.fixture
def changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The changes of its tables that Procrastinate knows, in a folder of the test's own."""
    folder = tmp_path / "migrations"
    shutil.copytree(SchemaManager.get_migrations_path(), folder)
    monkeypatch.setattr(SchemaManager, "get_migrations_path", lambda: str(folder))
    return folder


def test_what_is_kept_is_what_the_locked_version_has() -> None:
    assert version("procrastinate") == SCHEMA
    assert QUEUE_SQL.read_text("utf-8") == SchemaManager.get_schema()
    require_known_schema()


def test_an_upgrade_asks_the_library_for_nothing(
    new_postgresql_url: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SchemaManager, "get_schema", lambda: "SELECT no_longer_ours()")
    url = new_postgresql_url()
    upgrade_now(url)
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE tablename LIKE 'procrastinate%' ORDER BY 1"
        ).fetchall()
    assert tuple(name for (name,) in found) == TABLES


async def test_a_library_with_newer_tables_is_refused_at_the_start_and_by_the_check(
    new_postgresql_url: Callable[[], str], settings: Settings, changes: Path
) -> None:
    url = new_postgresql_url()
    upgrade_now(url)
    assert check_database(url).faults == []
    (changes / "99.00.00_01_pre_something.sql").touch()
    said = rf"^Procrastinate {version('procrastinate')} needs other tables .* {SCHEMA};"
    with pytest.raises(BadInput, match=said):
        async with assembled(replace(settings, database_url=url), Parts(web=True)):
            pass
    (fault,) = check_database(url).faults
    assert "install that version (requirements/runtime.txt)" in fault


def test_a_library_with_older_tables_is_refused_too(changes: Path) -> None:
    (changes / LAST_CHANGE).unlink()
    with pytest.raises(BadInput, match="needs other tables"):
        require_known_schema()


def test_sqlite_needs_no_such_tables(tmp_path: Path, changes: Path) -> None:
    (changes / "99.00.00_01_pre_something.sql").touch()
    url = f"sqlite:///{tmp_path}/todoke.sqlite3"
    upgrade_now(url)
    assert check_database(url).faults == []
