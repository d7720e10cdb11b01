"""What the application gives to every package; made once at the start."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp

from city.city import City
from core.clock import Clock
from core.database import Database
from core.settings import Settings
from core.work import Queue


@dataclass(kw_only=True, eq=False)
class Context:
    """The service's parts; web pages find it as ``request.app.state.context``.

    The city is another one as soon as an office changes its words (``app.own_words``), so whoever
    needs it takes it from here each time.
    """

    settings: Settings
    city: City
    database: Database
    clock: Clock
    queue: Queue
    http: aiohttp.ClientSession
