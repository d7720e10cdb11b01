"""Similar sentences stand together, and thousands of them do not take a second."""

from __future__ import annotations

import random
import time
from datetime import date
from itertools import combinations
from pathlib import Path

from public.question_groups import Group, Sentence, grouped

LABELLED = Path(__file__).parent / "asked_sentences.tsv"
"""What is asked, and a sentence that asks it. In another language it is another group."""
DAY = date(2026, 6, 15)


def rows() -> list[tuple[str, str]]:
    lines = LABELLED.read_text("utf-8").splitlines()
    return [(label, text) for label, _, text in (line.partition("\t") for line in lines)]


def once(text: str) -> Sentence:
    return Sentence(text, "ja", 1, DAY)


def test_sentences_of_a_group_belong_together() -> None:
    listed = rows()
    groups = grouped([once(text) for _, text in listed])
    group_of = {one.text: n for n, group in enumerate(groups) for one in group.sentences}
    together = [
        (label == other, group_of[text] == group_of[second])
        for (label, text), (other, second) in combinations(listed, 2)
    ]
    both = together.count((True, True))
    assert both / (both + together.count((False, True))) >= 0.95
    assert both / (both + together.count((True, False))) >= 0.5


def test_the_most_frequent_leads_its_group() -> None:
    said = [Sentence("図書館何時まで", "ja", 2, DAY), Sentence("図書館は何時まで", "ja", 5, DAY)]
    [group] = grouped(said)
    assert [one.text for one in group.sentences] == ["図書館は何時まで", "図書館何時まで"]
    assert group.count == 7


def test_katakana_width_and_case_make_no_other_sentence() -> None:
    [group] = grouped([once("ぷーるの料金"), once("プールノ料金"), once("ﾌﾟｰﾙの料金")])
    assert len(group.sentences) == 3


def test_residents_of_different_quarters_are_not_added_up() -> None:
    asked = frozenset({(1, 5), (1, 6), (2, 5), (2, 7), (2, 8)})
    assert Group((Sentence("a", "en", 9, DAY, asked),)).askers == 3


def test_five_thousand_different_sentences_take_less_than_a_second() -> None:
    dice = random.Random(1)
    texts = [text for _, text in rows()]

    def varied(text: str) -> str:
        at = dice.randrange(1, len(text))
        return text[:at] + dice.choice("のはにも") + text[at:] + chr(dice.randrange(0x4E00, 0x5FFF))

    said = [once(varied(dice.choice(texts))) for _ in range(2_500)]
    said += [
        once("".join(chr(dice.randrange(0x3041, 0x3091)) for _ in range(dice.randrange(6, 25))))
        for _ in range(2_500)
    ]
    began = time.process_time()
    groups = grouped(said)
    assert time.process_time() - began < 1.0
    assert sum(len(group.sentences) for group in groups) == 5_000
