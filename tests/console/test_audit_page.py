"""The audit page says in words what was done, in old entries as well as in new ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC

import pytest

from console import trail_words
from console.action_names import ACTION_NAMES, EARLIER_ACTIONS
from console.detail_names import DETAIL_NAMES
from console.models import Role
from core.audit import ACTION, GENESIS, AuditEntry, record
from tests.support.office import Office
from tests.support.project import PROJECT
from todoke import PACKAGES

WRITERS = ("audit.record", "writing.trail", "trail", "_trail", "_note", "_record")


def actions() -> Iterator[str]:
    """Every action in the source: arguments named ``action``, tables named ``ACTIONS``, and what a
    module gives to a function of its own that writes to the trail."""
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            source = path.read_text("utf-8")
            if not any(word in source for word in ("audit", "trail(", "Actions(")):
                continue
            for node in ast.walk(ast.parse(source)):
                found: list[ast.expr] = []
                if isinstance(node, ast.keyword) and node.arg == "action":
                    found = [node.value]
                elif isinstance(node, ast.Assign):
                    names = {each.id for each in node.targets if isinstance(each, ast.Name)}
                    found = [node.value] if names & {"ACTIONS", "action"} else []
                elif isinstance(node, ast.Call):
                    called = ast.unparse(node.func).rpartition(".")[2]
                    found = node.args if called in ("_note", "_record", "_trail", "trail") else []
                elif isinstance(node, ast.arguments):
                    found = [each for each in node.kw_defaults if each is not None]
                for value in found:
                    for part in ast.walk(value):
                        text = part.value if isinstance(part, ast.Constant) else None
                        if isinstance(text, str) and ACTION.fullmatch(text):
                            yield text


def test_every_action_has_a_name_that_staff_read() -> None:
    used = set(actions())
    assert len(used) > 30
    assert set(ACTION_NAMES) == used
    assert set(EARLIER_ACTIONS.values()) <= used
    assert not set(EARLIER_ACTIONS) & used


def details() -> Iterator[str]:
    """What entries say, by the names that the source gives to those who write to the trail."""
    for package in PACKAGES:
        for path in (PROJECT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in WRITERS:
                    for keyword in node.keywords:
                        if keyword.arg is not None:
                            yield keyword.arg
                        elif isinstance(keyword.value, ast.Dict):
                            keys = keyword.value.keys
                            yield from (str(k.value) for k in keys if isinstance(k, ast.Constant))


def test_everything_that_an_entry_says_has_a_name() -> None:
    said = set(details()) - {"actor", "action", "subject", "now"}
    assert len(said) > 60
    assert said - set(DETAIL_NAMES) == set()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_codes_are_called_as_staff_call_them(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    async with office.database.writing() as session:
        await record(
            session,
            office.clock.now().astimezone(UTC),
            actor="boss@city.example",
            action="report.moved",
            subject="report:2026-000001",
            state="in-progress",
            answered=False,
            department="roads",
            changes={"team": [None, "道路維持班A"], "department": ["parks", "roads"]},
            areas=["chuo"],
            expires_at="2026-12-03T00:00:00+09:00",
        )
    page = await boss.get("/console/audit?kind=reports")
    said = page.tree.xpath("//td[@data-label='詳細']")[0].text_content()
    assert "状態 対応中" in said and "担当課 道路課" in said and "通報者に伝えた いいえ" in said
    assert (
        "変更点 班 – → 道路維持班A、担当課 公園・施設課 → 道路課" in said
        and "中央" in said
        and "有効期限 12月3日" in said
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_old_entries_are_still_found_and_named(office: Office) -> None:
    """They cannot be renamed: each hash covers what its entry said when it was made."""
    boss = await office.at_desk(Role.ADMIN, "boss")
    now = office.clock.now()
    old = AuditEntry(
        at=now,
        actor="sato@city.example",
        action="alert.still-right",
        subject="draft 7",
        previous_hash=(await office.audit())[-1].hash or GENESIS,
        hash="",
    )
    old.hash = old.expected_hash()
    await office.store(old)
    page = await boss.get("/console/audit?check=true")
    assert "note-good" in page.body
    row = next(row for row in page.tree.xpath("//tbody/tr") if "draft 7" in row.text_content())
    assert "日本語の変更前の本文を確認" in row.text_content()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_trail_is_searched_by_person_kind_and_day_and_exported(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    await office.at_desk(Role.ROADS, "road")
    page = await boss.get("/console/staff/2")
    await boss.submit(page, "/console/staff/2", role=["viewer"], active="yes")
    today = f"{office.clock.now():%Y-%m-%d}"
    searches = {
        "who=road@city.example": {"session.opened"},
        "who=test": {"staff.added"},
        "kind=accounts": {"staff.added", "staff.changed"},
        "kind=sign-in&who=boss@city.example": {"session.opened"},
        f"first={today}&kind=accounts": {"staff.added", "staff.changed"},
        "last=2020-01-01": set(),
        "who=nobody%25": set(),
    }
    for search, expected in searches.items():
        shown = await boss.get(f"/console/audit?{search}")
        acts = {one.text_content() for one in shown.tree.xpath("//tbody//td[4]/small")}
        assert acts == expected, search
    shown = await boss.get("/console/audit?kind=accounts")
    assert "道路担当" in shown.words or "→ 閲覧" in shown.words
    answer = await boss.submit(shown, "/console/audit/export.csv")
    rows = answer.body.splitlines()
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(rows) == 1 + 3, rows
    assert "audit.exported" in {one.action for one in await office.audit()}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_head_that_somebody_kept_is_compared(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    entry = (await office.audit())[0]
    page = await boss.get("/console/audit")
    for number, hashed, expected in (
        (entry.id, entry.hash, "head-right"),
        (entry.id, "0" * 64, "head-changed"),
        (99_999, entry.hash, "head-missing"),
    ):
        line = f"Betreff: x\n<110>1 … todoke-audit-head {number} {hashed}\n"
        shown = await boss.submit(page, "/console/audit/head", head=line)
        assert shown.tree.xpath(f"//*[@data-testid='{expected}']"), shown.words
    assert (await boss.submit(page, "/console/audit/head", head="nothing")).status == 400


def test_every_action_belongs_to_a_kind_by_which_staff_search() -> None:
    wanted = {each for kind in trail_words.KINDS for each in trail_words.actions_of(kind)}
    assert set(ACTION_NAMES) <= wanted
