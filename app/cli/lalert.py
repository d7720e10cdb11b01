"""Documents for L-Alert (Lアラート), as files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import Json, opened_database, print_json, run, service_clock

if TYPE_CHECKING:
    from public.lalert import Document

app = typer.Typer(no_args_is_help=True)
KINDS = ("evacuation", "shelters", "headquarters", "notices")


@app.callback()
def group() -> None:
    """Documents for L-Alert (Lアラート), as files."""


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file, or a folder that exists.")],
    kind: Annotated[str, typer.Option(metavar="KIND", help=", ".join(KINDS))],
    drill: Annotated[bool, typer.Option("--drill", help="What is said in the drill.")] = False,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=60, help="How far back evacuation goes.")
    ] = 14,
    notice: Annotated[
        int | None, typer.Option(metavar="ID", help="The notice, for 'notices'.")
    ] = None,
    sort: Annotated[str, typer.Option(metavar="SORT", help="対策本部 or 警戒本部.")] = "対策本部",
    name: Annotated[str, typer.Option(metavar="NAME", help="The headquarters' name.")] = "",
    set_up: Annotated[
        str, typer.Option(metavar="TIME", help="When they were set up: 2026-06-15T10:00.")
    ] = "",
    dissolved: Annotated[str, typer.Option(metavar="TIME", help="When they were dissolved.")] = "",
    json_: Json = False,
) -> None:
    """Write what the city says as documents of L-Alert.

    A folder gets a file for each matter; a file gets the newest. docs/lalert.md says what a city
    must check before it hands one over.
    """
    from app.own_words import folder_now
    from city.folder import load_folder
    from core.errors import BadInput
    from core.settings import city_folder, public_url
    from public import lalert_facts as facts
    from public.cap import sender_of
    from public.lalert import Headquarters
    from public.lalert_export import Exporter, FileExporter, FolderExporter
    from public.lalert_xml import written

    if kind not in KINDS:
        raise BadInput(f"There is no kind {kind!r}; there are {', '.join(KINDS)}.")
    city = load_folder(city_folder()).city
    if kind == "notices" and notice is None:
        raise BadInput("Say which notice with --notice.")
    if kind == "headquarters" and not (name and set_up and sort in ("対策本部", "警戒本部")):
        raise BadInput(
            "Say --name, --set-up and --sort (対策本部 or 警戒本部): disaster mode does not say "
            "whether the headquarters of the law are set up."
        )

    begun = _moment(set_up) if set_up else None
    ended = _moment(dissolved) if dissolved else None

    async def work() -> tuple[list[Document], datetime]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.reading() as session:
                if kind == "evacuation":
                    since = now - timedelta(days=days)
                    return await facts.evacuation(session, city, since, drill=drill), now
                if kind == "shelters":
                    sites = (await folder_now(database, city_folder(), now)).shelters
                    one = await facts.shelters(session, city, sites, drill=drill)
                    return [one] if one is not None else [], now
                if kind == "notices":
                    assert notice is not None
                    said = await facts.notice(session, city, notice)
                    if said.drill != drill:
                        real = "a drill; say --drill" if said.drill else "real, not a drill"
                        raise BadInput(f"This notice is {real}.")
                    return [said], now
                assert begun is not None
                about = Headquarters(sort=sort, name=name, set_up=begun, dissolved=ended)
                return [facts.headquarters(city, about, drill=drill)], now

    documents, now = run(work())
    if not documents:
        raise BadInput("There is nothing to say.")
    exporter: Exporter = FolderExporter(file) if file.is_dir() else FileExporter(file)
    chosen = documents if file.is_dir() else documents[:1]
    rows = []
    for document in chosen:
        data = written(document, city, sender_of(public_url()), now)
        rows.append(
            {
                "file": exporter.hand_over(document, data),
                "kind": str(document.kind),
                "document_id": str(document.document_id),
                "revision": document.revision,
                "type": str(document.update),
                "drill": document.drill,
            }
        )
    if json_:
        print_json(rows)
        return
    for row in rows:
        world = "drill" if row["drill"] else "real"
        print(f"{row['file']}: {row['kind']} {row['type']} {row['revision']} ({world})")


def _moment(text: str) -> datetime:
    """Return a moment; without a zone it is Japan's clock."""
    from core.clock import JAPAN
    from core.errors import BadInput

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no time; write 2026-06-15T10:00.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=JAPAN)
