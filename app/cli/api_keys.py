"""Keys of other programs, such as those that post reports by Open311."""

from __future__ import annotations

import getpass
from typing import Annotated

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
from core.clock import in_japan
from core.errors import BadInput

app = typer.Typer(no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Who uses it, such as an app's name.")]


@app.callback()
def api_keys() -> None:
    """Keys of other programs, such as those that post reports by Open311."""


@app.command("add")
def add(
    name: Name,
    office: Annotated[
        str,
        typer.Option(
            metavar="CODE",
            help="The office (of owners.geojson) that gets it, to say what became of its cases.",
        ),
    ] = "",
) -> None:
    """Make a key and print it, once: only its hash is stored."""
    from reports.api_keys import add_key

    if office and office not in {one.code for one in city().owners}:
        raise BadInput(f"{office!r} is no office of the city's folder.")

    async def work() -> str:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                return await add_key(session, name, actor=_actor(), now=now, owner=office)

    print(run(work()))


@app.command("revoke")
def revoke(name: Name) -> None:
    """Take a key back, at once. Reports that came with it stay."""
    from reports.api_keys import revoke_key

    async def work() -> None:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                await revoke_key(session, name, actor=_actor(), now=now)

    run(work())
    print(f"{name} opens nothing any more.")


@app.command("list")
def list_(json_: Json = False) -> None:
    """List the keys: name, since when, until when."""
    from reports.api_keys import all_keys

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [
                {
                    "name": key.name,
                    "office": key.owner or None,
                    "created_at": in_japan(key.created_at).isoformat(timespec="seconds"),
                    "created_by": key.created_by,
                    "revoked_at": in_japan(key.revoked_at).isoformat(timespec="seconds")
                    if key.revoked_at
                    else None,
                }
                for key in await all_keys(session)
            ]

    rows = run(work())
    if json_:
        print_json(rows)
    else:
        print_table(
            ["name", "office", "since", "by", "taken back"],
            [
                [
                    row["name"],
                    row["office"],
                    row["created_at"],
                    row["created_by"],
                    row["revoked_at"],
                ]
                for row in rows
            ],
        )


def _actor() -> str:
    return f"shell:{getpass.getuser()}"
