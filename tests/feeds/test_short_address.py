"""Promise: a code opens the notice that it was sent with, for ever, and no other."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import combinations

import pytest
from sqlmodel import col, select

from core.database import Database
from feeds import models, notice_codes
from feeds.models import Notice
from feeds.notice_codes import ALPHABET, LENGTH, PLACEHOLDER, new_code, read_code
from feeds.short_address import short_address, shown_address
from tests.support.engine import make_notice

NOW = datetime(2026, 7, 1, 3, 0, tzinfo=UTC)
URL = "https://todoke.city.example"


def test_a_code_is_short_and_has_no_letter_that_looks_like_another() -> None:
    codes = {new_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    for code in codes:
        assert len(code) == LENGTH <= 8
        assert not set(code) & set("01OIL")
        assert code.isascii() and code.upper() == code
        assert re.search(r"[A-Z]{3}", code) is None
        assert read_code(code) == code


def test_one_wrong_character_or_two_that_changed_places_are_never_a_code() -> None:
    for _ in range(40):
        code = new_code()
        for place in range(LENGTH):
            for letter in set(ALPHABET) - {code[place]}:
                assert read_code(code[:place] + letter + code[place + 1 :]) is None
        for one, other in combinations(range(LENGTH), 2):
            letters = list(code)
            letters[one], letters[other] = letters[other], letters[one]
            swapped = "".join(letters)
            assert swapped == code or read_code(swapped) is None


def test_a_code_is_read_as_people_type_it() -> None:
    code = new_code()
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in code)
    for typed in (code.lower(), f" {code[:4]} {code[4:]}\n", f"{code[:4]}-{code[4:]}", wide):
        assert read_code(typed) == code


def test_what_cannot_be_a_code_is_none() -> None:
    code = new_code()
    for typed in (
        "",
        PLACEHOLDER,
        code[:-1],
        code + "2",
        "Ⅷ" * 8,
        "ß" * 8,
        "\x00" * 8,
        "9" * 10_000,
    ):
        assert read_code(typed) is None, typed


async def test_a_notice_has_a_code_of_its_own_from_the_moment_it_is_stored(
    database: Database,
) -> None:
    notices = [make_notice(now=NOW, identity=f"notice-{n}") for n in range(60)]
    assert short_address(URL, notices[0]) == f"{URL}/n/{PLACEHOLDER}"
    async with database.writing() as session:
        session.add_all(notices)
    async with database.reading() as session:
        stored = list(await session.scalars(select(Notice).order_by(col(Notice.id))))
    codes = [notice.code for notice in stored]
    assert len(set(codes)) == 60
    assert all(code is not None and read_code(code) == code for code in codes)
    assert short_address(URL, stored[0]) == f"{URL}/n/{codes[0]}"
    assert shown_address(short_address(URL, stored[0])) == f"todoke.city.example/n/{codes[0]}"
    assert short_address("", stored[0]) == ""


async def test_a_code_that_is_taken_is_not_given_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two equal codes are unlikely; storing a warning must not fail because of them."""
    drawn = iter(("2222222Z", "2222222Z", "3333333Y"))
    monkeypatch.setattr(models, "new_code", lambda: next(drawn))
    for number in (1, 2):
        async with database.writing() as session:
            session.add(make_notice(now=NOW, identity=f"notice-{number}"))
    async with database.reading() as session:
        codes = list(await session.scalars(select(Notice.code).order_by(col(Notice.id))))
    assert codes == ["2222222Z", "3333333Y"]


async def test_a_notice_from_before_codes_has_no_address(database: Database) -> None:
    notice = make_notice(now=NOW)
    notice.id, notice.code = 7, None
    assert short_address(URL, notice) == ""
    assert notice_codes.PLACEHOLDER not in ALPHABET
