"""Addresses that lead inside, however they are written, and hosts that try to get us there."""

from __future__ import annotations

import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from feeds.fetch import AllowedHosts, FetchRefused, PublicResolver, fetch, guarded_session
from tests.support.feed_world import source

CITY = "https://www.city.example/feed"

INSIDE = (
    # One address, 127.0.0.1, as inet_aton(3) and browsers take it.
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://127.000.000.001/",
    "http://0/",
    "http://0.0.0.0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    # IPv6, and IPv4 in it: mapped, compatible, NAT64, 6to4, with a zone.
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::1]/",
    # Networks behind the wall.
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://localhost/",
    "http://localhost.localdomain/",
    "http://feed.localhost/",
    # Who is really asked?
    "http://www.city.example@127.0.0.1/",
    "http://127.0.0.1#@www.city.example/",
    "http://127.0.0.1\\@www.city.example/",
    "http://www.city.example:80@127.0.0.1/",
    "http://www.city.example.127.0.0.1.nip.io/",
    "http://www.city.example:6379/",
    "http://www.city.example:22/",
    # No web at all.
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "dict://127.0.0.1:11211/stats",
    "ftp://www.city.example/",
    "unix:///run/todoke.sock",
    "data:text/xml,<rss/>",
    "//127.0.0.1/",
    "http:127.0.0.1",
    "http://",
    "",
)


class NoNetwork(AbstractResolver):
    """Knows no name: whoever asks it wanted to connect."""

    def __init__(self, address: str = "") -> None:
        self.asked: list[str] = []
        self.address = address

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        if not self.address:
            raise OSError("no such name")
        kind = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host, host=self.address, port=port, family=kind, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("url", INSIDE)
async def test_no_address_inside_is_asked_however_it_is_written(url: str) -> None:
    names = NoNetwork()
    connector = aiohttp.TCPConnector(resolver=PublicResolver(names))
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        with pytest.raises(FetchRefused):
            await fetch(http, url, AllowedHosts.of(source("x", "rss", CITY)))
    assert names.asked == []


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "::ffff:10.0.0.1", "fe80::1%2"],
)
async def test_a_name_that_leads_inside_at_the_moment_of_connecting_is_refused(
    address: str,
) -> None:
    """DNS rebinding: what the name said when the address was checked does not count."""
    names = NoNetwork(address)
    connector = aiohttp.TCPConnector(resolver=PublicResolver(names))
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as http:
        with pytest.raises(FetchRefused) as refused:
            await fetch(http, CITY, AllowedHosts.of(source("x", "rss", CITY)))
    assert refused.value.reason.code == "fetch.leads-private"
    assert names.asked == ["www.city.example"]


async def test_the_session_of_the_service_asks_no_proxy_and_keeps_no_cookie(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy in the environment would connect for us, wherever a name leads."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with guarded_session() as http:
        assert not http.trust_env
        assert isinstance(http.cookie_jar, aiohttp.DummyCookieJar)
        connector = http.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        assert isinstance(connector._resolver, PublicResolver)
