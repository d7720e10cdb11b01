"""What other rooms say in English reaches staff in the language they read."""

from __future__ import annotations

import pytest

from console.retold import retold


@pytest.mark.parametrize(
    ("sentence", "japanese"),
    [
        ("The form is too large.", "送信された内容が大きすぎます。"),
        ("Rule 1 of city-safety: word '声かけ'.", "city-safety のルール1：言葉 '声かけ'"),
        ("paused by sato@city.example", "sato@city.example が一時停止"),
        ("It is over 24 hours old.", "24時間以上前の情報です。"),
    ],
)
def test_a_sentence_is_retold_with_what_it_names(sentence: str, japanese: str) -> None:
    assert retold(sentence, "ja") == japanese
    assert retold(sentence, "en") == sentence


def test_what_is_not_known_is_left_alone() -> None:
    for sentence in (
        "",
        "paused by ",
        "Something else.",
        "word\n" * 200,
        "{name}",
        "paused by {x}",
    ):
        said = retold(sentence, "ja")
        assert said is None or "{x}" in said
