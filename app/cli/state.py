"""Commands about the whole state: the database, the city's folder, backups."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import Json, print_json

if TYPE_CHECKING:
    from city.city import City
    from core.settings import Settings

database = typer.Typer(no_args_is_help=True)


@database.command("upgrade")
def upgrade() -> None:
    """Create the database, or migrate it to this version."""
    from app.revision import newest_revision
    from app.schema import upgrade_now
    from core.settings import database_url

    # If there is nothing to do, app.cli has answered before anything was loaded.
    upgrade_now(database_url())
    print(f"The database is at revision {newest_revision()}.")


def check(
    json_: Json = False,
    database_seconds: Annotated[
        float,
        typer.Option(
            metavar="N", min=0, help="Look through an SQLite file for so long; 0: to its end."
        ),
    ] = 10.0,
) -> None:
    """Check the city's folder, the settings and the database.

    Prints every fault with its file and line; the exit code is 1 if there is one. If a fault says
    that a part is left out, the service starts without that part.
    """
    from app.database_check import check_database
    from app.forwarding import asked_through_proxy
    from app.languages import missing_files
    from bot.dialogues.buttons import read_added
    from channels.email.dkim import Signer
    from city.folder import check_city, load_city, load_folder
    from core.clock import SystemClock
    from core.errors import BadInput
    from core.settings import BadSettings, Settings, city_folder, database_url, public_url
    from public.cap_signing import read_key

    found = check_city(city_folder(), SystemClock().now())
    faults = [str(fault) for fault in found if not fault.warning]
    warnings = [str(fault) for fault in found if fault.warning]
    try:
        settings = Settings.from_environment()
        warnings += [f"environment: warning: {doubt}" for doubt in settings.doubts()]
        faults += asyncio.run(_keys_that_do_not_fit(settings))
        faults += _push_key_that_is_none(settings)
        if settings.smtp is not None:
            Signer.of(settings.smtp)
        if settings.cap_key is not None:
            read_key(settings.cap_key)
    except BadSettings as error:
        faults += [f"environment: {fault}" for fault in error.faults]
    except BadInput as error:
        faults.append(f"environment: {error}")
    else:
        proxy = asyncio.run(asked_through_proxy(public_url()))
        warnings += [f"environment: warning: {proxy}"] if proxy else []
    if not any(fault.stops for fault in found):
        faults += missing_files(load_city(city_folder()).languages)
        words = city_folder() / "words"
        _, wrong = read_added(load_folder(city_folder()).words, words)
        faults += [f"{words}/{reason} Left out: the file." for reason in wrong.values()]
        warnings += [
            f"environment: warning: {source.secret_setting} is not set; the source "
            f"{source.code!r} needs it."
            for source in load_city(city_folder()).sources
            if source.secret_setting and not os.environ.get(source.secret_setting)
        ]
        warnings += [
            f"environment: warning: {owner.open311.key_setting} is not set; reports cannot be "
            f"forwarded to {owner.code!r} without it."
            for owner in load_city(city_folder()).owners
            if owner.open311 is not None
            and owner.open311.key_setting
            and not os.environ.get(owner.open311.key_setting)
        ]
        warnings += _relay(load_city(city_folder()).relay.wants_any)
        missing, wrong_addresses = _posts(load_city(city_folder()))
        warnings += missing
        faults += wrong_addresses
    with contextlib.suppress(BadInput):  # an invalid address is among the faults
        whole = check_database(database_url(), database_seconds or None)
        faults += whole.faults
        warnings += [f"database: warning: {each}" for each in whole.warnings]
    if json_:
        print_json({"ok": not faults, "faults": faults, "warnings": warnings})
    else:
        for fault in faults + warnings:
            print(fault)
        print(f"{len(faults)} fault(s)." if faults else "No faults.")
    if faults:
        raise typer.Exit(1)


def _relay(wanted: bool) -> list[str]:
    """Return what is missing for relaying webhooks: an address, or rules."""
    has_address = bool(os.environ.get("TODOKE_RELAY_URL", "").strip())
    if wanted and not has_address:
        return [
            "environment: warning: TODOKE_RELAY_URL is not set; the webhooks that city.toml names "
            "in [relay] go nowhere, and Todoke answers them."
        ]
    if has_address and not wanted:
        return [
            "environment: warning: TODOKE_RELAY_URL is set, but city.toml names nothing in "
            "[relay]; nothing goes there."
        ]
    return []


def _posts(city: City) -> tuple[list[str], list[str]]:
    """Return which addresses of the city's accounts are missing, and which cannot be read."""
    if not city.posts:
        return [], []
    from channels.posts.network import is_address
    from core.settings import posts

    secrets = posts()
    missing = [
        f"environment: warning: {account.setting} is not set; nothing can be posted by "
        f"{account.name!r}."
        for account in city.posts
        if account.setting not in secrets
    ]
    wrong = [
        f"environment: {account.setting} is no address that Apprise can read."
        for account in city.posts
        if account.setting in secrets and not is_address(secrets[account.setting])
    ]
    return missing, wrong


def _push_key_that_is_none(settings: Settings) -> list[str]:
    """Return a fault if the key for web push has the form of one and is none."""
    from channels.webpush.vapid import read_key
    from core.errors import BadInput

    if settings.push is None:
        return []
    try:
        read_key(settings.push.private_key)
    except BadInput as error:
        return [f"environment: {error}"]
    return []


def vapid_key(json_: Json = False) -> None:
    """Make a key for web push, for TODOKE_VAPID_PRIVATE_KEY.

    Browsers that follow are bound to it: whoever changes it later loses all of them.
    """
    from channels.webpush.vapid import new_key

    made = new_key()
    if json_:
        print_json({"TODOKE_VAPID_PRIVATE_KEY": made})
    else:
        print(f"TODOKE_VAPID_PRIVATE_KEY={made}")


async def _keys_that_do_not_fit(settings: Settings) -> list[str]:
    """Return whose one-time codes cannot be checked with the keys of the settings."""
    from sqlalchemy.exc import SQLAlchemyError

    from app.schema import require_newest
    from console.encryption import Encryption, unreadable
    from core.database import Database
    from core.errors import BadInput

    database = Database(settings.database_url)
    try:
        await require_newest(database)
        lost = await unreadable(database, Encryption.of(settings))
    except (BadInput, SQLAlchemyError, OSError):
        return []  # there is none yet; commands that need it say so
    finally:
        await database.close()
    return [
        f"environment: TODOKE_SECRET_KEY: the one-time codes of {email} were set up with another "
        "key. Name it in TODOKE_SECRET_KEY_OLD, or run 'todoke staff reset'."
        for email in lost
    ]


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The archive to write.", dir_okay=False)
    ],
) -> None:
    """Write the whole state into one file.

    The service may run meanwhile.
    """
    from app.backup import backup as write_backup
    from core.settings import StateSettings

    with contextlib.suppress(OSError):
        os.nice(10)  # the running service goes first
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
    """Restore the state of a backup.

    Refuses to replace an existing state, unless forced.
    """
    from app.backup import restore as read_backup
    from core.settings import StateSettings

    read_backup(StateSettings.from_environment(), file, force=force)
    print(f"Restored from {file}.")
