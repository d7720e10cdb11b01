"""Evacuation sites in a disaster."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import (
    Json,
    opened_database,
    print_json,
    print_rows,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from datetime import datetime

    from city.folder import CityFolder
    from city.foreign_sheets import Facility
    from city.shelters import Shelter
    from core.database import Database
    from response.models import ShelterStatus

app = typer.Typer(no_args_is_help=True)
COLUMNS = ("id", "name", "state", "heads", "capacity", "changed_at", "changed_by")
Drill = Annotated[
    bool, typer.Option("--drill", help="The state in the drill; residents see the real one.")
]


@app.command("list")
def list_all(drill: Drill = False, json_: Json = False) -> None:
    """List the sites and what staff say of them.

    No state means that nothing was announced.
    """
    from core.clock import SystemClock
    from response.shelters import statuses

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database:
            sites = await _sites(database, SystemClock().now())
            async with database.reading() as session:
                found = await statuses(session, drill=drill)
        return [_row(site, found.get(site.code), drill=drill) for site in sites]

    print_rows(COLUMNS, run(work()), as_json=json_)


@app.command("set")
def set_(
    shelter: Annotated[str, typer.Argument(metavar="ID", help="As in 'shelters list'.")],
    state: Annotated[str, typer.Option(metavar="STATE", help="open, full or closed.")],
    heads: Annotated[
        int | None, typer.Option(metavar="N", help="How many people are there.")
    ] = None,
    offers: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="What people find there: step-free,toilets,pets,babies,power; '' for nothing.",
        ),
    ] = None,
    drill: Drill = False,
    json_: Json = False,
) -> None:
    """Say that a site is open, full or closed.

    Residents see it within a second.
    """
    from core.errors import BadInput
    from response.models import Offer, ShelterState
    from response.shelters import set_state

    if state not in set(ShelterState):
        raise BadInput(f"There is no state {state!r}; there are {', '.join(ShelterState)}.")
    found = [part.strip() for part in (offers or "").split(",") if part.strip()]
    for wrong in (part for part in found if part not in set(Offer)):
        raise BadInput(f"{wrong!r} is none of {', '.join(Offer)}.")

    async def work() -> dict[str, object]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            sites = await _sites(database, now)
            async with database.writing() as session:
                status = await set_state(
                    session,
                    sites,
                    shelter,
                    ShelterState(state),
                    now,
                    actor=f"shell:{getpass.getuser()}",
                    drill=drill,
                    heads=heads,
                    offers=None if offers is None else [Offer(part) for part in found],
                )
        site = next(one for one in sites if one.code == shelter)
        return _row(site, status, drill=drill)

    row = run(work())
    if json_:
        print_json(row)
    else:
        print(f"{row['name']}: {row['state']}{' (drill)' if drill else ''}")


@app.command("states")
def states(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="LINE SMART CITY's facilities, xlsx or CSV.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Say it to residents; without it only show it.")
    ] = False,
    drill: Drill = False,
    json_: Json = False,
) -> None:
    """Take states of sites from another product.

    They are those of ステータス, and are said while a disaster runs. A site is found by its ID1,
    else by its name if only one has it. What staff said here stays: a site that has a state already
    is named and left alone. 未開設 says nothing.
    """
    from core.errors import BadInput
    from response.models import ShelterState
    from response.shelters import set_state, statuses

    if not file.is_file():
        raise BadInput(f"There is no file {file}.")

    content = file.read_bytes()

    async def work() -> list[dict[str, object]]:
        said = await _said_states(content)
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            sites = await _sites(database, now)
            async with database.writing() as session:
                held = await statuses(session, drill=drill)
                rows = [_planned(one, sites, held) for one in said]
                for row in rows if yes else ():
                    if row["becomes"]:
                        await set_state(
                            session,
                            sites,
                            str(row["id"]),
                            ShelterState(str(row["becomes"])),
                            now,
                            actor=f"shell:{getpass.getuser()}",
                            drill=drill,
                        )
            return rows

    rows = run(work())
    print_rows(("row", "id", "name", "said", "becomes", "why"), rows, as_json=json_)
    if not json_:
        changes = sum(bool(row["becomes"]) for row in rows)
        print(f"{changes} states set." if yes else f"With --yes {changes} states are set.")


async def _said_states(content: bytes) -> list[Facility]:
    from city.foreign_sheets import facilities
    from core.errors import BadInput
    from core.sheets import read_sheets, spreadsheet_workshop

    sheets = await read_sheets(spreadsheet_workshop(), content, most_rows=10_000)
    found = [one for _, sheet in sheets for one in facilities(sheet)]
    if not found:
        raise BadInput("The file has no columns 避難先名称, 災害種別 and ステータス.")
    return found


def _planned(
    said: Facility, sites: tuple[Shelter, ...], held: dict[str, ShelterStatus]
) -> dict[str, object]:
    """Return what becomes of a state of the file, and why nothing does."""
    from city.foreign_sheets import FacilityState

    named = [site for site in sites if site.code == said.id] or [
        site for site in sites if site.name == said.name
    ]
    site = named[0] if len(named) == 1 else None
    becomes, why = "", ""
    if said.state is None:
        why = "nobody knows this word"
    elif said.state is FacilityState.NOT_OPEN:
        why = "not open: nothing is said"
    elif site is None:
        why = "no such site here" if not named else "several sites have this name"
    elif site.code in held:
        why = f"staff said {held[site.code].state.value} here"
    else:
        becomes = said.state.value
    return {
        "row": said.row,
        "id": site.code if site else said.id,
        "name": said.name,
        "said": said.said,
        "becomes": becomes,
        "why": why,
    }


@app.command("posters")
def posters(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The HTML page to write.")],
    shelter: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this site; can be repeated.")
    ] = None,
    line_id: Annotated[
        str, typer.Option(metavar="@ID", help="The account's basic id; else line_id of city.toml.")
    ] = "",
) -> None:
    """Write posters with QR codes for check-in.

    One sheet of A4 for each site. Residents check in with it in disaster mode, under a grave
    warning, or at a site that has a state.
    """
    from bot.posters import posters as make
    from core.errors import BadInput
    from response.reasons import reason

    folder = _folder()
    account = line_id or folder.city.line_id
    if not account.startswith("@"):
        raise BadInput("Say the account's basic id with --line-id, or as line_id in city.toml.")
    known = {site.code for site in folder.shelters}
    for code in shelter or ():
        if code not in known:
            raise BadInput(reason("shelter.missing", code=code))
    sites = [site for site in folder.shelters if not shelter or site.code in shelter]
    file.write_text(make(folder.city, sites, account), "utf-8")
    print(f"{len(sites)} posters in {file}.")


def _folder() -> CityFolder:
    from city.folder import load_folder
    from core.settings import city_folder

    return load_folder(city_folder())


async def _sites(database: Database, now: datetime) -> tuple[Shelter, ...]:
    """Return the sites with what offices changed in the console."""
    from app.own_words import folder_now
    from core.settings import city_folder

    return (await folder_now(database, city_folder(), now)).shelters


def _row(site: Shelter, status: ShelterStatus | None, *, drill: bool) -> dict[str, object]:
    return {
        "id": site.code,
        "name": site.name,
        "state": status.state.value if status else None,
        "drill": drill,
        "heads": status.heads if status else None,
        "offers": status.offers if status else [],
        "capacity": site.capacity,
        "hazards": sorted(site.hazards),
        "longitude": site.longitude,
        "latitude": site.latitude,
        "changed_at": status.changed_at.isoformat() if status else None,
        "changed_by": status.changed_by if status else None,
    }
