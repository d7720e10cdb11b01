"""Compile statements once in a run of the tests, as a process of the service does.

SQLAlchemy keeps what it compiled with the engine, and every test has a database of its own, so an
engine of its own: a page of the console would be compiled anew for each test. Here the engines of
one kind share what they know of their dialect. It depends on the driver and the server alone, and
those are the same for all of a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import LRUCache

import core.database

STATEMENTS = 5_000
"""The size of the cache: enough for the statements of all packages."""


@contextmanager
def compiled_once() -> Iterator[None]:
    """Have the engines of ``Database`` share their dialect and what was compiled for it."""
    first: dict[type[Dialect], Engine] = {}

    def share(*given: Any, **options: Any) -> AsyncEngine:
        made = create_async_engine(*given, **options)
        engine = made.sync_engine
        known = first.get(type(engine.dialect))
        if known is None or known.dialect.server_version_info is None:
            # Nobody has connected yet, so the dialect does not know its server.
            engine._compiled_cache = LRUCache(STATEMENTS)
            first[type(engine.dialect)] = engine
            return made
        engine.dialect = engine.pool._dialect = known.dialect
        engine._compiled_cache = known._compiled_cache
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.database, "create_async_engine", share)
        yield
