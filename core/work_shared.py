"""A queue for many processes: Procrastinate hands out the work, PostgreSQL stores it.

A job carries a task's key and nothing else. It is inserted in the caller's transaction, so the work
exists exactly if its data does. Procrastinate's table, triggers and workers do the rest. Three
things are stricter here. A second job with a waiting key is merged instead of refused. A failed job
is put again instead of retried, because the same key may have been put meanwhile. Jobs of a dead
worker are put again within 30 seconds, without a person.

Source: https://procrastinate.readthedocs.io/ (3.10), its schema.sql and worker.py.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Collection
from datetime import datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.connector import LISTEN_TIMEOUT
from procrastinate.exceptions import ConnectorException
from procrastinate.job_context import JobContext
from procrastinate.jobs import DeleteJobCondition
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import Clock
from core.database import Database
from core.errors import BadInput
from core.work import DEFAULT_CONCURRENCY, GRAVEST, URGENT, Handler, decide_retry

DEAD_AFTER_SECONDS = 15.0
LOOK_FOR_DEAD_SECONDS = 5.0
POLL_SECONDS = 1.0
"""The longest delay in seconds for work that was put for later. Work put for now is noticed at
once.
"""
GRAVEST_QUEUE, URGENT_QUEUE = "urgent", "urgent-2"
SCHEMA = "3.10.0"
"""The version of Procrastinate whose tables our migrations make (app/migrations/procrastinate)."""
LAST_CHANGE = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""The last change of its tables that Procrastinate of that version knows."""

# A waiting job is merged with an UPDATE. The UPDATE waits for a worker that is taking the job at
# this moment; in that case this inserts a new job. It also locks the row if nothing changes, so
# that no worker takes it before the caller's data is committed.
_MERGE = """
    ON CONFLICT (queueing_lock) WHERE status = 'todo' DO UPDATE SET
        queue_name = CASE WHEN EXCLUDED.priority > procrastinate_jobs.priority
            THEN EXCLUDED.queue_name ELSE procrastinate_jobs.queue_name END,
        priority = GREATEST(EXCLUDED.priority, procrastinate_jobs.priority),
        scheduled_at = CASE
            WHEN EXCLUDED.scheduled_at IS NULL OR procrastinate_jobs.scheduled_at IS NULL THEN NULL
            ELSE LEAST(EXCLUDED.scheduled_at, procrastinate_jobs.scheduled_at) END
"""
_COLUMNS = "queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at"
_PUT = f"""
    INSERT INTO procrastinate_jobs ({_COLUMNS}) VALUES (
        %(queue)s, %(task)s, %(priority)s, %(lock)s, %(lock)s, %(args)s::jsonb,
        clock_timestamp() + make_interval(secs => %(wait)s::float8)
    )
    {_MERGE}
    WHERE EXCLUDED.priority > procrastinate_jobs.priority OR (
        procrastinate_jobs.scheduled_at IS NOT NULL AND (
            EXCLUDED.scheduled_at IS NULL
            OR EXCLUDED.scheduled_at < procrastinate_jobs.scheduled_at
        )
    )
"""  # noqa: S608
_TAKE_OVER = f"""
    WITH dead AS (
        DELETE FROM procrastinate_jobs WHERE id IN (
            SELECT job.id FROM procrastinate_jobs AS job
            LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
            WHERE job.status = 'doing' AND (
                worker.id IS NULL
                OR worker.last_heartbeat < now() - make_interval(secs => %(seconds)s)
            )
            FOR UPDATE OF job SKIP LOCKED
        )
        RETURNING *
    )
    INSERT INTO procrastinate_jobs ({_COLUMNS})
    SELECT queue_name, task_name, priority, lock, queueing_lock, args, NULL FROM dead
    {_MERGE}
    RETURNING id
"""  # noqa: S608

log = structlog.get_logger(__name__)


def plain_url(url: str | URL) -> str:
    """Return a SQLAlchemy address as libpq wants it, without the driver's name."""
    made = make_url(url) if isinstance(url, str) else url
    if made.get_backend_name() != "postgresql":
        raise BadInput("Several processes can share work only on PostgreSQL.")
    return made.set(drivername="postgresql").render_as_string(hide_password=False)


def require_known_schema() -> None:
    """Refuse a Procrastinate that needs other tables than the ones our migrations make.

    Raises
    ------
    BadInput
        It is another version, with changes of the tables that we do not have, or without some
        that we do.
    """
    changes = sorted(path.name for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    if not changes or changes[-1] != LAST_CHANGE:
        raise BadInput(
            f"Procrastinate {version('procrastinate')} needs other tables than Todoke makes, which "
            f"are those of {SCHEMA}; install that version (requirements/runtime.txt)."
        )


class ProcrastinateQueue:
    """Puts work into PostgreSQL; every process that calls :meth:`run` works on it.

    Parameters
    ----------
    database
        PostgreSQL; migrations make the tables.
    clock
        Decides when failed work is tried again.
    grace_seconds
        How long running work may continue after ``run`` was told to stop.
    dead_after_seconds
        A worker without a sign of life for so long is dead; its work is taken over.

    Raises
    ------
    BadInput
        As :func:`require_known_schema`.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        grace_seconds: float = 5.0,
        dead_after_seconds: float = DEAD_AFTER_SECONDS,
        seed: int | None = None,
    ) -> None:
        require_known_schema()
        self._dead_after = dead_after_seconds
        self._url = plain_url(database.url)
        self._clock = clock
        self._grace = grace_seconds
        self._chance = random.Random(seed)  # noqa: S311
        self._handlers: dict[str, tuple[Handler, int]] = {}

    def register(
        self, task: str, handler: Handler, *, concurrency: int = DEFAULT_CONCURRENCY
    ) -> None:
        """See :meth:`core.work.Queue.register`."""
        self._handlers[task] = (handler, concurrency)

    async def put(
        self,
        session: AsyncSession,
        task: str,
        key: str,
        *,
        priority: int = 5,
        not_before: datetime | None = None,
    ) -> None:
        """See :meth:`core.work.Queue.put`."""
        wait = None
        if not_before is not None:
            wait = (not_before - self._clock.now()).total_seconds()
        connection = await session.connection()
        await connection.exec_driver_sql(_PUT, _values(task, key, priority, wait, 1))

    async def put_many(
        self, session: AsyncSession, task: str, keys: Collection[str], *, priority: int = 5
    ) -> None:
        """See :meth:`core.work.Queue.put_many`; the driver sends them without waiting between."""
        if keys:
            connection = await session.connection()
            values = [_values(task, key, priority, None, 1) for key in sorted(keys)]
            await connection.exec_driver_sql(_PUT, values)

    async def run(self, stop: asyncio.Event) -> None:
        """See :meth:`core.work.Queue.run`."""
        # Each worker listens on its own connection, and needs others for short times.
        places = {task: concurrency for task, (_, concurrency) in self._handlers.items()}
        most = max(places.values(), default=1)
        own = {urgent: places[task] for task in self._handlers if (urgent := _own_urgent(task))}
        places |= {GRAVEST_QUEUE: most, URGENT_QUEUE: most, **own}
        connector = _Connector(conninfo=self._url, min_size=1, max_size=4 + 2 * len(places))
        app = App(connector=connector)
        for task in self._handlers:
            app.task(name=task)(partial(self._do, app, task))
        async with app.open_async(), asyncio.TaskGroup() as group:
            for queue, concurrency in places.items():
                group.create_task(self._work(app, queue, concurrency, stop))
            taking_over = group.create_task(self._take_over(connector))
            await stop.wait()
            taking_over.cancel()

    async def _work(self, app: App, queue: str, concurrency: int, stop: asyncio.Event) -> None:
        """Keep one worker running: a lost connection ends it, and it starts again."""
        while not stop.is_set():
            worker = self._worker(app, queue, concurrency)
            running = asyncio.create_task(worker.run(), name=f"worker {queue}")
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((stopped, running), return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopped.cancel()
                worker.stop()
            try:
                await running
            except Exception as error:
                log.error("worker.failed", queue=queue, exc_info=error)
                if not stop.is_set():
                    await self._clock.sleep(POLL_SECONDS)

    def _worker(self, app: App, queue: str, concurrency: int) -> Any:
        # Its methods carry no types.
        return _Worker(
            app,
            queues=[queue],
            name=queue,
            concurrency=concurrency,
            wait=True,
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=self._grace,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
            update_heartbeat_interval=self._dead_after / 4,
            stalled_worker_timeout=4 * self._dead_after,
        )

    async def _do(self, app: App, task: str, key: str, attempt: int = 1, priority: int = 5) -> None:
        try:
            await self._handlers[task][0](key)
        except asyncio.CancelledError:
            # Told to stop: the next process continues unfinished work.
            await asyncio.shield(self._again(app, task, key, priority, attempt, 0.0))
            raise
        except Exception as error:
            delay = decide_retry(task, key, attempt, error, self._chance)
            if delay is not None:
                await self._again(app, task, key, priority, attempt + 1, delay)

    async def _again(
        self, app: App, task: str, key: str, priority: int, attempt: int, delay: float
    ) -> None:
        values = _values(task, key, priority, delay, attempt)
        await app.connector.execute_query_async(_PUT, **values)

    async def _take_over(self, connector: PsycopgConnector) -> None:
        """Queue the work of dead workers again, from time to time."""
        while True:
            try:
                taken = await connector.execute_query_all_async(
                    _TAKE_OVER, seconds=self._dead_after
                )
                if taken:
                    log.warning("work.reclaimed", tasks=len(taken))
            except ConnectorException as error:
                log.warning("workers.unread", reason=str(error))
            await self._clock.sleep(min(LOOK_FOR_DEAD_SECONDS, self._dead_after / 3))


class _Connector(PsycopgConnector):
    """Procrastinate's connector; a worker looks for jobs once it listens.

    What was put before the connection listened, at the start or after it was lost, was told to
    nobody, and would wait for the next poll.
    """

    async def _loop_notify(
        self, on_notification: Any, connection: Any, timeout: float = LISTEN_TIMEOUT
    ) -> None:
        await on_notification(channel="", payload='{"type": "job_inserted"}')
        await super()._loop_notify(on_notification, connection, timeout)


class _Worker(Worker):
    """Procrastinate's worker, without missing jobs that arrive while it fetches.

    The original forgets after each fetch what it was notified of during the fetch. A job that was
    put at that moment, even an emergency, would wait for the next poll. So would a job whose key
    was being worked on.
    """

    _told = False

    async def _process_job(self, context: JobContext) -> None:
        # Another job may wait for this one's lock; only its insertion was notified.
        await super()._process_job(context)
        self._told = True
        self._new_job_event.set()

    async def _handle_notification(self, **notice: Any) -> None:
        self._told = True
        await super()._handle_notification(**notice)

    async def _fetch_and_process_jobs(self) -> None:
        self._told = True
        while self._told:
            self._told = False
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]


def _queue_of(task: str, priority: int) -> str:
    own = _own_urgent(task)
    if own is not None:
        return own if priority <= URGENT else task
    if priority <= GRAVEST:
        return GRAVEST_QUEUE
    return URGENT_QUEUE if priority <= URGENT else task


def _own_urgent(task: str) -> str | None:
    """Return the urgent queue of a task that has one of its own; None for the common ones."""
    _, at, name = task.partition("@")
    return f"{URGENT_QUEUE}@{name}" if at else None


def _values(task: str, key: str, priority: int, wait: float | None, attempt: int) -> dict[str, Any]:
    return {
        "queue": _queue_of(task, priority),
        "task": task,
        # Procrastinate takes the greatest first.
        "priority": -priority,
        "lock": f"{task}:{key}",
        "args": json.dumps({"key": key, "attempt": attempt, "priority": priority}),
        # A duration, because the database's clock may differ from ours.
        "wait": wait,
    }
