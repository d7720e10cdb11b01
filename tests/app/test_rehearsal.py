"""What a rehearsal may reach, the band on its pages, and telegrams moved to the present."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from app.kept_days import kept_day, kept_days, moved_to
from app.page_band import with_band
from app.rehearsal import RESULTS, RehearsalPlan, _copied, own_day, result, results, scrubbed
from app.rehearsal_band import REHEARSAL
from app.rehearsal_desk import dumped_day, loaded_day, require_shadow, shadow_city
from app.rehearsal_report import as_csv
from app.stage import Ports, environment_of, stage_settings
from city.folder import load_city
from core.clock import SystemClock
from core.database import Database
from core.errors import BadInput
from core.settings import Settings
from feeds.jma.telegram import read_telegram
from feeds.models import Item, ItemState, Source
from simulator.agency.days import DAYS
from simulator.agency.events import TelegramEvent
from simulator.agency.server import RecordedDays
from tests.support.project import SAMPLE_CITY

LIVE = {
    "PATH": "/usr/bin",
    "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "live",
    "TODOKE_SMTP_URL": "smtp://mail.example",
    "TODOKE_DATABASE_URL": "postgresql://live",
    "TODOKE_WEBHOOKS_URL": "https://live.example",
    "POLICE_MAIL_PASSWORD": "secret",
}


def test_nothing_of_the_live_environment_goes_along() -> None:
    assert scrubbed(LIVE) == {"PATH": "/usr/bin"}


def test_a_shadow_has_settings_of_its_own_and_reads_them_from_its_environment(
    tmp_path: Path,
) -> None:
    settings = stage_settings(tmp_path, Ports(9101, 9102))
    assert Settings.from_environment(environment_of(settings)) == settings
    assert settings.line_api_url == settings.line_data_api_url == "http://127.0.0.1:9102"
    assert settings.database_url == f"sqlite:///{tmp_path}/todoke.sqlite3"


async def test_a_shadow_that_could_reach_something_real_does_not_start(tmp_path: Path) -> None:
    settings = stage_settings(tmp_path, Ports(9101, 9102))
    real = load_city(SAMPLE_CITY)
    days = RecordedDays(SystemClock(), port=9103)
    city = shadow_city(real, days, recorded=True)
    require_shadow(settings, tmp_path, city, {"PATH": "/usr/bin"})
    assert {source.code for source in city.sources} == {source.code for source in real.sources}
    assert city.line_name.startswith("【予行演習】")
    for changed in (
        {"line_api_url": "https://api.line.me"},
        {"line_data_api_url": "https://api-data.line.me"},
        {"database_url": "postgresql://city@db/todoke"},
        {"database_url": "sqlite:///var/todoke.sqlite3"},
        {"media_dir": Path("/var/lib/todoke/media")},
        {"city": SAMPLE_CITY},
    ):
        with pytest.raises(BadInput, match="This is no rehearsal"):
            require_shadow(replace(settings, **changed), tmp_path, city, {})
    for name in ("TODOKE_SMTP_URL", "TODOKE_MAIL_FROM", "TODOKE_OIDC_ISSUER"):
        with pytest.raises(BadInput, match=name):
            require_shadow(settings, tmp_path, city, {name: "x"})
    with pytest.raises(BadInput, match="source"):
        require_shadow(settings, tmp_path, real, {})


def test_the_citys_folder_is_copied_but_not_gigabytes_of_tiles(tmp_path: Path) -> None:
    live = tmp_path / "live"
    live.mkdir()
    for name in ("city.toml", "tiles.pmtiles"):
        (live / name).write_bytes(b"x")
    shutil.copytree(live, tmp_path / "city", copy_function=_copied)
    assert (tmp_path / "city" / "tiles.pmtiles").is_symlink()
    assert not (tmp_path / "city" / "city.toml").is_symlink()
    shutil.rmtree(tmp_path / "city")
    assert (live / "tiles.pmtiles").read_bytes() == b"x"


def test_the_band_is_on_every_page_and_on_nothing_else() -> None:
    page = b"<html><head><title>x</title></head><body class='a'><p>hello</p></body></html>"
    shown = with_band(page, REHEARSAL).decode()
    assert shown.index("REHEARSAL") < shown.index("hello")
    assert "<title>【予行演習】x" in shown and "/static/rehearsal/rehearsal.css" in shown
    assert with_band(b"<p>a part</p>", REHEARSAL) == b"<p>a part</p>"


def test_a_plan_has_limits_and_a_day_that_is_none_is_said_to_be_none() -> None:
    plan = RehearsalPlan(day="rainstorm", speed=60, port=0, simulator_port=0)
    assert plan.checked() is plan
    with pytest.raises(BadInput, match="--speed"):
        replace(plan, speed=61).checked()
    assert own_day("2026-06-15") == date(2026, 6, 15)
    with pytest.raises(BadInput, match="rainstorm"):
        own_day("yesterday")


async def test_a_day_of_the_citys_own_is_moved_to_the_present(database: Database) -> None:
    city = load_city(SAMPLE_CITY)
    then = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
    written = [e for e in DAYS["rainstorm"].events if isinstance(e.what, TelegramEvent)][:3]
    async with database.writing() as session:
        session.add(Source(code="jma-extra", kind="jma"))
        await session.flush()
        for number, event in enumerate(written):
            assert isinstance(event.what, TelegramEvent)
            at = then + timedelta(minutes=10 * number)
            session.add(
                Item(
                    source="jma-extra",
                    identity=str(number),
                    kind=event.what.kind,
                    url=f"https://x/data/20260615030000_0_{event.what.kind}_080000.xml",
                    title=event.what.title,
                    fetched_at=at,
                    payload=event.what.write(at),
                    state=ItemState.DONE,
                )
            )
    assert await kept_days(database, city, then + timedelta(days=9)) == [(date(2026, 6, 15), 3)]
    day = await kept_day(database, city, date(2026, 6, 15))
    now = datetime(2026, 11, 30, 6, 0, tzinfo=UTC)
    again = loaded_day(day.name, json.loads(json.dumps(dumped_day(day, now))))
    assert [event.at - again.events[0].at for event in again.events] == [
        timedelta(minutes=minutes) for minutes in (0, 10, 20)
    ]
    for event in again.events:
        assert isinstance(event.what, TelegramEvent)
        telegram = read_telegram(event.what.write(now), kind=event.what.kind)
        assert telegram.reported_at == now
        assert event.what.office == "080000"


def test_all_times_of_a_telegram_move_by_one_length() -> None:
    telegram = (
        b"<ReportDateTime>2026-06-15T12:00:00+09:00</ReportDateTime>"
        b"<ValidDateTime>2026-06-15T15:00:00+09:00</ValidDateTime><DateTime>2026-06-15T03:00:00Z"
    )
    moved = moved_to(telegram, datetime(2026, 6, 16, 3, 0, tzinfo=UTC))
    assert b"<ReportDateTime>2026-06-16T12:00:00+09:00<" in moved
    assert b"<ValidDateTime>2026-06-16T15:00:00+09:00<" in moved
    assert b"<DateTime>2026-06-16T03:00:00Z" in moved


def test_results_are_read_by_their_names_only(tmp_path: Path) -> None:
    folder = tmp_path / RESULTS / "20260615-030000-rainstorm"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text('{"day": "rainstorm"}')
    (tmp_path / "report.json").write_text("{}")
    assert [name for name, _ in results(tmp_path)] == [folder.name]
    for name in ("..", "../..", "20260615-030000-typhoon"):
        with pytest.raises(BadInput, match="no rehearsal"):
            result(tmp_path, name)


def test_a_cell_never_is_a_formula() -> None:
    row: dict[str, object] = {
        **dict.fromkeys(("level", "recipients", "answers", "notice"), 1),
        **dict.fromkeys(("to_decision", "to_first", "to_last", "to_first_answer"), None),
        "title": "=1+1",
        "status": "issued",
        "drill": False,
        "decision": "send",
        "decided_by": "rule:x",
        "arrived_at": "x",
        "languages": [],
        "districts": [],
    }
    assert "'=1+1" in as_csv({"news": [row]})
