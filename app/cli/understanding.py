"""Show what the conversation understands, to try sentences and to count them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import Json, print_json

if TYPE_CHECKING:
    from bot.explain import Explanation, Score

app = typer.Typer(no_args_is_help=True)


@app.callback()
def messages() -> None:
    """Messages of residents."""


@app.command("explain")
def explain(
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What somebody types.")] = None,
    language: Annotated[
        str, typer.Option(metavar="L", help="The language that the resident chose.")
    ] = "ja",
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Lines: language, tab, text."),
    ] = None,
    json_: Json = False,
) -> None:
    """Show what a message asks for, and what the resident would read."""
    from bot.explain import Explainer
    from city.folder import load_folder
    from core.clock import SystemClock
    from core.errors import BadInput
    from core.settings import city_folder

    if (text is None) == (file is None):
        raise BadInput("say a text, or a file with --file.")
    explainer = Explainer(load_folder(city_folder()), SystemClock().now())
    if file is None:
        found = explainer.explain(text or "", language)
        if json_:
            print_json(found.to_json())
        else:
            _show(found)
        return
    for line_language, line, *_rest in _lines(file, 2):
        found = explainer.explain(line, line_language)
        if json_:
            print(json.dumps(found.to_json(), ensure_ascii=False))
        else:
            print(f"{line_language}\t{found.intent}\t{line}")


@app.command("score")
def score(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="Lines: language, text, intent.")
    ],
    json_: Json = False,
) -> None:
    """Count by language how many sentences are understood."""
    from bot.dialogues.buttons import city_understanding
    from bot.explain import score
    from city.folder import load_folder
    from core.clock import SystemClock, in_japan
    from core.errors import BadInput
    from core.settings import city_folder

    understanding = city_understanding(load_folder(city_folder()).words)
    today = in_japan(SystemClock().now()).date()
    sentences = [(line[0], line[1], line[2].strip()) for line in _lines(file, 3)]
    if not sentences:
        raise BadInput(f"{file}: has no sentence.")
    found = score(understanding, sentences, today)
    if json_:
        print_json(found.to_json())
    else:
        _show_score(found)


def _show_score(found: Score) -> None:
    for miss in found.misses:
        print(f"{miss.language}\t{miss.text}\t{miss.wanted}\t{miss.found}")
    for language, asked in sorted(found.asked.items()):
        print(f"{language:<10} {found.right[language]:>5} / {asked:<5} {found.rate(language):7.1%}")
    print(f"{'all':<10} {found.right.total():>5} / {found.asked.total():<5} {found.rate():7.1%}")
    print(f"cries missed: {found.cries_missed} of {found.cries}; false: {found.false_cries}")
    mean = found.total / found.asked.total()
    print(f"processor time: mean {1000 * mean:.1f} ms, longest {1000 * found.longest:.1f} ms")


def _show(found: Explanation) -> None:
    for key, value in found.to_json().items():
        print(f"{key}: {', '.join(value) if isinstance(value, list) else value or '-'}")


def _lines(file: Path, fields: int) -> Iterator[list[str]]:
    """Yield the fields of each line; there may be more than ``fields``.

    Raises
    ------
    BadInput
        The file is not UTF-8, or a line has too few fields.
    """
    from core.errors import BadInput

    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: is not UTF-8.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = line.split("\t")
        if len(found) < fields:
            raise BadInput(f"{file}:{number}: must have {fields} fields with tabs between them.")
        yield found
