"""The city's folder, with what offices changed in the console."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, run, service_clock

if TYPE_CHECKING:
    from city.word_parts import Part
    from console.word_desk import Desk
    from console.word_sheets import Difference
    from core.database import Database

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


MOST_SHOWN = 20
"""Rows of each sort that a person is shown."""


@app.command("import")
def import_sheet(
    part: Annotated[
        str,
        typer.Argument(
            metavar="PART",
            help="shelters, questions, items, days, exceptions, waste-kinds, children, topics, "
            "offices or emergency-phone.",
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="xlsx or CSV, as it comes.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Take it in; without it only the difference is shown.")
    ] = False,
    holds_from: Annotated[
        str, typer.Option("--from", metavar="DAY", help="2027-04-01; today without it.")
    ] = "",
    gone: Annotated[
        bool, typer.Option("--gone", help="Also take away rows that the file does not have.")
    ] = False,
    json_: Json = False,
) -> None:
    """Take a spreadsheet into the city's own words.

    Without --yes only the difference is shown. It is the same door as in the console: rows with a
    mistake are left out, and what was taken in is taken back there as a whole. It reads 5374.jp's
    files, LINE SMART CITY's facilities, and spreadsheets of questions.
    """
    from city.word_tables import PARTS
    from core.errors import BadInput

    found = PARTS.get(part)
    if found is None:
        raise BadInput(f"There is no part {part!r}; there are {', '.join(PARTS)}.")
    for file in files:
        if not file.is_file():
            raise BadInput(f"There is no file {file}.")

    async def work() -> tuple[Difference, int]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            return await _taken_in(database, found, files, now, _day(holds_from), yes, gone)

    read, rows = run(work())
    if json_:
        print_json(_as_json(read, rows, yes))
    else:
        _say(found, read, rows, yes)


def _day(text: str) -> date | None:
    from core.errors import BadInput

    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadInput(f"--from is a day such as 2027-04-01, not {text!r}.") from error


async def _taken_in(
    database: Database,
    part: Part,
    files: list[Path],
    now: datetime,
    day: date | None,
    yes: bool,
    gone: bool,
) -> tuple[Difference, int]:
    import secrets

    from console.word_desk import MOST_AHEAD
    from console.word_sheets import difference
    from core import own_words
    from core.errors import BadInput
    from core.own_words import Change
    from core.sheets import spreadsheet_workshop
    from core.uploads import Upload

    desk = await _desk(database, now)
    uploads = [Upload(file.name, file.read_bytes()) for file in files]
    read = await difference(spreadsheet_workshop(), uploads, part, desk)
    wanted = [Change(line.key, line.before, line.cells) for line in read.good]
    wanted += [Change(key, cells) for key, cells in read.gone] if gone else []
    holds = day or desk.today
    if not desk.today <= holds <= desk.today + MOST_AHEAD:
        raise BadInput("--from is today or later, up to three years ahead.")
    if yes and wanted:
        async with database.writing() as session:
            await own_words.write(
                session,
                part.code,
                wanted,
                holds_from=holds,
                note=", ".join(file.name for file in files)[:400],
                actor=f"shell:{getpass.getuser()}",
                now=now,
                batch=secrets.token_hex(8),
            )
    return read, len(wanted)


async def _desk(database: Database, now: datetime) -> Desk:
    """Return what a visit of the console would know of the words."""
    from city.folder import load_folder
    from city.own_words import FolderWords
    from console.word_desk import Desk
    from core import own_words
    from core.clock import in_japan
    from core.settings import city_folder

    async with database.reading() as session:
        overlay = await own_words.overlay(session)
    today = in_japan(now).date()
    base = load_folder(city_folder())
    words = FolderWords(city_folder(), base)
    city = words.laid_over(overlay, today).city if overlay else base.city
    return Desk(words, overlay, city, today)


def _as_json(read: Difference, rows: int, yes: bool) -> dict[str, object]:
    return {
        "taken": rows if yes else 0,
        "new": sum(line.is_new for line in read.good),
        "changed": sum(line.is_changed for line in read.good),
        "same": read.same,
        "gone": [key for key, _ in read.gone],
        "wrong": [
            {"row": line.number, "key": line.key, "why": [str(why) for why in line.wrong]}
            for line in read.wrong
        ],
        "left_out_columns": list(read.left_out),
        "hints": [str(why) for why in read.hints],
    }


def _say(part: Part, read: Difference, rows: int, yes: bool) -> None:
    new, changed = _counted(read)
    print(
        f"{new} new, {changed} changed, {read.same} as before, {len(read.wrong)} with a mistake "
        f"(left out), {len(read.gone)} not in the file."
    )
    for line in read.good[:MOST_SHOWN]:
        print(f"  row {line.number}: {'new' if line.is_new else 'changed'}: {line.key}")
    if len(read.good) > MOST_SHOWN:
        print(f"  … and {len(read.good) - MOST_SHOWN} more.")
    for line in read.wrong[:MOST_SHOWN]:
        print(f"  row {line.number}: left out: {' '.join(str(why) for why in line.wrong)}")
    if read.left_out:
        print(f"Columns left out: {', '.join(read.left_out)}")
    for hint in read.hints[:MOST_SHOWN]:
        print(f"Note: {hint}")
    if not yes:
        print(f"Nothing was changed. With --yes {rows} rows are taken in.")
    else:
        print(f"{rows} rows taken in. Take them back at /console/words/{part.code}.")


def _counted(read: Difference) -> tuple[int, int]:
    return sum(one.is_new for one in read.good), sum(one.is_changed for one in read.good)
