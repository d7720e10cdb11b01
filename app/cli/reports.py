"""Reports of residents."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.tools import (
    Json,
    city,
    opened_database,
    print_rows,
    progress_bar,
    run,
    service_clock,
)
from core.errors import BadInput

app = typer.Typer(no_args_is_help=True)


class Format(StrEnum):
    """Forms of the export."""

    csv = "csv"
    geojson = "geojson"
    gpkg = "gpkg"


MOST = 1_000_000
COLUMNS = (
    *("number", "state", "category", "team", "priority", "due_on", "area", "address"),
    "created_at",
)


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
    from reports.exports import as_json, rows_of
    from reports.register import ReportFilter, list_reports
    from reports.states import ReportState

    if status is not None and status not in set(ReportState):
        raise BadInput(f"There is no state {status!r}; there are {', '.join(ReportState)}.")
    wanted = ReportFilter(states=(ReportState(status),) if status else ())

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            found = await list_reports(session, wanted, limit=limit)
            return [as_json(row) for row in await rows_of(session, found)]

    rows = run(work())
    print_rows(COLUMNS, rows, as_json=json_)


@app.command("generate")
def generate(
    number: Annotated[int, typer.Argument(metavar="N", min=1, max=MOST)],
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed makes the same reports.")
    ] = 1,
    photos: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=1000, help="So many different photos among them."),
    ] = 0,
) -> None:
    """Add N synthetic reports of the last three years."""
    from core.settings import media_dir
    from reports.generate import generate as generate_reports
    from reports.generate import make_pictures

    async def work() -> None:
        async with opened_database() as database:
            clock = await service_clock(database)
            pictures = make_pictures(media_dir(), photos, seed) if photos else ()
            with progress_bar() as bar:
                task = bar.add_task("Reports", total=number)
                await generate_reports(
                    database,
                    city(),
                    number,
                    seed=seed,
                    now=clock.now(),
                    pictures=pictures,
                    progress=lambda done: bar.update(task, completed=done),
                )

    run(work())
    print(f"{number} reports added.")


@app.command("export")
def export(
    format_: Annotated[Format, typer.Option("--format", help="Form of the file.")],
) -> None:
    """Write all reports to standard output.

    CSV has Japanese headings and names; gpkg is a GeoPackage for a GIS.
    """
    if format_ is Format.gpkg:
        _export_geopackage()
        return
    from core.settings import public_url
    from reports.exports import Wording, begin_export, export_csv, export_geojson

    async def work() -> None:
        wording = Wording(city(), address=public_url().rstrip("/"))
        write = export_csv if format_ is Format.csv else export_geojson
        async with opened_database() as database:
            async with database.reading() as session:
                export = await begin_export(session)
            async for part in write(database, export, wording):
                sys.stdout.write(part)

    run(work())


def _export_geopackage() -> None:
    import shutil
    from tempfile import TemporaryDirectory

    from reports.exports import Wording, begin_export
    from reports.geopackage import export_geopackage

    if sys.stdout.isatty():
        raise BadInput("A GeoPackage is not text. Write it to a file: > reports.gpkg")

    async def work(path: Path) -> None:
        async with opened_database() as database:
            async with database.reading() as session:
                export = await begin_export(session)
            now = (await service_clock(database)).now()
            await export_geopackage(database, export, path, Wording(city()), now)

    with TemporaryDirectory(prefix="todoke-export-") as folder:
        path = Path(folder) / "reports.gpkg"
        run(work(path))
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
