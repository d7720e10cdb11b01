"""The audit trail, checked from the shell."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, progress_bar, run

app = typer.Typer(no_args_is_help=True)
HEADS = {
    "right": "The head is today as it was when it was sent.",
    "changed": "The trail was rewritten: the entry is not what it was when the head was sent.",
    "missing": "The end of the trail was cut off: there is no such entry any more.",
}


@app.callback()
def audit() -> None:
    """The audit trail."""


@app.command("check")
def check(
    new: Annotated[
        bool, typer.Option("--new", help="Only what was written since the last check.")
    ] = False,
    head: Annotated[
        str,
        typer.Option(metavar="ID:HASH", help="A head that was sent elsewhere, to compare with."),
    ] = "",
    json_: Json = False,
) -> None:
    """Check from the first entry that none was changed or removed.

    The service does this every night, and reads new entries every minute. The exit code is 1 if the
    chain is broken, or is not the one of the head.
    """
    from sqlalchemy import func, select

    from core import audit_head
    from core.audit import AuditCheck, AuditEntry
    from core.audit_check import check_new, check_whole
    from core.clock import SystemClock

    heads = audit_head.heads_in("todoke-audit-head " + head.replace(":", " ")) if head else []

    async def compare() -> list[audit_head.HeadState]:
        async with opened_database() as database, database.reading() as session:
            return [await audit_head.compare(session, each) for each in heads]

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
    states = run(compare()) if heads else []
    rewritten = any(state is not audit_head.HeadState.RIGHT for state in states)
    if json_:
        whole = known.broken is None and not rewritten
        said = {"ok": whole, "through": known.through, "broken": known.broken}
        print_json({**said, "head": str(states[0]) if states else None})
    elif known.broken is None:
        print(f"The chain is whole up to entry {known.through}.")
    else:
        print(f"The chain breaks at entry {known.broken}: something was changed or removed.")
    if not json_:
        for state in states:
            print(HEADS[state.value])
    if known.broken is not None or rewritten:
        raise typer.Exit(1)
