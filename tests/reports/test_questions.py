"""A kind's own questions: answers read, checked, shown, and described as Open311 attributes."""

from __future__ import annotations

import pytest

from city.kinds import AnswerType, Choice, Question, ReportCategory
from core.languages import LANGUAGES
from core.web import Form
from reports.questions import (
    Answered,
    answers_of,
    choices_of,
    definition,
    fits,
    fitting,
    posted,
    read_answer,
    read_number,
    shown,
)

LAMP = Question(code="lamp", names={"ja": "街灯の番号", "en": "Number of the lamp"})
DEPTH = Question(code="depth", names={"ja": "深さ（cm）"}, type=AnswerType.NUMBER)
SIDE = Question(
    code="side",
    names={"ja": "道路のどちら側ですか", "en": "Which side of the road?"},
    type=AnswerType.ONE,
    needed=True,
    choices=(
        Choice(code="north", names={"ja": "北側", "en": "North side"}),
        Choice(code="south", names={"ja": "南側", "en": "South side"}),
    ),
)
SEEN = Question(
    code="seen",
    names={"ja": "当てはまるもの"},
    type=AnswerType.SEVERAL,
    choices=(
        Choice(code="sound", names={"ja": "音"}),
        Choice(code="smell", names={"ja": "におい", "en": "Smell"}),
    ),
)
WATER = Question(code="water", names={"ja": "水が出ていますか"}, type=AnswerType.YES_NO)
KIND = ReportCategory(
    code="leak",
    names={"ja": "漏水", "en": "Leak"},
    department="roads",
    questions=(LAMP, DEPTH, SIDE, SEEN, WATER),
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("12", "12"),
        ("１２．５", "12.5"),
        ("1,200", "1200"),
        ("007", "7"),
        ("-3", "-3"),
        ("0.50", "0.50"),
        ("十二", None),
        ("12 cm", None),
        ("1e5", None),
        ("9" * 16, None),
        ("", None),
        ("٣", None),
    ],
)
def test_a_number_is_read_as_people_type_it(said: str, kept: str | None) -> None:
    assert read_number(said) == kept


def test_a_choice_is_found_by_its_name_in_any_language() -> None:
    assert read_answer(SIDE, " north SIDE. ") == ("north",)
    assert read_answer(SIDE, "南側") == ("south",)
    assert read_answer(SIDE, "west") is None
    assert read_answer(SEEN, "Smell、音") == ("smell", "sound")
    assert read_answer(SEEN, "smell, nothing") is None
    for language in LANGUAGES:
        for code, name in choices_of(WATER, language):
            assert read_answer(WATER, name) == (code,), language


def test_only_answers_to_the_questions_that_stand_are_kept() -> None:
    given = [
        Answered("water", ("yes",)),
        Answered("side", ("west",)),
        Answered("gone", ("x",)),
        Answered("lamp", ("A-12",), "m1"),
    ]
    assert fitting(KIND, given) == (given[3], given[0])
    assert [Answered.from_json(one.to_json()) for one in given] == given
    assert not fits(SEEN, ("sound", "sound"))
    assert not fits(LAMP, ("x" * 501,))


def test_staff_read_questions_and_answers_in_their_language() -> None:
    attributes = [
        {"code": "gone", "values": ["5"]},
        {"code": "side", "values": ["north"]},
        {"code": "seen", "values": ["sound", "smell"]},
        {"code": "water", "values": []},
    ]
    assert shown(KIND, attributes, "en") == [
        ("Which side of the road?", "North side"),
        ("当てはまるもの", "音, Smell"),
        ("gone", "5"),
    ]
    assert shown(KIND, attributes, "ja")[1] == ("当てはまるもの", "音、におい")
    assert shown(None, attributes, "ja")[0] == ("gone", "5")
    assert answers_of(None) == ()


def test_the_definition_has_what_georeport_names() -> None:
    """GeoReport v2, GET service definition: the names and types of its attribute dictionary."""
    made = definition(KIND, "en")
    assert [one["order"] for one in made] == [1, 2, 3, 4, 5]
    assert [one["datatype"] for one in made] == [
        *("string", "number", "singlevaluelist", "multivaluelist", "singlevaluelist")
    ]
    assert made[2] == {
        "variable": True,
        "code": "side",
        "datatype": "singlevaluelist",
        "required": True,
        "datatype_description": "One of the values.",
        "order": 3,
        "description": "Which side of the road?",
        "values": [
            {"key": "north", "name": "North side"},
            {"key": "south", "name": "South side"},
        ],
    }
    assert made[4]["values"] == [{"key": "yes", "name": "Yes"}, {"key": "no", "name": "No"}]


def test_a_post_is_read_and_every_fault_is_named() -> None:
    form = Form(
        [
            ("attribute[lamp]", " A-12 "),
            ("attribute[depth]", "１２"),
            ("attribute[side]", "north"),
            ("attribute[seen][]", "sound"),
            ("attribute[seen][]", "smell"),
            ("attribute[water]", ""),
            ("description", "…"),
        ]
    )
    answers, wrong = posted(KIND, form)
    assert wrong == []
    assert {one.code: one.values for one in answers} == {
        "lamp": ("A-12",),
        "depth": ("12",),
        "side": ("north",),
        "seen": ("sound", "smell"),
    }
    _, wrong = posted(
        KIND,
        Form(
            [
                ("attribute[depth]", "deep"),
                ("attribute[seen]", "colour"),
                ("attribute[nobody]", "1"),
                ("attribute[", "1"),
            ]
        ),
    )
    assert len(wrong) == 5
    assert "attribute[depth]: A number such as 12 or 3.5." in wrong
    assert any("sound, smell" in one for one in wrong)
    assert any("nobody" in one for one in wrong)
    assert "attribute[side] was not provided." in wrong
