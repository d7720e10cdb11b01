"""An upgrade that is killed at any step leaves the database as it was, and is run again."""

from __future__ import annotations

import itertools
import os
import signal
from multiprocessing import get_context
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url

from app.revision import newest_revision
from app.schema import revision_of, upgrade_now

pytestmark = pytest.mark.slow

FIRST = "0001"
AT = "2026-01-01 00:00:00"

WRITES = ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE")


def upgrade_and_die(url: str, before: int) -> None:
    """Upgrade, and die before the statement that has so many before it.

    Below 0 it dies when all is done but the commit.
    """
    left = itertools.count(before, -1)

    @event.listens_for(Engine, "before_cursor_execute")
    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith(WRITES) and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "commit")
    def at_the_end(_connection: Any) -> None:
        if before < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    upgrade_now(url)


def run(url: str, before: int) -> int | None:
    """Upgrade in a process of its own; return its exit code, -9 when it was killed."""
    child = get_context("fork").Process(target=upgrade_and_die, args=(url, before))
    child.start()
    child.join(120)
    return child.exitcode


def opened(url: str) -> Engine:
    address = make_url(url)
    driver = "sqlite" if address.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return create_engine(address.set(drivername=driver))


def filled(url: str) -> None:
    """A database of the first version, in which residents are."""
    upgrade_now(url, FIRST)
    engine = opened(url)
    with engine.begin() as connection:
        rows = [{"user": f"U{number:032x}", "yes": True, "at": AT} for number in range(2_000)]
        connection.execute(
            text(
                "INSERT INTO residents (line_user_id, state, language, language_chosen, "
                "topics_chosen, area_list, followed_at, updated_at) VALUES (:user, "
                "'following', 'ja', :yes, :yes, '', :at, :at)"
            ),
            rows,
        )
    engine.dispose()


def state(url: str) -> tuple[str | None, dict[str, list[str]], int]:
    """Return the revision, every table with its columns, and how many residents there are."""
    engine = opened(url)
    with engine.connect() as connection:
        found = inspect(connection)
        tables = {
            name: sorted(column["name"] for column in found.get_columns(name))
            for name in sorted(found.get_table_names())
        }
        residents = connection.scalar(text("SELECT count(*) FROM residents"))
        revision = revision_of(connection)
    engine.dispose()
    return revision, tables, int(residents or 0)


def test_an_upgrade_killed_at_each_step_is_run_again_and_whole(database_url: str) -> None:
    """Before six of its statements and before its end; before each with ``TODOKE_CRUEL``."""
    filled(database_url)
    before = state(database_url)
    assert (before[0], before[2]) == (FIRST, 2_000)
    steps = itertools.count(-1) if os.environ.get("TODOKE_CRUEL") else iter((-1, 0, 1, 5, 12, 20))
    killed = 0
    for step in steps:
        died = run(database_url, step)
        if died == 0:
            break  # it has no more statements than those
        assert died == -signal.SIGKILL, step
        assert state(database_url) == before, step
        killed += 1
    assert killed >= 6
    upgrade_now(database_url)
    revision, tables, residents = state(database_url)
    assert (revision, residents) == (newest_revision(), 2_000)
    assert set(before[1]) < set(tables)
