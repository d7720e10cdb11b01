"""How soon a case is to be looked at: what raises it, what lowers it, and how far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from city.city import City
from city.folder import CityFolder
from reports.models import Priority, Report
from reports.priority import settle, worked_out
from reports.states import ReportState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=14)
KIND = "sign"
DANGER = "看板が落ちそうです"
HURT = "けが人がいます"


def city_with(sample: CityFolder, usual: int, *, danger: bool = False) -> City:
    kinds = [
        kind.model_copy(update={"priority": usual, "danger": danger}) if kind.code == KIND else kind
        for kind in sample.city.report_categories
    ]
    return sample.city.with_kinds(tuple(kinds))


def case(**facts: Any) -> Report:
    said = {"created_at": NOW, "description": "傷んでいます", "category": KIND, **facts}
    return Report(
        number="2026-000001",
        department="roads",
        state=said.pop("state", ReportState.NEW),
        language="ja",
        updated_at=NOW,
        **said,
    )


@pytest.mark.parametrize(
    ("usual", "facts", "priority", "why"),
    [
        (3, {}, 3, ["usual"]),
        (4, {}, 4, [f"kind:{KIND}"]),
        (3, {"reporters": 2}, 3, ["usual"]),
        (3, {"reporters": 3}, 2, ["reporters:3"]),
        (4, {"reporters": 7}, 3, [f"kind:{KIND}", "reporters:7"]),
        (4, {"reporters": 8}, 2, [f"kind:{KIND}", "reporters:8"]),
        (3, {"road_class": "national"}, 2, ["road:national"]),
        (3, {"road_class": "path"}, 4, ["road:path"]),
        (3, {"road_class": "residential"}, 3, ["usual"]),
        (3, {"created_at": LONG_AGO}, 2, ["waits:14"]),
        (3, {"created_at": LONG_AGO + timedelta(seconds=1)}, 3, ["usual"]),
        (3, {"created_at": LONG_AGO, "state": ReportState.DONE}, 3, ["usual"]),
        (3, {"description": HURT}, 1, ["hurt:けが"]),
        (3, {"description": DANGER}, 2, ["danger:落ちそう"]),
        (3, {"japanese": DANGER}, 2, ["danger:落ちそう"]),
        # Never "at once" without a word of danger, and never behind the last.
        (2, {"reporters": 8}, 2, [f"kind:{KIND}", "reporters:8"]),
        (3, {"reporters": 8, "road_class": "main"}, 2, ["reporters:8", "road:main"]),
        (2, {"description": DANGER}, 1, [f"kind:{KIND}", "danger:落ちそう"]),
        (4, {"road_class": "path"}, 4, [f"kind:{KIND}", "road:path"]),
        # What the office calls "at once" stays so.
        (1, {}, 1, [f"kind:{KIND}"]),
    ],
)
def test_facts_give_the_priority_and_say_why(
    sample: CityFolder, usual: int, facts: dict[str, Any], priority: int, why: list[str]
) -> None:
    made = worked_out(case(**facts), city_with(sample, usual), NOW)
    assert (made.priority, list(made.why)) == (priority, why)


def test_the_gravest_word_and_kind_of_all_reports_of_a_case_count(sample: CityFolder) -> None:
    calm = city_with(sample, 3)
    made = worked_out(case(), calm, NOW, [case(description=DANGER), case(description=HURT)])
    assert (made.priority, list(made.why)) == (Priority.AT_ONCE, ["hurt:けが"])
    grave = city_with(sample, 3, danger=True)
    made = worked_out(case(category="other"), grave, NOW, [case()])
    assert (made.priority, "kind-danger" in made.why) == (Priority.AT_ONCE, True)


def test_a_person_stands_above_the_facts(sample: CityFolder) -> None:
    city = city_with(sample, 3)
    report = case(description=HURT, priority=4, priority_by="sato")
    assert not settle(report, city, NOW)
    assert report.priority == Priority.WHEN_THERE_IS_TIME
    report.priority_by = ""
    assert settle(report, city, NOW)
    assert not settle(report, city, NOW)
    assert (report.priority, report.priority_why) == (Priority.AT_ONCE, ["hurt:けが"])
