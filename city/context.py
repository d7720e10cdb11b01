"""What the application gives to every package; made once at the start."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from city.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from core.work import Queue


@dataclass(frozen=True, kw_only=True)
class Context:
    """The service's parts; web pages find it as ``request.app.state.context``."""

    settings: Settings
    city: City
    database: Database
    clock: Clock
    queue: Queue
    http: aiohttp.ClientSession
