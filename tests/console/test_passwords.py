"""Passwords that are guessed first are refused, with the reason in the reader's language."""

from __future__ import annotations

import pytest
from argon2.exceptions import VerificationError

from console import passwords
from console.models import Role, Staff
from core.errors import Refusal
from tests.support.office import PASSWORD, Office

ABOUT = ("sato.hanako@city.tsukuba.example", "佐藤花子", "つくば市", "Tsukuba City")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12"),
        ("ｓｈｏｒｔ", "at least 12"),
        ("x" * 257, "at most 256"),
        # The first of every published list of passwords.
        ("password1234", passwords.COMMON),
        ("Passw0rd2026!", passwords.COMMON),
        ("iloveyou1234", passwords.COMMON),
        ("ｐａｓｓｗｏｒｄ１２３４", passwords.COMMON),
        ("aaaaaaaaaaaaaa", passwords.REPEATS),
        ("ababababababab", passwords.REPEATS),
        ("hatohatohatohato", passwords.REPEATS),
        ("abcdefghijklmn", passwords.SEQUENCE),
        ("qwertyuiop[]", passwords.SEQUENCE),
        ("sato.hanako@city.tsukuba.example", passwords.KNOWN_WORDS),
        ("Hanako-Sato-1", passwords.KNOWN_WORDS),
        ("tsukubacity2026", passwords.KNOWN_WORDS),
        ("つくば市つくば市の佐藤花子", passwords.KNOWN_WORDS),
        ("todoke-todoke-1", passwords.KNOWN_WORDS),
    ],
)
def test_a_password_that_is_guessed_early_is_refused(password: str, why: str) -> None:
    with pytest.raises(Refusal) as refused:
        passwords.check(password, ABOUT)
    assert why in str(refused.value)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "牛乳と自転車と青い傘を買う",
        "ｍａｔｓｕｒｉ　ｄｅ　ｋｉｎｇｙｏ　ｓａｎｂｉｋｉ",
        "hanako likes umbrellas and milk",
        "correct horse battery staple " * 8,
    ],
)
def test_a_password_of_several_words_is_taken(password: str) -> None:
    passwords.check(password, ABOUT)


def test_the_same_characters_of_another_keyboard_are_the_same_password() -> None:
    hashed = passwords._hasher.hash(passwords.normalised_password("Ｋｉｎｇｙｏ 三匹 ガ"))
    assert passwords.fits(hashed, "Kingyo 三匹 ｶﾞ")
    assert not passwords.fits(hashed, "kingyo 三匹 ガ")


def test_a_password_from_before_they_were_normalised_still_fits() -> None:
    hashed = passwords._hasher.hash("ｋｉｎｇｙｏ　ｓａｎｂｉｋｉ")
    assert passwords.fits(hashed, "ｋｉｎｇｙｏ　ｓａｎｂｉｋｉ")


def test_what_is_hashed_is_bounded_however_much_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One character can become eighteen when it is normalised (U+FDFA)."""
    seen: list[int] = []

    class Counting:
        def verify(self, _hashed: str, password: str) -> bool:
            seen.append(len(password))
            raise VerificationError

    monkeypatch.setattr(passwords, "_hasher", Counting())
    for sent in ("x" * 900_000, "\ufdfa" * 50_000):
        assert not passwords.fits("x", sent)
    assert len(seen) == 3
    assert max(seen) <= passwords.MAXIMUM + 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_page_says_why_in_both_languages_and_how_long_is_good(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    page = await desk.get("/console/account")
    assert "15文字以上をお勧めします" in page.words
    path, bad = "/console/account/password", "password1234"
    japanese = await desk.submit(page, path, present=PASSWORD, new=bad, again=bad)
    assert japanese.status == 400
    assert "よく使われているパスワード" in japanese.words
    own = "road@city.example!"
    await desk.post("/console/language", {"language": "en", "back": "/console/account"})
    english = await desk.submit(page, path, present=PASSWORD, new=own, again=own)
    assert english.status == 400
    assert "the name or address of the account" in english.words
    [road] = await office.rows(Staff)
    assert passwords.fits(road.password_hash, PASSWORD)
