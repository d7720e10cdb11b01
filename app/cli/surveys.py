"""Surveys from the shell: listed, shown, closed, exported, with the rules of the console."""

from __future__ import annotations

import csv
import getpass
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from app.cli.tools import (
    Json,
    city,
    opened_database,
    print_json,
    print_rows,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from alerts.news.models import News
    from alerts.surveys.models import Survey

app = typer.Typer(no_args_is_help=True)
T = TypeVar("T")
Act = Callable[["AsyncSession", datetime], Awaitable[T]]
Number = Annotated[int, typer.Argument(metavar="ID", help="As `todoke survey list` shows it.")]
COLUMNS = ("id", "state", "title", "topic", "closes_on", "answered")


@app.command("list")
def list_(json_: Json = False) -> None:
    """Surveys, the newest first."""

    async def work(session: AsyncSession, now: datetime) -> list[dict[str, Any]]:
        from alerts.surveys.models import listed

        return [await _row(session, *one, now) for one in await listed(session)]

    print_rows(COLUMNS, run(_in_transaction(work)), as_json=json_)


@app.command("show")
def show(survey: Number, json_: Json = False) -> None:
    """A survey with its questions and counts."""

    async def work(session: AsyncSession, now: datetime) -> dict[str, Any]:
        from alerts.surveys.models import news_of
        from alerts.surveys.results import results_of

        row = await _found(session, survey)
        found = await results_of(session, row)
        return {
            **await _row(session, row, await news_of(session, row), now),
            "named": row.named,
            "questions": [
                {
                    "kind": str(one.question.kind),
                    "text": one.question.japanese.text,
                    "answered": one.answered,
                    "counts": [{"answer": name, "residents": n} for name, n in _counts(one)],
                }
                for one in found.questions
            ],
        }

    found = run(_in_transaction(work))
    if json_:
        print_json(found)
        return
    rows = [{"what": name, "is": value} for name, value in found.items() if name != "questions"]
    print_rows(("what", "is"), rows, as_json=False)
    counted = [
        {"question": one["text"], "answer": each["answer"], "residents": each["residents"]}
        for one in found["questions"]
        for each in one["counts"]
    ]
    print_rows(("question", "answer", "residents"), counted, as_json=False)


@app.command("close")
def close(survey: Number, json_: Json = False) -> None:
    """Close a survey for good; nobody can answer it any more."""

    async def work(session: AsyncSession, now: datetime) -> dict[str, Any]:
        from alerts.surveys.closing import close as end
        from alerts.surveys.models import news_of

        row = await end(session, survey, actor=_actor(), now=now)
        return await _row(session, row, await news_of(session, row), now)

    print_rows(COLUMNS, [run(_in_transaction(work))], as_json=json_)


@app.command("export")
def export(
    survey: Number,
    words: Annotated[
        bool, typer.Option("--words", help="The free words, without who wrote them.")
    ] = False,
) -> None:
    """The counts, or the free words, as CSV."""

    async def work(session: AsyncSession, now: datetime) -> list[tuple[object, ...]]:
        from alerts.surveys.results import results_of, words_of
        from alerts.surveys.writing import trail

        row = await _found(session, survey)
        kind = "words" if words else "counts"
        await trail(session, row, _actor(), now, "survey.exported", kind=kind)
        if not words:
            return [
                (place, one.question.japanese.text, name, count)
                for place, one in enumerate((await results_of(session, row)).questions, 1)
                for name, count in _counts(one)
            ]
        return [
            (place + 1, one.japanese.text, said.words, said.language)
            for place, one in enumerate(row.asked())
            for said in await words_of(session, row, place, most=1_000_000)
        ]

    from core.text import spreadsheet_cell

    heads = ("番号", "質問", "回答", "言語" if words else "人数")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in [heads, *run(_in_transaction(work))]:
        writer.writerow([spreadsheet_cell(str(one)) for one in row])


def _counts(one: Any) -> list[tuple[str, int]]:
    """Return each answer to a question with how many gave it."""
    from reports.questions import YES_NO, yes_no

    if one.numbers is not None:
        return list(one.numbers.bars)
    options = one.question.japanese.options
    named = {code: yes_no(code, "ja") for code in YES_NO}
    named |= {str(place): name for place, name in enumerate(options)}
    found = [(named.get(code, code), count) for code, count in one.options.items()]
    return found or [("自由記述", one.answered)]


async def _row(session: AsyncSession, survey: Survey, news: News, now: datetime) -> dict[str, Any]:
    from alerts.news.models import NewsState
    from alerts.surveys.results import finished_of

    is_sent = news.state is NewsState.SENT
    return {
        "id": survey.id,
        "state": ("closed" if survey.is_over(now) else "open") if is_sent else str(news.state),
        "title": news.texts.get("ja", {}).get("title", ""),
        "topic": news.topic,
        "closes_on": "" if survey.closes_on is None else survey.closes_on.isoformat(),
        "answered": await finished_of(session, survey.id),
    }


async def _found(session: AsyncSession, survey_id: int) -> Survey:
    from alerts.surveys.models import Survey
    from core.errors import BadInput

    survey = await session.get(Survey, survey_id)
    if survey is None:
        raise BadInput(f"There is no survey {survey_id}.")
    return survey


async def _in_transaction(act: Act[T]) -> T:
    city()
    async with opened_database() as database:
        clock = await service_clock(database)
        async with database.writing() as session:
            return await act(session, clock.now())


def _actor() -> str:
    return f"shell:{getpass.getuser()}"
