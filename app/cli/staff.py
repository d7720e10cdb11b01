"""Staff accounts."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import city, opened_database, run, settings

if TYPE_CHECKING:
    from city.city import City
    from console.encryption import Renewed

app = typer.Typer(no_args_is_help=True)


@app.callback()
def staff() -> None:
    """Staff accounts."""


@app.command("add")
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    role: Annotated[
        list[str],
        typer.Option(
            metavar="ROLE",
            help="admin, disaster, disaster-write, disaster-confirm, roads, editor, approver, "
            "department or viewer. Several may be given.",
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="How colleagues see them.")] = "",
    department: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="A department of city.toml. Several may be given."),
    ] = None,
) -> None:
    """Add an account.

    Asks for its password, or reads it from the first line of standard input.
    """
    from console import passwords
    from console.accounts import (
        add_staff,
        departments_called,
        known_of,
        normal_email,
        roles_called,
    )
    from console.models import Role
    from core.clock import SystemClock
    from core.errors import BadInput

    normal_email(email)
    for each in role:
        if each not in set(Role):
            raise BadInput(f"There is no role {each!r}; there are {', '.join(Role)}.")
    roles = roles_called(role)
    known = _city()
    departments = departments_called(department or (), known)
    about = known_of(email, name, known)
    given = _password()
    passwords.check(given, about)

    async def work() -> None:
        async with opened_database() as database:
            password = await passwords.chosen(given, about)
            async with database.writing() as session:
                await add_staff(
                    session,
                    email,
                    roles,
                    password,
                    name=name,
                    departments=departments,
                    now=SystemClock().now(),
                    actor=f"shell:{getpass.getuser()}",
                )

    run(work())
    print(f"{email} can sign in.")


@app.command("roles")
def roles(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    role: Annotated[list[str], typer.Option(metavar="ROLE", help="Several may be given.")],
    department: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="A department of city.toml. Several may be given."),
    ] = None,
) -> None:
    """Give an account other roles and departments; its sessions end.

    It needs no second administrator: it is for whoever runs the service, such as when there is only
    one administrator.
    """
    from console.accounts import change_staff, departments_called, roles_called, staff_called
    from core.clock import SystemClock

    wanted = roles_called(role)
    departments = departments_called(department or (), _city())

    async def work() -> None:
        async with opened_database() as database, database.writing() as session:
            await change_staff(
                session,
                await staff_called(session, email),
                roles=wanted,
                departments=departments,
                active=True,
                now=SystemClock().now(),
                actor=f"shell:{getpass.getuser()}",
                needs_second=False,
            )

    run(work())
    print(f"{email}: {', '.join(wanted)}.")


@app.command("reset")
def reset(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Reset the account of somebody who lost password or phone.

    Prints a new password. The account's sessions end and no one-time code is needed. It is for an
    administrator whom no other can help; others are reset on the page Staff.
    """
    from console import passwords
    from console.accounts import reset_staff, staff_called
    from core.clock import SystemClock

    async def work() -> str:
        async with opened_database() as database:
            password = await passwords.made_up()
            async with database.writing() as session:
                found = await staff_called(session, email)
                again = await reset_staff(
                    session,
                    found,
                    password,
                    now=SystemClock().now(),
                    actor=f"shell:{getpass.getuser()}",
                )
        return again.password

    print(run(work()))


@app.command("rekey")
def rekey() -> None:
    """Encrypt the keys of one-time codes with the newest key.

    That is TODOKE_SECRET_KEY. The service does the same when it starts. Earlier keys are read
    from TODOKE_SECRET_KEY_OLD, which can go afterwards. Leaves with 1 where a key cannot be read.
    """
    from console.encryption import Encryption, renew
    from core.clock import SystemClock

    encryption = Encryption.of(settings())

    async def work() -> Renewed:
        async with opened_database() as database:
            actor = f"shell:{getpass.getuser()}"
            return await renew(database, encryption, SystemClock().now(), actor=actor)

    done = run(work())
    print(f"{done.changed} keys of one-time codes encrypted anew.")
    for email in done.unreadable:
        print(f"{email}: encrypted with another key. Name it in TODOKE_SECRET_KEY_OLD.")
    if done.unreadable:
        raise typer.Exit(1)


def _city() -> City | None:
    """The city, whose names are not allowed as passwords; None if its folder cannot be read."""
    from core.errors import BadInput

    try:
        return city()
    except BadInput:
        return None


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
