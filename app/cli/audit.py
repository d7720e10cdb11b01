"""The audit trail, checked from the shell."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, progress_bar, run

app = typer.Typer(no_args_is_help=True)


@app.callback()
def audit() -> None:
    """The audit trail."""


@app.command("check")
def check(
    new: Annotated[
        bool, typer.Option("--new", help="Only what was written since the last check.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check from the first entry that none was changed or removed.

    The service does this every night, and reads new entries every minute. The exit code is 1 if the
    chain is broken.
    """
    from sqlalchemy import func, select

    from core.audit import AuditCheck, AuditEntry
    from core.audit_check import check_new, check_whole
    from core.clock import SystemClock

    async def work() -> AuditCheck:
        async with opened_database() as database:
            if new:
                return await check_new(database, SystemClock())
            async with database.reading() as session:
                last = await session.scalar(select(func.max(AuditEntry.id))) or 0
            with progress_bar() as bar:
                task = bar.add_task("Entries", total=last)
                return await check_whole(
                    database,
                    SystemClock(),
                    again=True,
                    noted=lambda through: bar.update(task, completed=through),
                )

    known = run(work())
    if json_:
        print_json({"ok": known.broken is None, "through": known.through, "broken": known.broken})
    elif known.broken is None:
        print(f"The chain is whole up to entry {known.through}.")
    else:
        print(f"The chain breaks at entry {known.broken}: something was changed or removed.")
    if known.broken is not None:
        raise typer.Exit(1)
