"""Running and finished deliveries."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, cast

import typer

from app.cli.tools import (
    Json,
    opened_database,
    print_json,
    print_rows,
    print_table,
    progress_bar,
    run,
    service_clock,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from channels.progress import Progress, Reached

app = typer.Typer(no_args_is_help=True)


class HeldKind(StrEnum):
    """What a restore holds back, by kind."""

    NOTICE = "notice"
    CORRECTION = "correction"
    PERSONAL = "personal"
    DIGEST = "digest"


COLUMNS = (
    "id",
    "channel",
    "state",
    "recipients",
    "sent",
    "failed",
    "skipped",
    "batches",
    "duration_s",
)


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
    print_rows(COLUMNS, rows, as_json=json_)


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
            return await _told(session, await progress(session, delivery))

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
            async with database.reading() as session:
                return await _told(session, state)

    seen = run(watch() if follow and not json_ else look())
    if json_:
        print_json(seen)
    else:
        print_table(["", ""], [[key, value] for key, value in seen.items()])


async def _told(session: AsyncSession, state: Progress) -> dict[str, object]:
    """Return a delivery's numbers, and those of its part for friends nobody knows, if any."""
    from channels import unknown_sends

    found = unknown_sends.to_json(await unknown_sends.of_delivery(session, state.id))
    return state.to_json() if found is None else {**state.to_json(), "unknown": found}


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


@app.command("held")
def held(json_: Json = False) -> None:
    """List what waits for a decision since a restore.

    Newer warnings, alerts by staff and answers to residents are sent as usual.
    """
    from channels.restored import held as look_up

    async def look() -> dict[str, object] | None:
        async with opened_database() as database, database.reading() as session:
            found = await look_up(session)
            if found is None:
                return None
            hold = found.hold
            return {
                "until": hold.until.isoformat(),
                "restored_at": hold.restored_at.isoformat(),
                "seen_at": None if hold.seen_at is None else hold.seen_at.isoformat(),
                "deliveries": [
                    {"id": each.id, "kind": each.kind.value, "recipients": each.recipients}
                    for each in found.deliveries
                ],
                "notices": [
                    {
                        "id": each.id,
                        "source": each.source,
                        "level": each.level,
                        "reported_at": each.reported_at.isoformat(),
                        "title": each.texts.get("ja", {}).get("title", each.kind),
                    }
                    for each in found.notices
                ],
            }

    seen = run(look())
    if json_:
        print_json(seen)
    elif seen is None:
        print("Nothing was restored here.")
    else:
        print(f"Held: what may have gone out by {seen['until']}.")
        for name in ("deliveries", "notices"):
            rows = cast("list[dict[str, object]]", seen[name])
            if rows:
                print_table(list(rows[0]), [list(row.values()) for row in rows])
            else:
                print(f"No {name}.")


@app.command("release")
def release(
    send: Annotated[
        list[HeldKind] | None, typer.Option(help="Let the held deliveries of this kind go on.")
    ] = None,
    drop: Annotated[
        list[HeldKind] | None, typer.Option(help="Stop the held deliveries of this kind for good.")
    ] = None,
    seen: Annotated[
        bool, typer.Option("--seen", help="Daily digests may go again; held news stays held.")
    ] = False,
) -> None:
    """Decide on what a restore holds back; see 'deliveries held'."""
    import getpass

    from channels.models import DeliveryKind
    from channels.restored import note_seen
    from channels.restored import release as let_go
    from core.errors import BadInput
    from core.restored import held_until
    from core.work import NoWorkers

    if not (send or drop or seen):
        raise typer.BadParameter("say --send KIND, --drop KIND or --seen")
    if set(send or ()) & set(drop or ()):
        raise typer.BadParameter("a kind cannot be both sent and dropped")

    async def work() -> int:
        actor, done = f"shell:{getpass.getuser()}", 0
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                if await held_until(session) is None:
                    raise BadInput("Nothing was restored here.")
                for kinds, sending in ((send or [], True), (drop or [], False)):
                    for each in kinds:
                        kind = DeliveryKind(each.value)
                        done += await let_go(session, NoWorkers(), kind, actor, now, send=sending)
                if seen:
                    await note_seen(session, actor, now)
        return done

    print(f"{run(work())} deliveries released or stopped.")


async def _number_of(session: AsyncSession, resident: str) -> int:
    """Return a resident's number; one that was given is taken, as batches outlive residents."""
    from core.errors import BadInput
    from subscriptions.residents import find

    if resident.isascii() and resident.isdecimal() and len(resident) < 10:
        return int(resident)
    row = await find(session, resident)
    if row is None or row.id is None:
        raise BadInput(f"There is no resident {resident[:80]!r}.")
    return row.id


def _why(found: Reached | None) -> str:
    """Return why somebody has not got something (yet); "" if they got it."""
    if found is None:
        return "the delivery was not for this resident"
    if found.absent:
        return "the resident had left"
    if found.got_it:
        return ""
    return str(found.error or f"it is {found.state.value}")
