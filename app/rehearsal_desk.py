"""The shadow desk of a rehearsal: a whole service that can reach nothing real.

It runs in a process of its own, whose environment ``app.rehearsal`` made. It checks its settings
itself, and ends if they could touch anything outside its folder and this machine.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from fastapi.staticfiles import StaticFiles

from app import schema
from app.kept_days import moved_to
from app.page_band import PageBand
from app.processes import Parts, assembled, run, stop_on_signals
from app.recorded_days import RECORDED_FOR
from app.rehearsal import DAY, PLAN, REPORT, is_recorded, scrubbed
from app.rehearsal_band import REHEARSAL
from app.rehearsal_crowd import Crowd
from app.rehearsal_report import made_report
from app.stage import HOST, add_people, befriend, simulator_beside
from app.web import create_app
from city.city import City
from city.folder import CityFolder, load_folder, redirect_sources
from console.web import DemoAccount
from core.clock import Clock, SystemClock
from core.errors import BadInput
from core.logs import QUIET, configure_logs
from core.settings import Settings
from simulator.agency.days import DAYS
from simulator.agency.events import Day, Event, TelegramEvent
from simulator.agency.server import SITE_FEEDS, RecordedDays

NICE = 10
"""The live system beside it goes first on the machine's processors."""
POLL_SECONDS = 3
"""Not shorter than the demo's, so that two alarms are not read as one."""
SETTLE_SECONDS = 20.0
PHONES = (("さくら", "ja"), ("Maria", "pt"), ("ဇင်မာ", "my"))
ACCOUNTS = "rehearsal.example"
PREFIX = "【予行演習】"
HERE = {HOST, "localhost", "::1"}
MAY_NOT = ("SMTP", "MAIL", "VAPID", "OIDC", "TRANSLATOR", "METRICS", "WEBHOOK", "APPRISE")


def require_shadow(
    settings: Settings, state: Path, city: City, environment: Mapping[str, str]
) -> None:
    """End unless nothing that these settings reach is real.

    Raises
    ------
    BadInput
        LINE, the database, files, a source, mail or another service is not the rehearsal's own.
    """
    faults = []
    if urlsplit(settings.line_api_url).hostname not in HERE:
        faults.append("LINE is not the simulator on this machine")
    if urlsplit(settings.line_data_api_url).hostname not in HERE:
        faults.append("LINE's data is not the simulator's")
    if settings.database_url != f"sqlite:///{state / 'todoke.sqlite3'}":
        faults.append("the database is not in the rehearsal's folder")
    for place in (settings.media_dir, settings.city):
        if not place.resolve().is_relative_to(state):
            faults.append("files are not in the rehearsal's folder")
    if settings.translator is not None:
        faults.append("a translator would be asked")
    named = sorted(
        name
        for name in environment
        if name.startswith("TODOKE_") and any(part in name for part in MAY_NOT)
    )
    faults += [f"{name} is set" for name in named]
    faults += [
        f"the source {source.code} is not on this machine"
        for source in city.sources
        if urlsplit(source.url).hostname not in HERE
    ]
    faults += [
        f"the department {department.code} has a mail address"
        for department in city.departments
        if department.email
    ]
    if faults:
        raise BadInput(f"This is no rehearsal: {'; '.join(faults)}.")


def dumped_day(day: Day, now: datetime) -> list[dict[str, Any]]:
    """Return a day of the city's own as JSON, for the shadow."""
    found = []
    for event in day.events:
        assert isinstance(event.what, TelegramEvent)
        telegram = event.what.write(now)
        found.append(
            {
                "at": event.at.total_seconds(),
                "name": event.what.name,
                "feed": event.what.feed,
                "kind": event.what.kind,
                "office": event.what.office,
                "author": event.what.author,
                "listed_as": event.what.listed_as,
                "telegram": base64.b64encode(telegram).decode(),
            }
        )
    return found


def loaded_day(name: str, events: list[dict[str, Any]]) -> Day:
    """Return the day that :func:`dumped_day` wrote."""
    return Day(
        name=name,
        title=name,
        about="",
        speed=1,
        events=tuple(
            Event(
                timedelta(seconds=each["at"]),
                TelegramEvent(
                    name=each["name"],
                    feed=each["feed"],
                    kind=each["kind"],
                    office=each["office"],
                    author=each["author"],
                    headline="",
                    listed_as=each["listed_as"],
                    write=partial(moved_to, base64.b64decode(each["telegram"])),
                ),
            )
            for each in events
        ),
    )


def shadow_city(city: City, days: RecordedDays, *, recorded: bool) -> City:
    """Return the city with the rehearsal's sources only, no mail address, and polled often.

    A recorded day concerns the place for which it was recorded, so the city is that place.
    """
    urls = days.addresses(city)
    free = [path for path in SITE_FEEDS if f"{days.url}{path}" not in urls.values()]
    for source in city.sources:
        if source.kind == "rss" and source.code not in urls and free:
            urls[source.code] = days.url + free.pop(0)
    sources = tuple(
        source.model_copy(update={"interval_seconds": POLL_SECONDS, "hosts": ()})
        for source in redirect_sources(city, urls).sources
        if source.code in urls
    )
    return city.model_copy(
        update={
            "sources": sources,
            "line_name": f"{PREFIX}{city.line_name}",
            "departments": tuple(
                department.model_copy(update={"email": ""}) for department in city.departments
            ),
            "jma": RECORDED_FOR if recorded else city.jma,
        }
    )


async def rehearse(settings: Settings, state: Path) -> None:
    """Run the shadow until its day is over or it is told to stop, and write the report."""
    plan, events = await asyncio.to_thread(_read, state)
    stop, clock = stop_on_signals(), SystemClock()
    parts = Parts(web=True, work=True, schedule=True)
    recorded = is_recorded(plan["day"])
    played = {plan["day"]: DAYS[plan["day"]] if recorded else loaded_day(plan["day"], events)}
    async with RecordedDays(clock, gaps=(POLL_SECONDS + 1.0, float("inf")), days=played) as days:
        loaded = await asyncio.to_thread(_folder, settings)
        city = shadow_city(loaded.city, days, recorded=recorded)
        folder = replace(loaded, city=city)
        require_shadow(settings, state, city, os.environ)
        await asyncio.to_thread(schema.upgrade_now, settings.database_url)
        async with (
            simulator_beside(
                settings,
                city,
                plan["simulator_port"],
                phones=PHONES,
                environment=scrubbed(os.environ),
            ),
            assembled(settings, parts, folder=folder, clock=clock) as made,
        ):
            database = made.context.database
            accounts = await add_people(
                database,
                city,
                clock,
                residents=plan["residents"],
                seed=plan["seed"],
                host=ACCOUNTS,
            )
            await befriend(database, settings.line_api_url)
            app = create_app(made.context, made.line, folder=made.folder)
            app.state.demo, app.state.demo_accounts = True, tuple(accounts)
            static = Path(__file__).parent / "static"
            app.mount("/static/rehearsal", StaticFiles(directory=static))
            app.add_middleware(PageBand, band=REHEARSAL)
            crowd = Crowd(
                database,
                city,
                clock,
                settings.line_api_url,
                share=plan["share"],
                seed=plan["seed"],
            )
            began = clock.now()
            playing = asyncio.create_task(_play(days, plan, stop, clock))
            answering = asyncio.create_task(crowd.run(stop))
            try:
                await run(
                    made,
                    parts,
                    stop,
                    app=app,
                    host=HOST,
                    port=plan["port"],
                    ready=lambda _: _say(settings, plan, accounts),
                )
            finally:
                stop.set()
                await asyncio.gather(playing, answering, return_exceptions=True)
                report = await made_report(
                    database,
                    city,
                    began_at=began,
                    ended_at=clock.now(),
                    acts=crowd.acts,
                    plan={key: plan[key] for key in ("day", "speed", "share", "seed")},
                )
                await asyncio.to_thread(_write, state, report)


async def _play(
    days: RecordedDays, plan: dict[str, Any], stop: asyncio.Event, clock: Clock
) -> None:
    """Wait for the first readings of the sources, then let the day happen."""
    await clock.sleep(POLL_SECONDS + 1.0)
    await days.play(plan["day"], plan["speed"])
    while days.playing is not None and not stop.is_set():  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.5)
    if not stop.is_set():
        print("The day is over. The desk stays open until Ctrl+C.", flush=True)  # noqa: T201
    if plan["until_over"]:
        await asyncio.sleep(SETTLE_SECONDS)
        stop.set()


def _say(settings: Settings, plan: dict[str, Any], accounts: list[DemoAccount]) -> None:
    lines = "\n".join(f"    {each.email} / {each.password}" for each in accounts)
    print(  # noqa: T201 - for the person who started it
        f"\n{PREFIX} REHEARSAL of {plan['day']} at {plan['speed']:g}x is ready.\n\n"
        f"  shadow desk    {settings.public_url}/console\n{lines}\n"
        f"  public page    {settings.public_url}/\n"
        f"  phones         {settings.line_api_url}/\n\n"
        "Nothing here reaches a real resident. Ctrl+C ends it and writes the report.\n",
        flush=True,
    )


def _read(state: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    plan = json.loads((state / PLAN).read_text(encoding="utf-8"))
    return plan, json.loads((state / DAY).read_text(encoding="utf-8"))


def _folder(settings: Settings) -> CityFolder:
    return load_folder(settings.city)


def _write(state: Path, report: dict[str, Any]) -> None:
    (state / REPORT).write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


def main() -> None:
    """Run the shadow in the folder that is the only argument."""
    os.nice(NICE)
    configure_logs(level=QUIET)
    settings = Settings.from_environment()
    state = Path(sys.argv[1]).resolve()
    try:
        uvloop.run(rehearse(settings, state))
    except BadInput as error:
        print(f"todoke: {error}", file=sys.stderr)  # noqa: T201 - for the person who started it
        sys.exit(2)


if __name__ == "__main__":
    main()
