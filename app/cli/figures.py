"""The figures of the service from the shell: a month as a table or CSV, a day counted again."""

from __future__ import annotations

import getpass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.tools import Json, city, opened_database, print_rows, run, service_clock

if TYPE_CHECKING:
    from console.figures.parts import Desk, Part

app = typer.Typer(no_args_is_help=True)
COLUMNS = ("part", "of", "what", "figure")
Language = Annotated[str, typer.Option(metavar="LANG", help="Of the words: ja or en.")]


@app.command("month")
def month(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM", help="Such as 2026-11.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="The console's file, as CSV.")] = False,
    language: Language = "ja",
    json_: Json = False,
) -> None:
    """Print all figures of a month; small numbers are hidden."""
    from console.figures.parts import sheet

    desk, parts = run(_month(month, language, taken=as_csv))
    if as_csv:
        typer.echo(sheet(desk, parts), nl=False)
        return
    rows: list[dict[str, Any]] = [
        dict(zip(COLUMNS, (part.title, row[0], column, shown), strict=True))
        for part in parts
        for row in part.rows
        for column, cell in zip(part.columns, row[1:], strict=True)
        for shown in (cell if json_ else desk.cell(cell),)
    ]
    print_rows(COLUMNS, rows, as_json=json_)


@app.command("count")
def count(
    day: Annotated[str, typer.Argument(metavar="YYYY-MM-DD", help="A day that has ended.")],
) -> None:
    """Count a day again; who followed at its end stays as it was."""
    run(_count(day))
    typer.echo(f"{day} was counted.")


async def _month(month: str, language: str, *, taken: bool) -> tuple[Desk, list[Part]]:
    """Return the parts; that they are taken along is in the audit trail.

    Raises
    ------
    BadInput
        There is no such month or language.
    """
    from console.figures.kept import MONTH_FORM, month_of, period_of
    from console.figures.report import read_all, report
    from console.words import CATALOGUE, STAFF_LANGUAGES
    from core import audit
    from core.clock import in_japan
    from core.errors import BadInput

    if language not in STAFF_LANGUAGES:
        raise BadInput(f"{language!r} is not a language of staff; choose ja or en.")
    place = city()
    async with opened_database() as database:
        now = (await service_clock(database)).now()
        today = in_japan(now).date()
        if MONTH_FORM.fullmatch(month) is None or f"{month_of(month, today):%Y-%m}" != month:
            raise BadInput(f"{month!r} is not a month until now, such as {today:%Y-%m}.")
        async with database.reading() as session:
            period = period_of(month_of(month, today), year=False)
            found = await read_all(session, period, today)
        if taken:
            async with database.writing() as session:
                await audit.record(
                    session,
                    now,
                    actor=f"shell:{getpass.getuser()}",
                    action="figures.exported",
                    subject=f"figures:{month}",
                )
    return report(found, place, language, partial(CATALOGUE.text, language))


async def _count(text: str) -> None:
    """Count a day.

    Raises
    ------
    BadInput
        It is no day that has ended.
    """
    from app.figures import count_day
    from core.clock import in_japan
    from core.errors import BadInput

    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is not a day, such as 2026-11-03.") from error
    async with opened_database() as database:
        clock = await service_clock(database)
        yesterday = in_japan(clock.now()).date() - timedelta(days=1)
        if not yesterday - timedelta(days=61) <= day <= yesterday:
            raise BadInput(f"{day} has not ended, or is too long ago to be counted again.")
        await count_day(database, clock, day)
