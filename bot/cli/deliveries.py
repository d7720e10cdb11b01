"""What is on its way, and what arrived."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli.tools import Json, opened_database, print_json, print_table, progress_bar, run

app = typer.Typer(no_args_is_help=True)
COLUMNS = ("id", "state", "recipients", "sent", "failed", "skipped", "batches", "duration_s")


@app.command("list")
def list_deliveries(
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="The newest so many.")
    ] = 20,
    json_: Json = False,
) -> None:
    """List deliveries, newest first."""
    from channels.progress import recent

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database, database.reading() as session:
            return [progress.to_json() for progress in await recent(session, limit)]

    rows = run(work())
    if json_:
        print_json(rows)
    else:
        print_table(list(COLUMNS), [[row[column] for column in COLUMNS] for row in rows])


@app.command("show")
def show(
    delivery: Annotated[int, typer.Argument(metavar="ID", help="What 'alert send' printed.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show a bar until it has ended.")
    ] = False,
    json_: Json = False,
) -> None:
    """Show how far one delivery is."""
    from channels.progress import follow as follow_delivery
    from channels.progress import progress

    async def look() -> dict[str, object]:
        async with opened_database() as database, database.reading() as session:
            return (await progress(session, delivery)).to_json()

    async def watch() -> dict[str, object]:
        async with opened_database() as database:
            async with database.reading() as session:
                # Said before a bar is drawn: whether there is such a delivery at all.
                await progress(session, delivery)
            with progress_bar() as bar:
                task = bar.add_task(f"Delivery {delivery}", total=None)
                async for state in follow_delivery(database, delivery):
                    bar.update(
                        task,
                        total=state.recipients or None,
                        completed=state.sent + state.failed + state.skipped,
                    )
                return state.to_json()

    seen = run(watch() if follow and not json_ else look())
    if json_:
        print_json(seen)
    else:
        print_table(["", ""], [[key, value] for key, value in seen.items()])
