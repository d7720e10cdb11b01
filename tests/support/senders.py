"""Sending processes of their own, as ``todoke worker`` is one, over a test's database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from city.city import PostAccount
from core.database import Database
from tests.support.processes import Forked
from tests.support.project import PROJECT


def start_sender(
    url: str, database: Database, log: Path, *, rate: int, dead_after: float = 15.0
) -> Forked:
    """Start one that sends to the stand-in at ``url``; what it says goes to ``log``.

    After ``dead_after`` seconds of silence, others take over its work.
    """
    return _start(["--line", url, "--rate", str(rate)], database, log, dead_after)


def start_folder_sender(
    path: Path, database: Database, log: Path, *, dead_after: float = 15.0
) -> Forked:
    """Start one that writes messages as files into the folder ``path``."""
    return _start(["--folder", str(path)], database, log, dead_after)


def start_mail_sender(
    port: int, database: Database, log: Path, *, dead_after: float = 15.0
) -> Forked:
    """Start one that sends mail to the server on a port of this machine."""
    return _start(["--mail", str(port)], database, log, dead_after)


def accounts_for(addresses: Iterable[str]) -> list[tuple[PostAccount, str]]:
    """Return an account in another network for each address of Apprise's; it is called after it."""
    return [
        (PostAccount(name=address.partition(":")[0], topics=("evacuation",)), address)
        for address in addresses
    ]


def start_sender_by_all(
    database: Database,
    log: Path,
    *,
    line: str,
    mail: int,
    push: str,
    posts: Iterable[str],
    counts: Path,
    dead_after: float = 15.0,
    stands_in: bool = False,
) -> Forked:
    """Start one that sends by every medium; see :mod:`tests.support.sender_process`."""
    by = ["--line", line, "--rate", "6", "--mail", str(mail), "--push", push]
    by += [part for address in posts for part in ("--post", address)]
    by += ["--counts", str(counts), *(["--stand-in"] if stands_in else [])]
    return _start(by, database, log, dead_after)


def _start(by: list[str], database: Database, log: Path, dead_after: float) -> Forked:
    address = database.url.render_as_string(hide_password=False)
    return Forked(
        "tests.support.sender_process",
        [*by, "--database", address, "--dead-after", str(dead_after)],
        out=log,
        folder=PROJECT,
    )


@asynccontextmanager
async def senders(
    url: str, database: Database, log: Path, *, rate: int, number: int = 3
) -> AsyncIterator[list[Forked]]:
    """Have some send within the block; they are killed at its end."""
    started = [start_sender(url, database, log, rate=rate) for _ in range(number)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            await process.ended()
