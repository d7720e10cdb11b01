"""A reason is stored as a code with values, and put into words where it is read."""

from __future__ import annotations

import json

import pytest

from core import reason as core_reason
from core.errors import BadInput, Retryable
from core.reason import MOST_CHARACTERS, Reason, Reasons, loaded, other

JAPANESE = {
    "{left} of {needed} are left": "残り{left}（必要{needed}）",
    "cut: {why}": "中断：{why}",
    "; ": "、",
}


@pytest.fixture
def reason(monkeypatch: pytest.MonkeyPatch) -> Reasons:
    monkeypatch.setattr(core_reason, "SENTENCES", dict(core_reason.SENTENCES))
    return Reasons(
        {
            "": {"try.left": "{left} of {needed} are left"},
            "Ask somebody.": {"try.cut": "cut: {why}"},
        }
    )


def in_japanese(message: str, /, **values: object) -> str:
    return JAPANESE[message].format(**values)


def test_a_reason_reads_in_the_language_of_whoever_reads(reason: Reasons) -> None:
    whole = reason("try.cut", why=reason("try.left", left=3, needed=5))
    assert str(whole) == "cut: 3 of 5 are left"
    assert whole.text(in_japanese) == "中断：残り3（必要5）"
    assert whole.kind == "Ask somebody."
    twice = reason("try.cut", why=(whole, whole.values["why"]))
    assert str(twice) == "cut: cut: 3 of 5 are left; 3 of 5 are left"
    assert twice.text(in_japanese) == "中断：中断：残り3（必要5）、残り3（必要5）"


def test_what_is_stored_comes_back_equal(reason: Reasons) -> None:
    left = reason("try.left", left=3, needed=5)
    for one in (left, reason("try.cut", why=left), reason("try.cut", why=(left, left))):
        assert loaded(one.dumped()) == one
        assert hash(loaded(one.dumped())) == hash(one)
    assert json.loads(left.dumped()) == {"code": "try.left", "values": {"left": 3, "needed": 5}}


@pytest.mark.parametrize(
    "stored", ["It was late.", "[]", "7", "null", '{"x": 1}', '{"code": "x", "values": 3}']
)
def test_a_text_without_a_code_is_kept_as_it_is(stored: str) -> None:
    assert loaded(stored) == other(stored)
    assert str(loaded(stored)) == stored


def test_what_another_version_wrote_can_still_be_read(reason: Reasons) -> None:
    assert str(loaded('{"code":"try.newer","values":{"host":"a.example"}}')) == (
        "try.newer a.example"
    )
    assert str(loaded('{"code":"try.left","values":{"left":3}}')) == "3 of … are left"


def test_a_value_from_a_stranger_is_one_short_line(reason: Reasons) -> None:
    kept = reason("try.cut", why="a\n\u202eb{x}" + "c" * 9999)
    assert str(kept).startswith("cut: a b{x}cc")
    assert len(str(kept)) == len("cut: ") + MOST_CHARACTERS


def test_two_packages_cannot_mean_different_things_by_one_code(reason: Reasons) -> None:
    with pytest.raises(ValueError, match=r"try\.left"):
        Reasons({"": {"try.left": "another sentence"}})


def test_an_error_carries_its_reason(reason: Reasons) -> None:
    left = reason("try.left", left=3, needed=5)
    assert BadInput(left).reason == left
    assert str(BadInput(left)) == "3 of 5 are left"
    assert Retryable("It is late.", retry_after=2).reason == Reason(
        "other", {"text": "It is late."}
    )
