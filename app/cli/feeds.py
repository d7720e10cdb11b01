"""Sources: fetch, list, explain, take in a mail."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import (
    Json,
    city,
    media,
    opened_database,
    print_json,
    print_rows,
    print_table,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from feeds.poller import Poller, PollResult

app = typer.Typer(no_args_is_help=True)
LIST = (
    "code",
    "kind",
    "url",
    "last_succeeded_at",
    "age_s",
    "said_at",
    "stale",
    "trouble",
    "failures",
    "set_aside",
)


@asynccontextmanager
async def _poller() -> AsyncIterator[Poller]:
    """Poll the sources like the scheduler; the service sends the notices."""
    import aiohttp

    from app.jobs import FeedParts, publisher
    from core.settings import translator
    from core.work import NoWorkers
    from feeds.fetch import guarded_session
    from feeds.poller import Poller
    from feeds.translate import article_translations

    place, machine = city(), translator()
    async with (
        opened_database() as database,
        guarded_session() as http,
        aiohttp.ClientSession() as plain,
    ):
        clock = await service_clock(database)
        parts = FeedParts(city=place, database=database, clock=clock)
        publish = publisher(NoWorkers(), place, clock, media(place))
        translate = article_translations(machine, plain, place, database, clock)
        yield Poller(parts, publish, http=http, translate=translate)


def _print_results(results: list[PollResult], json_: bool) -> None:
    rows = [result.to_json() for result in results]
    if json_:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    if any(result.outcome == "failed" for result in results):
        raise typer.Exit(1)


@app.command("poll")
def poll(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Source code. Default: all sources.")
    ] = None,
    json_: Json = False,
) -> None:
    """Fetch now; exit code 1 when a source failed."""

    async def work() -> list[PollResult]:
        async with _poller() as poller:
            codes = [source] if source else poller.polled()
            return [await poller.poll(code) for code in codes]

    _print_results(run(work()), json_)


@app.command("list")
def list_sources(json_: Json = False) -> None:
    """Show the state of each source."""
    from feeds.health import states

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.reading() as session:
                found = await states(session, city(), now)
            return [state.to_json() for state in found]

    rows = run(work())
    print_rows(LIST, rows, as_json=json_)


@app.command("mail")
def mail(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Code of a source of kind mail.")],
    json_: Json = False,
) -> None:
    """Take in one mail from standard input, as a mail server pipes it."""
    from feeds.limits import MAX_MAIL

    letter = sys.stdin.buffer.read(MAX_MAIL)
    while sys.stdin.buffer.read(MAX_MAIL):
        # Attachments after the part that is read; a mail server must be able to pass on all of it.
        pass

    async def work() -> list[PollResult]:
        async with _poller() as poller:
            return [await poller.take_mail(source, letter)]

    _print_results(run(work()), json_)


@app.command("explain")
def explain(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…", exists=True, dir_okay=False, help="As published, in their order."
        ),
    ],
    municipality: Annotated[
        str | None,
        typer.Option(metavar="CODE", help="Seven digits; by default the city's own."),
    ] = None,
    json_: Json = False,
) -> None:
    """Print what files would become, read in their order."""
    from feeds.explain import explain_files

    notices = [notice.to_json() for notice in explain_files(files, municipality, city())]
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
