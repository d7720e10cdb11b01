"""The city's own rich menu in place of the first tab: checked, looked at, taken, given back."""

from __future__ import annotations

import base64
import getpass
import html
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tools import Json, city, opened_database, print_json, print_rows, run, service_clock

if TYPE_CHECKING:
    from city.own_menu import OwnMenu

app = typer.Typer(no_args_is_help=True)
Language = Annotated[str, typer.Option(metavar="L", help="For residents who read this language.")]


@app.command("take")
def take(
    exported: Annotated[
        Path, typer.Argument(metavar="MENU.json", help="The areas, as LINE's API gives them.")
    ],
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="PNG or JPEG, up to 1 MB.")],
    language: Language = "ja",
    link: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST", help="A host that links may lead to; can be repeated."),
    ] = None,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page that shows the areas on the picture."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Show it to residents.")] = False,
    json_: Json = False,
) -> None:
    """Show a picture of the city's as first tab.

    It is for residents of one language. Without --yes it is only checked. A text that is the label
    of a button of Todoke's becomes that button. In a disaster the menu of the disaster is shown as
    always.
    """
    from bot.dialogues.buttons import typed_button
    from bot.richmenu import own
    from city.own_menu import read_menu
    from core.errors import BadInput
    from core.settings import media_dir

    place = city()
    if language not in place.languages:
        raise BadInput(f"The city has no {language!r}; it has {', '.join(place.languages)}.")
    for file in (exported, picture):
        if not file.is_file():
            raise BadInput(f"There is no file {file}.")
    hosts = [one.strip().lower() for one in link or ()]
    menu = read_menu(exported.read_bytes(), picture.read_bytes(), hosts=hosts, button=typed_button)
    if preview is not None:
        preview.write_text(_preview(menu), "utf-8")

    async def work() -> None:
        async with opened_database() as database:
            clock = await service_clock(database)
            async with database.writing() as session:
                await own.take(
                    session,
                    media_dir(),
                    language,
                    menu,
                    actor=f"shell:{getpass.getuser()}",
                    now=clock.now(),
                )

    if yes:
        run(work())
    if json_:
        print_json({"taken": yes, "menu": menu.menu, "changed": list(menu.changed)})
        return
    for said in menu.changed:
        print(f"area {said}")
    print(f"{len(menu.menu['areas'])} areas.", "Residents see it within a minute." if yes else "")
    if not yes:
        print("Nothing was changed. With --yes residents see it in place of the first tab.")


@app.command("list")
def list_all(json_: Json = False) -> None:
    """List the city's own menus that are shown."""
    from bot.richmenu.own import own_menus
    from core.settings import media_dir

    async def work() -> list[dict[str, object]]:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.reading() as session:
                found = await own_menus(session, media_dir(), now)
        return [
            {"language": language, "areas": len(one.menu["areas"]), "picture": str(one.picture)}
            for language, one in found.items()
        ]

    print_rows(("language", "areas", "picture"), run(work()), as_json=json_)


@app.command("back")
def back(language: Language = "ja") -> None:
    """Show Todoke's own first tab again."""
    from bot.richmenu import own
    from core.errors import BadInput
    from core.settings import media_dir

    async def work() -> None:
        async with opened_database() as database:
            now = (await service_clock(database)).now()
            async with database.writing() as session:
                if language not in await own.own_menus(session, media_dir(), now):
                    raise BadInput(f"In {language!r} Todoke's own menu is shown already.")
                await own.give_back(session, language, actor=f"shell:{getpass.getuser()}", now=now)

    run(work())
    print("Residents see Todoke's own menu within a minute.")


def _preview(menu: OwnMenu) -> str:
    """Return a page with the picture, its areas over it, and what each does."""
    size = menu.menu["size"]
    picture = f"data:{menu.kind};base64,{base64.b64encode(menu.picture).decode()}"
    boxes, rows = [], []
    for n, area in enumerate(menu.menu["areas"], start=1):
        bounds, action = area["bounds"], area["action"]
        does = next(
            (str(action[k]) for k in ("text", "uri", "data") if k in action), action["type"]
        )
        boxes.append(
            f'<rect x="{bounds["x"]}" y="{bounds["y"]}" width="{bounds["width"]}" '
            f'height="{bounds["height"]}"/><text x="{bounds["x"] + 30}" '
            f'y="{bounds["y"] + 110}">{n}</text>'
        )
        rows.append(f"<li>{html.escape(action['type'])}: {html.escape(does)}</li>")
    return (
        '<!doctype html><html lang="ja"><meta charset="utf-8"><title>リッチメニュー</title>'
        "<style>body{font-family:sans-serif;max-width:60rem;margin:1rem auto}svg{width:100%}"
        "rect{fill:#0050ff22;stroke:#0050ff;stroke-width:8}text{font-size:100px;fill:#0050ff}"
        f'</style><svg viewBox="0 0 {size["width"]} {size["height"]}">'
        f'<image href="{picture}" width="{size["width"]}" height="{size["height"]}"/>'
        f"{''.join(boxes)}</svg><ol>{''.join(rows)}</ol></html>\n"
    )
