"""``todoke figures``: a month as CSV, as in the console; a day counted again."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, insert, select
from sqlmodel import col

from app.schema import upgrade_now
from console.figures.models import DayFigures
from core.clock import in_japan
from tests.support.commands import run_command
from tests.support.databases import sync_url
from tests.support.project import SAMPLE_CITY


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    """The sample city, and a database in which yesterday was counted."""
    upgrade_now(database_url)
    monkeypatch.setenv("TODOKE_CITY", str(SAMPLE_CITY))
    monkeypatch.setenv("TODOKE_DATABASE_URL", database_url)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    return run_command(capsys, "figures", *arguments)


def test_a_month_is_a_table_json_and_a_file(
    capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    yesterday = in_japan(datetime.now(UTC)).date() - timedelta(days=1)
    counts = {"taken": {"line": 1_200}, "topic-now": {"events": 4, "weather": 30}}
    engine = create_engine(sync_url(database_url))
    with engine.begin() as connection:
        row = {"day": yesterday, "counts": counts, "line": {}, "counted_at": datetime.now(UTC)}
        connection.execute(insert(DayFigures), row)
    month = f"{yesterday:%Y-%m}"
    code, out, err = run(capsys, "month", month, "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.reader(io.StringIO(out.lstrip("\ufeff"))))
    assert rows[0] == ["開始日", "終了日", "内容", "区分", "内訳", "数値"]
    assert ["手段別の配信数", "LINE", "配信済み", "1200"] in [row[2:] for row in rows]
    assert "10未満" in [row[-1] for row in rows if row[3] == "イベント"]
    code, out, err = run(capsys, "month", month, "--json", "--language", "en")
    found = {(row["part"], row["of"]): row["figure"] for row in json.loads(out)}
    assert found["By topic", "Events"] is None
    assert ("Messages by medium", "LINE") in found
    assert "1,200" in run(capsys, "month", month)[1]
    engine.dispose()


def test_a_day_is_counted_again(capsys: pytest.CaptureFixture[str], database_url: str) -> None:
    yesterday = in_japan(datetime.now(UTC)).date() - timedelta(days=1)
    assert run(capsys, "count", f"{yesterday}")[0] == 0
    engine = create_engine(sync_url(database_url))
    with engine.connect() as connection:
        assert list(connection.scalars(select(col(DayFigures.day)))) == [yesterday]
    engine.dispose()


@pytest.mark.parametrize(
    "arguments",
    [
        ("month", "2999-01"),
        ("month", "november"),
        ("month", "2026-06", "--language", "fr"),
        ("count", "2999-01-01"),
        ("count", "2001-01-01"),
        ("count", "yesterday"),
    ],
)
def test_bad_input_is_one_clear_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *arguments)
    assert code != 0 and out == ""
    assert len(err.strip().splitlines()) == 1 and arguments[-1] in err
