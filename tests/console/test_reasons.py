"""Staff read in Japanese what kind of trouble a source has, whatever the exact reason is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import feeds
from console.models import Role
from console.reasons import KINDS, kind_of_trouble
from console.retold import retold
from feeds.models import Item, ItemState, Source
from tests.console.conftest import Office, office, sample

__all__ = ["office", "sample"]

REASONS = {"Unreadable", "UnknownKind", "MailRefused", "NotProven", "FetchRefused", "FetchFailed"}
NOT_OF_SOURCES = {"explain.py"}
"""What only the shell says, to whoever typed the command."""


def given_reasons() -> Iterator[tuple[str, str]]:
    """Every reason that the code of the sources can give, with 7 for what it inserts."""
    root = Path(feeds.__file__).parent
    for file in sorted(root.rglob("*.py")):
        if file.name in NOT_OF_SOURCES:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in REASONS and not (
                node.func.id == "Retryable" and file.name == "mailbox.py"
            ):
                continue
            for argument in node.args:
                words = _words(argument)
                if " " in words:
                    yield f"{file.name}:{node.lineno}", words


def _words(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join("7" if isinstance(v, ast.FormattedValue) else _words(v) for v in node.values)
    return ""


def test_every_reason_that_a_source_can_give_is_of_a_kind_that_staff_read() -> None:
    given = list(given_reasons())
    assert len(given) > 80
    assert [(where, said) for where, said in given if kind_of_trouble(said, "ja") is None] == []
    kinds = {(kind_of_trouble(said, "ja") or "").partition("（")[0] for _, said in given}
    # The last is for what no code foresaw.
    assert len(kinds) == len(KINDS) - 1


@pytest.mark.parametrize(
    ("reason", "japanese"),
    [
        (
            "A telegram of the unknown kind 'VXXX99'.",
            "Todokeが対応していない種類の電文です。内容を確かめ、必要なら手動で知らせてください。"
            "（A telegram of the unknown kind 'VXXX99'）",
        ),
        (
            "The source answered 503.",
            "情報源のサーバーがエラーを返しています。（The source answered 503）",
        ),
        (
            "KeyError: 'x'",
            "読み取り中にTodokeの誤りが起きました。"
            "保守の担当者に知らせてください。（KeyError: 'x'）",
        ),
        ("issued: 雷注意報; lifted: 大雨警報", "発表：雷注意報、解除：大雨警報"),
        ("Nothing in it for this city.", "この市に関わる内容はありません。"),
    ],
)
def test_the_exact_reason_follows_the_sentence_for_staff(reason: str, japanese: str) -> None:
    assert retold(reason, "ja") == japanese
    assert (retold(reason, "en") or reason) == reason


async def test_the_page_of_sources_says_it_in_japanese(office: Office) -> None:
    source = office.context.city.sources[0]
    await office.store(
        Source(
            code=source.code,
            kind=source.kind,
            last_polled_at=office.clock.now(),
            failures=2,
            last_error="The source answered 503.",
        )
    )
    await office.store(
        Item(
            source=source.code,
            identity="x",
            kind="VXXX99",
            fetched_at=office.clock.now(),
            state=ItemState.SET_ASIDE,
            reason="A telegram of the unknown kind 'VXXX99'.",
        )
    )
    desk = await office.at_desk(Role.ADMIN, "佐藤")
    page = await desk.get("/console/feeds?lang=ja")
    assert "情報源のサーバーがエラーを返しています。（The source answered 503）" in page.body
    assert "Todokeが対応していない種類の電文です。" in page.body
