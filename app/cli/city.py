"""The city's folder, with what offices changed in the console."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, run, service_clock

app = typer.Typer(no_args_is_help=True)


@app.command("export")
def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that is empty or not there yet.")
    ],
    json_: Json = False,
) -> None:
    """Write the city's folder with what offices changed.

    It is written as it holds now. What is to hold later is not in it, but for collection days,
    whose rows name their days.
    """
    from app.own_words import written_out
    from core.errors import BadInput
    from core.settings import city_folder

    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BadInput(f"{directory} is not empty.")

    async def work() -> list[str]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            return await written_out(database, city_folder(), directory, now)

    changed = run(work())
    if json_:
        print_json({"directory": str(directory), "changed": changed})
        return
    print(f"The city's folder is in {directory}. {len(changed)} files are other than before.")
    for name in changed:
        print(f"  {name}")
