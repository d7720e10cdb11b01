"""Commands about the whole state: the database, the city's folder, backups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.tools import Json, print_json

database = typer.Typer(no_args_is_help=True)


@database.command("upgrade")
def upgrade() -> None:
    """Create the database, or migrate it to this version."""
    from bot.schema import newest_revision, upgrade_now
    from core.settings import database_url

    upgrade_now(database_url())
    print(f"The database is at revision {newest_revision()}.")


def check(json_: Json = False) -> None:
    """Check the city's folder and the settings.

    Prints every fault with its file and line, and leaves with 1 when there is one.
    """
    from core.city_folder import check_city, load_city
    from core.clock import SystemClock
    from core.settings import BadSettings, Settings, city_folder

    found = check_city(city_folder(), SystemClock().now())
    faults = [str(fault) for fault in found if not fault.warning]
    warnings = [str(fault) for fault in found if fault.warning]
    try:
        doubts = Settings.from_environment().doubts()
        warnings += [f"environment: warning: {doubt}" for doubt in doubts]
    except BadSettings as error:
        faults += [f"environment: {fault}" for fault in error.faults]
    if not any(not fault.warning for fault in found):
        warnings += [
            f"environment: warning: {source.secret_setting} is not set; the source "
            f"{source.code!r} needs it."
            for source in load_city(city_folder()).sources
            if source.secret_setting and not os.environ.get(source.secret_setting)
        ]
    if json_:
        print_json({"ok": not faults, "faults": faults, "warnings": warnings})
    else:
        for fault in faults + warnings:
            print(fault)
        print(f"{len(faults)} fault(s)." if faults else "No faults.")
    if faults:
        raise typer.Exit(1)


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The archive to write.", dir_okay=False)
    ],
) -> None:
    """Write the whole state into one file.

    The service may run meanwhile.
    """
    from bot.backup import backup as write_backup
    from core.settings import StateSettings

    write_backup(StateSettings.from_environment(), file)
    print(f"Backed up to {file}.")


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An archive of 'todoke backup'.", exists=True)
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there; it is lost.")
    ] = False,
) -> None:
    """Put the state of a backup in place.

    Refuses to replace a state that is there, unless forced.
    """
    from bot.backup import restore as read_backup
    from core.settings import StateSettings

    read_backup(StateSettings.from_environment(), file, force=force)
    print(f"Restored from {file}.")
