"""Migrate the database's schema with Alembic, in the same way on both databases.

Alembic is imported only to migrate, because every command reads the revision and would wait for the
import.
"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

from app.revision import MIGRATIONS, known_revisions, newest_revision
from core.database import BUSY_TIMEOUT_MS, WRITES, Database, prepare_sqlite
from core.errors import BadInput, Permanent

if TYPE_CHECKING:
    from alembic.config import Config

MODELS = (
    *("core.audit", "core.tallies", "console.figures.models"),
    *(f"{name}.models" for name in ("subscriptions", "feeds", "channels")),
    *("channels.line.models", "channels.email.models", "alerts.news.models", "alerts.chat.models"),
    "alerts.surveys.models",
    *(f"{name}.models" for name in ("alerts", "response", "reports", "public", "console", "bot")),
)
"""Where our tables are."""


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade_now(url: str, revision: str = "head") -> None:
    """Create or migrate the database at ``url``, up to ``revision``; nothing is lost.

    SQLite keeps foreign keys off while tables are rebuilt, as its documentation asks, and
    takes the whole upgrade in one transaction; so does PostgreSQL.
    """
    from alembic import command

    address = make_url(url)
    sqlite = address.get_backend_name() == "sqlite"
    if sqlite and address.database:
        file = Path(address.database)
        file.parent.mkdir(parents=True, exist_ok=True)
        # Residents' data must not be readable for other users of this machine.
        file.touch(mode=0o600)
    engine = create_engine(
        address.set(drivername="sqlite" if sqlite else "postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000} if sqlite else {},
    )
    if sqlite:
        prepare_sqlite(engine)
    with engine.connect() as connection:
        if sqlite:
            # Outside of SQLAlchemy's transaction, in which the pragma would have no effect.
            connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
            connection = connection.execution_options(**WRITES)
        with connection.begin():
            _refuse_newer(revision_of(connection))
            command.upgrade(_config(connection), revision)
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                raise Permanent(f"The upgrade would leave rows that refer to nothing: {broken[0]}.")
    engine.dispose()


async def upgrade(database: Database, revision: str = "head") -> None:
    """Like :func:`upgrade_now`, without blocking the event loop."""
    url = database.url.render_as_string(hide_password=False)
    await asyncio.to_thread(upgrade_now, url, revision)


def missing_tables(connection: Connection) -> list[str]:
    """Return which of our tables are missing in an open database."""
    for module in MODELS:
        importlib.import_module(module)
    return sorted(set(SQLModel.metadata.tables) - set(inspect(connection).get_table_names()))


def revision_of(connection: Connection) -> str | None:
    """The revision of an open database, or None when it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def current_revision(database: Database) -> str | None:
    """The revision the database is at, or None when it is empty."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(revision_of)


def _refuse_newer(revision: str | None) -> None:
    """Refuse a database of a newer version of Todoke, because its content is unknown."""
    if revision is not None and revision not in known_revisions():
        raise BadInput(
            f"The database is of a newer Todoke (revision {revision}, here {newest_revision()}); "
            "please update Todoke."
        )


async def require_newest(database: Database) -> None:
    """Refuse to work on a database that this version of Todoke did not make.

    Raises
    ------
    BadInput
        It is not there, empty, older or newer; the message says what to do.
    """
    _require_file(database)
    current, newest = await current_revision(database), newest_revision()
    _refuse_newer(current)
    if current != newest:
        state = "is empty" if current is None else f"is at revision {current}, not {newest}"
        raise BadInput(f"The database {state}; run 'todoke db upgrade'.")


def _require_file(database: Database) -> None:
    """Refuse a wrong path, for which SQLite would make an empty database."""
    file = database.url.database
    if database.url.get_backend_name() == "sqlite" and file and not Path(file).exists():
        raise BadInput(f"There is no database {file}; run 'todoke db upgrade'.")
