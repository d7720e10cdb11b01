"""Commands that run the service, whole or in parts, the demo and the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.tools import settings

Host = Annotated[str, typer.Option(metavar="H", help="Address to listen on.")]
Port = Annotated[
    int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 takes any.")
]


def demo(
    port: Port = 8000,
    simulator_port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port of the simulator's phone.")
    ] = 8001,
    reports: Annotated[
        bool, typer.Option(help="Begin with some invented reports of broken roads.")
    ] = True,
) -> None:
    """Try everything on this machine, without a LINE account.

    A sample city, residents and their reports, a feed that plays, the staff console, a phone in a
    web page; no network is needed. Its data is in var/demo.
    """
    from app.demo import run_demo

    run_demo(port=port, simulator_port=simulator_port, reports=reports)


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    web_only: Annotated[
        bool, typer.Option("--web-only", help="Only the web; workers and scheduler run elsewhere.")
    ] = False,
) -> None:
    """Run the service: web, workers and scheduler in one process."""
    from app.processes import Parts, run_service

    parts = Parts(web=True, work=not web_only, schedule=not web_only)
    run_service(settings(), parts, host=host, port=port)


def worker() -> None:
    """Run only a worker (PostgreSQL; as many as you like)."""
    from app.processes import Parts, run_service

    run_service(settings(), Parts(work=True))


def scheduler() -> None:
    """Run only the scheduler (PostgreSQL; of several, one acts)."""
    from app.processes import Parts, run_service

    run_service(settings(), Parts(schedule=True))


def simulator(
    port: Port = 8001,
    faults: Annotated[
        str,
        typer.Option(metavar="SPEC", help="Such as latency=50ms,5xx-after=1%; see the docs."),
    ] = "",
    webhook_url: Annotated[
        str, typer.Option(metavar="URL", help="Where webhooks go; can be set later by the API.")
    ] = "",
    channel_secret: Annotated[
        str,
        typer.Option(
            metavar="TEXT", envvar="TODOKE_LINE_CHANNEL_SECRET", help="Signs the webhooks."
        ),
    ] = "simulator-secret",
    channel_access_token: Annotated[
        str,
        typer.Option(
            metavar="TEXT", envvar="TODOKE_LINE_CHANNEL_ACCESS_TOKEN", help="What callers send."
        ),
    ] = "simulator-token",
    account_name: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the city's account.")
    ] = "とどけ市",
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="GeoJSON of the districts, for the phone's map.",
        ),
    ] = None,
    any_user: Annotated[
        bool, typer.Option("--any-user", help="Take every well-formed user id for a follower.")
    ] = False,
    friends: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=1_000_000, help="Friends who never spoke, from the start."
        ),
    ] = 0,
) -> None:
    """Run the LINE simulator alone.

    Its page is a phone; /ledger.html shows what was sent.
    """
    from simulator.line import FaultPlan, SimulatorOptions, run

    run(
        SimulatorOptions(
            port=port,
            faults=FaultPlan.parse(faults),
            webhook_url=webhook_url or None,
            channel_secret=channel_secret,
            channel_access_token=channel_access_token,
            account_name=account_name,
            map_file=map_,
            any_user=any_user,
            friends=friends,
        )
    )
