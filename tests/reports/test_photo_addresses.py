"""A photo that another program names is fetched safely, and staff see it or why they do not."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from PIL import Image

from feeds.fetch import guarded_session
from reports import photo_addresses
from reports.models import Photo, PhotoAddress, Report, ReportUpdate, Sending
from reports.outside import ANY_PHOTO, PublicHosts, outside_session
from reports.photo_addresses import PhotoFetcher
from tests.support.filed_reports import picture, reported
from tests.support.office import Office

pytestmark = pytest.mark.usefixtures("unpacked_here")


@dataclass
class Server:
    """Somebody's server with photos."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    broken: int = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    @property
    def reach(self) -> PublicHosts:
        """As if this machine were the public web."""
        return PublicHosts(internal=frozenset({("127.0.0.1", self.port)}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.asked.append(path)
        if self.broken > 0:
            self.broken -= 1
            return web.Response(status=503)
        match path:
            case "hole.jpg":
                return web.Response(body=picture(), content_type="image/jpeg")
            case "tiff.jpg":
                output = io.BytesIO()
                Image.new("CMYK", (300, 200)).save(output, "TIFF")
                return web.Response(body=output.getvalue(), content_type="image/jpeg")
            case "page.jpg":
                return web.Response(text="<html>Not a photo</html>", content_type="image/jpeg")
            case "cut.jpg":
                return web.Response(body=picture()[:200], content_type="image/jpeg")
            case "endless.jpg":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(20):
                    await response.write(b"\xff\xd8\xff" + b"0" * 1_000_000)
                return response
            case "inside.jpg":
                return web.Response(status=302, headers={"Location": "http://10.0.0.1/admin"})
            case "file.jpg":
                return web.Response(status=302, headers={"Location": "file:///etc/passwd"})
            case "round.jpg":
                return web.Response(status=302, headers={"Location": "/round.jpg"})
            case "moved.jpg":
                return web.Response(status=301, headers={"Location": "/hole.jpg"})
        return web.Response(status=404)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = int(runner.addresses[0][1])
    yield made
    await runner.cleanup()


async def named(office: Office, url: str, report: Report | None = None) -> Report:
    """Have a report whose photo lies at ``url``."""
    found = report or await reported(office)
    async with office.database.writing() as session:
        photo_addresses.add(session, found, url, by="open311:app", now=office.clock.now())
    return found


async def fetched(office: Office, reach: PublicHosts = ANY_PHOTO) -> PhotoAddress:
    async with guarded_session() as http:
        await PhotoFetcher(office.context, http, reach=reach, seed=1).look()
    row = (await office.rows(PhotoAddress))[-1]
    assert isinstance(row, PhotoAddress)
    return row


@pytest.mark.parametrize("path", ["hole.jpg", "moved.jpg"])
async def test_a_photo_is_with_its_report_like_every_other(
    office: Office, server: Server, path: str
) -> None:
    report = await named(office, server.url(path))
    assert (await fetched(office, server.reach)).state is Sending.DONE
    [photo] = await office.rows(Photo)
    assert photo.report_id == report.id and photo.released_at is None
    [row] = await office.rows(Report)
    assert row.photo_count == 1
    await named(office, server.url("hole.jpg"), report)
    await fetched(office, server.reach)
    assert len(await office.rows(Photo)) == 1, "the same photo is there once"


@pytest.mark.parametrize(
    "path", ["page.jpg", "cut.jpg", "endless.jpg", "inside.jpg", "file.jpg", "round.jpg", "no.jpg"]
)
async def test_what_is_no_photo_or_leads_away_is_named_in_the_history(
    office: Office, server: Server, path: str
) -> None:
    await named(office, server.url(path))
    row = await fetched(office, server.reach)
    assert row.state is Sending.FAILED and row.error is not None
    assert await office.rows(Photo) == []
    notes = [step.note for step in await office.rows(ReportUpdate) if step.note]
    assert len(notes) == 1 and notes[0].startswith("media_url (127.0.0.1): ")
    asked = len(server.asked)
    await fetched(office, server.reach)
    assert len(server.asked) == asked, "nobody asks again"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "[::1]",
            "0.0.0.0",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
        ),
        *("[::ffff:127.0.0.1]", "[fe80::1]", "127.1", "2130706433", "0x7f000001", "100.64.0.1"),
        *("a.localhost", "user:word@example.com", "example.com:22"),
    ],
)
async def test_nothing_inside_is_asked(office: Office, server: Server, host: str) -> None:
    port = "" if host.endswith(":22") else f":{server.port}"
    for url in (f"http://{host}{port}/hole.jpg", f"http://{host}/hole.jpg"):
        await named(office, url)
    async with guarded_session() as http, asyncio.timeout(20):
        await PhotoFetcher(office.context, http, seed=1).look()
    assert server.asked == []
    for row in await office.rows(PhotoAddress):
        assert row.state is not Sending.DONE


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_operators_hosts_are_not_for_photos_of_strangers(
    office: Office, server: Server
) -> None:
    assert ANY_PHOTO.internal == frozenset()
    async with outside_session() as http:
        assert http is not None
    await named(office, server.url("hole.jpg"))
    assert (await fetched(office)).state is Sending.FAILED
    assert server.asked == []


async def test_a_server_that_is_down_is_asked_again_for_a_day(
    office: Office, server: Server
) -> None:
    server.broken = 2
    await named(office, server.url("hole.jpg"))
    row = await fetched(office, server.reach)
    assert row.state is Sending.TRYING and row.error is not None
    office.clock.ahead += timedelta(minutes=10)
    await fetched(office, server.reach)
    office.clock.ahead += timedelta(minutes=10)
    assert (await fetched(office, server.reach)).state is Sending.DONE
    server.broken = 99
    await named(office, server.url("hole.jpg"))
    await fetched(office, server.reach)
    office.clock.ahead += timedelta(hours=25)
    assert (await fetched(office, server.reach)).state is Sending.FAILED


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_full_disk_loses_nothing(
    office: Office, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    await named(office, server.url("hole.jpg"))

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("reports.photos.write_photo", full)
        row = await fetched(office, server.reach)
    assert row.state is Sending.TRYING and await office.rows(Photo) == []
    office.clock.ahead += timedelta(minutes=10)
    assert (await fetched(office, server.reach)).state is Sending.DONE
