"""A machine on which somebody runs Todoke: a folder, an environment, real processes.

They are forked from one that has imported everything (``tests/support/processes.py``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from city.folder import load_city
from tests.support.changes import Place
from tests.support.processes import Forked
from tests.support.project import SAMPLE_CITY
from tests.support.watching import Stand, eventually, fetch

COMMAND = "app.cli"
START_SECONDS = 60.0
DATABASE = "todoke.sqlite3"
CITY_FILES = (".toml", ".geojson", ".csv", ".md", ".svg", ".png")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Running:
    """A process of Todoke's."""

    process: Forked | subprocess.Popen[bytes]
    log: Path

    @property
    def words(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def kill(self) -> None:
        """Kill it with SIGKILL."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Stop it, as an administrator would; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


@dataclass
class Machine:
    """A folder with a city, an environment, and what runs in it."""

    folder: Path
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    running: list[Running] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.service_port, self.line_port = free_port(), free_port()
        self.city = self.folder / "city"
        self.settings = {
            "TODOKE_CITY": str(self.city),
            "TODOKE_DATABASE_URL": self.database_url or f"sqlite:///{self.folder / DATABASE}",
            "TODOKE_MEDIA_DIR": str(self.folder / "media"),
            "TODOKE_PUBLIC_URL": self.url,
            "TODOKE_LINE_CHANNEL_SECRET": "secret-of-this-test",
            "TODOKE_LINE_CHANNEL_ACCESS_TOKEN": "token-of-this-test",
            "TODOKE_LINE_API_URL": self.stand.url,
            "TODOKE_LINE_DATA_API_URL": self.stand.url,
            "TODOKE_SECRET_KEY": "key-of-this-test-key-of-this-test",
            **self.settings,
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.service_port}"

    @property
    def stand(self) -> Stand:
        return Stand(f"http://127.0.0.1:{self.line_port}")

    @property
    def changes(self) -> list[Place]:
        """Where changes show, for ``eventually``: logs, SQLite's database, LINE's stand-in."""
        return [self.folder, self.stand.url]

    def ask_database(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Look something up in the database while processes run."""
        url = make_url(self.settings["TODOKE_DATABASE_URL"])
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def is_done(self, delivery: int) -> bool:
        """Whether a delivery has ended; False while the database does not answer."""
        state = "SELECT state FROM deliveries WHERE id = :delivery"
        with contextlib.suppress(OperationalError):
            return self.ask_database(state, delivery=delivery) == [("done",)]
        return False

    def environment(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """What a process sees; a change to None leaves a variable out."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TODOKE_")}
        changed = {**kept, **self.settings, **(changes or {})}
        return {name: value for name, value in changed.items() if value is not None}

    def copy_city(self, sources: str) -> None:
        """Put the sample city in place, with its sources at another address.

        Its reminders are off: they would reach people at some hours of the day, and not at others.
        """
        self.city.mkdir(parents=True, exist_ok=True)
        for file in sorted(SAMPLE_CITY.rglob("*")):
            if file.is_file() and file.suffix in CITY_FILES:
                copied = self.city / file.relative_to(SAMPLE_CITY)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copied.write_bytes(file.read_bytes())
        written = self.city / "city.toml"
        text = written.read_text("utf-8")
        for source in load_city(SAMPLE_CITY).sources:
            if source.url.startswith("http"):
                text = text.replace(f'"{source.url}"', f'"{sources}/{source.code}.xml"')
        text = text.replace("collection_reminders = true", "collection_reminders = false")
        written.write_text(text, "utf-8")

    def run(
        self,
        *arguments: str,
        changes: Mapping[str, str | None] | None = None,
        stdin: bytes = b"",
        timeout: float = 60,
    ) -> Done:
        """Run a command to its end."""
        with tempfile.TemporaryDirectory() as place:
            into, out, err = (Path(place, name) for name in ("in", "out", "err"))
            into.write_bytes(stdin)
            process = Forked(
                COMMAND,
                arguments,
                out=out,
                err=err,
                into=into,
                folder=self.folder,
                environment=self.environment(changes),
            )
            try:
                code = process.wait(timeout)
            finally:
                process.kill()
            return Done(code, out.read_text("utf-8"), err.read_text("utf-8"))

    def run_many(
        self, cases: Sequence[tuple[Sequence[str], Mapping[str, str | None]]]
    ) -> list[Done]:
        """Run commands that end at once, one after the other."""
        return [self.run(*arguments, changes=changes) for arguments, changes in cases]

    def todoke(self, *arguments: str) -> str:
        """Run a command that must succeed; return what it printed."""
        done = self.run(*arguments)
        assert done.code == 0, f"{arguments}: {done.err}"
        return done.out

    def start(
        self,
        *arguments: str,
        changes: Mapping[str, str | None] | None = None,
        piped: bool = False,
    ) -> Running:
        """Start a process that goes on; ``piped`` keeps it from writing its log by itself."""
        log = self.folder / f"log-{len(self.running)}-{arguments[0]}"
        log.touch()
        out = log
        if piped:
            out = log.with_suffix(".pipe")
            os.mkfifo(out)
            with log.open("wb") as written:
                subprocess.Popen(["cat", out], stdout=written)
        process = Forked(
            COMMAND,
            arguments,
            out=out,
            folder=self.folder,
            environment=self.environment(changes),
        )
        started = Running(process, log)
        self.running.append(started)
        return started

    def start_line(self, *arguments: str) -> Running:
        """Start LINE's stand-in, which sends its webhooks to the service."""
        line = self.start(
            *("simulator", "--port", str(self.line_port), "--any-user"),
            *("--webhook-url", f"{self.url}/line/webhook", *arguments),
        )
        self.until_answers(line, f"{self.stand.url}/_simulator/state")
        return line

    def serve(self, *arguments: str, piped: bool = False) -> Running:
        """Start the service and wait until it is ready."""
        service = self.start("serve", "--port", str(self.service_port), *arguments, piped=piped)
        self.until_answers(service, f"{self.url}/readyz")
        return service

    def until_answers(self, running: Running, url: str) -> None:
        def answers() -> bool:
            assert running.process.poll() is None, running.words[-3000:]
            with contextlib.suppress(OSError):
                return fetch(url)[0] == 200
            return False

        eventually(answers, url, on=[self.folder], within_seconds=START_SECONDS)

    def end(self) -> None:
        """Stop everything that still runs."""
        for running in self.running:
            if running.process.poll() is None:
                running.process.terminate()
        for running in self.running:
            try:
                running.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                running.kill()


@contextmanager
def served(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve some files over HTTP on this machine; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path.lstrip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
