"""The files for a second web server are fresh, or somebody hears that they are not."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from structlog.testing import capture_logs

from app.plain_files import FAILING, PlainKeeper, plain_fault
from city.folder import CityFolder, load_folder
from core.database import Database
from core.errors import BadInput
from core.settings import plain_dir
from feeds.models import Status
from public.page_size import MOST_BYTES
from public.plain_directory import PlainDirectory
from tests.support.engine import make_notice
from tests.support.many_sites import many_sites
from tests.support.project import SAMPLE_CITY

NEW_YEAR = datetime(2026, 12, 31, 14, 59, 30, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NEW_YEAR

    def now(self) -> datetime:
        return self.at


class Parts:
    """What the keeper needs of the service."""

    def __init__(self, database: Database, folder: CityFolder) -> None:
        self.database, self.clock = database, Clock()
        self.city = folder.city.served_at("https://todoke.city.example")


@pytest.fixture(scope="module")
def folder() -> CityFolder:
    return load_folder(SAMPLE_CITY)


@pytest.fixture
def parts(database: Database, folder: CityFolder) -> Parts:
    return Parts(database, folder)


def keeper(parts: Any, folder: CityFolder, root: Path) -> PlainKeeper:
    return PlainKeeper(parts, folder, root)


def as_of(root: Path) -> datetime:
    return datetime.fromisoformat(json.loads((root / "in-force.json").read_text())["as_of"])


async def test_they_are_written_when_something_changes_and_before_they_are_old(
    parts: Parts, folder: CityFolder, tmp_path: Path
) -> None:
    keeping, clock = keeper(parts, folder, tmp_path), parts.clock
    await keeping.keep()
    assert as_of(tmp_path) == NEW_YEAR
    first = (tmp_path / "index.ja.html").read_text("utf-8")
    assert "12月31日（木）午後11時59分現在" in first
    assert "1月1日（金）午前0時59分を過ぎたら" in first
    clock.at += timedelta(minutes=1)
    await keeping.keep()
    assert as_of(tmp_path) == NEW_YEAR, "nothing changed"
    order = make_notice(now=clock.at)
    async with parts.database.writing() as session:
        session.add(order)
    await keeping.keep()
    assert as_of(tmp_path) == clock.at
    page = tmp_path / "n" / f"{order.code}.ja.html"
    assert "発表中です" in page.read_text("utf-8")
    async with parts.database.writing() as session:
        session.add(make_notice(now=clock.at, status=Status.CANCELLED, replaces_id=order.id))
    clock.at += timedelta(seconds=5)
    await keeping.keep()
    assert "取り消されました" in page.read_text("utf-8")
    clock.at += timedelta(minutes=10)
    await keeping.keep()
    assert as_of(tmp_path) == clock.at, "renewed, so that it is not old"
    # A process that starts anew knows from the directory which pages it has to keep true.
    clock.at += timedelta(days=15)
    await keeper(parts, folder, tmp_path).keep()
    assert not page.exists()


async def test_a_full_disk_keeps_the_last_good_pages_and_alarms(
    parts: Parts, folder: CityFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping = keeper(parts, folder, tmp_path)
    await keeping.keep()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.html")}
    real = PlainDirectory.write

    def full(self: PlainDirectory, files: Iterable[tuple[str, bytes]]) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(self.root))

    monkeypatch.setattr(PlainDirectory, "write", full)
    parts.clock.at += timedelta(minutes=31)
    with capture_logs() as logs:
        await keeping.keep()
        await keeping.keep()
    assert [entry["event"] for entry in logs] == ["plain_files.failed"]
    assert FAILING._value.get() == 1
    assert "not written since" in str(plain_fault(tmp_path, parts.clock.at))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.html")} == before
    monkeypatch.setattr(PlainDirectory, "write", real)
    with capture_logs() as logs:
        await keeping.keep()
    assert logs[0]["event"] == "plain_files.recovered"
    assert FAILING._value.get() == 0
    assert plain_fault(tmp_path, parts.clock.at) is None


def test_what_was_never_written_is_said(tmp_path: Path) -> None:
    assert plain_fault(tmp_path, NEW_YEAR) == "not written yet"
    (tmp_path / "in-force.json").write_text("[]")
    assert plain_fault(tmp_path, NEW_YEAR) == "not written yet"


def test_the_directory_is_an_absolute_path() -> None:
    assert plain_dir({}) is None
    assert plain_dir({"TODOKE_PLAIN_DIR": "/srv/plain"}) == Path("/srv/plain")
    with pytest.raises(BadInput, match="absolute"):
        plain_dir({"TODOKE_PLAIN_DIR": "plain"})


async def test_every_site_of_a_large_city_is_on_some_page_and_old_pages_go(
    parts: Parts, folder: CityFolder, tmp_path: Path
) -> None:
    """248 sites in Burmese take several pages; the links alone lead through them."""
    many = many_sites(folder, 8)
    keeping = keeper(parts, replace(folder, shelters=many), tmp_path)
    await keeping.keep()
    seen: list[str] = []
    name: str = "shelters.my.html"
    while name:
        page = (tmp_path / name).read_bytes()
        assert len(page) < MOST_BYTES, name
        tree: Any = html.fromstring(page)
        seen += [one.text_content() for one in tree.xpath("//li[@class='s']/h2")]
        [*further] = tree.xpath("//a[@rel='next']/@href")
        name = further[0] if further else ""
    assert sorted(seen) == sorted(one.english or one.name for one in many)
    assert (tmp_path / "shelters-2.my.html").exists()

    keeping.take_folder(folder)
    await keeping.keep()
    assert not (tmp_path / "shelters-2.my.html").exists()
    assert (tmp_path / "shelters.my.html").exists()
