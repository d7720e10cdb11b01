"""What people throw away has a name in each of the sixteen languages."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date

import pytest

from bot.dialogues import respond
from bot.dialogues.buttons import standard_understanding
from bot.dialogues.kinds import DialogueState, Said
from bot.understanding.lexicon import FILES, THINGS, Lexicon
from bot.understanding.patterns import WordRun
from city.collection import WasteItem
from city.folder import CityFolder
from core.languages import LANGUAGES
from tests.support.chats import known_in
from tests.support.town import words_in

LEAST = 300
"""Things that every language can name."""
NEW_YEAR = date(2026, 1, 1)


def rows() -> list[dict[str, str]]:
    with THINGS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_thing_has_a_name_in_every_language() -> None:
    for row in rows():
        assert all(row[name] for name in FILES), row["thing"]
    named = [
        {
            one
            for one in lexicon.names
            if one.startswith(("thing-", "big-")) and lexicon.list_of(one)
        }
        for lexicon in (Lexicon(name, {}) for name in FILES)
    ]
    assert len(set.intersection(*named)) >= LEAST


@pytest.mark.parametrize("name", FILES)
def test_no_name_is_that_of_two_things(name: str) -> None:
    things: dict[object, str] = {}
    for row in rows():
        for word in row[name].split("/"):
            read = WordRun.read(word)
            key = read.tokens or read.packed
            assert things.setdefault(key, row["thing"]) == row["thing"], word


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "ja-x-easy"])
def test_a_thing_is_understood_by_its_name(language: str) -> None:
    understanding = standard_understanding()
    name = LANGUAGES[language].vocabulary_file
    missed = []
    for row in rows():
        word = row[name].split("/")[0].rstrip("*")
        found = understanding.meaning(word, language, NEW_YEAR)
        if found.item != row["thing"].removeprefix("big-") or found.is_cry:
            missed.append((word, row["thing"], found.intent, found.item))
    assert not missed


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        ("en", "how do I throw away a rice cooker", "炊飯器 (rice cooker)"),
        ("vi", "nồi cơm điện vứt thế nào", "炊飯器 (nồi cơm điện)"),
        ("zh-Hant", "電飯煲怎麼丟", "炊飯器 (電飯煲)"),
        ("my", "ထမင်းအိုး ဘယ်လိုပစ်ရမလဲ", "炊飯器 (ထမင်းအိုး)"),
        ("en", "where does a microwave go", "電子レンジ (microwave)"),
    ],
)
def test_the_city_is_asked_for_that_thing_and_answers_with_the_readers_word(
    sample: CityFolder, language: str, text: str, shown: str
) -> None:
    known = known_in(language, sample)
    items = [
        WasteItem(name, reading, "unburnable", "")
        for name, reading in (
            ("携帯電話", "けいたいでんわ"),
            ("電子レンジ", "でんしれんじ"),
            ("炊飯器", "すいはんき"),
        )
    ]
    known = replace(known, calendar=replace(known.calendar, items=tuple(items)))
    said = words_in(list(respond(DialogueState(), Said(text), known).messages))
    assert shown in said
    assert "携帯電話" not in said
