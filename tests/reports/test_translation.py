"""Residents' words are put into Japanese for staff, in the background, with every number."""

from __future__ import annotations

import pytest

from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.errors import Permanent, Retryable
from reports import register
from reports.models import Report
from reports.register import Draft
from reports.translation import NONE, keeps_numbers, translate_new
from tests.support.project import SAMPLE_CITY
from tests.support.translation_machine import Machine


async def file(
    database: Database, clock: ManualClock, words: str, language: str, origin: str
) -> Report:
    async with database.writing() as session:
        return await register.create_report(
            session,
            load_city(SAMPLE_CITY),
            Draft(category="pothole", origin=origin, description=words),
            resident_id=None,
            language=language,
            now=clock.now(),
        )


async def read(database: Database, report: Report) -> Report:
    async with database.reading() as session:
        return await session.get_one(Report, report.id)


async def test_words_are_translated_once_and_the_page_is_not_out_of_date_by_it(
    database: Database, clock: ManualClock
) -> None:
    machine = Machine({"Hole at number 12": "12番地に穴", "सडकमा खाल्डो": "道に穴"})
    english = await file(database, clock, "Hole at number 12", "en", "a")
    nepali = await file(database, clock, "सडकमा खाल्डो", "ne", "b")
    japanese = await file(database, clock, "穴があります", "ja", "c")
    easy = await file(database, clock, "あなが あります", "ja-x-easy", "d")
    unknown = await file(database, clock, "Хонхор", "mn", "e")
    silent = await file(database, clock, "", "en", "f")
    assert await translate_new(database, machine, clock) == 2
    assert await translate_new(database, machine, clock) == 0
    assert sorted(machine.asked) == [("Hole at number 12", "en"), ("सडकमा खाल्डो", "ne")]
    stored = await read(database, english)
    assert (stored.japanese, stored.translated_by) == ("12番地に穴", "machine")
    assert stored.description == "Hole at number 12"
    assert stored.updated_at == english.updated_at
    assert (await read(database, nepali)).japanese == "道に穴"
    for other in (japanese, easy, unknown, silent):
        assert (await read(database, other)).japanese == ""


async def test_a_lost_number_means_no_translation(database: Database, clock: ManualClock) -> None:
    machine = Machine({"Hole at number 12": "21番地に穴"})
    report = await file(database, clock, "Hole at number 12", "en", "a")
    assert await translate_new(database, machine, clock) == 0
    stored = await read(database, report)
    assert (stored.japanese, stored.translated_by) == ("", NONE)
    await translate_new(database, machine, clock)
    assert len(machine.asked) == 1


@pytest.mark.parametrize(("error", "again"), [(Retryable("busy"), True), (Permanent("no"), False)])
async def test_a_machine_that_does_not_answer_is_asked_again_and_one_that_refuses_is_not(
    database: Database, clock: ManualClock, error: Exception, again: bool
) -> None:
    machine = Machine({"A hole": "穴"})
    report = await file(database, clock, "A hole", "en", "a")
    machine.error = error
    assert await translate_new(database, machine, clock) == 0
    machine.error = None
    assert await translate_new(database, machine, clock) == int(again)
    assert (await read(database, report)).japanese == ("穴" if again else "")


@pytest.mark.parametrize(
    ("words", "japanese", "kept"),
    [
        ("3 holes at 1-2-3", "1-2-3に穴が3つ", True),
        ("သုံးခု ၁၂", "12に三つ", True),
        ("two holes", "穴が2つ", True),
        ("90 cm", "19センチ", False),
    ],
)
def test_numbers_of_every_script_count(words: str, japanese: str, kept: bool) -> None:
    assert keeps_numbers(words, japanese) is kept
