"""What the tests of alerts share: the sample city, and a working day's noon."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from city.city import City
from city.folder import load_city
from tests.support.project import SAMPLE_CITY


@pytest.fixture(scope="session")
def city() -> City:
    """The worked sample city."""
    return load_city(SAMPLE_CITY)


@pytest.fixture
def now() -> datetime:
    """Noon in Japan."""
    return datetime(2026, 6, 15, 3, tzinfo=UTC)
