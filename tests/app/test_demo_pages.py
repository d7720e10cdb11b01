"""The demo's page lets a recorded day begin, and takes nothing odd."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI

from app import demo_pages
from simulator.agency.days import DAYS
from tests.support.serving import served

KIND = "application/x-www-form-urlencoded"


class Feeds:
    """Notes which day is to be played, and how fast."""

    def __init__(self) -> None:
        self.played: list[tuple[str, float]] = []

    async def play(self, day: str, speed: float) -> None:
        self.played.append((day, speed))


async def post(body: str, kind: str = KIND) -> tuple[int, list[tuple[str, float]]]:
    """Post a form; return the answer's status and what was played."""
    app, feeds = FastAPI(), Feeds()
    app.include_router(demo_pages.router)
    app.state.context = SimpleNamespace(settings=SimpleNamespace(public_url="http://127.0.0.1"))
    places: Any = SimpleNamespace(feeds=feeds)
    app.state.demo_places = places
    async with (
        served(app) as url,
        aiohttp.ClientSession() as http,
        http.post(
            f"{url}/demo/play", data=body, headers={"Content-Type": kind}, allow_redirects=False
        ) as answer,
    ):
        if answer.status == 303:
            assert answer.headers["Location"] == "/demo?lang=ja#days"
        return answer.status, feeds.played


async def test_a_day_begins_at_its_own_pace_another_or_a_speed() -> None:
    own = DAYS["rainstorm"].speed
    assert await post("day=rainstorm&lang=ja") == (303, [("rainstorm", own)])
    assert await post("day=rainstorm&pace=slow&lang=ja") == (303, [("rainstorm", own / 4)])
    assert await post("day=rainstorm&pace=fast&lang=ja") == (303, [("rainstorm", own * 4)])
    assert await post("day=rainstorm&speed=3000.0&lang=ja") == (303, [("rainstorm", 3000.0)])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 404),
        ("day=tomorrow", 404),
        ("day=rainstorm&pace=sideways", 422),
        ("day=rainstorm&speed=-1", 422),
        ("day=rainstorm&speed=nan", 422),
        ("day=rainstorm&speed=inf", 422),
        ("day=rainstorm&speed=soon", 422),
        ("day=%00", 422),
    ],
)
async def test_what_is_no_day_or_no_pace_plays_nothing(body: str, status: int) -> None:
    assert await post(body) == (status, [])
    assert await post("day=rainstorm", "multipart/form-data; boundary=x") == (422, [])
