"""Staff accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.tools import opened_database, run

app = typer.Typer(no_args_is_help=True)


@app.callback()
def staff() -> None:
    """Staff accounts."""


@app.command("add")
def add(
    email: Annotated[str, typer.Argument()],
    role: Annotated[str, typer.Option(help="admin, disaster, roads or viewer.")],
    name: Annotated[str, typer.Option(help="How colleagues see them.")] = "",
) -> None:
    """Add an account; asks for its password."""
    from console.accounts import add_staff
    from core.clock import SystemClock

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def work() -> None:
        async with opened_database() as database, database.writing() as session:
            await add_staff(
                session, email, role=role, password=password, name=name, now=SystemClock().now()
            )

    run(work())
    print(f"{email} can sign in.")
