"""Run trials of rules in child processes, so that webhooks and pages do not wait for them.

The process that stored a proposal starts the child. The child only reads the city's database, and
says on its output how far it is. The progress and the result are stored with the proposal, so that
every web process shows them. If both die, the page offers to try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import update
from sqlmodel import col

from alerts.rule_trials import Outcome, Past, compared, kept_past, play
from app.recorded_days import recorded_pasts
from city.city import City
from city.context import Context
from core.database import Database
from feeds.models import RuleVersion, TrialState
from feeds.overlay import Overlay, overlay_in_force

log = structlog.get_logger(__name__)

NICENESS = 5
STORED_EVERY = 0.5
"""Seconds between two stored signs of life."""
PATIENCE = 600.0
"""Seconds after which a trial is given up."""
_HOME = Path(__file__).resolve().parent.parent
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "SYSTEMROOT", "TZ", "TMPDIR")


class RuleTrials:
    """Starts trials; ``app.state.rule_trials``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._running: dict[int, asyncio.Task[None]] = {}

    def start(self, version: RuleVersion) -> None:
        """Try a stored proposal, unless this process does so already."""
        assert version.id is not None
        if version.id not in self._running:
            task = asyncio.create_task(self._run(version.id, list(version.changes)))
            self._running[version.id] = task
            task.add_done_callback(lambda _: self._running.pop(version.id or 0, None))

    async def stop(self) -> None:
        """End running trials; they are offered again."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, version_id: int, changes: list[dict[str, str]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                result = await self._in_child(version_id, changes)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("trial.failed", key=str(version_id), reason=str(error))
            await self._store(version_id, trial_state=TrialState.FAILED)
            return
        log.info("trial.finished", key=str(version_id), items=result["read"])
        await self._store(version_id, trial_state=TrialState.DONE, trial=result)

    async def _in_child(self, version_id: int, changes: list[dict[str, str]]) -> dict[str, Any]:
        context = self._context
        await self._store(version_id, trial_state=TrialState.RUNNING)
        wish = {
            "database": context.database.url.render_as_string(hide_password=False),
            "city": context.city,
            "changes": changes,
            "now": context.clock.now().isoformat(),
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "app.rule_trials"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=64 * 1024 * 1024,
            cwd=_HOME,
            # Only what it needs: the database's address comes by its input.
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            start_new_session=True,
        )
        result: dict[str, Any] | None = None
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(pickle.dumps(wish))
            child.stdin.close()
            stored_at = 0.0
            async for line in child.stdout:
                said = json.loads(line)
                if "result" in said:
                    result = said["result"]
                elif context.clock.monotonic() - stored_at >= STORED_EVERY:
                    stored_at = context.clock.monotonic()
                    await self._store(version_id, trial_done=said["done"], trial_of=said["of"])
            await child.wait()
            if result is None:
                errors.seek(0)
                said_last = errors.read()[-2000:].decode(errors="replace")
                raise RuntimeError(f"exit code {child.returncode}: {said_last}")
            return result
        finally:
            errors.close()
            if result is None:
                # It plays in two processes.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            await child.wait()

    async def _store(self, version_id: int, **values: Any) -> None:
        async with self._context.database.writing() as session:
            await session.execute(
                update(RuleVersion)
                .where(col(RuleVersion.id) == version_id)
                .values(trial_seen_at=self._context.clock.now(), **values)
            )


@dataclass(frozen=True)
class Played:
    """Everything there is, played under one overlay. ``since`` is when what is kept begins."""

    outcomes: list[Outcome]
    items: int
    since: datetime | None


async def play_everything(
    live: Database,
    city: City,
    overlay: Overlay | None,
    now: datetime,
    *,
    said: Callable[[int, int], None] = lambda _done, _of: None,
) -> Played:
    """Play what is kept and the recorded days.

    Parameters
    ----------
    overlay
        None for the one that holds.
    said
        Called with the number of items read, and of all.
    """
    if overlay is None:
        async with live.reading() as session:
            overlay = await overlay_in_force(session)
    kept = await kept_past(live, city, now, city.retention.telegrams)
    pasts: list[Past] = [kept, *recorded_pasts(city, now)]
    items = sum(len(reading.items) for past in pasts for reading in past.readings)
    done = 0

    def progress(number: int) -> None:
        nonlocal done
        done += number
        said(done, items)

    outcomes: list[Outcome] = []
    for past in pasts:
        outcomes += await play(past, overlay, live, progress=progress)
    return Played(outcomes, items, kept.readings[0].at if kept.readings else None)


def trial_result(proposed: Played, held: Played) -> dict[str, Any]:
    """Return ``alerts.rule_trials.TrialResult`` as JSON."""
    result = compared(proposed.outcomes, held.outcomes, proposed.items)
    result.since = proposed.since.isoformat() if proposed.since is not None else ""
    return result.dumped()


async def _played(wish: dict[str, Any], changes: list[dict[str, str]] | None) -> Played:
    """Play in this process; only a trial of the proposed rules says how far it is."""
    live = Database(wish["database"], pool_size=1)

    def said(done: int, of: int) -> None:
        if changes is not None:
            print(json.dumps({"done": done, "of": of}), flush=True)  # noqa: T201 - its output

    try:
        overlay = None if changes is None else Overlay.loaded(changes)
        now = datetime.fromisoformat(wish["now"])
        return await play_everything(live, wish["city"], overlay, now, said=said)
    finally:
        await live.close()


def _play_what_holds(wish: dict[str, Any], sender: Connection) -> None:
    sender.send(asyncio.run(_played(wish, None)))


def main() -> None:
    """Play the proposed rules here and those that hold in a second process, at the same time."""
    # Only this program starts it, and writes its input.
    wish = pickle.load(sys.stdin.buffer)  # noqa: S301
    forking = multiprocessing.get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    beside = forking.Process(target=_play_what_holds, args=(wish, sender), daemon=True)
    beside.start()
    sender.close()
    proposed = asyncio.run(_played(wish, wish["changes"]))
    held: Played = receiver.recv()
    beside.join()
    print(json.dumps({"result": trial_result(proposed, held)}), flush=True)  # noqa: T201


if __name__ == "__main__":
    from core.logs import QUIET, configure_logs

    configure_logs(level=QUIET)
    os.nice(NICENESS)
    main()
