"""Promise 6: every official sample is read with the right meaning for a municipality."""

from __future__ import annotations

import copy
import random
import re
from pathlib import Path

import pytest
from lxml import etree

from city.city import JmaCodes
from core.errors import Permanent
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.jma.codes import municipalities
from tests.support.sample_telegrams import EXPECTATIONS, Expected

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


@pytest.mark.slow
def test_every_sample_is_read_for_every_code_of_the_agency_without_error(
    shared_data: Path,
) -> None:
    samples = sorted((shared_data / "jma" / "samples").glob("*.xml"))
    assert len(samples) >= 43
    lists = (shared_data / "jma" / "codes" / "municipalities.csv").read_text(encoding="utf-8")
    listed = {line[:7] for line in lists.splitlines()[1:]}
    every = [codes_for(code) for code in sorted(listed | municipalities().keys())]
    assert len(every) > 1740
    for sample in samples:
        kind = KIND.search(sample.stem)
        assert kind is not None
        telegram = read_telegram(sample.read_bytes())
        assert telegram.kind == kind.group(1).replace("VXKOii", "VXKO")
        assert read_telegram(sample.read_bytes(), kind=kind.group(1)).kind == telegram.kind
        for codes in every:
            for fact in facts(telegram, codes, HazardBoard()):
                assert 0 <= fact.level <= 5, (sample.name, codes.municipality)
                assert fact.kind, (sample.name, codes.municipality)
                assert fact.reported_at == telegram.reported_at


PARTS = "（市町村等）"
WORDS = {"発表": {"issued", "raised", "lowered"}, "継続": {"continued"}, "解除": {"lifted"}}


@pytest.mark.slow
def test_every_municipality_hears_of_a_warning_what_its_own_item_says(shared_data: Path) -> None:
    """Another reading of the XML, of the municipalities' items alone, for the whole country."""
    checked = 0
    for sample in sorted((shared_data / "jma" / "samples").glob("15_*.xml")):
        telegram = read_telegram(sample.read_bytes())
        said: dict[str, set[tuple[str, str]]] = {code[:5]: set() for code in municipalities()}
        warnings = etree.parse(str(sample)).getroot().iter("{*}Warning")
        for item in (item for w in warnings if w.get("type", "").endswith(PARTS) for item in w):
            for kind in item.iterchildren("{*}Kind"):
                name, status = kind.findtext("{*}Name"), kind.findtext("{*}Status") or ""
                if name and status in WORDS:
                    said[(item.findtext("{*}Area/{*}Code") or "")[:5]].add((name, status))
        for code in municipalities():
            found = facts(telegram, codes_for(code), HazardBoard())
            told = {(fact.kind, fact.status.value) for fact in found}
            assert {name for name, _ in told} == {name for name, _ in said[code[:5]]}, code
            for name, status in said[code[:5]]:
                assert WORDS[status] & {word for kind, word in told if kind == name}, code
            checked += len(told)
    assert checked > 200


def test_a_second_reading_of_any_sample_is_no_news(shared_data: Path) -> None:
    for expected in EXPECTATIONS:
        data = (shared_data / "jma" / "samples" / f"{expected.sample}.xml").read_bytes()
        codes = JmaCodes(municipality=expected.municipality, **expected.codes)
        board = HazardBoard()
        facts(read_telegram(data), codes, board)
        again = facts(read_telegram(data), codes, board)
        assert [fact for fact in again if fact.is_news] == [], expected


JUNK = ("", "0", "99", "NaN", "²", "取消", "訂正", "訓練", "解除", "なし", "00", "x" * 300)
TIMES = ("2026-01-01T00:00:00", "2026-13-01T00:00:00+09:00", "9999-12-31T23:59:59-23:59")


@pytest.mark.parametrize("seed", range(40))
def test_a_sample_with_parts_lost_doubled_or_changed_is_read_or_refused(
    shared_data: Path, seed: int
) -> None:
    chance = random.Random(seed)
    samples = sorted((shared_data / "jma" / "samples").glob("*.xml"))
    root = etree.fromstring(chance.choice(samples).read_bytes())
    elements = list(root.iter("*"))
    for _ in range(chance.randint(1, 6)):
        element = chance.choice(elements)
        parent = element.getparent()
        what = chance.random()
        if what < 0.5 or parent is None:
            leaf = chance.choice([found for found in elements[:80] if not len(found)])
            leaf.text = chance.choice(JUNK + TIMES)
        elif what < 0.75:
            parent.remove(element)
        else:
            parent.append(copy.deepcopy(element))
    data = etree.tostring(root)
    for municipality in ("0121400", "0321500", "1310400", "2920700", "4620100", "4720700"):
        try:
            found = facts(read_telegram(data), JmaCodes(municipality=municipality), HazardBoard())
        except Permanent:
            continue
        assert all(fact.kind and 0 <= fact.level <= 5 for fact in found), f"seed {seed}"
