"""What the tests of alerts share: the sample city, and a working day's noon."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from city.city import City
from city.folder import CityFolder, load_city, load_folder
from tests.support.project import SAMPLE_CITY


@pytest.fixture(scope="session")
def city() -> City:
    """The worked sample city."""
    return load_city(SAMPLE_CITY)


@pytest.fixture(scope="session")
def sample() -> CityFolder:
    """Its whole folder."""
    return load_folder(SAMPLE_CITY)


@pytest.fixture
def now() -> datetime:
    """Noon in Japan."""
    return datetime(2026, 6, 15, 3, tzinfo=UTC)
