"""Loads during which the webhook is measured, on a service that runs as in a city.

``python -m benchmarks.beside signins|photos|export|feeds`` prints the webhook's times at a rate
without the load and with it, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import io
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import replies
from benchmarks import webhook as load

LOADS = ("signins", "photos", "export", "feeds")
AT_ONCE = 16
"""Strangers who sign in, one try after another."""
PHOTOS_A_SECOND = 5
ARTICLES = 2_000
"""In a feed that is other each time it is asked for."""
STAFF = ("road@city.example", "tanuki-hashi-7734-kumo")
CSRF = re.compile(r'name="csrf" value="([^"]*)"')

Load = Callable[[str, Any, list[str]], Coroutine[Any, Any, None]]
"""Runs until it is cancelled; gets the service's address, the simulator and residents."""


async def sign_ins(url: str, _simulator: Any, _users: list[str]) -> None:
    """Strangers try passwords, each for another account."""

    async def stranger(number: int) -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            for turn in range(1_000_000):
                page = await (await http.get(f"{url}/console/sign-in")).text()
                form = {
                    "csrf": _csrf(page),
                    "email": f"stranger-{number}-{turn}@example.com",
                    "password": f"guess-{turn}",
                }
                await (await http.post(f"{url}/console/sign-in", data=form)).read()

    await asyncio.gather(*(stranger(number) for number in range(AT_ONCE)))


async def photos(_url: str, simulator: Any, users: list[str]) -> None:
    """Residents send photos of 12 megapixels, as phones take them."""
    from PIL import Image

    from simulator.line.phones import Content

    picture = io.BytesIO()
    Image.effect_noise((4000, 3000), 40).convert("RGB").save(picture, "JPEG", quality=85)
    content = Content(picture.getvalue(), "image/jpeg")
    for user in users[-1_000:]:
        simulator.users.add_user("住民", "ja", user_id=user, follows=True)
        simulator.phones.send_media(user, "image", content)
        await asyncio.sleep(1 / PHOTOS_A_SECOND)


async def export(url: str, _simulator: Any, _users: list[str]) -> None:
    """Somebody of the staff takes all reports out, again and again."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        page = await (await http.get(f"{url}/console/sign-in")).text()
        form = {"csrf": _csrf(page), "email": STAFF[0], "password": STAFF[1]}
        await (await http.post(f"{url}/console/sign-in", data=form)).read()
        while True:
            page = await (await http.get(f"{url}/console/reports")).text()
            form = {"csrf": _csrf(page)}
            answer = await http.post(f"{url}/console/reports/export.csv", data=form)
            answer.raise_for_status()
            async for _ in answer.content.iter_chunked(65536):
                pass


async def feeds(_url: str, _simulator: Any, _users: list[str]) -> None:
    """The feed of :func:`feed` is polled by the service itself."""
    await asyncio.Event().wait()


RUN: dict[str, Load] = {"signins": sign_ins, "photos": photos, "export": export, "feeds": feeds}


@asynccontextmanager
async def feed() -> AsyncIterator[str]:
    """Serve a feed with many articles, all of them new each time; yields its address."""
    from aiohttp import web

    numbers, words = iter(range(10**9)), "市からのお知らせです。" * 20

    async def answer(_request: web.Request) -> web.Response:
        articles = "".join(
            f"<item><title>お知らせ {number}</title><link>http://127.0.0.1/{number}</link>"
            f"<guid>{number}</guid><description>{words}</description></item>"
            for number in (next(numbers) for _ in range(ARTICLES))
        )
        text = f'<rss version="2.0"><channel><title>市</title>{articles}</channel></rss>'
        return web.Response(text=text, content_type="application/rss+xml")

    app = web.Application()
    app.router.add_get("/feed.xml", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/feed.xml"
    finally:
        await runner.cleanup()


def _csrf(page: str) -> str:
    found = CSRF.search(page)
    if found is None:
        raise RuntimeError("the page has no form")
    return html.unescape(found[1])


def _todoke(settings: dict[str, str], *words: str, given: str = "") -> None:
    subprocess.run(
        [sys.executable, "-P", "-m", "app.cli", *words],
        env={**os.environ, **settings},
        cwd=replies.PROJECT,
        input=given,
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def measure(
    database_url: str, users: list[str], options: argparse.Namespace, folder: str
) -> dict[str, Any]:
    """Return the webhook's times without the load and with it."""
    port, kind = load.free_port(), options.beside
    async with contextlib.AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(replies.line(50))
        settings = replies.service_settings(port, simulator.url, database_url, folder)
        simulator.webhooks.url = f"http://127.0.0.1:{port}/line/webhook"
        if kind == "feeds":
            address = await stack.enter_async_context(feed())
            with Path(folder, "city", "city.toml").open("a") as rules:
                rules.write(
                    '\n[[sources]]\ncode = "news"\nkind = "rss"\nnames.ja = "市"\n'
                    f'url = "{address}"\ninterval_seconds = 10\ntopic = "city-news"\n'
                    'decision = "publish"\n'
                )
        if kind == "export":
            _todoke(settings, "reports", "generate", str(options.reports))
            password = f"{STAFF[1]}\n"
            _todoke(settings, "staff", "add", STAFF[0], "--role", "roads", given=password)
        commands = replies.service_commands(port, database_url, options.workers)
        if not database_url.startswith("sqlite") and kind == "feeds":
            commands.append([sys.executable, "-P", "-m", "app.cli", "scheduler"])
        log = Path(folder, "service.log")
        stack.enter_context(replies.processes(commands, settings, log))
        await load.answers(port)
        chance = random.Random(1)

        async def at_rate(first: int) -> dict[str, Any]:
            wires = [
                load.wire(
                    [replies.event(number, users[number % len(users)], chance)],
                    "/line/webhook",
                    f"127.0.0.1:{port}",
                    simulator.webhooks.destination,
                )
                for number in range(first, first + options.rate * options.seconds)
            ]
            return await load.at_rate(port, wires, options.rate, 256)

        await replies.ask(port, simulator, users, 20, 2, 10_000_000)
        found = {"database": database_url.split(":", 1)[0], "without": await at_rate(0)}
        url = f"http://127.0.0.1:{port}"
        running = asyncio.create_task(RUN[kind](url, simulator, users))
        await asyncio.sleep(1.0)
        found[f"beside_{kind}"] = await at_rate(5_000_000)
        if running.done():
            running.result()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return found


def main() -> None:
    """Measure on the database that was asked for, or on a new one of SQLite's."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("beside", choices=LOADS)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=100, help="events a second")
    parser.add_argument("--residents", type=int, default=5_000)
    parser.add_argument("--reports", type=int, default=20_000, help="with export")
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL")
    options = parser.parse_args()
    replies.be_quiet()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database_url or f"sqlite:///{folder}/todoke.sqlite3"
        users = replies.make_database(url, options.residents)
        found: dict[str, Any] = uvloop.run(measure(url, users, options, folder))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
