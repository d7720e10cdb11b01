"""Synthetic residents for drills and load, and the size of an audience."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.tools import (
    Json,
    city,
    opened_database,
    print_json,
    progress_bar,
    run,
    service_clock,
)

app = typer.Typer(no_args_is_help=True)


@app.command("generate")
def generate(
    number: Annotated[int, typer.Argument(metavar="N", min=1, max=20_000_000)],
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed makes the same residents.")
    ] = 1,
    medium: Annotated[
        str, typer.Option(metavar="NAME", help="line, email or webpush; the default is line.")
    ] = "line",
) -> None:
    """Add N synthetic residents.

    Mail addresses are at a domain that nobody can have.
    """
    from core.settings import reaches_line
    from subscriptions.generate import generate as generate_residents

    if medium == "line" and reaches_line():
        typer.echo(
            "todoke: warning: these residents are invented, and this service sends to LINE "
            "itself, which forbids sending to user ids that are guessed.",
            err=True,
        )

    async def work() -> None:
        async with opened_database() as database:
            with progress_bar() as bar:
                task = bar.add_task("Residents", total=number)
                await generate_residents(
                    database,
                    city(),
                    number,
                    seed=seed,
                    now=(await service_clock(database)).now(),
                    progress=lambda done: bar.update(task, completed=done),
                    medium=medium,
                )

    run(work())
    print(f"{number} residents added.")


@app.command("count")
def count(
    topic: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only those who want this topic.")
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="For this district; may be given several times."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="CODE", help="Only this language.")
    ] = None,
    level: Annotated[
        int, typer.Option(metavar="N", min=0, max=5, help="A notice of this level.")
    ] = 5,
    medium: Annotated[
        str, typer.Option(metavar="NAME", help="Residents of this medium; the default is line.")
    ] = "line",
    json_: Json = False,
) -> None:
    """Print how many residents a notice would concern."""
    from core.errors import BadInput
    from subscriptions.audience import count_by_language
    from subscriptions.audience_query import AudienceQuery

    place = city()
    if topic is not None and topic not in place.topic_by_code:
        raise BadInput(f"There is no topic {topic!r}; there are {', '.join(place.topic_by_code)}.")
    if language is not None and language not in place.languages:
        raise BadInput(
            f"There is no language {language!r}; there are {', '.join(place.languages)}."
        )
    for code in area or []:
        if code not in place.district_by_code:
            raise BadInput(
                f"There is no district {code!r}; there are {', '.join(place.district_by_code)}."
            )
    query = AudienceQuery(
        topic=topic or "",
        level=level,
        areas=tuple(area or ()),
        language=language,
        mandatory=topic is None or place.topic_by_code[topic].mandatory,
        medium=medium,
    )

    async def work() -> dict[str, int]:
        async with opened_database() as database, database.reading() as session:
            return await count_by_language(session, query)

    by_language = run(work())
    total = sum(by_language.values())
    if json_:
        print_json({"count": total, "by_language": by_language})
    else:
        print(total)
