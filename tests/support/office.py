"""A city hall for tests: the pages on a real port, a sending engine, the simulator, and browsers in
which staff sign in and fill in forms.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from lxml import html
from sqlmodel import col, select
from starlette.routing import BaseRoute
from yarl import URL

import public
from alerts.models import AlertDraft
from app.mail_parts import mail_parts
from app.media import media_of
from app.own_words import WordsNow, attach_words
from app.rehearsals import RehearsalResults
from app.rule_trials import RuleTrials
from app.staff_sender import StaffSender
from bot import data_pages, kind_preview, survey_preview, word_preview
from bot.question_check import QuestionChecker
from channels.engine import Engine
from channels.line.client import LineClient
from channels.line.medium import LINE, LineMedium
from channels.medium import Medium
from channels.models import Delivery, DeliveryState
from city.context import Context
from city.folder import CityFolder
from console import crew_pages, pages, passwords, site_pages
from console.accounts import add_staff
from console.models import Role
from core.audit import AuditEntry
from core.clock import JAPAN, SystemClock
from core.database import Database
from core.mail_settings import SmtpSettings
from core.settings import Settings
from core.shared_answers import SharedAnswers
from core.work import LocalQueue
from feeds.models import HazardState, Notice
from public import (
    calendar_pages,
    call_up_pages,
    cap_feeds,
    emblem_pages,
    event_stream,
    follow_pages,
    geo_feeds,
    link_pages,
    look_pages,
    map_data,
    news_picture_pages,
    notice_feeds,
    notice_pages,
    portal_pages,
    push_pages,
    report_feeds,
    report_pages,
    safety_pages,
    sent_photo_pages,
    settings_pages,
    shelter_pages,
    signage_pages,
    telephone_pages,
    tile_pages,
)
from public.event_watch import EventWatch
from public.links import Links
from public.tiles import Tiles
from reports import open311
from reports.residents_told import Residents
from reports.saved_exports import SavedExports
from simulator.line import Simulator, SimulatorOptions
from simulator.mail import Mailbox
from subscriptions import residents as subscriptions
from subscriptions.models import Resident
from tests.support.project import SAMPLE_CITY
from tests.support.serving import served

PASSWORD = "correct horse battery"
NOON = datetime(2026, 6, 15, 12, 0, tzinfo=JAPAN)


class ShiftedClock(SystemClock):
    """A clock that goes on from a working day's noon, outside everybody's quiet hours, at
    whatever hour the tests are run; set ahead when a test wants time to have passed."""

    def __init__(self) -> None:
        self.ahead = NOON - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Page:
    """What a browser shows: status, headers, and the document."""

    status: int
    url: str
    headers: Any
    body: str

    @property
    def tree(self) -> html.HtmlElement:
        return html.fromstring(self.body)

    @property
    def words(self) -> str:
        """All text of the page, in one line."""
        return " ".join(self.tree.text_content().split())

    def form(self, action: str) -> dict[str, str | list[str]]:
        """Return the fields of the form that goes to ``action``, with their current values."""
        for form in self.tree.forms:
            if form.get("action") == action:
                fields: dict[str, str | list[str]] = {}
                for name, value in form.form_values():
                    if name in fields:
                        known = fields[name]
                        fields[name] = [*(known if isinstance(known, list) else [known]), value]
                    else:
                        fields[name] = value
                return fields
        raise AssertionError(f"no form goes to {action} on {self.url}: {self.words[:600]}")

    def has_form(self, action: str) -> bool:
        return any(form.get("action") == action for form in self.tree.forms)


class Browser:
    """One person's browser, with its cookies."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def get(self, path: str, **headers: str) -> Page:
        async with self.http.get(self.url + path, headers=headers) as answer:
            return Page(answer.status, str(answer.url), answer.headers, await answer.text())

    async def post(self, path: str, fields: dict[str, Any]) -> Page:
        pairs = [
            (name, one)
            for name, value in fields.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        form = aiohttp.FormData(pairs)
        async with self.http.post(self.url + path, data=form) as answer:
            return Page(answer.status, str(answer.url), answer.headers, await answer.text())

    async def submit(self, page: Page, action: str, /, **changes: Any) -> Page:
        """Fill in a form of a page and send it; a field of None is left out."""
        fields = {**page.form(action), **{k.replace("__", "-"): v for k, v in changes.items()}}
        return await self.post(action, {k: v for k, v in fields.items() if v is not None})

    async def sign_in(self, email: str, password: str = PASSWORD, **more: str) -> Page:
        page = await self.get("/console/sign-in")
        return await self.submit(page, "/console/sign-in", email=email, password=password, **more)

    def cookie(self, name: str) -> str:
        found = self.http.cookie_jar.filter_cookies(URL(self.url + "/console/")).get(name)
        return found.value if found else ""


@dataclass
class Office:
    """The running service as staff use it."""

    url: str
    context: Context
    simulator: Simulator
    folder: CityFolder
    app: FastAPI
    clock: ShiftedClock
    stack: contextlib.AsyncExitStack
    mails: Mailbox
    people: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.context.database

    async def hire(self, role: Role, name: str, *departments: str) -> str:
        email = f"{name}@city.example"
        password = await passwords.chosen(PASSWORD)
        async with self.database.writing() as session:
            now = self.clock.now()
            await add_staff(
                session, email, role, password, now=now, actor="test", departments=departments
            )
        return email

    async def browser(self) -> Browser:
        jar = aiohttp.CookieJar(unsafe=True)
        http = await self.stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
        return Browser(http, self.url)

    async def at_desk(self, role: Role, name: str, *departments: str) -> Browser:
        """Add a staff account and sign in with it."""
        email = await self.hire(role, name, *departments)
        browser = await self.browser()
        page = await browser.sign_in(email)
        assert page.status == 200, page.words
        return browser

    async def resident(
        self,
        language: str = "ja",
        *,
        areas: tuple[str, ...] = (),
        topics: dict[str, int] | None = None,
    ) -> str:
        """Have somebody follow the account; returns the LINE user id."""
        user = self.simulator.users.add_user("住民", language)
        async with self.database.writing() as session:
            resident = await subscriptions.follow(
                session, self.context.city, user, language, self.clock.now()
            )
            assert resident.id is not None
            if areas:
                await subscriptions.choose_areas(
                    session, self.context.city, resident.id, areas, self.clock.now()
                )
            if topics is not None:
                await subscriptions.choose_topics(
                    session, self.context.city, resident.id, topics, self.clock.now()
                )
        self.simulator.phones.follow(user)
        return user

    async def done(self, delivery_id: int) -> Delivery:
        """Wait until a delivery has ended."""
        async with asyncio.timeout(20):
            while True:
                async with self.database.reading() as session:
                    delivery = await session.get(Delivery, delivery_id)
                if delivery and delivery.state in (DeliveryState.DONE, DeliveryState.STOPPED):
                    return delivery
                await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Wait until nothing is left to do; what is put off does not count."""
        await self.context.queue.drained()  # type: ignore[attr-defined]

    def received(self, user: str) -> list[list[dict[str, Any]]]:
        """Return what arrived on a resident's phone, message by message."""
        return [list(entry.messages) for entry in self.simulator.ledger.deliveries(user)]

    def receivers(self) -> Counter[str]:
        return self.simulator.ledger.recipients()

    async def rows(self, model: type[Any]) -> list[Any]:
        async with self.database.reading() as session:
            return list(await session.scalars(select(model).order_by(col(model.id))))

    async def drafts(self) -> list[AlertDraft]:
        return await self.rows(AlertDraft)

    async def deliveries(self) -> list[Delivery]:
        return await self.rows(Delivery)

    async def notices(self) -> list[Notice]:
        return await self.rows(Notice)

    async def audit(self) -> list[AuditEntry]:
        return await self.rows(AuditEntry)

    async def residents(self) -> list[Resident]:
        return await self.rows(Resident)

    async def store(self, *rows: Any) -> None:
        async with self.database.writing() as session:
            session.add_all(rows)

    async def hazard(self, level: int, kind: str) -> None:
        """Put a hazard in force, as a telegram would."""
        await self.store(
            HazardState(
                municipality=self.context.city.jma.municipality,
                hazard="heavy-rain",
                area="0822000",
                level=level,
                kind=kind,
                reported_at=self.clock.now(),
            )
        )


@cache
def routes() -> list[BaseRoute]:
    """The pages' routes. They hold no state, and to work them out takes longer than most tests."""
    app = FastAPI()
    app.include_router(pages.router)
    for more in (
        *(report_pages, report_feeds, open311),
        *(public, map_data, notice_pages, tile_pages, settings_pages, data_pages, calendar_pages),
        news_picture_pages,
        portal_pages,
        shelter_pages,
        look_pages,
        follow_pages,
        safety_pages,
        link_pages,
        *(notice_feeds, cap_feeds, geo_feeds, event_stream),
        sent_photo_pages,
        emblem_pages,
        push_pages,
        signage_pages,
        telephone_pages,
        call_up_pages,
        site_pages,
        crew_pages,
    ):
        app.include_router(more.router)
    pages.mount_static(app)
    return app.router.routes


@contextlib.asynccontextmanager
async def running_office(
    database: Database, sample: CityFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """Run a city hall without any residents or staff.

    Passwords are hashed with the lowest cost: the tests check who can sign in, not how long a thief
    would have to guess.
    """
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    async with contextlib.AsyncExitStack() as stack:
        yield await _open_office(stack, database, sample, folder)


@pytest.fixture
async def office(
    database: Database, sample: CityFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall in which everything runs; it knows nobody yet."""
    async with running_office(database, sample, tmp_path, monkeypatch) as made:
        yield made


async def _open_office(
    stack: contextlib.AsyncExitStack, database: Database, sample: CityFolder, folder: Path
) -> Office:
    simulator = await stack.enter_async_context(
        Simulator(SimulatorOptions(channel_secret="s", channel_access_token="t"))
    )
    mails = await stack.enter_async_context(Mailbox())
    settings = Settings(
        city=SAMPLE_CITY,
        database_url="sqlite:///unused",
        media_dir=folder / "media",
        public_url="http://127.0.0.1:8000",
        line_channel_secret="s",
        line_channel_access_token="t",
        line_api_url=simulator.url,
        line_data_api_url=simulator.url,
        secret_key="a key of the test",
        smtp=SmtpSettings(
            host="127.0.0.1", port=mails.port, tls=False, mail_from="todoke@city.example"
        ),
    )
    clock = ShiftedClock()
    queue = LocalQueue(clock)
    http = await stack.enter_async_context(aiohttp.ClientSession())
    context = Context(
        settings=settings,
        city=sample.city,
        database=database,
        clock=clock,
        queue=queue,
        http=http,
    )
    line = LineClient(http, settings, clock)
    by_mail = mail_parts(context)
    assert by_mail is not None
    media: list[Medium] = [LineMedium(database, sample.city, clock, line), by_mail.medium]
    stack.push_async_callback(by_mail.medium.close)
    engine = Engine(database, sample.city, clock, queue, media)
    StaffSender(context, line).register()
    stop = asyncio.Event()
    running = [asyncio.create_task(queue.run(stop)), asyncio.create_task(engine.run(stop))]

    async def end() -> None:
        stop.set()
        await asyncio.gather(*running)

    stack.push_async_callback(end)
    app = FastAPI()
    app.router.routes[:] = routes()
    app.state.context = context
    app.state.line = line
    attach_words(app, WordsNow(context, sample, SAMPLE_CITY))
    app.state.media = media_of(settings, context.city)
    app.state.rehearsals = RehearsalResults(context)
    app.state.rule_trials = RuleTrials(context)
    app.state.saved_exports = SavedExports(context)
    app.state.residents = Residents(context, LINE)
    app.state.kind_cards = kind_preview.cards
    app.state.word_cards = word_preview.cards
    app.state.question_checker = QuestionChecker()
    app.state.survey_cards = survey_preview.cards
    # What a test has just stored is counted at once.
    app.state.household_numbers = SharedAnswers[Any](clock, 0)
    stack.push_async_callback(app.state.rule_trials.stop)
    stack.push_async_callback(app.state.saved_exports.stop)
    app.state.tiles = Tiles(sample.city, sample.tiles, http, folder / "tiles", source="")
    app.state.mail_door = follow_pages.MailDoor.of(settings)
    app.state.push = None
    app.state.events = EventWatch(context, every=0.02)
    app.state.links = Links(settings.secret_key, settings.public_url)
    url = await stack.enter_async_context(served(app))
    stack.callback(app.state.events.close)
    return Office(url, context, simulator, sample, app, clock, stack, mails)
