"""Read the revision of a database without SQLAlchemy, Alembic or the application.

They take seconds to load on a small machine, and a service that is started again finds nothing to
migrate nearly every time.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "migrations"
_QUESTION = "SELECT version_num FROM alembic_version"
_SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^?]+)")
_REVISION = re.compile(r'^revision = "(\w+)"', re.MULTILINE)
_FOLLOWS = re.compile(r'^down_revision = "(\w+)"', re.MULTILINE)
_POSTGRESQL = re.compile(r"postgresql(?:\+\w+)?://")


def newest_revision() -> str:
    """The revision this version of Todoke needs: the migration that no other one follows."""
    followed = {found[1] for text in _files() if (found := _FOLLOWS.search(text))}
    return max(known_revisions() - followed)


def known_revisions() -> set[str]:
    """The revisions that this version of Todoke knows. Their names do not say their order."""
    return {found[1] for text in _files() if (found := _REVISION.search(text))}


def _files() -> list[str]:
    return [path.read_text() for path in (MIGRATIONS / "versions").glob("*_*.py")]


def is_newest(url: str) -> bool:
    """Whether the database is at that revision; False if a quick check cannot tell."""
    if found := _SQLITE.fullmatch(url):
        return newest_revision() == _sqlite(found[1])
    return newest_revision() == _postgresql(url)


def _sqlite(path: str) -> str | None:
    file = Path(path)
    with (
        contextlib.suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return _told(connection.execute(_QUESTION).fetchone())
    return None


def _postgresql(url: str) -> str | None:
    import psycopg

    with (
        contextlib.suppress(psycopg.Error),
        psycopg.connect(_POSTGRESQL.sub("postgresql://", url)) as connection,
    ):
        return _told(connection.execute(_QUESTION).fetchone())
    return None


def _told(row: tuple[object, ...] | None) -> str | None:
    return str(row[0]) if row else None
