"""Pages of an emergency as plain files, for a second web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, run, service_clock

app = typer.Typer(no_args_is_help=True)


@app.command("write")
def write(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to; it is made if it is missing.")
    ],
    json_: Json = False,
) -> None:
    """Write the pages of an emergency as files.

    They say what is in force, and how sites and lifelines are. A second web server can serve them.
    The service does it by itself if TODOKE_PLAIN_DIR is set.
    """
    from app.own_words import folder_now
    from app.plain_files import write_now
    from core.settings import city_folder, public_url
    from public.plain_directory import PlainDirectory

    target = PlainDirectory(directory.absolute())

    async def work() -> int:
        async with opened_database() as database:
            clock = await service_clock(database)
            folder = await folder_now(database, city_folder(), clock.now())
            city = folder.city.served_at(public_url())
            return await write_now(database, clock, city, folder, target)

    count = run(work())
    if json_:
        print_json({"directory": str(target.root), "files": count})
    else:
        print(f"{count} files are in {target.root}.")
