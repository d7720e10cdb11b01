"""The database is made and upgraded by migrations, the same on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Column,
    ColumnClause,
    Enum,
    LargeBinary,
    MetaData,
    String,
    create_engine,
    insert,
    select,
)
from sqlalchemy import column as column_of
from sqlalchemy import table as lightweight
from sqlalchemy.exc import IntegrityError
from sqlmodel import AutoString, SQLModel

from app.revision import MIGRATIONS, is_newest, newest_revision
from app.schema import current_revision, require_newest, upgrade_now
from console.models import CodeSet, Role, RoleSet
from core.database import Database, ReasonText, UtcDateTime
from core.errors import BadInput
from core.reason import other
from tests.support.databases import sync_url

FIRST = "0001"


def test_migrations_make_what_the_models_say(database_url: str) -> None:
    upgrade_now(database_url)
    with create_engine(sync_url(database_url)).connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": False,
                "include_name": lambda name, kind, _: (
                    not str(name).startswith(("procrastinate", "report_search"))
                ),
            },
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    upgrade_now(database_url)
    upgrade_now(database_url)


def test_a_filled_database_of_the_first_version_keeps_every_row(database_url: str) -> None:
    upgrade_now(database_url, FIRST)
    engine = create_engine(sync_url(database_url))
    tables = MetaData()
    tables.reflect(engine)
    filled: dict[str, dict[str, Any]] = {}
    with engine.begin() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if table.name not in tables.tables:
                continue  # a later version's
            row = {
                column.name: _some_value(column)
                for column in table.columns
                if column.name in tables.tables[table.name].columns
            }
            of_then = lightweight(table.name, *(_plain(table.columns[name]) for name in row))
            connection.execute(insert(of_then), row)
            filled[table.name] = row
    assert len(filled) > 20
    upgrade_now(database_url)
    with engine.connect() as connection:
        for table in SQLModel.metadata.sorted_tables:
            if table.name not in filled:
                continue
            kept = dict(connection.execute(select(table)).mappings().one())
            row = filled[table.name]
            assert {name: kept[name] for name in row} == row, table.name
    engine.dispose()


def test_residents_keep_their_rows_and_numbers_when_other_media_come(database_url: str) -> None:
    upgrade_now(database_url, "0035")
    engine = create_engine(sync_url(database_url))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    people = lightweight(
        "residents",
        *(column_of(name) for name in ("line_user_id", "state", "language", "area_list")),
        *(column_of(name) for name in ("language_chosen", "topics_chosen")),
        *(column_of(name, UtcDateTime()) for name in ("followed_at", "updated_at")),
    )
    somebody = {"state": "following", "language": "ja", "area_list": "", "language_chosen": False}
    somebody |= {"topics_chosen": False, "followed_at": at, "updated_at": at}
    with engine.begin() as connection:
        for user in "abc":
            connection.execute(insert(people), {"line_user_id": user, **somebody})
        connection.exec_driver_sql("INSERT INTO subscriptions VALUES (1, 'weather', 3)")
        # A number of somebody who was erased is never given again.
        connection.exec_driver_sql("DELETE FROM residents WHERE line_user_id = 'c'")
    upgrade_now(database_url)
    with engine.begin() as connection:
        connection.execute(insert(people), {"line_user_id": "d", **somebody})
        rows = connection.exec_driver_sql(
            "SELECT id, line_user_id, medium, address, linked_id FROM residents ORDER BY id"
        )
        assert [tuple(row) for row in rows] == [
            (1, "a", "line", None, None),
            (2, "b", "line", None, None),
            (4, "d", "line", None, None),
        ]
        wants = connection.exec_driver_sql(
            "SELECT resident_id, topic, min_level FROM subscriptions"
        )
        assert [tuple(row) for row in wants] == [(1, "weather", 3)]
    for repeated in (
        "INSERT INTO residents (line_user_id, state, language, area_list, language_chosen, "
        "topics_chosen, followed_at, updated_at) SELECT line_user_id, state, language, area_list, "
        "language_chosen, topics_chosen, followed_at, updated_at FROM residents WHERE id = 1",
    ):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.exec_driver_sql(repeated)
    engine.dispose()


def _plain(column: Column[Any]) -> ColumnClause[Any]:
    """The column without its default, which a table of then may not take."""
    return column_of(column.name, column.type)


def _some_value(column: Column[Any]) -> Any:
    """A value that fits the column; keys are 1, so that rows refer to one another."""
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return datetime(2026, 1, 1, 0, 0, tzinfo=UTC)
    if isinstance(kind, ReasonText):
        return other("1")
    if isinstance(kind, RoleSet):
        return (Role.ADMIN,)
    if isinstance(kind, CodeSet):
        return ("roads",)
    if isinstance(kind, Enum):
        assert kind.enum_class is not None
        return next(iter(kind.enum_class))
    if isinstance(kind, JSON):
        return {"ja": "文"}
    if isinstance(kind, LargeBinary):
        return b"\x00\xff"
    if isinstance(kind, String | AutoString):
        return "1"
    if kind.python_type is bool:
        return True
    return kind.python_type(1)


async def test_the_service_refuses_a_database_of_another_version(database: Database) -> None:
    with pytest.raises(BadInput, match="todoke db upgrade"):
        await require_newest(database)


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    upgrade_now(database_url)
    with create_engine(sync_url(database_url)).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadInput, match="newer Todoke"):
        upgrade_now(database_url)
    database = Database(database_url)
    with pytest.raises(BadInput, match="please update Todoke"):
        await require_newest(database)
    await database.close()


def test_a_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "state" / "todoke.sqlite3"
    upgrade_now(f"sqlite:///{file}")
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)  # a group that the machine's owner chose
    upgrade_now(f"sqlite:///{file}")
    assert file.stat().st_mode & 0o777 == 0o640


def test_the_newest_revision_is_the_last_that_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert newest_revision() == ScriptDirectory.from_config(config).get_current_head()


async def test_an_upgraded_database_is_at_the_newest_revision(database_url: str) -> None:
    upgrade_now(database_url)
    database = Database(database_url)
    assert await current_revision(database) == newest_revision()
    await database.close()


@pytest.mark.slow
def test_nothing_to_migrate_is_seen_without_loading_what_migrates(database_url: str) -> None:
    """A small machine takes seconds to load it, at every start of the service."""
    said = (
        "import sys; from app.cli import main; main(['db', 'upgrade']); "
        "print(sorted({'alembic', 'sqlalchemy', 'typer'} & set(sys.modules)))"
    )

    def run() -> str:
        environment = {**os.environ, "TODOKE_DATABASE_URL": database_url}
        command = [sys.executable, "-c", said]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        ).stdout

    done = f"The database is at revision {newest_revision()}.\n"
    assert run() == f"{done}['alembic', 'sqlalchemy', 'typer']\n"
    assert run() == f"{done}[]\n"


@pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/none", "sqlite:///no/such/file"])
def test_a_database_that_is_not_there_is_not_up_to_date(url: str) -> None:
    assert not is_newest(url)
