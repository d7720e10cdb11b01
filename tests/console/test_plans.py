"""No page reads a whole table that grows, and no GET changes anything.

Every page is requested, so a new one is covered automatically; the ids in its address must be known
here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import func, update
from sqlmodel import col, select

from alerts.chat.models import ChatMessage, ChatThread, Side
from alerts.models import AlertDraft, AlertTemplate
from alerts.news.models import News, NewsState
from alerts.templates import add_starters
from app.rehearsal import RESULTS
from app.web import create_app
from channels.email.tokens import MailTokens, Purpose
from channels.models import Delivery
from channels.webpush.vapid import new_key
from city.city import Decision
from console.models import Role, Staff
from core.clock import in_japan
from core.database import Database
from core.settings import PushSettings, Settings
from feeds.models import Item, Notice, RuleVersion
from public.models import AskedQuestion
from public.pictures import MapAddresses
from reports import listing
from reports.generate import generate as generate_reports
from reports.generate import make_pictures
from reports.models import (
    Danger,
    OrderKind,
    Photo,
    Report,
    SavedExport,
    Team,
    Webhook,
    WorkOrder,
)
from reports.orders import make_order
from reports.states import ReportState
from response.answer_links import AnswerLinks
from response.models import CallUp, HouseholdAnswer, HouseholdCase, HouseholdPhoto, Task
from subscriptions import other_media
from subscriptions.generate import generate as generate_residents
from subscriptions.models import Resident, ResidentState
from tests.support.office import Browser, Office
from tests.support.plans import listening, whole_tables_read
from tests.support.serving import served
from tests.support.surveys import answered_by_many, sent_survey
from tests.support.years import fill_years

QUERIES = {
    "/console/reports": (
        "",
        "?page=3",
        "?state=done",
        "?state=open",
        "?category={category}",
        "?department={department}",
        "?area={area}",
        "?since=2026-01-01&until=2026-12-31",
        "?state=done&category={category}&area={area}&text=道路",
        "?text=ガードレール",
        "?text=道路",
        "?text=の",
        "?text={number}",
    ),
    "/": ("", "?topic=weather", "?district={area}&q=雨"),
    "/console/feeds": ("", "?state=all", "?state=done"),
    "/feeds/events": ("?once=1", "?once=1&after=1&area={area}"),
    "/feeds/notices.atom": ("", "?topic=events&area={area}", "?area={area}", "?topic=weather"),
    "/console/audit": ("", "?before=100"),
    "/console/record": (
        "",
        "?kind=alert",
        "?who=staff01@city.example&kind=line",
        "?since=2026-01-01T00:00&until=2026-02-01T00:00",
        "?before=700",
        "?world=drill",
    ),
    "/console/people": ("", "?state=nothing&page=2", "?area={area}&need=water"),
    "/console/disaster/check": ("?kind=real&whole_city=yes", "?kind=with-residents&areas={area}"),
    "/console/shelters": ("", "?world=drill&area={area}&state=open"),
    "/console/shelters/site": ("?code={site}&world=real",),
    "/console/lifelines": ("", "?world=drill&kind=water"),
    "/console/tasks": ("", "?state=done&page=2", "?department=roads"),
    "/console/questions": ("", "?state=answered", "?language=ja&page=2"),
    "/console/questions/answer": ("?asked=動物園はどこ",),
    "/open311/v2/requests.{form}": ("", "?page=2", "?status=closed", "?service_code={category}"),
}
"""What an address is asked besides; for all others, nothing."""
SEEN = (
    "/console/people",
    "/console/people/live",
    "/console/people/{case_id}",
    "/console/people/{case_id}/photos/{shot_id}",
    "/console/chat/{thread_id}",
)
"""The first look of a sitting at households is written into the audit trail; the second is not."""
INSTEAD = {
    "/reports/{number}/photos/{name}.jpg": "/reports/{number}/photos/{photo_id}.jpg",
    "/console/kinds/{code}/questions/{n}": "/console/kinds/street-light/questions/1",
    "/console/answers/{code}": "/console/answers/finished",
    "/console/papers/{name}": "/console/papers/reports.md",
    "/emblem.{kind}": "/emblem.svg",
    "/n/{code}": "/n/{notice_code}",
    "/follow/confirm/{token}": "/follow/confirm/{confirm_token}",
    "/follow/settings/{token}": "/follow/settings/{mail_token}",
    "/follow/safe/{token}": "/follow/safe/{safety_token}",
    "/follow/stop/{token}": "/follow/stop/{stop_token}",
}
"""Where a name in an address means something else than elsewhere."""
NOT_OURS = (
    "/console/account/recovery",
    *("/metrics", "/readyz", "/settings/liff", "/tiles/{zoom}/{x}/{y}.png"),
    *("/site/{token}", "/open311/v2/tokens/{token}.{form}"),
    *("/crew/{token}", "/crew/{token}/photos/{photo_id}"),
    "/console/reports/exports/{export_id}/reports.gpkg",
    *("/forwarded/{token}.jpg", "/sent-photo/{name}.jpg", "/pictures/{code}.jpg"),
)
"""Addresses that no person reads, that answer otherwise without migrations, that the sample city
does not have, that need one-time codes, or that note in which browser they were opened."""


@dataclass
class Large:
    """A service with a database of many years, and somebody who may see everything."""

    database: Database
    browser: Browser
    routes: list[APIRoute]
    names: dict[str, object]

    async def status_of(self, address: str) -> int:
        """Get a page or a picture; return the status."""
        async with self.browser.http.get(self.browser.url + address) as answer:
            await answer.read()
            return answer.status


def pages_of(router: Any) -> Iterator[APIRoute]:
    """Yield what can be got of an application, and of the routers it includes."""
    for route in router.routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            yield route
        elif hasattr(route, "original_router"):
            yield from pages_of(route.original_router)


def past_rehearsal(media: Path) -> str:
    """Store a rehearsal in which nothing came; return its name."""
    name = "20260615-030000-quiet"
    folder = media / RESULTS / name
    folder.mkdir(parents=True)
    report = {
        "day": "quiet",
        "speed": 60.0,
        "began_at": "2026-06-15T03:00:00+00:00",
        "minutes": 3.0,
        "news": [],
        "residents": 300,
        "acts": {},
    }
    (folder / "report.json").write_text(json.dumps(report))
    return name


def settings_of(office: Office, folder: Path) -> Settings:
    """The office's settings, with web push and a program that speaks."""
    program = folder / "speech.py"
    program.write_text("import sys; sys.stdout.buffer.write(b'RIFF\\x24\\0\\0\\0WAVEabc')")
    return replace(
        office.context.settings,
        push=PushSettings(private_key=new_key(), subject="mailto:city@city.example"),
        speech_command=(sys.executable, str(program)),
    )


async def follow_by_mail(office: Office) -> dict[str, object]:
    """Have residents follow by mail; return the secret parts of one's links."""
    assert office.context.settings.smtp is not None
    now, tokens = office.clock.now(), MailTokens(office.context.settings.secret_key)
    async with office.database.writing() as session:
        for number in range(100):
            address = f"r{number}@home.example"
            await other_media.follow_at(session, office.context.city, "email", address, "ja", now)
    return {
        "confirm_token": tokens.link(Purpose.CONFIRM, "new@home.example", now, "ja"),
        "mail_token": tokens.link(Purpose.SETTINGS, "r1@home.example", now),
        "safety_token": tokens.link(Purpose.SAFETY, "r1@home.example", now),
        "stop_token": tokens.link(Purpose.UNSUBSCRIBE, "r1@home.example", now),
    }


@pytest.fixture
async def large(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Large]:
    # The lists of a large city, though it is filled with few.
    monkeypatch.setattr(listing, "FEW", 10)
    city, now = office.context.city, office.clock.now()
    media = office.context.settings.media_dir
    await generate_residents(office.database, city, 300, 1, now)
    await generate_reports(office.database, city, 1500, 1, now, pictures=make_pictures(media, 2, 1))
    await fill_years(office.database, city, now)
    email = await office.hire(Role.ADMIN, "admin")
    await office.store(RuleVersion(proposed_by=email, proposed_at=now))
    survey_id = await sent_survey(office.database, now)
    await answered_by_many(office.database, await sent_survey(office.database, now), 2_000)
    async with office.database.writing() as session:
        await add_starters(session, city, str, actor=email, now=now)
        report = await session.scalar(
            select(Report).where(
                col(Report.state) == ReportState.ACCEPTED, col(Report.case_id).is_(None)
            )
        )
        team = await session.scalar(select(Team))
        assert report is not None and team is not None and team.id is not None
        await make_order(
            session,
            city,
            kind=OrderKind.WORK,
            team_id=team.id,
            on_day=in_japan(now).date(),
            numbers=[report.number],
            by=email,
            now=now,
        )
        session.add(
            Webhook(
                name="gis", url="https://gis.example/", salt="s", created_at=now, created_by=email
            )
        )
    async with office.database.reading() as session:
        names = {
            "medium": "email",
            "draft_id": await session.scalar(
                select(AlertDraft.id).where(
                    col(AlertDraft.discarded_at).is_(None), col(AlertDraft.notice_id).is_(None)
                )
            ),
            "month": "2026-06",
            "survey_id": survey_id,
            "place": 4,
            "news_id": await session.scalar(
                select(News.id).where(col(News.state) == NewsState.DRAFT)
            ),
            "delivery_id": await session.scalar(
                select(Delivery.id)
                .where(col(Delivery.notice_id).is_not(None))
                .order_by(col(Delivery.id).desc())
            ),
            "task_id": await session.scalar(select(Task.id)),
            "staff_id": await session.scalar(select(Staff.id)),
            "item_id": await session.scalar(select(Item.id)),
            "notice_id": await session.scalar(
                select(Notice.id).where(Notice.created_at < now - timedelta(days=5))
            ),
            "notice_code": await session.scalar(
                select(Notice.code).where(
                    col(Notice.replaces_id).is_not(None), col(Notice.decision) == Decision.SEND
                )
            ),
            "cap_id": await session.scalar(
                select(Notice.id).where(
                    col(Notice.level) >= 3,
                    col(Notice.drill).is_(False),
                    col(Notice.with_id).is_(None),
                    col(Notice.decision) == Decision.SEND,
                )
            ),
            "template_id": await session.scalar(select(AlertTemplate.id)),
            "version_id": await session.scalar(select(RuleVersion.id)),
            "rehearsal": past_rehearsal(office.context.settings.media_dir),
            "form": "json",
            "site": office.folder.shelters[0].code,
            "lifeline_id": 1,
            "sites": MapAddresses(office.context.settings.secret_key).name_of_sites(
                None, [((140.11, 36.08), "open")]
            ),
            "category": city.report_categories[0].code,
            "department": city.departments[0].code,
            "part": "items",
            "area": city.districts[0].code,
            "district": city.districts[0].code,
            "picture": f"{city.districts[0].code}-{now:%Y-%m}",
            "name": MapAddresses(office.context.settings.secret_key).name((140.11, 36.08)),
        }
        follower = await session.scalar(
            select(Resident).where(Resident.state == ResidentState.FOLLOWING).limit(1)
        )
        assert follower is not None
        links = AnswerLinks(office.context.settings.secret_key, "")
        names["language"] = "my"
        names["team_id"] = await session.scalar(select(Team.id))
        names["webhook_id"] = await session.scalar(select(Webhook.id))
        names["order_id"] = await session.scalar(select(WorkOrder.id))
        names["call_up_id"] = await session.scalar(select(func.max(CallUp.id)))
        names["member_id"] = 1
        names["answer_token"] = links.page(int(str(names["call_up_id"])), 1).rpartition("/")[2]
        names["token"] = office.app.state.links.token(follower, now)
        photo, number = (
            await session.execute(
                select(Photo.id, Report.number)
                .join(Report, col(Report.id) == Photo.report_id)
                .where(col(Report.state) == ReportState.IN_PROGRESS, col(Report.case_id).is_(None))
            )
        ).first() or (None, None)
        names |= {"photo_id": photo, "number": number}
        names |= {"hazard": "flood", "code": "pothole"}
        names["danger_id"], names["sha256"] = (
            await session.execute(
                select(Danger.id, Photo.sha256).join(
                    Photo, col(Photo.report_id) == col(Danger.report_id)
                )
            )
        ).first() or (None, None)
        names["case_id"], answer = (
            await session.execute(
                select(HouseholdCase.id, HouseholdAnswer.id).join(
                    HouseholdAnswer,
                    col(HouseholdAnswer.resident_id) == col(HouseholdCase.resident_id),
                )
            )
        ).first() or (None, None)
    shot = HouseholdPhoto(
        answer_id=answer or 0, sha256=names["sha256"], width=1, height=1, size=1, created_at=now
    )
    async with office.database.writing() as session:
        export = SavedExport(account=email, file="a", reports=1, created_at=now, seen_at=now)
        session.add_all([shot, export])
        (await session.get_one(Photo, photo)).released_at = now
    names |= {"shot_id": shot.id, "export_id": export.id}
    async with office.database.writing() as session:
        thread = ChatThread(resident_id=follower.id or 0, language="my", opened_at=now, last_at=now)
        session.add(thread)
        await session.flush()
        sent = ChatMessage(
            thread_id=thread.id or 0, side=Side.RESIDENT, sha256=names["sha256"], key="1", at=now
        )
        session.add(sent)
        session.add_all(
            AskedQuestion(text="動物園はどこ", language="ja", asked_on=now.date(), asker=asker)
            for asker in range(5)
        )
    names |= {"thread_id": thread.id, "message_id": sent.id}
    names |= await follow_by_mail(office)
    async with office.database.writing() as session:
        shown = await session.get_one(Photo, photo)
        shown.released_at, shown.released_by = now, email
    # Of its own, so that only what pages ask is heard.
    database = Database(office.database.url.render_as_string(hide_password=False))
    context = replace(office.context, database=database, settings=settings_of(office, tmp_path))
    app = create_app(context, office.app.state.line, folder=office.folder)
    app.state.tallies = None  # what is counted is written later, beside any page
    async with served(app) as url:
        browser = await office.browser()
        browser.url = url
        await browser.sign_in(email)
        yield Large(database, browser, list(pages_of(app)), names)
    await database.close()


@pytest.mark.new_database
@pytest.mark.slow
async def test_no_page_reads_a_table_that_grows_and_none_changes_anything(large: Large) -> None:
    asked_of = 0
    wrong: list[str] = []
    for route in large.routes:
        if route.path in NOT_OURS or "{_rest" in route.path:
            continue
        for query in QUERIES.get(route.path, ("",)):
            path = INSTEAD.get(route.path, route.path)
            address = (path + query).format(**large.names)
            if route.path in SEEN:
                await large.status_of(address)
            with listening(large.database) as asked:
                status = await large.status_of(address)
            if status not in (200, 204):
                wrong.append(f"{address} answers {status}")
            wrong += [f"{address} writes: {statement}" for statement in asked.writes]
            for each in await whole_tables_read(large.database, asked.reads):
                wrong.append(f"{address}: {each}")
            asked_of += len(asked.reads)
    draft = large.names["draft_id"]
    edit = await large.browser.get(f"/console/alerts/{draft}")
    with listening(large.database) as asked:
        fields = edit.form(f"/console/alerts/{draft}")
        page = await large.browser.post(f"/console/alerts/{draft}/look", fields)
    assert page.status == 200
    wrong += await whole_tables_read(large.database, asked.reads)
    assert asked_of > 100
    assert not wrong, "\n".join(dict.fromkeys(wrong))


@pytest.mark.new_database
async def test_a_question_that_reads_a_whole_table_is_found(database: Database) -> None:
    with listening(database) as asked:
        async with database.reading() as session:
            for statement in (
                select(Report.id).where(col(Report.description) == "a"),
                select(Report.id).where(col(Report.description) == "a").limit(1),
                select(Report.id).order_by(col(Report.description)).limit(1),
                select(Report.id).where(col(Report.number) == "a"),
                select(Report.id).order_by(col(Report.id)).limit(1),
            ):
                await session.execute(statement)
        async with database.writing() as session:
            await session.execute(
                update(Report).where(col(Report.description) == "a").values(area="b")
            )
    [(change, _)] = asked.writes.items()
    [changed] = await whole_tables_read(database, asked.writes)
    assert change in changed
    found = await whole_tables_read(database, asked.reads)
    assert len(asked.reads) == 5
    assert len(found) == 3, found
    assert all("description" in each for each in found)
