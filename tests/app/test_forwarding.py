"""The health page and ``check`` report a proxy without ``X-Forwarded-For``."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import aiohttp
import pytest
from fastapi import FastAPI

from app import forwarding, health
from app.processes import web_config
from core.settings import Settings
from tests.support.serving import served
from tests.support.slow_names import SlowNames

AS_THE_PUBLIC = {"Host": "todoke.city.example"}


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        (AS_THE_PUBLIC, forwarding.MISSING),
        ({"x-line-signature": "of LINE"}, forwarding.MISSING),
        ({**AS_THE_PUBLIC, "X-Forwarded-For": "203.0.113.9"}, None),
        ({"Host": "127.0.0.1"}, None),  # this machine's own watcher
    ],
)
async def test_a_missing_header_is_noticed_on_what_only_a_proxy_brings(
    settings: Settings, headers: dict[str, str], fault: str | None
) -> None:
    settings = replace(settings, public_url="https://todoke.city.example")
    app, seen = FastAPI(), forwarding.Forwarding()
    app.add_middleware(forwarding.ForwardingWatch, settings=settings, seen=seen)
    async with served(app, web_config(app, settings)) as url, aiohttp.ClientSession() as http:
        async with http.get(url, headers=headers):
            assert seen.fault == fault
        # A request of a program on this machine says nothing about the proxy.
        async with http.get(url):
            assert seen.fault == fault


async def test_check_asks_the_service_by_its_public_address(
    settings: Settings, name_server: SlowNames
) -> None:
    """The proxy of this test is asked by a public name and hands on without the header."""
    settings = replace(settings, public_url="http://todoke.test")
    app = FastAPI()
    app.state.context = SimpleNamespace(settings=settings)
    app.include_router(health.router)
    async with served(app, web_config(app, settings)) as url:
        port = url.rpartition(":")[2]
        said = await forwarding.asked_through_proxy(f"http://todoke.test:{port}")
    assert said == forwarding.MISSING
    assert await forwarding.asked_through_proxy("http://127.0.0.1:1") is None


async def test_a_demo_has_no_proxy(settings: Settings) -> None:
    app, seen = FastAPI(), forwarding.Forwarding()
    app.add_middleware(
        forwarding.ForwardingWatch,
        settings=replace(settings, public_url="http://127.0.0.1:8000"),
        seen=seen,
    )
    async with served(app) as url, aiohttp.ClientSession() as http, http.get(url):
        assert seen.fault is None
