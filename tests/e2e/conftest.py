"""The whole of it, as a newcomer starts it: ``todoke demo`` and a browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from city.city import City
from city.folder import load_city
from tests.support.chromium import chromium_address
from tests.support.demo import Demo
from tests.support.project import PROJECT
from tests.support.watching import eventually

START_SECONDS = 60.0


DEMO = (sys.executable, "-m", "app.cli", "demo")


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo in a folder of its own, with a space in its path.

    It begins without reports, so that a test knows the ones that it makes.
    """
    folder = tmp_path_factory.mktemp("a demo")
    log = folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*DEMO, "--port", "0", "--simulator-port", "0", "--no-reports"],
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
        on=[log.parent],
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

    The connection ends with its module: while it is open, its own event loop counts as running,
    and no asynchronous test could start one.
    """
    address = chromium_address()
    expect.set_options(timeout=20_000)  # as for all else: a machine that runs other things too
    with sync_playwright() as playwright:
        connected = playwright.chromium.connect(address)
        yield connected
        connected.close()


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
