"""A full disk, a locked database: LINE must send events again, and none is lost."""

from __future__ import annotations

import contextlib
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.machine import DATABASE, Machine, Running
from tests.support.watching import eventually, fetch

Trouble = Callable[[Machine, Running], AbstractContextManager[None]]


@contextmanager
def locked(machine: Machine, _service: Running) -> Iterator[None]:
    """Somebody else writes, and does not stop."""
    holder = sqlite3.connect(machine.folder / DATABASE, isolation_level=None)
    with contextlib.closing(holder):
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


@contextmanager
def full(_machine: Machine, service: Running) -> Iterator[None]:
    """No file can grow or be written any more, as the kernel sees to for this one process."""
    pid = service.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "a machine")
    made.copy_city("http://127.0.0.1:9")
    made.todoke("db", "upgrade")
    yield made
    made.end()


# The service waits 1.8 of LINE's two seconds for the lock: beside other tests it can be late.
@pytest.mark.parametrize("trouble", [pytest.param(locked, marks=pytest.mark.timed), full])
def test_what_cannot_be_stored_is_answered_500_and_comes_again(
    machine: Machine, trouble: Trouble
) -> None:
    machine.start_line()
    service = machine.serve(piped=True)
    stand = machine.stand
    before = stand.add_user("まえに", "ja", follows=False)
    stand.act(before, "follow")
    eventually(lambda: stand.chat_texts(before), "the greeting before", on=machine.changes)

    with trouble(machine, service):
        user = stand.add_user("あとで", "ja")
        event = stand.act(user, "follow")
        # LINE gives two seconds; a later answer would count as none (status 0).
        refused = eventually(
            lambda: stand.attempts(event), "LINE's first attempt", on=machine.changes
        )
        assert refused[0]["status"] == 500, refused

        asked = time.monotonic()
        status, body = fetch(f"{machine.url}/readyz")
        assert time.monotonic() - asked < 4
        assert status == 503
        checks = json.loads(body)["checks"]
        assert checks["webhook"] != "ok"
        assert (checks["database"] != "ok") is (trouble is locked)
        assert fetch(f"{machine.url}/healthz")[0] == 200

    eventually(
        lambda: stand.chat_texts(user),
        "the greeting afterwards",
        on=machine.changes,
        within_seconds=30,
    )
    eventually(lambda: fetch(f"{machine.url}/readyz")[0] == 200, "ready again", on=machine.changes)
    greetings = [text for text in stand.chat_texts(user) if text.startswith("こんにちは")]
    assert len(greetings) == 1
    assert len(stand.attempts(event)) > 1
    assert '"webhook.failed"' in service.words
