"""Staff accounts."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from bot.cli.tools import opened_database, run

app = typer.Typer(no_args_is_help=True)


@app.callback()
def staff() -> None:
    """Staff accounts."""


@app.command("add")
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    role: Annotated[str, typer.Option(metavar="ROLE", help="admin, disaster, roads or viewer.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="How colleagues see them.")] = "",
) -> None:
    """Add an account.

    Asks for its password, or reads it from the first line of standard input.
    """
    from console.accounts import add_staff, check_password, normal_email
    from console.models import Role
    from core.clock import SystemClock
    from core.errors import BadInput

    normal_email(email)
    if role not in set(Role):
        raise BadInput(f"There is no role {role!r}; there are {', '.join(Role)}.")
    password = _password()
    check_password(password)

    async def work() -> None:
        async with opened_database() as database, database.writing() as session:
            await add_staff(
                session,
                email,
                role,
                password=password,
                name=name,
                now=SystemClock().now(),
                actor=f"shell:{getpass.getuser()}",
            )

    run(work())
    print(f"{email} can sign in.")


@app.command("reset")
def reset(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Let somebody in again who lost password or phone.

    Prints a new password. The account's sessions end and no one-time code is asked for. It is
    for the one administrator whom no other can help; others are helped under Staff.
    """
    from console.accounts import reset_staff, staff_called
    from core.clock import SystemClock

    async def work() -> str:
        async with opened_database() as database, database.writing() as session:
            found = await staff_called(session, email)
            again = await reset_staff(
                session, found, now=SystemClock().now(), actor=f"shell:{getpass.getuser()}"
            )
        return again.password

    print(run(work()))


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
