"""Whatever a server does, a fetch ends soon, within its limits, and says why it refused."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from feeds import limits
from feeds.fetch import (
    AllowedHosts,
    FetchFailed,
    FetchRefused,
    PublicResolver,
    Validators,
    fetch,
    is_public,
)
from tests.support.feed_server import Server
from tests.support.feed_world import source


async def refused(http: aiohttp.ClientSession, url: str, reach: AllowedHosts) -> str:
    with pytest.raises(FetchRefused) as caught:
        await fetch(http, url, reach)
    assert str(caught.value)
    return caught.value.reason.code


async def test_an_unchanged_feed_costs_one_short_question(
    http: aiohttp.ClientSession, server: Server
) -> None:
    url = server.says("/feed", b"<rss/>", ETag='"1"', Last_Modified="Mon, 15 Jun 2026 03:00:00 GMT")
    first = await fetch(http, url, server.reach)
    assert first.body == b"<rss/>"
    server.says("/feed", status=304)
    second = await fetch(http, url, server.reach, validators=first.validators)
    assert second.unchanged
    assert (
        second.validators
        == first.validators
        == Validators(etag='"1"', last_modified="Mon, 15 Jun 2026 03:00:00 GMT")
    )
    assert server.seen[-1].headers["If-None-Match"] == '"1"'
    assert server.seen[-1].headers["If-Modified-Since"] == "Mon, 15 Jun 2026 03:00:00 GMT"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "fetch.scheme"),
        ("ftp://www.city.example/x", "fetch.scheme"),
        ("gopher://www.city.example/x", "fetch.scheme"),
        ("http://elsewhere.example/feed", "fetch.host"),
        ("http://www.city.example.evil.example/feed", "fetch.host"),
        ("http://www.city.example:22/feed", "fetch.port"),
        ("http://user:secret@www.city.example/feed", "fetch.user-name"),
        ("http://127.0.0.1/feed", "fetch.private-address"),
        ("http://[::1]/feed", "fetch.private-address"),
        ("http://169.254.169.254/latest/meta-data", "fetch.private-address"),
        ("http://10.0.0.1/", "fetch.private-address"),
        ("http://localhost/feed", "fetch.private-address"),
        ("http://[::ffff:127.0.0.1]/", "fetch.private-address"),
        ("http://www.city.example:port/", "fetch.no-address"),
        ("http://www.city.example/" + "a" * 3000, "fetch.too-long"),
    ],
)
async def test_only_http_and_only_configured_hosts(
    http: aiohttp.ClientSession, url: str, reason: str
) -> None:
    reach = AllowedHosts.of(source("x", "rss", "https://www.city.example/feed"))
    assert await refused(http, url, reach) == reason


class Lying(AbstractResolver):
    """A name server that says a public name is here."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        return None


async def test_a_public_name_that_leads_inside_is_refused_when_connecting(server: Server) -> None:
    server.says("/feed", b"secret")
    port = server.url.rpartition(":")[2]
    url = f"http://www.city.example:{port}/feed"
    connector = aiohttp.TCPConnector(resolver=PublicResolver(Lying()))
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        assert (
            await refused(http, url, AllowedHosts.of(source("x", "rss", url)))
            == "fetch.leads-private"
        )
    assert server.seen == []


async def test_few_redirects_are_followed_and_each_is_checked(
    http: aiohttp.ClientSession, server: Server
) -> None:
    server.says("/new", b"here")
    server.says("/old", status=301, Location="/new")
    answer = await fetch(http, server.url + "/old", server.reach)
    assert (answer.body, answer.url) == (b"here", server.url + "/new")
    for target, reason in (
        ("/loop", "fetch.redirects"),
        ("file:///etc/passwd", "fetch.scheme"),
        ("http://169.254.169.254/", "fetch.private-address"),
        ("http://elsewhere.example/", "fetch.host"),
        ("", "fetch.redirect-nowhere"),
    ):
        url = server.says("/loop", status=302, Location=target)
        assert await refused(http, url, server.reach) == reason
    assert len([r for r in server.seen if r.path == "/loop"]) == limits.MAX_REDIRECTS + 1 + 4


async def test_https_is_never_given_up_on_the_way(http: aiohttp.ClientSession) -> None:
    from feeds.fetch import _redirected

    with pytest.raises(FetchRefused) as caught:
        _redirected("https://www.city.example/a", "http://www.city.example/b")
    assert caught.value.reason.code == "fetch.downgrade"


async def test_a_gzip_answer_of_several_members_is_read_to_its_end(
    http: aiohttp.ClientSession, server: Server
) -> None:
    body = gzip.compress(b"first,") + gzip.compress(b"second,") + gzip.compress(b"third")
    url = server.says("/feed", body, Content_Encoding="gzip")
    assert (await fetch(http, url, server.reach)).body == b"first,second,third"
    url = server.says("/many", gzip.compress(b"") * 2_000, Content_Encoding="gzip")
    assert await refused(http, url, server.reach) == "fetch.parts"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_answers_are_unpacked(
    http: aiohttp.ClientSession, server: Server, encoding: str
) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    url = server.says("/feed", pack("つくば".encode()), Content_Encoding=encoding)
    assert (await fetch(http, url, server.reach)).body.decode() == "つくば"


async def test_a_bomb_is_cut_off_at_the_limit(http: aiohttp.ClientSession, server: Server) -> None:
    bomb = gzip.compress(b"\0" * (limits.MAX_BODY * 4), 9)
    assert len(bomb) < 100_000
    url = server.says("/bomb", bomb, Content_Encoding="gzip")
    assert await refused(http, url, server.reach) == "fetch.bomb"


async def test_an_answer_without_end_is_cut_off(
    http: aiohttp.ClientSession, server: Server
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not server.released.is_set():
            try:
                await response.write(b" " * 256 * 1024)
            except ConnectionError:
                break
        return response

    server.handlers["/endless"] = endless
    assert await refused(http, server.url + "/endless", server.reach) == "fetch.over-size"


async def test_an_answer_that_says_it_is_huge_is_not_begun(
    http: aiohttp.ClientSession, server: Server
) -> None:
    async def huge(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(10**9)})
        await response.prepare(request)
        await server.released.wait()
        return response

    server.handlers["/huge"] = huge
    assert await refused(http, server.url + "/huge", server.reach) == "fetch.too-large"


async def test_a_server_that_drips_is_left_in_time(
    http: aiohttp.ClientSession, server: Server
) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while not server.released.is_set():
                await response.write(b"<")
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass
        return response

    server.handlers["/drip"] = drip
    with pytest.raises(FetchFailed) as caught:
        await fetch(http, server.url + "/drip", server.reach, timeout=0.4)
    assert caught.value.reason.code == "fetch.timeout"


async def test_what_may_pass_is_told_from_what_will_not(
    http: aiohttp.ClientSession, server: Server
) -> None:
    for status in (500, 503, 429, 408):
        url = server.says("/ill", status=status, Retry_After="120")
        with pytest.raises(FetchFailed) as failed:
            await fetch(http, url, server.reach)
        assert failed.value.retry_after == 120
    for status in (400, 401, 403, 404, 410):
        assert (
            await refused(http, server.says("/gone", status=status), server.reach) == "fetch.status"
        )
    url = server.says("/odd", b"x", Content_Encoding="br")
    assert await refused(http, url, server.reach) == "fetch.encoding"
    url = server.says("/damaged", gzip.compress(b"x" * 1000)[:-9], Content_Encoding="gzip")
    with pytest.raises(FetchFailed):
        await fetch(http, url, server.reach)


async def test_a_dead_server_is_a_failure_and_no_crash(http: aiohttp.ClientSession) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(FetchFailed) as caught:
        await fetch(http, url, AllowedHosts.of(source("x", "rss", url)))
    assert caught.value.reason.code == "fetch.connection"


async def test_nonsense_instead_of_http_is_a_failure_and_no_crash(
    http: aiohttp.ClientSession,
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n" * 100)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(babble, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    with pytest.raises(FetchFailed):
        await fetch(http, url, AllowedHosts.of(source("x", "rss", url)))
    listening.close()


@given(st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="192.168.0.0/16"))
def test_no_private_address_is_public_however_it_is_written(address: object) -> None:
    assert not is_public(str(address))
    for hiding in ("::ffff:", "64:ff9b::", "::"):
        assert not is_public(f"{hiding}{address}")


def test_public_addresses_are_public() -> None:
    assert is_public("133.242.0.1")
    assert is_public("2001:268::1")
    assert not is_public("fec0::1")
    assert not is_public("224.0.0.1")
    assert not is_public("0.0.0.0")
