"""Friends who were there before: LINE's list of them, and files of another product."""

from __future__ import annotations

import getpass
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.tools import (
    Json,
    city,
    opened_database,
    print_json,
    print_rows,
    progress_bar,
    run,
    service_clock,
    settings,
)

if TYPE_CHECKING:
    from subscriptions.import_file import Imported

MOST_SHOWN = 15
"""Words without a meaning here that a person is shown by themselves."""

NOTHING = {
    "language": "asked once",
    "topics": "those of a new resident",
    "districts": "the whole city",
}
"""What a person gets of whom the file says nothing that means something here."""


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of residents."""
    app.command("fetch-followers")(fetch_followers)
    app.command("import")(import_residents)
    app.command("imports")(list_imports)


def fetch_followers(
    profiles_per_second: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=500,
            help="Profiles to ask LINE for in a second, for their languages; 0 asks for none.",
        ),
    ] = 50,
    json_: Json = False,
) -> None:
    """Take in the account's friends as LINE lists them.

    LINE gives the list to verified and premium accounts only. Each becomes a resident with the
    topics a new one has and the language of their profile. Known residents do not change; people
    who left or had themselves erased stay out. After an interruption, run it again; it continues
    where it stopped.
    """
    import aiohttp

    from bot.incoming import profile_language
    from channels.line.client import LineClient
    from channels.line.friends import Fetched, fetch_friends
    from core.logs import configure_logs
    from subscriptions import bitmaps

    # A refusal of LINE is one sentence; the client's own log line would repeat it.
    configure_logs(level=logging.ERROR)
    place, all_settings = city(), settings()

    async def work() -> Fetched:
        async with opened_database() as database, aiohttp.ClientSession() as http:
            clock = await service_clock(database)
            line = LineClient(http, all_settings, clock)
            try:
                with progress_bar() as bar:
                    tasks: dict[str, Any] = {}

                    def tell(what: str, done: int, total: int | None) -> None:
                        if what not in tasks:
                            tasks[what] = bar.add_task(what.capitalize(), total=total)
                        bar.update(tasks[what], completed=done)

                    found = await fetch_friends(
                        database,
                        place,
                        clock,
                        line,
                        actor=f"shell:{getpass.getuser()}",
                        language_for=lambda tag: profile_language(place, tag),
                        profiles_a_second=profiles_per_second,
                        progress=tell,
                    )
            finally:
                await line.limiter.close()
            await bitmaps.maintain(database)
            return found

    found = run(work())
    if json_:
        print_json(found.to_json())
        return
    people = found.people
    again = " (went on with an earlier run)" if found.resumed else ""
    print(f"Import {found.arrival_id}{again}: LINE lists {found.listed} friends.")
    print(
        f"{people.new} are residents now, {people.known} were already, {people.returned} came back."
    )
    if people.left or people.erased:
        print(f"Left alone: {people.left} who left us, {people.erased} who had themselves erased.")
    if found.profiles:
        print(f"{found.profiles} profiles read, {found.without_language} of them without language.")


def import_residents(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="CSV with a heading row.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML: the file's columns and words in our terms."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be; change nothing.")
    ] = False,
    undo: Annotated[
        int | None,
        typer.Option(
            metavar="IMPORT-ID",
            min=1,
            help="Remove the residents that import made and nobody has changed since.",
        ),
    ] = None,
    json_: Json = False,
) -> None:
    """Take in residents from a CSV of LINE user ids.

    It may have their language, topics and districts. Known residents do not change. Each bad row is
    reported in one line with its number; the other rows are taken in. docs/moving-in.md shows a
    mapping file.
    """
    from core.errors import BadInput

    if (file is None) == (undo is None):
        raise BadInput("Say a file to import, or --undo with an import's number.")
    if undo is not None:
        if dry_run or mapping is not None:
            raise BadInput("--undo takes no other option.")
        _undo(undo, json_)
        return
    assert file is not None
    if not file.is_file():
        raise BadInput(f"There is no file {file}.")
    done = run(_import(file, mapping, dry_run=dry_run))
    if json_:
        print_json(done.to_json())
    else:
        _say(done)


async def _import(file: Path, mapping: Path | None, *, dry_run: bool) -> Imported:
    from subscriptions.import_file import import_file
    from subscriptions.import_mapping import plain_mapping, read_mapping

    place = city()
    words = plain_mapping(place) if mapping is None else read_mapping(mapping, place)
    async with opened_database() as database:
        with progress_bar() as bar:
            tasks: dict[str, Any] = {}

            def tell(what: str, done: int, total: int) -> None:
                if what not in tasks:
                    tasks[what] = bar.add_task(what.capitalize(), total=total)
                bar.update(tasks[what], completed=done)

            return await import_file(
                database,
                place,
                await service_clock(database),
                file,
                words,
                actor=f"shell:{getpass.getuser()}",
                dry_run=dry_run,
                complain=lambda line, sentence: typer.echo(f"line {line}: {sentence}", err=True),
                progress=tell,
                began=lambda number: typer.echo(f"This is import {number}.", err=True),
            )


def _say(done: Imported) -> None:
    people = done.taken
    would = "would be residents" if done.arrival_id is None else "are residents now"
    print(
        f"{done.rows} rows, {done.people} people, {done.bad} bad rows, {done.duplicates} doubled."
    )
    print(f"{people.new} {would}; {people.known} were already and stay as they are.")
    if people.left or people.erased:
        print(f"Left alone: {people.left} who left us, {people.erased} who had themselves erased.")
    for name, words in done.words.items():
        if words.meant:
            said = ", ".join(f"{word} {n}" for word, n in words.meant.most_common(MOST_SHOWN))
            print(f"{name}: {said}")
        if words.unknown:
            said = ", ".join(f"{word} {n}" for word, n in words.unknown.most_common(MOST_SHOWN))
            print(f"{name} that mean nothing here: {said}")
    for name, codes in done.chosen.items():
        if any(codes):
            said = ", ".join(
                f"{code or NOTHING[name]} {n}" for code, n in codes.most_common(MOST_SHOWN)
            )
            print(f"people by {name}: {said}")
    if done.unused:
        said = ", ".join(f"{word} {n}" for word, n in done.unused.most_common(MOST_SHOWN))
        print(f"Answers that no mapping names: {said}")
    if done.arrival_id is None:
        print("Nothing was changed (--dry-run).")
    else:
        print(f"To undo it: todoke residents import --undo {done.arrival_id}")


def _undo(number: int, json_: bool) -> None:
    from subscriptions import arrivals, bitmaps
    from subscriptions.models import Arrival

    async def work() -> tuple[int, int]:
        async with opened_database() as database:
            clock = await service_clock(database)
            removed, more = 0, True
            while more:
                async with database.writing() as session:
                    some, more = await arrivals.undo(
                        session, number, clock.now(), actor=f"shell:{getpass.getuser()}"
                    )
                removed += some
            async with database.reading() as session:
                made = int((await session.get_one(Arrival, number)).counts.get("new", removed))
            await bitmaps.maintain(database)
            return removed, max(0, made - removed)

    removed, kept = run(work())
    if json_:
        print_json({"import": number, "removed": removed, "kept": kept})
    else:
        print(f"{removed} residents removed; {kept} changed since, or left, and stay.")


def list_imports(json_: Json = False) -> None:
    """List fetches and imports, newest first."""
    from subscriptions import arrivals

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [
                {
                    "import": arrival.id,
                    "kind": arrival.kind.value,
                    "state": arrival.state.value,
                    "source": arrival.source,
                    "by": arrival.actor,
                    "started_at": arrival.started_at.isoformat(timespec="seconds"),
                    "new": int(arrival.counts.get("new", 0)),
                    "unchanged": await arrivals.untouched(session, arrival.id or 0),
                }
                for arrival in await arrivals.recent_arrivals(session)
            ]

    rows = run(work())
    columns = ["import", "kind", "state", "source", "by", "started_at", "new", "unchanged"]
    print_rows(columns, rows, as_json=json_)
