"""Databases with all tables, made once and handed to one test after another.

Making the tables takes 0.4 s on PostgreSQL and 0.07 s on SQLite, more than most tests. SQLite
gets a copy of a prepared file. PostgreSQL's databases are copies of one, and are emptied after a
test and used again.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url
from sqlmodel import SQLModel

from core.database import Database

LARGEST_BYTES = 40_000_000
"""A database that a test made larger than this is not used again: dead rows would slow the next."""

RELATIONS = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
ANALYZED = f"{RELATIONS} AND reltuples > 0 AND relkind <> 'S'"
"""Tables with statistics of what a test stored; the next test's plans would rest on them.

A sequence always has one row.
"""
EMPTY = """
DO $$
DECLARE each record;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR each IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DELETE FROM %I', each.name);
    END LOOP;
    -- ALTER SEQUENCE would make a new file for each of them.
    PERFORM setval(format('%I', sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""
OTHERS_GONE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_numbers = itertools.count(1)


def make_tables(url: str) -> None:
    """Make every table in an empty database."""

    async def make() -> None:
        database = Database(url)
        async with database.engine.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
        await database.close()

    # In a thread of its own: the test's event loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, make()).result()


class Sqlite:
    """Copies of one prepared SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._prepared = folder / "prepared.sqlite3"
        make_tables(f"sqlite:///{self._prepared}")

    def take(self, folder: Path) -> str:
        """Return the address of a new database in ``folder``."""
        file = folder / "todoke.sqlite3"
        shutil.copyfile(self._prepared, file)
        return f"sqlite:///{file}"


class Postgresql:
    """Databases on one PostgreSQL server; ``server`` is its address."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[str] = []
        self._relations = 0
        self._prepared = ""
        self._cleaners: dict[str, psycopg.Connection[tuple[int]]] = {}

    def create(self, like: str = "template1") -> str:
        """Make a database and return its address.

        Parameters
        ----------
        like
            The database that it is a copy of; by default it has no tables.
        """
        name = f"todoke_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY file_copy')
        base, _, query = self._server.partition("?")
        return f"{base.rpartition('/')[0]}/{name}" + (f"?{query}" if query else "")

    def take(self, *, new: bool = False) -> str:
        """Return the address of a database with empty tables.

        Parameters
        ----------
        new
            Whether no test may have used it: the files of emptied tables stay large, and plans
            rest on their size.
        """
        if self._free and not new:
            return self._free.pop()
        if not self._prepared:
            url = self.create()
            make_tables(url)
            with psycopg.connect(url) as connection:
                self._relations = _number(connection, RELATIONS)
            self._prepared = str(make_url(url).database)
        return self.create(like=self._prepared)

    def give_back(self, url: str) -> None:
        """Empty a database for the next test, unless a test changed its tables or filled it."""
        try:
            usable = self._emptied(url)
        except psycopg.OperationalError:  # a test ended all connections, and this one with them
            self._cleaners.pop(url).close()
            usable = self._emptied(url)
        if usable:
            self._free.append(url)
        else:
            self._cleaners.pop(url).close()

    def _emptied(self, url: str) -> bool:
        # The connection stays: a new one would have to look up all tables first.
        if url not in self._cleaners:
            self._cleaners[url] = psycopg.connect(url, autocommit=True)
        connection = self._cleaners[url]
        size = _number(connection, "SELECT pg_database_size(current_database())")
        if size > LARGEST_BYTES or _number(connection, RELATIONS) != self._relations:
            return False
        if _number(connection, ANALYZED):
            return False
        connection.execute(OTHERS_GONE)
        connection.execute(EMPTY)
        return True

    def close(self) -> None:
        """Let the server end."""
        for connection in self._cleaners.values():
            connection.close()


def _number(connection: psycopg.Connection[tuple[int]], query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def sync_url(url: str) -> str:
    address = make_url(url)
    driver = "sqlite" if address.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return address.set(drivername=driver).render_as_string(hide_password=False)
