"""Rehearsals: a past day replayed to a shadow desk, and their reports."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.tools import Json, opened_database, print_json, print_table, run

app = typer.Typer(no_args_is_help=True)


@app.command("days")
def days(json_: Json = False) -> None:
    """List the days that can be rehearsed, recorded and the city's own."""
    from simulator.agency.days import DAYS

    rows: list[dict[str, object]] = [
        {"day": day.name, "events": len(day.events), "about": day.about} for day in DAYS.values()
    ]
    rows += [
        {"day": day.isoformat(), "events": number, "about": "The city's own telegrams."}
        for day, number in run(_own_days())
    ]
    if json_:
        print_json(rows)
        return
    print_table(["day", "events", "about"], [list(row.values()) for row in rows])


@app.command("start")
def start(
    day: Annotated[
        str, typer.Option(metavar="DAY", help="A recorded day, or a date; see 'rehearsal days'.")
    ],
    speed: Annotated[
        float, typer.Option(metavar="N", help="How many times faster than it was: 1 to 60.")
    ] = 10.0,
    port: Annotated[
        int, typer.Option(metavar="P", min=0, max=65535, help="Port of the shadow desk.")
    ] = 8100,
    simulator_port: Annotated[
        int, typer.Option(metavar="P", min=0, max=65535, help="Port of its phones.")
    ] = 8101,
    residents: Annotated[
        int, typer.Option(metavar="N", help="How many synthetic residents.")
    ] = 300,
    share: Annotated[
        float, typer.Option(metavar="S", help="The part of them that writes back, 0 to 1.")
    ] = 0.2,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same people.")] = 1,
    until_over: Annotated[
        bool, typer.Option("--until-over", help="End by itself after the last event.")
    ] = False,
) -> None:
    """Replay a past day to a shadow desk, apart from the live system.

    Ctrl+C ends it and writes the report.
    """
    from app.rehearsal import RehearsalPlan, is_recorded, own_day, run_rehearsal
    from core.settings import city_folder, media_dir

    plan = RehearsalPlan(
        day=day,
        speed=speed,
        port=port,
        simulator_port=simulator_port,
        residents=residents,
        share=share,
        seed=seed,
        until_over=until_over,
    ).checked()
    events: list[dict[str, Any]] = []
    if not is_recorded(day):
        events = run(_own_events(own_day(day)))
    found = run_rehearsal(plan, city_folder=city_folder(), media_dir=media_dir(), events=events)
    if found is not None:
        report(found.name)
        print(f"The report: {found / 'report.html'}")


@app.command("report")
def report(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which; by default the newest.")
    ] = None,
    json_: Json = False,
) -> None:
    """Print who was told when, in minutes."""
    from app.rehearsal import RESULTS, result, results
    from app.rehearsal_report import headline
    from core.errors import BadInput
    from core.settings import media_dir

    folder = media_dir()
    if name is None:
        newest = results(folder, 1)
        if not newest:
            raise BadInput("There was no rehearsal yet; see 'todoke rehearsal start --help'.")
        name = newest[0][0]
    found = result(folder, name)
    if json_:
        print_json(found)
        return
    print(headline(found))
    print_table(
        ["what", "decision", "told", "to decision", "to first", "to last", "answers"],
        [
            [
                *(row["title"][:40], row["decision"], row["recipients"], row["to_decision"]),
                *(row["to_first"], row["to_last"], row["answers"]),
            ]
            for row in found["news"]
        ],
    )
    print(f"Files: {folder / RESULTS / name}")


async def _own_days() -> list[tuple[Any, int]]:
    from app.cli.tools import city
    from app.kept_days import kept_days
    from core.clock import SystemClock
    from core.errors import TodokeError

    try:
        async with opened_database() as database:
            return await kept_days(database, city(), SystemClock().now())
    except TodokeError:
        return []  # recorded days need no database


async def _own_events(day: Any) -> list[dict[str, Any]]:
    from app.cli.tools import city
    from app.kept_days import kept_day
    from app.rehearsal_desk import dumped_day
    from core.clock import SystemClock
    from core.errors import BadInput

    async with opened_database() as database:
        found = await kept_day(database, city(), day)
    if not found.events:
        raise BadInput(f"No telegrams of {day} are kept; see 'todoke rehearsal days'.")
    return dumped_day(found, SystemClock().now())
