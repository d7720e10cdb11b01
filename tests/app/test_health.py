"""What machines that watch the service see, and who may see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from app.health import FOLDER_SECONDS, FolderProbe
from app.processes import web_config
from app.revision import newest_revision
from app.schema import upgrade_now
from app.web import create_app
from channels.line.client import LineClient
from channels.line.reasons import reason
from channels.models import ChannelStop
from city.context import Context
from city.folder import CityFolder
from core.audit import AuditCheck
from core.clock import SystemClock
from core.database import Database
from core.settings import Settings
from core.work import NoWorkers
from feeds.models import Source
from tests.support.serving import served

TOKEN = "0123456789abcdef0123"
REMOTE = {"X-Forwarded-For": "203.0.113.9"}
BY_PUBLIC_NAME = {"Host": "line.city.example.jp"}


@dataclass
class Watched:
    """A service, and the address where it answers."""

    url: str
    database: Database
    http: aiohttp.ClientSession

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text()

    async def ready(self) -> tuple[int, dict[str, Any]]:
        async with self.http.get(f"{self.url}/readyz") as answer:
            return answer.status, await answer.json()

    async def execute(self, statement: str) -> None:
        async with self.database.writing() as session:
            await session.execute(text(statement))


@asynccontextmanager
async def watched(database: Database, settings: Settings, sample: CityFolder) -> AsyncIterator[Any]:
    """Its tables are made by the migrations, as only they note the revision."""
    async with aiohttp.ClientSession() as http:
        context = Context(
            settings=settings,
            city=sample.city,
            database=database,
            clock=SystemClock(),
            queue=NoWorkers(),
            http=http,
        )
        app = create_app(context, LineClient(http, settings, context.clock), folder=sample)
        async with served(app, web_config(app, settings)) as url:
            yield Watched(url, database, http)


@pytest.fixture
async def migrated(database_url: str) -> AsyncIterator[Database]:
    upgrade_now(database_url)
    database = Database(database_url)
    yield database
    await database.close()


async def test_readyz_names_what_is_missing_and_what_is_stopped(
    migrated: Database, settings: Settings, sample: CityFolder
) -> None:
    async with watched(migrated, settings, sample) as seen:
        status, body = await seen.ready()
        assert (status, body["status"], body["channels"], body["audit"]) == (200, "ready", {}, {})
        async with migrated.writing() as session:
            now = SystemClock().now()
            session.add(
                ChannelStop(
                    channel="line",
                    reason=reason("line.refused", status=401, words="bad token", details=""),
                    stopped_at=now,
                    checked_at=now,
                )
            )
            session.add(AuditCheck(broken=7))
        status, body = await seen.ready()
        # Another process would not get more of LINE's webhooks either.
        assert (status, body["channels"]) == (
            200,
            {"line": "stopped: LINE answered 401: bad token"},
        )
        assert body["audit"] == {"broken_at_entry": 7}
        async with migrated.writing() as session:
            heard = Source(code=sample.city.sources[0].code, kind=sample.city.sources[0].kind)
            heard.initialised_at = heard.last_polled_at = heard.last_succeeded_at = now
            session.add(heard)
        _, metrics = await seen.get("/metrics")
        assert 'todoke_channel_stopped{channel="line"} 1.0' in metrics
        assert "todoke_audit_broken 1.0" in metrics
        # The scheduler, which polls, may be another process.
        assert body["sources"][heard.code] == "silent"
        assert f'todoke_source_stale{{source="{heard.code}"}} 0.0' in metrics
        await seen.execute("DELETE FROM channel_stops")
        await seen.execute("DELETE FROM audit_checks")
        _, metrics = await seen.get("/metrics")
        assert 'todoke_channel_stopped{channel="line"} 0.0' in metrics

        await seen.execute("DROP TABLE photos")
        status, body = await seen.ready()
        assert (status, body["checks"]["database"]) == (503, "lacks photos")
        await seen.execute("UPDATE alembic_version SET version_num = '0001'")
        status, body = await seen.ready()
        wrong = f"at revision 0001, not {newest_revision()}"
        assert (status, body["checks"]["database"]) == (503, wrong)
        # Nobody else learns why.
        status, said = await seen.get("/readyz", **REMOTE)
        assert (status, said) == (503, '{"status":"not ready"}')


async def test_without_a_token_only_this_machine_sees_more_than_the_status(
    migrated: Database, settings: Settings, sample: CityFolder
) -> None:
    async with watched(migrated, settings, sample) as seen:
        for headers in (REMOTE, BY_PUBLIC_NAME, {**REMOTE, "Authorization": "Bearer "}):
            assert (await seen.get("/metrics", **headers))[0] == 403
            assert await seen.get("/readyz", **headers) == (200, '{"status":"ready"}')
        assert (await seen.get("/metrics"))[0] == 200
        assert "checks" in (await seen.get("/readyz", Host="localhost:8000"))[1]


@pytest.mark.parametrize(
    "said", ["", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é", f"bearer  {TOKEN}x"]
)
async def test_with_a_token_nothing_else_opens_the_details(
    settings: Settings, sample: CityFolder, said: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/todoke.sqlite3"
    upgrade_now(url)
    database = Database(url)
    async with watched(database, replace(settings, metrics_token=TOKEN), sample) as seen:
        for headers in ({}, REMOTE):
            wrong = {**headers, **({"Authorization": said} if said else {})}
            assert (await seen.get("/metrics", **wrong))[0] == 401
            assert await seen.get("/readyz", **wrong) == (200, '{"status":"ready"}')
            right = {**headers, "Authorization": f"Bearer {TOKEN}"}
            assert (await seen.get("/metrics", **right))[0] == 200
            assert "checks" in (await seen.get("/readyz", **right))[1]
    await database.close()


async def test_a_folder_that_takes_no_photo_is_not_ready_and_is_tried_only_now_and_then(
    tmp_path: Path,
) -> None:
    at = 0.0
    folder = tmp_path / "media"
    folder.write_text("a file where the folder should be")
    probe = FolderProbe(folder, timer=lambda: at)
    assert str(folder) in (await probe.fault() or "")
    folder.unlink()
    assert await probe.fault() is not None  # as of the last try
    at += FOLDER_SECONDS
    assert await probe.fault() is None
    assert list(folder.iterdir()) == []


def test_check_says_when_nobody_outside_can_watch(settings: Settings) -> None:
    public = replace(settings, public_url="https://line.city.example.jp")
    assert any("TODOKE_METRICS_TOKEN is not set" in each for each in public.doubts())
    assert not any("METRICS" in each for each in settings.doubts())
    short = replace(public, metrics_token="short")
    assert any("TODOKE_METRICS_TOKEN is shorter" in each for each in short.doubts())
    assert not any("METRICS" in each for each in replace(public, metrics_token=TOKEN).doubts())


def test_the_token_comes_from_the_environment() -> None:
    environment = {
        "TODOKE_LINE_CHANNEL_SECRET": "a",
        "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "b",
        "TODOKE_SECRET_KEY": "c",
        "TODOKE_METRICS_TOKEN": f" {TOKEN} ",
    }
    made = Settings.from_environment(environment)
    assert made.metrics_token == TOKEN
    assert TOKEN not in repr(made)
