"""The demo: the whole service on one machine, without a LINE account.

It has a sample city with some hundred synthetic residents and their reports, a feed server that
plays recorded days, the service, and the simulator as a separate process. Each start deletes the
old state.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import uvloop
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from alerts.templates import add_starters
from app import demo_pages, schema
from app.demo_figures import add_figures
from app.demo_reports import add_reports
from app.demo_staff import add_staff_to_call
from app.demo_talk import add_talk
from app.processes import Parts, assembled, run, stop_on_signals
from app.stage import (
    HOST,
    Ports,
    add_people,
    befriend,
    environment_of,
    free_port,
    simulator_beside,
    stage_settings,
)
from app.web import create_app
from channels.email.medium import EMAIL
from channels.webpush.medium import WEB_PUSH
from channels.webpush.vapid import new_key
from city.context import Context
from city.folder import CityFolder, load_city, load_folder
from console import words
from console.models import Role
from console.web import DemoAccount
from core.clock import SystemClock
from core.errors import BadInput
from core.logs import QUIET, configure_logs
from core.mail_settings import SmtpSettings
from core.settings import SAMPLE_CITY, PushSettings, Settings
from simulator.agency.dangers import ASAMA, COAST
from simulator.agency.server import RecordedDays
from simulator.mail import Mailbox
from simulator.push import PushService
from subscriptions.generate import generate
from subscriptions.other_media import follow_at

STATE = Path("var/demo")
RESIDENTS = 300
MAIL_RESIDENTS = 12
"""Synthetic residents who follow by mail: their mails can be looked at on the demo's page."""
BROWSERS = 40
"""Browsers that follow by web push."""
FRIENDS = 1_000
"""Friends of the account who never wrote to it."""
UNKNOWN_FRIENDS = """
[unknown_friends]
level = 5
"""
CHAT = """
[chat]
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
opens = 00:00:00
closes = 23:59:59
holidays_closed = false
closed = []
"""
"""Whoever tries the demo finds the desk open, at any hour."""
POLL_SECONDS = 3
GAPS = (POLL_SECONDS + 1.0, 20.0)
"""Seconds between alarms of a recorded day: each can be seen separately, and nobody waits long."""
PHONES = (("さくら", "ja"), ("ဇင်မာ", "my"), ("Maria", "pt"))


def run_demo(*, port: int, simulator_port: int, reports: bool = True) -> None:
    """Run the demo until it is told to stop.

    Parameters
    ----------
    reports
        Whether it begins with invented reports of broken roads.

    Raises
    ------
    BadInput
        A port is in use, or a demo already runs in this folder.
    """
    configure_logs(level=QUIET)
    ports = Ports(free_port(port, "--port"), free_port(simulator_port, "--simulator-port"))
    with _alone():
        uvloop.run(_demo(ports, reports=reports))


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep a second demo from deleting the state of the first.

    The lock ends with the process, however it ends.
    """
    STATE.parent.mkdir(parents=True, exist_ok=True)
    with STATE.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"A demo runs in this folder already (it keeps its state in {STATE}); "
                "stop it first, or start this one in another folder."
            ) from None
        yield


async def _demo(ports: Ports, *, reports: bool) -> None:
    stop = stop_on_signals()
    clock = SystemClock()
    parts = Parts(web=True, work=True, schedule=True)
    async with (
        RecordedDays(clock, gaps=GAPS) as days,
        Mailbox(keep=2_000) as mails,
        PushService() as pushes,
    ):
        settings = replace(_settings(ports), smtp=_smtp(mails), push=_push(pushes))
        await asyncio.to_thread(_prepare, settings, days)
        folder = _polled_often(load_folder(settings.city))
        async with (
            simulator_beside(
                settings, folder.city, ports.simulator, phones=PHONES, friends=FRIENDS
            ),
            assembled(settings, parts, folder=folder, clock=clock) as made,
        ):
            accounts = await add_people(
                made.context.database,
                folder.city,
                clock,
                residents=RESIDENTS,
                seed=1,
                host="demo.example",
            )
            await generate(
                made.context.database,
                folder.city,
                MAIL_RESIDENTS,
                seed=2,
                now=clock.now(),
                medium=EMAIL.name,
            )
            await befriend(made.context.database, settings.line_api_url)
            await _add_browsers(made.context, pushes)
            await _add_templates(made.context)
            await add_staff_to_call(made.context, "demo.example")
            await add_figures(made.context)
            await add_talk(made.context, _account(accounts, Role.EDITOR))
            if reports:
                await add_reports(made.context, made.folder, _account(accounts, Role.ROADS))
            app = create_app(made.context, made.line, folder=made.folder)
            places = demo_pages.DemoPlaces(
                phone=settings.line_api_url,
                console=f"{settings.public_url}/console",
                public=f"{settings.public_url}/",
                feeds=days,
                mails=mails,
            )
            _join_demo(app, places, accounts)
            await run(
                made,
                parts,
                stop,
                app=app,
                host=HOST,
                port=ports.service,
                ready=lambda _: _say(places, settings, accounts),
            )


def _account(accounts: Sequence[DemoAccount], role: Role) -> str:
    """Return the address of the first account with a role."""
    return next(one.email for one in accounts if one.role == role)


async def _add_templates(context: Context) -> None:
    """Take over the templates to begin with."""
    async with context.database.writing() as session:
        await add_starters(
            session,
            context.city,
            partial(words.CATALOGUE.text, "ja"),
            actor="rule:demo",
            now=context.clock.now(),
        )


async def _add_browsers(context: Context, pushes: PushService) -> None:
    """Have some residents follow by web push; their browsers are the simulator's.

    A real browser cannot follow the demo: its push service is in the internet.
    """
    now = context.clock.now()
    async with context.database.writing() as session:
        for number in range(BROWSERS):
            language = context.city.languages[number % len(context.city.languages)]
            address = pushes.subscribe().address()
            await follow_at(session, context.city, WEB_PUSH.name, address, language, now)


def _push(pushes: PushService) -> PushSettings:
    return PushSettings(
        private_key=new_key(), subject="mailto:todoke@demo.example", services=(pushes.origin,)
    )


def _smtp(mails: Mailbox) -> SmtpSettings:
    return SmtpSettings(
        host=HOST, port=mails.port, tls=False, mail_from="とどけ市 <todoke@demo.example>"
    )


def _settings(ports: Ports) -> Settings:
    return stage_settings(STATE.resolve(), ports)


def _prepare(settings: Settings, days: RecordedDays) -> None:
    """Delete the old state, and write the environment for commands in another terminal.

    The sample city is copied, with its sources on the feed server.
    """
    if STATE.exists():
        shutil.rmtree(STATE)
    settings.media_dir.mkdir(parents=True)
    schema.upgrade_now(settings.database_url)
    shutil.copytree(SAMPLE_CITY, settings.city)
    sample = load_city(SAMPLE_CITY)
    recorded = days.addresses(sample)
    written = settings.city / "city.toml"
    text = written.read_text(encoding="utf-8")
    for source in sample.sources:
        text = text.replace(f'"{source.url}"', f'"{recorded.get(source.code, source.url)}"')
    written.write_text(text + UNKNOWN_FRIENDS + CHAT, encoding="utf-8")
    values = environment_of(settings)
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
    environment = STATE / "environment"
    environment.touch(mode=0o600)
    environment.write_text("".join(lines), encoding="utf-8")


def _polled_often(folder: CityFolder) -> CityFolder:
    """The city, with its sources polled every few seconds, for those who watch.

    It follows a coast and a volcano nearby, so that their recorded days concern it.
    """
    city = folder.city
    sources = tuple(
        source.model_copy(update={"interval_seconds": POLL_SECONDS}) for source in city.sources
    )
    jma = city.jma.model_copy(
        update={"tsunami_regions": (COAST[0],), "volcanoes": (ASAMA[0],)},
    )
    return replace(folder, city=city.model_copy(update={"sources": sources, "jma": jma}))


def _join_demo(app: FastAPI, places: demo_pages.DemoPlaces, accounts: list[DemoAccount]) -> None:
    app.state.demo = True
    app.state.tours = {}
    app.state.demo_accounts = tuple(accounts)
    app.state.demo_places = places
    app.include_router(demo_pages.router)
    app.mount("/static/demo", StaticFiles(directory=Path(__file__).parent / "static"))


def _say(places: demo_pages.DemoPlaces, settings: Settings, accounts: list[DemoAccount]) -> None:
    first = accounts[0]
    print(
        "\nTodoke とどけ is ready.\n\n"
        f"  phone          {places.phone}/\n"
        f"  staff console  {places.console}   ({first.email} / {first.password})\n"
        f"  public page    {places.public}\n"
        f"  mail to staff  {settings.public_url}/demo/mail\n\n"
        f"Play a recorded day, such as the rainstorm: {settings.public_url}/demo\n"
        f"Commands in another terminal: source {shlex.quote(str(STATE / 'environment'))}\n"
        "Stop with Ctrl+C.\n",
        flush=True,
    )
