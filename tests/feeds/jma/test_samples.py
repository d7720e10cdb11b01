"""Promise 6: every official sample is read, and says for a municipality what it means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.city import JmaCodes
from feeds.jma import HazardBoard, facts, read_telegram
from feeds.jma.codes import places
from tests.feeds.jma.expectations import EXPECTATIONS, Expected

KIND = re.compile(r"_([A-Z]{4}(?:\d\d|ii))$")


def _name(expected: Expected) -> str:
    return f"{expected.sample}-{expected.municipality}" + ("-own" if expected.codes else "")


@pytest.mark.parametrize("expected", EXPECTATIONS, ids=_name)
def test_a_sample_means_for_a_municipality_what_its_xml_says(
    shared_data: Path, expected: Expected
) -> None:
    data = (shared_data / "jma" / "samples" / f"{expected.sample}.xml").read_bytes()
    telegram = read_telegram(data)
    codes = JmaCodes(municipality=expected.municipality, **expected.codes)

    found = facts(telegram, codes, HazardBoard())

    outcomes = tuple(
        (f.status.value, f.hazard, f.level, f.kind, f.previous_kind, f.areas) for f in found
    )
    assert outcomes == expected.outcomes
    assert all(fact.drill is expected.drill for fact in found)
    assert all(fact.untold is expected.untold for fact in found)
    if expected.intensity:
        assert [f.quake.intensity for f in found if f.quake] == [expected.intensity]


def test_the_table_covers_the_samples_and_eight_municipalities() -> None:
    assert len({expected.sample for expected in EXPECTATIONS}) >= 40
    assert len({expected.municipality for expected in EXPECTATIONS}) >= 8


def test_every_sample_is_read_for_every_municipality_without_error(shared_data: Path) -> None:
    samples = sorted((shared_data / "jma" / "samples").glob("*.xml"))
    assert len(samples) >= 43
    some = sorted(places())[::40]
    for sample in samples:
        kind = KIND.search(sample.stem)
        assert kind is not None
        telegram = read_telegram(sample.read_bytes())
        assert telegram.kind == kind.group(1).replace("VXKOii", "VXKO")
        assert read_telegram(sample.read_bytes(), kind=kind.group(1)).kind == telegram.kind
        for municipality in some:
            for fact in facts(telegram, JmaCodes(municipality=municipality), HazardBoard()):
                assert 0 <= fact.level <= 5
                assert fact.kind
                assert fact.reported_at == telegram.reported_at


def test_a_second_reading_of_any_sample_is_no_news(shared_data: Path) -> None:
    for expected in EXPECTATIONS:
        data = (shared_data / "jma" / "samples" / f"{expected.sample}.xml").read_bytes()
        codes = JmaCodes(municipality=expected.municipality, **expected.codes)
        board = HazardBoard()
        facts(read_telegram(data), codes, board)
        again = facts(read_telegram(data), codes, board)
        assert [fact for fact in again if fact.is_news] == [], expected
