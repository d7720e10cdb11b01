"""Every official sample, proofread in all languages; every place of the agency's tables named."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from channels.line.render import MOST_ALT_UNITS, MOST_BUBBLE_BYTES, MOST_TEXT_UNITS, render
from city.city import Decision, JmaCodes
from core.languages import EASY_JAPANESE, LANGUAGES
from feeds.facts import Fact
from feeds.jma import HazardBoard, codes_for, facts, read_telegram
from feeds.jma.codes import municipalities
from feeds.models import Notice
from feeds.texts import compose
from feeds.texts.places import spoken_name
from feeds.texts.readings import READINGS
from tests.support.proofreading import CHARACTERS, CHINESE, KANA, faults
from tests.support.worked_facts import AT, CITY, every_fact

pytestmark = pytest.mark.slow

EVERY = 7
"""Each so manieth municipality of Japan is asked, and those that the samples are about."""
ALWAYS = "0822000 0121400 1310100 1438200 1042500 2210000 2710000 2920100 3640300 4220200 4620100"
ALOUD = re.compile("[^（）]+（[ぁ-ゖー・]+）")
SPEAKING = tuple(code for code in LANGUAGES if code != "ja")


@cache
def told_by_samples(samples: Path) -> list[Fact]:
    """One fact for each name, place and status that the samples have for these municipalities."""
    found: dict[tuple[object, ...], Fact] = {}
    asked = sorted({*list(municipalities())[::EVERY], *ALWAYS.split()})
    codes = {each: codes_for(each, JmaCodes(municipality="0822000")) for each in asked}
    for sample in sorted(samples.glob("*.xml")):
        telegram = read_telegram(sample.read_bytes())
        kinds: set[tuple[str, str]] = set()
        for municipality in asked:
            for each in facts(telegram, codes[municipality], HazardBoard()):
                kind = each.kind, each.status.value
                new = kind not in kinds or sum(key[0] == each.kind for key in found) < 12
                if new:
                    kinds.add(kind)
                    found.setdefault((each.kind, each.place, each.status, each.drill), each)
    return list(found.values())


@pytest.fixture(scope="module")
def told(shared_data: Path) -> Iterator[list[Fact]]:
    yield told_by_samples(shared_data / "jma" / "samples")


def test_an_editor_finds_nothing_wrong_in_what_the_samples_become(told: list[Fact]) -> None:
    assert len(told) > 150
    wrong = [
        f"{each.kind} {each.place} {language}: {fault}"
        for each in told
        for language, said in compose(each, CITY).items()
        for fault in faults(each, CITY, language, said)
    ]
    assert wrong == []


def test_an_editor_finds_nothing_wrong_in_any_hazard_level_and_status() -> None:
    wrong = [
        f"{each.kind} {each.status} {language}: {fault}"
        for each in every_fact()
        for language, said in compose(each, CITY).items()
        for fault in faults(each, CITY, language, said)
    ]
    assert wrong == []


def test_all_samples_fit_into_lines_messages(told: list[Fact]) -> None:
    for each in told:
        texts = compose(each, CITY)
        notice = Notice(
            identity="sample",
            topic=each.topic,
            kind=each.kind,
            level=each.level,
            status=each.status,
            drill=each.drill,
            texts=texts,
            reported_at=AT,
            decision=Decision.SEND,
            decided_by="rule:test",
            created_at=AT,
        )
        for language, said in texts.items():
            (card,) = render(notice, language, CITY)
            assert card["type"] == "flex", (language, said)
            assert len(card["altText"].encode("utf-16-le")) // 2 <= MOST_ALT_UNITS
            assert len(str(card["contents"]).encode()) <= MOST_BUBBLE_BYTES
            assert len(said["text"].encode("utf-16-le")) // 2 <= MOST_TEXT_UNITS


def test_every_place_of_the_agencys_tables_has_a_name_in_every_language() -> None:
    with READINGS.open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(line for line in source if not line.startswith("#")))
    assert len(rows) > 2300
    for row in rows:
        for language in SPEAKING:
            said = spoken_name(row["name"], language, (row["code"],))
            assert said, row
            if language == EASY_JAPANESE:
                assert ALOUD.fullmatch(said) or CHARACTERS.search(said) is None, said
                continue
            assert KANA.search(said) is None, (language, said)
            assert language in CHINESE or CHARACTERS.search(said) is None, (language, said)
            assert said == said.strip() and "  " not in said and "{" not in said, (language, said)
