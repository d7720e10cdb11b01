"""``todoke check`` says what is wrong with the database, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.database_check import check_database
from app.revision import newest_revision
from app.schema import upgrade_now
from tests.support.databases import sync_url


def execute(url: str, statement: str) -> None:
    engine = create_engine(sync_url(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_what_a_database_lacks_is_said(database_url: str) -> None:
    said = check_database(database_url)
    assert (said.faults, len(said.warnings)) == ([], 1)  # it is yet to be made
    upgrade_now(database_url, "0003")
    wrong = f"The database is at revision 0003, not {newest_revision()}; run 'todoke db upgrade'."
    assert check_database(database_url).faults == [wrong]
    upgrade_now(database_url)
    said = check_database(database_url)
    assert (said.faults, said.warnings) == ([], [])
    execute(database_url, "DROP TABLE photos")
    assert check_database(database_url).faults == ["The database lacks the tables photos."]
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    assert "update Todoke" in check_database(database_url).faults[0]


def filled(folder: Path) -> Path:
    """A database in which one table fills pages of its own."""
    file = folder / "todoke.sqlite3"
    upgrade_now(f"sqlite:///{file}")
    execute(
        f"sqlite:///{file}",
        "INSERT INTO areas (code, name, retired) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) "
        "SELECT 'code' || i, printf('%0300d', i), 0 FROM n",
    )
    execute(f"sqlite:///{file}", "PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.mark.parametrize("garbage", [b"\xff" * 4096, b"\x00" * 4096])
def test_a_damaged_page_is_a_fault(tmp_path: Path, garbage: bytes) -> None:
    file = filled(tmp_path)
    content = file.read_bytes()
    at = content.rfind(b"0000000250") // 4096 * 4096
    file.write_bytes(content[:at] + garbage + content[at + 4096 :])
    (fault,) = check_database(f"sqlite:///{file}").faults
    assert f"{file} is damaged" in fault


def test_what_is_no_database_at_all_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "todoke.sqlite3"
    file.write_bytes(b"not a database, but long enough to be one " * 100)
    (fault,) = check_database(f"sqlite:///{file}").faults
    assert "is damaged" in fault


def test_it_ends_when_time_is_up_and_names_what_it_left_out(tmp_path: Path) -> None:
    def seconds() -> Iterator[float]:
        at = 0.0
        while True:
            yield at
            at += 4.0

    clock = seconds()
    said = check_database(f"sqlite:///{filled(tmp_path)}", 10.0, timer=lambda: next(clock))
    (warning,) = said.warnings
    assert "webhook_events" in warning
    assert said.faults == []


def test_a_server_that_does_not_answer_is_a_fault() -> None:
    (fault,) = check_database("postgresql://127.0.0.1:1/todoke").faults
    assert fault.startswith("The database cannot be used: ")
