"""What is on its way, and what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.tools import Json, opened_database, print_json, print_table, progress_bar, run

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from channels.progress import Reached

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


@app.command("reached")
def reached(
    delivery: Annotated[int, typer.Argument(metavar="ID", help="The delivery.")],
    resident: Annotated[str, typer.Argument(help="A resident's number, or their LINE user id.")],
    json_: Json = False,
) -> None:
    """Say whether a delivery reached one resident."""
    from channels.progress import progress
    from channels.progress import reached as look_up

    async def look() -> tuple[int, Reached | None]:
        async with opened_database() as database, database.reading() as session:
            await progress(session, delivery)
            number = await _number_of(session, resident)
            return number, await look_up(session, delivery, number)

    number, found = run(look())
    if json_:
        print_json(
            {
                "delivery": delivery,
                "resident": number,
                "reached": False if found is None else found.got_it,
                "state": None if found is None else found.state.value,
                "sent_at": found.at.isoformat() if found and found.at else None,
                "request_id": None if found is None else found.request_id,
                "reason": _why(found),
            }
        )
    elif found is not None and found.got_it:
        at = "" if found.at is None else f" at {found.at.isoformat(timespec='seconds')}"
        print(f"Yes: LINE took it{at}, request {found.request_id or 'unknown'}.")
    elif found is not None and found.got_it is None:
        print(f"Not yet: {_why(found)}.")
    else:
        print(f"No: {_why(found)}.")


async def _number_of(session: AsyncSession, resident: str) -> int:
    """Return a resident's number; one that was given is taken, as batches outlive residents."""
    from core.errors import BadInput
    from subscriptions.service import find

    if resident.isascii() and resident.isdecimal() and len(resident) < 10:
        return int(resident)
    row = await find(session, resident)
    if row is None or row.id is None:
        raise BadInput(f"There is no resident {resident[:80]!r}.")
    return row.id


def _why(found: Reached | None) -> str:
    """Return why somebody did not get something, or has not yet; "" for who got it."""
    if found is None:
        return "the delivery was not for this resident"
    if found.absent:
        return "the resident had left"
    if found.got_it:
        return ""
    return found.error or f"it is {found.state.value}"
