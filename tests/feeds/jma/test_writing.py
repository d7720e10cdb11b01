"""What is written for recorded days and drills is read like the real thing, and says so."""

from __future__ import annotations

import pytest

from feeds.facts import Fact
from feeds.jma import HazardBoard, facts, read_telegram
from feeds.jma.codes import municipalities
from feeds.jma.levels import WARNINGS, level_in_name
from feeds.models import Status
from simulator.agency.form import Operation
from simulator.agency.writing import (
    FAMILIES,
    NAMES,
    RIVER_NAMES,
    SUDDEN_TITLES,
    TSUKUBA,
    Kind,
    flood,
    sudden,
    warning,
)
from tests.support.telegrams import CODE, CODES, KOKAI, START, City, at, detail, envelope

OF_KIND = {
    "VPWW55": "heavy-rain",
    "VPWW56": "landslide",
    "VPWW57": "storm-surge",
    "VPWW59": "high-waves",
    "VPWW60": "heavy-snow",
}


@pytest.mark.parametrize("code", sorted(NAMES))
def test_every_warning_that_can_be_written_is_read_with_its_level(code: str) -> None:
    known = WARNINGS[code]
    kind = next((k for k, hazard in OF_KIND.items() if hazard == known.group), None)
    if kind is None:
        kind = "VPWW58" if known.group in ("storm", "snow-storm") else "VPWW61"
    data = warning(kind, TSUKUBA, [Kind(code)], envelope(5))
    telegram = read_telegram(data)
    assert telegram.kind == kind
    (fact,) = facts(telegram, CODES, HazardBoard())
    assert (fact.kind, fact.level, fact.hazard) == (NAMES[code], known.level, known.hazard)
    assert fact.shown_level in (0, known.level) and fact.shown_level == level_in_name(fact.kind)
    assert set(FAMILIES) >= {kind}


@pytest.mark.parametrize("code", sorted(RIVER_NAMES))
def test_every_flood_forecast_that_can_be_written_is_read(code: str) -> None:
    city = City()
    city.read(flood(KOKAI, "40", TSUKUBA, envelope(0)))
    city.read(flood(KOKAI, code, TSUKUBA, envelope(5)))
    assert city.heard[-1].river == "小貝川"


@pytest.mark.parametrize("tag", sorted(SUDDEN_TITLES))
def test_every_sudden_report_that_can_be_written_is_read(tag: str) -> None:
    (fact,) = City().read(sudden(tag, TSUKUBA, envelope(0)))
    assert fact.kind == f"気象防災速報（{SUDDEN_TITLES[tag]}）"
    assert fact.headline == "見出しです。"
    assert fact.office == "水戸地方気象台"


def test_a_drill_is_written_as_a_drill() -> None:
    data = warning("VPWW55", TSUKUBA, [Kind("33")], envelope(0, operation=Operation.TRAINING))
    (fact,) = City().read(data)
    assert fact.drill
    assert "<Status>訓練</Status>" in data.decode()


def test_a_telegram_from_the_future_is_refused() -> None:
    telegram = read_telegram(warning("VPWW55", TSUKUBA, [Kind("43")], envelope(60)))
    with pytest.raises(Exception, match="dated"):
        facts(telegram, CODES, HazardBoard(), now=START)
    assert facts(telegram, CODES, HazardBoard(), now=at(50)) != []


def test_half_a_megabyte_of_other_municipalities_changes_nothing() -> None:
    """The agency's largest telegrams name every municipality of the country."""
    short = detail("4")
    others = "".join(
        f"<City><Name>{place.name}</Name><Code>{place.code}</Code><MaxInt>5-</MaxInt></City>"
        for place in municipalities().values()
        if place.code != CODE
    )
    long = short.replace(b"</City>", b"</City>" + others.encode() * 4)
    assert len(long) > 500_000
    assert City().read(long) == City().read(short) != []


def test_only_names_with_a_level_show_one() -> None:
    def fact(kind: str, hazard: str = "heavy-rain", level: int = 4) -> Fact:
        return Fact(
            topic="weather",
            hazard=hazard,
            kind=kind,
            level=level,
            status=Status.ISSUED,
            reported_at=START,
        )

    assert fact("レベル４大雨危険警報").shown_level == 4
    assert fact("レベル5大雨特別警報").shown_level == 5
    assert fact("暴風警報", "storm", 3).shown_level == 0
    assert fact("レベル３（入山規制）", "volcano", 3).shown_level == 0
