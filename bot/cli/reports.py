"""What residents reported."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.tools import Json, city, opened_database, print_json, print_table, run

app = typer.Typer(no_args_is_help=True)


class Format(StrEnum):
    """Forms of the export."""

    csv = "csv"
    geojson = "geojson"


@app.command("list")
def list_all(
    status: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    json_: Json = False,
) -> None:
    """List reports, newest first."""
    from core.errors import BadInput
    from reports.models import ReportState
    from reports.service import ReportFilter, list_reports, report_json

    if status is not None and status not in set(ReportState):
        raise BadInput(f"There is no state {status!r}; there are {', '.join(ReportState)}.")
    wanted = ReportFilter(state=ReportState(status) if status else None)

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [report_json(report) for report in await list_reports(session, wanted)]

    rows = run(work())
    if json_:
        print_json(rows)
    else:
        columns = ("number", "state", "category", "area", "address", "created_at")
        print_table(list(columns), [[row[column] for column in columns] for row in rows])


@app.command("export")
def export(
    format_: Annotated[Format, typer.Option("--format", help="Form of the file.")],
) -> None:
    """Write all reports to standard output."""
    from reports.service import ReportFilter, export_csv, export_geojson, list_reports

    place = city()

    async def work() -> str:
        async with opened_database() as database, database.reading() as session:
            found = await list_reports(session, ReportFilter())
        write = export_csv if format_ is Format.csv else export_geojson
        return write(found, place)

    sys.stdout.write(run(work()))
