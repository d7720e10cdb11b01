"""What residents reported."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.tools import Json, opened_database, print_json, print_table, run

app = typer.Typer(no_args_is_help=True)


class Format(StrEnum):
    """Forms of the export."""

    csv = "csv"
    geojson = "geojson"


MOST = 1_000_000
COLUMNS = ("number", "state", "category", "area", "address", "created_at")


@app.command("list")
def list_all(
    status: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only those in this state.")
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=MOST, help="The newest so many.")
    ] = 1000,
    json_: Json = False,
) -> None:
    """List reports, newest first."""
    from core.errors import BadInput
    from reports.models import ReportState
    from reports.service import ReportFilter, as_json, list_reports

    if status is not None and status not in set(ReportState):
        raise BadInput(f"There is no state {status!r}; there are {', '.join(ReportState)}.")
    wanted = ReportFilter(states=(ReportState(status),) if status else ())

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [as_json(report) for report in await list_reports(session, wanted, limit=limit)]

    rows = run(work())
    if json_:
        print_json(rows)
    else:
        print_table(list(COLUMNS), [[row[column] for column in COLUMNS] for row in rows])


@app.command("export")
def export(
    format_: Annotated[Format, typer.Option("--format", help="Form of the file.")],
) -> None:
    """Write all reports to standard output."""
    from reports.service import export_csv, export_geojson, list_reports

    async def work() -> str:
        async with opened_database() as database, database.reading() as session:
            found = await list_reports(session, limit=MOST)
        return export_csv(found) if format_ is Format.csv else export_geojson(found)

    sys.stdout.write(run(work()).rstrip("\n") + "\n")
