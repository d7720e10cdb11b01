"""The city hall whose pages are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from city.folder import CityFolder, load_folder
from core.database import Database
from tests.support.office import Office, running_office
from tests.support.project import SAMPLE_CITY


@pytest.fixture(scope="session")
def sample() -> CityFolder:
    """The worked sample city."""
    return load_folder(SAMPLE_CITY)


@pytest.fixture
async def office(
    database: Database, sample: CityFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall in which everything runs; it knows nobody yet."""
    async with running_office(database, sample, tmp_path, monkeypatch) as office:
        yield office
