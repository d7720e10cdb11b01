"""The tree of commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli import (
    alerts,
    api_keys,
    audit,
    city,
    deliveries,
    disaster,
    feeds,
    figures,
    lalert,
    menu,
    moving_in,
    news,
    plain_files,
    rehearsal,
    reports,
    residents,
    running,
    shelters,
    staff,
    state,
    surveys,
    understanding,
)
from core.reason import know_all

know_all()
app = typer.Typer(
    name="todoke",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"todoke {version('todoke')}")
        raise typer.Exit


@app.callback()
def prepare(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """The LINE service of a Japanese city."""
    from core.logs import QUIET, configure_logs

    configure_logs(level=QUIET)


app.command("demo")(running.demo)
app.command("serve")(running.serve)
app.command("worker")(running.worker)
app.command("scheduler")(running.scheduler)
app.command("simulator")(running.simulator)
app.command("check")(state.check)
app.command("vapid-key")(state.vapid_key)
app.command("backup")(state.backup)
app.command("restore")(state.restore)
app.add_typer(state.database, name="db", help="The database.")
moving_in.add_to(residents.app)
app.add_typer(
    residents.app,
    name="residents",
    help="Take friends in; synthetic residents; audience sizes.",
)
app.add_typer(city.app, name="city", help="The city's folder.")
app.add_typer(menu.app, name="menu", help="The city's own rich menu: take, list, give back.")
app.add_typer(feeds.app, name="feeds", help="Sources: fetch, list, explain.")
app.add_typer(alerts.app, name="alert", help="Alerts from the shell.")
app.add_typer(news.app, name="news", help="Routine news: send, list, recall.")
app.add_typer(surveys.app, name="survey", help="Surveys: list, show, close, export.")
app.add_typer(deliveries.app, name="deliveries", help="What is on its way, and what arrived.")
app.add_typer(understanding.app, name="messages", help="What residents' messages ask for.")
app.add_typer(reports.app, name="reports", help="What residents reported.")
app.add_typer(shelters.app, name="shelters", help="Which evacuation sites are open.")
app.add_typer(
    plain_files.app, name="plain-files", help="Pages for when the service cannot be reached."
)
app.add_typer(lalert.app, name="lalert", help="Documents for L-Alert, as files.")
app.add_typer(disaster.app, name="disaster", help="Disaster mode; how households are.")
app.add_typer(rehearsal.app, name="rehearsal", help="A past day replayed to a shadow desk.")
app.add_typer(staff.app, name="staff", help="Staff accounts.")
app.add_typer(api_keys.app, name="api-keys", help="Keys of other programs, as for Open311.")
app.add_typer(figures.app, name="figures", help="The service in numbers, by month.")
app.add_typer(audit.app, name="audit", help="The audit trail.")
