"""No request of a stranger or a signed-in person breaks a page: no answer is a 5xx.

Requests are made from a seed and sent over a plain socket, because no client would send half of
them. ``TODOKE_CRUEL=yes`` sends twenty times as many, from another seed each time; ``TODOKE_SEED``
repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from starlette.routing import BaseRoute, Route

from app.web import create_app
from console.models import Role
from console.sessions import COOKIE
from tests.support.filed_reports import reported
from tests.support.office import Office
from tests.support.serving import served

pytestmark = pytest.mark.slow

CRUEL = bool(os.environ.get("TODOKE_CRUEL"))
REQUESTS = 6_000 if CRUEL else 300
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get")
WORDS = (
    "",
    "0",
    "1",
    "-1",
    "1e9",
    "9" * 30,
    str(2**63 - 1),
    str(2**63),
    "NaN",
    "true",
    "null",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%",
    "%zz",
    "%ff%fe",
    "%c0%af",
    "%ed%a0%80",
    "%F0%9F%8C%8A",
    "つくば",
    "\u202e\u200b",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "=1+1",
    "a" * 3_000,
    "2026-000001",
    "9999-12-31",
    "0000-00-00",
    "ja",
    "xx-invalid",
    "evacuation",
    "drill",
    "real",
    "admin",
    "[]",
    "{}",
    "\r\nX-Injected: 1",
)
NAMES = (
    "q", "page", "before", "lang", "text", "since", "until", "state", "next", "done", "seen",
    "area", "topic", "level", "csrf", "version", "kind", "look", "email", "password", "role",
    "decision", "status", "service_request_id", "start_date", "end_date", "check", "language",
    "also", "answer", "department", "token", "district", "id", "bbox", "x[]", "__proto__", "",
)  # fmt: skip
HEADERS = (
    "Accept-Language: xx;q=bad, ja;q=9, *;q=",
    "Accept: */*;q=0",
    'If-None-Match: "x", W/"y"',
    "If-Modified-Since: yesterday",
    "Range: bytes=5-1,0-0,-99999999999999999999",
    "Content-Encoding: gzip",
    "HX-Request: true",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: cors",
    "Origin: null",
    "Origin: http://[",
    "Referer: http://[::1",
    "Referer: //console/",
    'X-Forwarded-For: 1.2.3.4, [::1]:99, unknown, "_x"',
    "X-Forwarded-Proto: gopher",
    "Forwarded: for=;by=",
    "X-Line-Signature: AAAA",
    "Authorization: Basic !!!!",
    "Authorization: Bearer " + "x" * 2_000,
    "X-CSRF-Token: " + "\u00e9" * 8,
    'Cookie: =; ;;a=b=c; todoke_staff="',
    "Cookie: todoke_staff=" + "A" * 900 + "; todoke_visitor=\u00ff; todoke_device=.",
    "Cookie: todoke_console_language=zz; todoke_staff=e30.AAAA",
    "Expect: 100-continue",
)
HOSTS = ("[::1", "", "a:b:c", "x\u2100", "localhost:99999", "//", "127.0.0.1@evil.example")
BESIDE = (("GET", "/static/console/{path}"), ("GET", "/{path}"), ("POST", "/{path}"))
TYPES = (
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-16",
    "multipart/form-data; boundary=x",
    "multipart/form-data",
    "application/json",
    "text/xml",
    "nonsense",
    "",
)


@dataclass(frozen=True)
class Fuzz:
    """Makes requests for the routes of an application."""

    chance: random.Random
    paths: tuple[tuple[str, str], ...]
    number: str

    def word(self) -> str:
        return self.chance.choice(WORDS)

    def path(self) -> tuple[str, str]:
        method, path = self.chance.choice(self.paths)
        known = {"number": self.number, "act": "pause", "photo_id": "1", "language": "ja"}

        def value(found: re.Match[str]) -> str:
            name = found.group(1).partition(":")[0]
            return known.get(name, "1") if self.chance.random() < 0.5 else self.word()

        path = re.sub(r"{([^}]+)}", value, path)
        if self.chance.random() < 0.1:
            path += self.chance.choice(("/", "//", "/.", "/..", ";x=1", "%2f", "?", "%20"))
        return method, path

    def fields(self) -> str:
        count = self.chance.choice((0, 1, 1, 2, 5, 40))
        return "&".join(f"{self.chance.choice(NAMES)}={self.word()}" for _ in range(count))

    def body(self, kind: str, token: str) -> bytes:
        if self.chance.random() < 0.1:
            return self.chance.randbytes(self.chance.choice((1, 40, 5_000)))
        if kind.startswith("multipart"):
            head = f'--x\r\nContent-Disposition: form-data; name="{self.chance.choice(NAMES)}"'
            name = f'; filename="{self.word()}"' if self.chance.random() < 0.5 else ""
            end = "--x--\r\n" if self.chance.random() < 0.7 else ""
            return f"{head}{name}\r\n\r\n{self.word()}\r\n{end}".encode()
        if kind == "application/json":
            deep = "[" * self.chance.choice((1, 20_000))
            return self.chance.choice(
                ("{", deep, '{"events":[{}]}', '{"a":NaN}', "\ufeff{}")
            ).encode()
        return f"csrf={token}&{self.fields()}".encode()

    def request(self, host: str, cookie: str, token: str) -> bytes:
        method, path = self.path()
        if self.chance.random() < 0.2:
            method = self.chance.choice(METHODS)
        if fields := self.fields():
            path += "?" + fields
        # Neither breaks the line: what follows would be another request.
        path = re.sub(r"[\r\n ]", "+", path)
        if self.chance.random() < 0.1:
            host = self.chance.choice(HOSTS)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
        if cookie:
            lines.append(f"Cookie: {COOKIE}={cookie}")
        lines += self.chance.sample(HEADERS, self.chance.choice((0, 0, 1, 3)))
        body = b""
        if method not in ("GET", "HEAD", "TRACE"):
            kind = self.chance.choice(TYPES)
            body = self.body(kind, token)
            lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + body


async def status_of(url: str, request: bytes) -> int:
    """Send bytes as they are; 0 when the server hangs up without an answer.

    A stream of events has no end, so no more than its head is read.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        async with asyncio.timeout(20):
            line = head = await reader.readline()
            while head.strip():
                head = await reader.readline()
                if head.lower().startswith(b"content-type: text/event-stream"):
                    return int(line.split()[1])
            await reader.read()
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(line.split()[1]) if line.startswith(b"HTTP/1.1 ") else 0


def paths_of(routes: Iterable[BaseRoute]) -> tuple[tuple[str, str], ...]:
    """Return method and path of every route, also of routers within the application."""
    found: list[tuple[str, str]] = []
    for route in routes:
        if isinstance(route, Route):
            found += [(method, route.path) for method in sorted(route.methods or ())]
        elif inner := getattr(route, "original_router", None):
            found += paths_of(inner.routes)
    return tuple(found)


@asynccontextmanager
async def whole(office: Office) -> AsyncIterator[tuple[str, list[BaseRoute]]]:
    """The whole application over the office's database."""
    app = create_app(office.context, office.app.state.line, folder=office.folder)
    store = app.state.webhook_store
    await store.start()
    try:
        async with served(app) as url:
            yield url, list(app.routes)
    finally:
        await store.stop()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("role", [None, Role.ADMIN, Role.VIEWER], ids=str)
async def test_no_request_breaks_anything(office: Office, role: Role | None) -> None:
    seed = int(os.environ.get("TODOKE_SEED") or (random.randrange(10**6) if CRUEL else 1))
    print(f"seed {seed}")
    report = await reported(office)
    browser, token = await office.browser(), ""
    if role is not None:
        browser = await office.at_desk(role, "somebody")
        async with browser.http.get(office.url + "/console/session") as answer:
            token = (await answer.json())["token"]
    cookie = browser.cookie(COOKIE)
    async with whole(office) as (url, routes):
        fuzz = Fuzz(random.Random(seed), (*paths_of(routes), *BESIDE), report.number)
        assert {("POST", "/line/webhook"), ("POST", "/console/alerts")} <= set(fuzz.paths)
        assert len(fuzz.paths) > 70
        broken = []
        seen: dict[int, int] = {}
        for _ in range(REQUESTS):
            request = fuzz.request(urlsplit(url).netloc, cookie, token)
            status = await status_of(url, request)
            seen[status] = seen.get(status, 0) + 1
            # A probe's own answer: the scheduler of this service does not run.
            probe = status == 503 and b" /readyz" in request
            if status >= 500 and not probe:
                broken.append((status, request[:300]))
        assert broken == []
        # It tried more than what is refused at the door, and the service goes on.
        assert {200, 400, 404} <= set(seen), seen
        async with browser.http.get(f"{url}/healthz") as answer:
            assert answer.status == 200
