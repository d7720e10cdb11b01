"""A small city whose topics and districts the tests of this package choose from."""

from __future__ import annotations

import pytest

from city.city import City, District, JmaCodes, Topic
from core.languages import LANGUAGES


@pytest.fixture
def city() -> City:
    square = (((140.0, 36.0), (140.1, 36.0), (140.1, 36.1), (140.0, 36.1), (140.0, 36.0)),)
    return City(
        name={"ja": "試験市"},
        line_name="試験市",
        jma=JmaCodes(municipality="0822000"),
        languages=tuple(LANGUAGES),
        topics=(
            Topic(code="evacuation", names={"ja": "避難"}, default=True, mandatory=True),
            Topic(code="weather", names={"ja": "気象"}, default=True),
            Topic(code="lifeline", names={"ja": "ライフライン"}, default=True),
            Topic(code="events", names={"ja": "催し"}),
        ),
        districts=tuple(
            District(code=code, names={"ja": code}, polygons=(square,))
            for code in ("north", "south", "east")
        ),
    )
