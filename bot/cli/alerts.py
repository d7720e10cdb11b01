"""An alert from the shell, with the same checks as the console."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from bot.cli.tools import Json, city, opened_database, print_json, queue_for, run

app = typer.Typer(no_args_is_help=True)
YES_WAS_SAID = "--yes was said in the shell"


@app.command("send")
def send(
    topic: Annotated[str, typer.Option(metavar="CODE", help="Topic's code, such as evacuation.")],
    level: Annotated[int, typer.Option(metavar="N", min=0, max=5, help="Alert level; 0 has none.")],
    text: Annotated[
        list[str], typer.Option(metavar="LANG=TEXT", help="What it says; Japanese is needed.")
    ],
    area: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="District's code; none means the whole city."),
    ] = None,
    title: Annotated[
        list[str] | None, typer.Option(metavar="LANG=TITLE", help="Its title; else a standard one.")
    ] = None,
    drill: Annotated[
        bool | None, typer.Option("--drill/--real", help="One of them must be said.")
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            metavar="WHY",
            help="Why it is sent without a colleague's confirmation (real, level 3 and above),"
            " or as a drill while a warning is in force; kept in the audit trail.",
        ),
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Send without asking; the audit trail says so.")
    ] = False,
    json_: Json = False,
) -> None:
    """Send an alert; prints its delivery's id.

    What the console asks is asked here too. With --yes nobody is asked, and that stands as the
    reason where one is needed and --reason gives none.
    """
    from dataclasses import replace

    from channels.alerts import AlertRequest, check_alert, preview_alert, send_alert, to_explain
    from core.clock import SystemClock
    from core.errors import BadInput

    if drill is None:
        raise BadInput("Say --drill or --real; there is no default.")
    place = city()
    request = AlertRequest(
        topic=topic,
        level=level,
        areas=tuple(area or ()),
        texts=_by_language(text, "--text"),
        titles=_by_language(title or [], "--title"),
        drill=drill,
        actor=f"shell:{getpass.getuser()}",
        reason=reason,
    )

    check_alert(place, request)

    async def work() -> int:
        async with opened_database() as database:
            now = SystemClock().now()
            asked = request
            async with database.reading() as session:
                questions = await to_explain(session, place, request)
            for question in questions:
                typer.echo(question, err=True)
            if questions:
                why = YES_WAS_SAID if yes else typer.prompt("Why", err=True)
                asked = replace(request, reason=why)
            if not yes:
                async with database.reading() as session:
                    reach = await preview_alert(session, place, request, now)
                kind = "DRILL" if drill else "REAL ALERT"
                where = ", ".join(request.areas) or "the whole city"
                question = f"{kind}, {topic}, level {level}, {where}: {reach.recipients} residents"
                typer.confirm(f"{question}. Send it?", abort=True)
            return await send_alert(database, place, asked, now, queue=queue_for(database))

    delivery = run(work())
    if json_:
        print_json({"delivery": delivery, "id": delivery})
    else:
        print(delivery)


def _by_language(values: list[str], option: str) -> dict[str, str]:
    from core.errors import BadInput

    texts: dict[str, str] = {}
    for value in values:
        language, separator, words = value.partition("=")
        if not separator or not words.strip():
            raise BadInput(f"{option} takes LANG=TEXT, not {value!r}.")
        if language in texts:
            raise BadInput(f"{option} says {language} twice.")
        texts[language] = words
    return texts
