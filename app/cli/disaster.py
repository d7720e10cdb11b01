"""Disaster mode, and what households say in it."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import (
    Json,
    city,
    opened_database,
    print_json,
    print_table,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from response.models import DisasterMode

app = typer.Typer(no_args_is_help=True)
Drill = Annotated[bool | None, typer.Option("--drill/--real", help="One of them must be said.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@app.command("on")
def on(
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="District's code; none means the whole city."),
    ] = None,
    drill: Drill = None,
    staff_only: Annotated[
        bool, typer.Option("--staff-only", help="A drill of which residents see nothing.")
    ] = False,
    yes: Yes = False,
    json_: Json = False,
) -> None:
    """Switch disaster mode on, or to other districts.

    Residents get the disaster's menu and are asked whether they are safe and what they need. In a
    drill all they read says so; in one with --staff-only they see nothing. The real mode ends a
    drill. A drill cannot begin while a grave danger is in force, which also ends one.
    """
    from response.modes import begin

    in_drill = _said(drill)
    place = ", ".join(area) if area else "the whole city"
    kind = f"{_kind(in_drill)}{', staff only' if staff_only else ''}"
    _ask(f"Switch disaster mode on for {place}, {kind}?", yes)

    async def work() -> dict[str, object]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                mode = await begin(
                    session,
                    city(),
                    area or (),
                    now,
                    drill=in_drill,
                    actor=_actor(),
                    staff_only=staff_only,
                )
            return _row(mode)

    _print(run(work()), as_json=json_)


@app.command("off")
def off(drill: Drill = None, yes: Yes = False, json_: Json = False) -> None:
    """Switch disaster mode off; residents get their ordinary menu again."""
    from response.modes import end

    in_drill = _said(drill)
    _ask(f"Switch disaster mode off, {_kind(in_drill)}?", yes)

    async def work() -> dict[str, object]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                return _row(await end(session, city(), now, drill=in_drill, actor=_actor()))

    _print(run(work()), as_json=json_)


@app.command("show")
def show(json_: Json = False) -> None:
    """Show what is on."""
    from response.modes import open_modes

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [_row(mode) for mode in await open_modes(session)]

    rows = run(work())
    if json_:
        print_json(rows)
    elif not rows:
        print("Disaster mode is not on.")
    for row in () if json_ else rows:
        _print(row, as_json=False)


@app.command("counts")
def counts(
    drill: Annotated[bool, typer.Option("--drill", help="Those of the drill.")] = False,
    json_: Json = False,
) -> None:
    """Count how households are.

    Counts the last answer of each household by district, evacuation site and need. While disaster
    mode is on, answers from before it do not count.
    """
    from response import households
    from response.check_ins import heads
    from response.modes import open_modes

    async def work() -> dict[str, list[dict[str, object]]]:
        async with opened_database() as database, database.reading() as session:
            began = [one.began_at for one in await open_modes(session) if one.drill == drill]
            since = began[0] if began else None
            found = await households.counts(session, drill=drill, since=since)
            present = await heads(session, drill=drill)
        found["check_ins"] = [
            {"shelter": code, "households": number, "people": people}
            for code, (number, people) in present.items()
        ]
        return found

    found = run(work())
    if json_:
        print_json(found)
        return
    for name, rows in found.items():
        if rows:
            print(name)
            print_table(list(rows[0]), [list(row.values()) for row in rows])


def _said(drill: bool | None) -> bool:
    from core.errors import BadInput

    if drill is None:
        raise BadInput("Say --drill or --real.")
    return drill


def _ask(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _actor() -> str:
    return f"shell:{getpass.getuser()}"


def _kind(drill: bool) -> str:
    return "as a drill" if drill else "for real"


def _row(mode: DisasterMode) -> dict[str, object]:
    return {
        "id": mode.id,
        "drill": mode.drill,
        "staff_only": mode.staff_only,
        "areas": mode.areas,
        "began_at": mode.began_at.isoformat(),
        "began_by": mode.began_by,
        "ended_at": mode.ended_at.isoformat() if mode.ended_at else None,
        "ended_by": mode.ended_by,
    }


def _print(row: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print_json(row)
        return
    areas = row["areas"]
    place = ", ".join(areas) if isinstance(areas, list) and areas else "the whole city"
    state = "off" if row["ended_at"] else "on"
    only = ", staff only" if row["staff_only"] else ""
    print(f"Disaster mode is {state} for {place}, {_kind(bool(row['drill']))}{only}.")
