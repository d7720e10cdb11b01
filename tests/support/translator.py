"""A translation server that a test teaches what to say."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

from aiohttp import web

from core.settings import TranslatorSettings
from tests.support.office import Office


@contextlib.asynccontextmanager
async def translator(office: Office, made: dict[str, str]) -> AsyncIterator[None]:
    """A LibreTranslate server that knows English and Thai, and says what it was taught."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/languages":
            return web.json_response([{"code": "ja", "targets": ["en", "th"]}])
        said = await request.json()
        words = made[said["target"]]
        return web.json_response({"translatedText": [words for _ in said["q"]]})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    machine = TranslatorSettings(name="libretranslate", url=url)
    settings = replace(office.context.settings, translator=machine)
    office.app.state.context = replace(office.context, settings=settings)
    try:
        yield
    finally:
        await runner.cleanup()
