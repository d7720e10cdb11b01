"""The whole of it, as a newcomer starts it: ``todoke demo`` and a browser."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from core.city import City
from core.city_folder import load_city
from tests.conftest import PROJECT
from tests.e2e.watching import Stand, eventually

CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 60.0


@dataclass(frozen=True)
class Demo:
    """A demo that runs: its three addresses, and where it keeps its state."""

    phone: str
    console: str
    public: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment for commands beside the demo."""
        lines = (self.folder / "var/demo/environment").read_text("utf-8").splitlines()
        exported = (line.removeprefix("export ").split("=", 1) for line in lines)
        return {**os.environ, **{name: value.strip("'") for name, value in exported}}

    @property
    def stand(self) -> Stand:
        """LINE's stand-in."""
        return Stand(self.phone)

    def todoke(self, *arguments: str) -> str:
        """Run a command as somebody in another terminal would; return what it printed."""
        return run_todoke(arguments, folder=self.folder, environment=self.environment)

    def ask_database(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Look something up in the database while the demo runs."""
        file = f"file:{quote(str(self.folder / 'var/demo/todoke.sqlite3'))}?mode=ro"
        with closing(sqlite3.connect(file, uri=True)) as opened:
            return opened.execute(query, values).fetchall()


def run_todoke(arguments: Sequence[str], *, folder: Path, environment: dict[str, str]) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo in a folder of its own, with a space in its path."""
    folder = tmp_path_factory.mktemp("a demo")
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "demo", "--port", "0", "--simulator-port", "0"],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        addresses = _addresses(process, log)
        yield Demo(**addresses, folder=folder)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        sys.stdout.write(log.read_text()[-4000:])


def _addresses(process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    """Read the three addresses from what the demo prints."""
    eventually(
        lambda: "Stop with Ctrl+C" in log.read_text() or process.poll() is not None,
        "the demo to start or to end",
        within_seconds=START_SECONDS,
    )
    printed = log.read_text()
    assert process.poll() is None, f"the demo did not start:\n{printed}"
    return {
        name: re.search(rf"{label}\s+(http\S+)", printed)[1].rstrip("/")  # type: ignore[index]
        for name, label in (
            ("phone", "phone"),
            ("console", "staff console"),
            ("public", "public page"),
        )
    }


@pytest.fixture(scope="session")
def city() -> City:
    """The demo's city."""
    return load_city(PROJECT / "deploy" / "city")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium; without one the tests in the browser are skipped.

    It ends with its module: while it is open, its own event loop counts as running, and no
    asynchronous test could start one.
    """
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[[], BrowserContext]]:
    """Make another person's browser, with cookies of its own."""
    made: list[BrowserContext] = []

    def create() -> BrowserContext:
        context = browser.new_context(viewport={"width": 1440, "height": 960}, locale="ja-JP")
        context.set_default_timeout(20_000)
        made.append(context)
        return context

    yield create
    for context in made:
        context.close()


@pytest.fixture
def context(new_context: Callable[[], BrowserContext]) -> BrowserContext:
    return new_context()


@pytest.fixture
def new_page(context: BrowserContext) -> Callable[[str], Page]:
    """Open a page; an error that its scripts throw fails the test."""

    def open_page(url: str) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(f"{url}: {error}"))
        page.goto(url)
        return page

    return open_page
