"""Sources: fetch, list, explain, take in a mail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.tools import Json, city, print_json

app = typer.Typer(no_args_is_help=True)


@app.command("explain")
def explain(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    municipality: Annotated[
        str | None, typer.Option(help="Seven digits; by default the city's own.")
    ] = None,
    json_: Json = False,
) -> None:
    """Print what a telegram or feed file would become."""
    from feeds.explain import explain as explain_file

    notices = [notice.to_json() for notice in explain_file(file, municipality, city())]
    if json_:
        print_json(notices)
        return
    if not notices:
        print("Nothing that concerns the city.")
    for notice in notices:
        for key, value in notice.items():
            if isinstance(value, dict):
                for language, words in value.items():
                    print(f"{key}[{language}]: {words}")
            else:
                print(f"{key}: {value}")
        print()
