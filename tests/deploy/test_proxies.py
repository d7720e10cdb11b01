"""nginx and Caddy with the files of ``deploy/proxies``: what they pass on and what they refuse."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.webhook import MAX_BODY_BYTES
from console.entry_pages import PHOTOS
from core.web import FORM_LIMIT_BYTES
from feeds.limits import MAX_INBOUND_BODY
from tests.support.machine import free_port
from tests.support.project import PROJECT
from tests.support.watching import eventually

PROXIES = PROJECT / "deploy" / "proxies"
NGINX = (PROXIES / "nginx.conf").read_text("utf-8")
CADDY = (PROXIES / "Caddyfile").read_text("utf-8")
HOST = "127.0.0.1"
UNITS = {"k": 1024, "m": 1024**2, "KiB": 1024, "MiB": 1024**2}
ELSEWHERE = max(FORM_LIMIT_BYTES, MAX_INBOUND_BODY)


PAGE = "<p>中央小学校に避難してください。</p>".encode() * 100
UPLOADS = (
    "/crew/token",
    "/console/entry",
    "/console/news/1",
    "/console/words/answers/spreadsheet",
    "/console/moving-in",
)
"""Where staff and crews send files."""


@dataclass
class Behind:
    """A replacement for the service: it records every request."""

    port: int
    begun: list[str] = field(default_factory=list)
    """The path of each request of which the head came."""
    whole: list[tuple[str, str, int]] = field(default_factory=list)
    """Path, ``X-Forwarded-For`` and bytes of the body of each that came to its end."""


@contextmanager
def behind() -> Iterator[Behind]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            forwarded = ", ".join(self.headers.get_all("X-Forwarded-For", []))
            length = int(self.headers.get("Content-Length", "0"))
            made.begun.append(self.path)
            if len(self.rfile.read(length)) == length:
                made.whole.append((self.path, forwarded, length))
            page = PAGE if self.command == "GET" else b""
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    made = Behind(server.server_address[1])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def certificate(place: Path) -> tuple[Path, Path]:
    """A certificate that nobody signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "line.city.example.jp")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    files = place / "fullchain.pem", place / "privkey.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


def nginx(place: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed")
    chain, key = certificate(place)
    ours = NGINX.replace("127.0.0.1:8000", f"{HOST}:{upstream}")
    ours = re.sub(r"listen \[::\].*", "", ours)
    ours = ours.replace("listen 80;", f"listen {HOST}:{free_port()};")
    ours = ours.replace("listen 443 ssl", f"listen {HOST}:{port} ssl")
    ours = re.sub(r"\S+/fullchain\.pem", str(chain), ours)
    ours = re.sub(r"\S+/privkey\.pem", str(key), ours)
    folders = "".join(
        f"{kind}_temp_path {place}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    whole = place / "nginx.conf"
    whole.write_text(
        f"{user}daemon off;\npid {place}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{ours}\n}}\n",
        "utf-8",
    )
    return [program, "-p", str(place), "-e", "stderr", "-c", str(whole)], {}


def caddy(place: Path, port: int, upstream: int) -> tuple[list[str], dict[str, str]]:
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("Caddy is not installed")
    whole = place / "Caddyfile"
    whole.write_text(CADDY.replace("{\n", "{\n\tadmin off\n", 1), "utf-8")
    environment = {
        "TODOKE_HOST": f"http://{HOST}:{port}",
        "TODOKE_UPSTREAM": f"{HOST}:{upstream}",
        "HOME": str(place),
    }
    return [program, "run", "--adapter", "caddyfile", "--config", str(whole)], environment


class Proxy:
    """A running proxy, as a client sees it."""

    def __init__(self, port: int, *, tls: bool) -> None:
        self.port = port
        self.tls = ssl.create_default_context() if tls else None
        if self.tls is not None:
            self.tls.check_hostname = False
            self.tls.verify_mode = ssl.CERT_NONE

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> int:
        connection = (
            http.client.HTTPSConnection(HOST, self.port, context=self.tls, timeout=30)
            if self.tls is not None
            else http.client.HTTPConnection(HOST, self.port, timeout=30)
        )
        with contextlib.closing(connection):
            connection.request(method, path, body or None, dict(headers or {}))
            return connection.getresponse().status

    def size(self, path: str) -> int:
        """Return how many bytes of a page come to a browser, which would take it compressed."""
        connection = (
            http.client.HTTPSConnection(HOST, self.port, context=self.tls, timeout=30)
            if self.tls is not None
            else http.client.HTTPConnection(HOST, self.port, timeout=30)
        )
        with contextlib.closing(connection):
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            return len(connection.getresponse().read())

    @contextmanager
    def half_sent(self, path: str) -> Iterator[None]:
        """Send the head of a request and a part of its body, and no more."""
        with socket.create_connection((HOST, self.port), timeout=30) as plain:
            wire = self.tls.wrap_socket(plain) if self.tls is not None else plain
            wire.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n\r\nhalf".encode()
            )
            yield


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Proxy, Behind]]:
    """A running proxy, and the server behind it."""
    with behind() as service:
        port = free_port()
        command, environment = request.param(tmp_path, port, service.port)
        log = tmp_path / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        proxy = Proxy(port, tls=request.param is nginx)

        def listens() -> bool:
            assert process.poll() is None, log.read_text("utf-8")
            with contextlib.suppress(OSError):
                return proxy.ask("GET", "/healthz") == 200
            return False

        try:
            eventually(listens, "the proxy", on=[tmp_path], within_seconds=30)
            yield proxy, service
        finally:
            process.terminate()
            process.wait(timeout=20)


def test_a_proxy_says_for_whom_it_asks_and_lets_through_what_the_service_takes(
    before: tuple[Proxy, Behind],
) -> None:
    proxy, service = before
    said = {"X-Forwarded-For": "203.0.113.9"}
    assert proxy.ask("GET", "/console/sign-in", headers=said) == 200
    assert service.whole[-1] == ("/console/sign-in", HOST, 0)

    service.begun.clear()
    assert proxy.ask("GET", "/metrics") == 404
    assert service.begun == []

    service.whole.clear()
    assert proxy.ask("POST", "/line/webhook", b"x" * MAX_BODY_BYTES) == 200
    assert proxy.ask("POST", "/feeds/in/desk", b"x" * ELSEWHERE) == 200
    # Caddy passes on the head of a request that is too large, and then aborts.
    for path, limit in (("/line/webhook", MAX_BODY_BYTES), ("/console/sign-in", ELSEWHERE)):
        assert proxy.ask("POST", path, b"x" * (limit + 1)) == 413
    assert service.whole == [
        ("/line/webhook", HOST, MAX_BODY_BYTES),
        ("/feeds/in/desk", HOST, ELSEWHERE),
    ]

    service.begun.clear()
    with proxy.half_sent("/line/webhook?half"), proxy.half_sent("/console/sign-in?half"):
        assert proxy.ask("GET", "/probe") == 200
        # The heads of those that were too large may still come.
        assert not [path for path in service.begun if path.endswith("?half")]


def test_files_of_staff_and_crews_pass(before: tuple[Proxy, Behind]) -> None:
    proxy, service = before
    photo = b"x" * (5 * 1024 * 1024)
    for path in UPLOADS:
        assert proxy.ask("POST", path, photo) == 200, path
        assert service.whole[-1] == (path, HOST, len(photo))


def test_pages_of_everybody_are_compressed_and_pages_with_a_secret_are_not(
    before: tuple[Proxy, Behind],
) -> None:
    proxy, _ = before
    for path in ("/", "/shelters?lang=my", "/n/7K3FM2Q9", "/follow"):
        assert proxy.size(path) < len(PAGE) / 10, path
    for path in ("/console/alerts", "/crew/token", "/settings/token", "/follow/stop/token"):
        assert proxy.size(path) == len(PAGE), path


def test_files_that_are_too_large_are_refused_as_such(before: tuple[Proxy, Behind]) -> None:
    proxy, service = before
    too_much = b"x" * (81 * 1024**2 + 1)
    assert proxy.ask("POST", UPLOADS[0], too_much) == 413
    assert service.whole == [("/healthz", HOST, 0)]


def test_a_slow_phone_has_the_time_for_its_photos() -> None:
    """At 1 Mbit/s; nginx counts the time between two pieces, Caddy that of the whole request."""
    (whole,) = re.findall(r"read_body (\d+)m\b", CADDY)
    assert int(whole) * 60 > PHOTOS.bytes * 8 / 1_000_000
    between = [int(seconds) for seconds in re.findall(r"client_body_timeout (\d+)s", NGINX)]
    assert between == [10, 60]


def sizes(text: str, name: str) -> list[int]:
    found = re.findall(rf"\b{name} (\d+)(\w+)", text)
    return [int(number) * UNITS[unit] for number, unit in found]


def test_the_limits_are_the_services_own() -> None:
    files = [81 * 1024**2]
    assert PHOTOS.bytes + FORM_LIMIT_BYTES <= files[0] <= PHOTOS.bytes + 2 * 1024**2
    assert sizes(NGINX, "client_max_body_size") == [ELSEWHERE, MAX_BODY_BYTES, *files]
    assert sizes(NGINX, "client_body_buffer_size") == [ELSEWHERE, MAX_BODY_BYTES]
    assert sizes(CADDY, "max_size") == [MAX_BODY_BYTES, *files, ELSEWHERE]
    buffered = sizes(CADDY, "request_buffers")
    pairs = zip(buffered, (MAX_BODY_BYTES, ELSEWHERE), strict=True)
    assert all(more > limit for more, limit in pairs)
