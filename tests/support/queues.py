"""The tables of the shared queue, without the migrations of everything else."""

from __future__ import annotations

from pathlib import Path

import psycopg
from sqlalchemy.engine import URL

from app.revision import MIGRATIONS
from core.work_shared import SCHEMA, plain_url

QUEUE_SQL = Path(MIGRATIONS, "procrastinate", f"{SCHEMA}.sql")
LOCK_INDEX = (
    "CREATE INDEX procrastinate_jobs_todoke_lock_idx "
    "ON procrastinate_jobs (lock) WHERE status IN ('todo', 'doing')"
)
"""As of revision 0009."""


async def install_schema(url: str | URL) -> None:
    """Make the tables of the shared queue on PostgreSQL, unless they are there."""
    async with await psycopg.AsyncConnection.connect(plain_url(url)) as connection:
        there = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
        if (await there.fetchone()) != (None,):
            return
        await connection.execute(QUEUE_SQL.read_bytes())
        await connection.execute(LOCK_INDEX)
