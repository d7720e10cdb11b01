"""Every page that can be got, as the routes say: a new page is measured without a change here.

The ids in the addresses come from the database that ``benchmarks.console`` has filled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi.routing import APIRoute
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.models import AlertDraft, AlertTemplate
from alerts.news.models import News, NewsState
from app.web import PAGES
from channels.models import Delivery
from city.city import City, Decision
from city.shelters import Shelter
from console.models import Staff
from feeds.models import Item, Notice, RuleVersion
from public.links import Links
from public.pictures import MapAddresses
from reports.answer_words import BUILT_IN
from reports.models import Danger, Report
from reports.states import PUBLISHED
from response.answer_links import AnswerLinks
from response.models import CallUp, HouseholdCase, Lifeline, ShelterLink, StaffMember, Task
from response.shelter_links import ShelterTokens
from subscriptions.models import Resident, ResidentState

CONSOLE_MS, PUBLIC_MS, WEBHOOK_MS = 100, 50, 50
REHEARSAL = "20260615-030000-filled"
FORMATS = ("xml", "json")
NOT_PAGES = {
    "/console": "leads to /console/",
    "/console/{_rest:path}": "says that there is no such page",
    "/console/sign-in": "leads on who is signed in",
    "/console/sign-in/over": "is for who is not signed in",
    "/console/account/code": "changes with each look",
    "/console/account/passkeys": "changes with each look",
    "/console/account/recovery": "needs an account with one-time codes",
    "/console/sign-in/provider": "leads to the OIDC provider, and the filled city has none",
    "/console/sign-in/provider/back": "is for who comes back from the OIDC provider",
    "/console/reports/{number}/photos/{photo_id}": "is a file",
    "/console/reports/exports/{export_id}": "is of the account that began it",
    "/console/reports/exports/{export_id}/live": "is of the account that began it",
    "/console/reports/exports/{export_id}/reports.gpkg": "is a file",
    "/console/release/{photo_id}": "needs a photo, and generated reports have none",
    "/console/release/{photo_id}/public": "is a file",
    "/console/people/{case_id}/photos/{shot_id}": "is a file",
    "/console/dangers/{danger_id}/photos/{sha256}": "is a file",
    "/console/questions/answer": "needs a sentence that enough residents asked",
    "/console/chat/{thread_id}": "is of one resident, and the filled city has no chat",
    "/console/chat/{thread_id}/live": "is of one resident, and the filled city has no chat",
    "/console/chat/{thread_id}/photos/{message_id}": "is a file",
    "/crew/{token}": "notes each phone, and the filled city has no work order",
    "/crew/{token}/photos/{photo_id}": "is a file",
    "/pictures/{code}.jpg": "is a file",
    "/emblem.{kind}": "is a file",
    "/console/surveys/{survey_id}": "the filled city has no survey",
    "/console/surveys/{survey_id}/results": "the filled city has no survey",
    "/console/surveys/{survey_id}/results/live": "the filled city has no survey",
    "/console/surveys/{survey_id}/words/{place}": "the filled city has no survey",
    "/console/surveys/{survey_id}/counts.csv": "is a file",
    "/console/orders/{order_id}": "the filled city has no work order",
    "/console/orders/{order_id}/print": "the filled city has no work order",
    "/console/orders/{order_id}/order.pdf": "is a file",
    "/console/orders/{order_id}/map.png": "is a file",
    "/forwarded/{token}.jpg": "is a file",
    "/reports/{number}/photos/{name}.jpg": "is a file",
    "/sent-photo/{name}.jpg": "is a file",
    "/console/teams/{team_id}": "the filled city has no team",
    "/console/webhooks/{webhook_id}": "the filled city has no webhook",
    "/console/alerts/{draft_id}/spoken.wav": "the filled city has no speech program",
    "/console/deliveries/{delivery_id}/spoken.wav": "the filled city has no speech program",
    "/feeds/telephone.wav": "the filled city has no speech program",
    "/follow/confirm/{token}": "the filled city sends no mail",
    "/follow/safe/{token}": "the filled city sends no mail",
    "/follow/sent": "the filled city sends no mail",
    "/follow/settings/{token}": "the filled city sends no mail",
    "/follow/stop/{token}": "the filled city sends no mail",
    "/follow/push": "the filled city has no web push",
    "/settings/liff": "the sample city has no LIFF app",
    "/tiles/{zoom}/{x}/{y}.png": "the sample city has no tiles",
    "/readyz": "tries the database, and says when that is too busy",
    "/open311/v2/tokens/{token}.{form}": "answers who has just reported",
}
"""Addresses that are not measured, and why."""
MAP = "/console/reports/map.json"
QUERIES = {
    "/console/reports": (
        "",
        "?page=100",
        "?state=done&category={category}",
        "?text=ガードレール",
        "?text=桜4-30",
        "?text=道路",
        "?text=の",
        "?text=火星人",
    ),
    MAP: (
        "",
        "?bbox=139.9,35.9,140.3,36.3&zoom=10",
        "?bbox=140.0,36.0,140.12,36.1&zoom=13",
        "?bbox=140.06,36.04,140.1,36.08&zoom=15",
        "?bbox=140.07,36.06,140.08,36.07&zoom=17",
        "?text=道路",
    ),
    "/console/feeds": ("", "?state=all"),
    "/console/audit": (
        "",
        "?before=100000",
        "?check=true",
        "?kind=sign-in",
        "?kind=personal",
        "?who=nobody@city.example",
        "?first=2026-01-01&last=2026-01-02",
    ),
    "/console/record": ("", "?kind=alert", "?before=50000"),
    "/console/people": ("", "?state=nothing&page=2", "?area={area}&need=water"),
    "/console/tasks": ("", "?state=done&page=2", "?department={department}"),
    "/console/dangers": ("", "?state=all&page=20"),
    "/console/lifelines": ("", "?kind=water"),
    "/console/shelters": ("", "?area={area}&state=open"),
    "/console/shelters/site": ("?code={site}&world=real",),
    "/console/disaster/check": ("?kind=real&whole_city=yes", "?kind=real&areas={area}"),
    "/maps/places.json": ("?q=桜",),
    "/feeds/events": ("?once=1",),  # without it the answer is a stream, which ends after an hour
    "/": ("", "?lang=vi", "?district={area}&q=雨"),
}
"""What an address is asked besides; for all others, nothing."""
INSTEAD = {
    "/console/chains/{notice_id}": "/console/chains/{chained}",
    "/console/answers/{code}": "/console/answers/{answer}",
    "/site/{token}": "/site/{site_token}",
    "/n/{code}": "/n/{notice_code}",
    "/console/papers/{name}": "/console/papers/reports.md",
}
"""Where a name in an address means another row than elsewhere."""
FORMS = {
    "/console/alerts/{draft_id}/look": {
        "topic": "weather",
        "level": "3",
        "areas": "chuo",
        "title-ja": "大雨",
        "text-ja": "雨",
    }
}
"""What a page asks for with a form at each key that is pressed."""


@dataclass(frozen=True)
class Wanted:
    """Something to measure: a request, and the milliseconds within which 95 % are wanted."""

    what: str
    path: str
    within_ms: int
    form: Mapping[str, str] | None = None
    """Sent as a form with the session's token; None asks with GET."""


def pages(values: Mapping[str, object]) -> list[Wanted]:
    """Return every page; ``values`` are the ids in addresses, by the names in the routes.

    An address with a name of which no value is known is named on the standard error, and left out.
    """
    found = []
    for pattern in _addresses():
        known = dict(values)
        if not pattern.startswith("/console"):
            known["number"] = values["published"]
        for query in QUERIES.get(pattern, ("",)):
            address = INSTEAD.get(pattern, pattern) + query
            try:
                path = address.format_map(known)
            except KeyError as error:
                print(f"not measured: {pattern} needs {error}", file=sys.stderr, flush=True)
                continue
            found.append(Wanted(pattern + query, path, _within(pattern)))
    for pattern, form in FORMS.items():
        path = pattern.format_map(values)
        found.append(Wanted(f"POST {pattern}", path, _within(pattern), form))
    return sorted(found, key=lambda each: (each.within_ms != CONSOLE_MS, each.path))


def _addresses() -> Iterator[str]:
    for module in PAGES:
        for route in _routes(module.router):
            if "GET" not in (route.methods or ()) or route.path in NOT_PAGES:
                continue
            for form in FORMATS if "{form}" in route.path else ("",):
                yield route.path.replace("{form}", form)


def _routes(router: Any) -> Iterator[APIRoute]:
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from _routes(route.original_router)


def _within(pattern: str) -> int:
    return CONSOLE_MS if pattern.startswith(("/console", "/site/")) else PUBLIC_MS


async def values_of(
    session: AsyncSession, city: City, site: Shelter, secret_key: str, now: datetime
) -> dict[str, object]:
    """Return the ids and names that addresses have, of the newest rows."""

    async def newest(column: Any, *where: Any) -> Any:
        return await session.scalar(select(func.max(column)).where(*where))

    follower = await session.scalar(
        select(Resident).where(col(Resident.state) == ResidentState.FOLLOWING).limit(1)
    )
    link = await session.scalar(select(ShelterLink).limit(1))
    if follower is None or link is None:
        raise KeyError("residents")
    call_up, maps = await newest(CallUp.id), MapAddresses(secret_key)
    district, place = city.districts[0].code, (140.11, 36.08)
    is_open = (col(AlertDraft.notice_id).is_(None), col(AlertDraft.discarded_at).is_(None))
    return {
        "draft_id": await newest(AlertDraft.id, *is_open),
        "medium": "webpush",
        "month": f"{now:%Y-%m}",
        "news_id": await newest(News.id, col(News.state) == NewsState.DRAFT),
        "delivery_id": await newest(Delivery.id, col(Delivery.notice_id).is_not(None)),
        "item_id": await newest(Item.id),
        "notice_id": await newest(Notice.id, col(Notice.decision) == Decision.HOLD),
        "notice_code": await session.scalar(
            select(Notice.code)
            .where(col(Notice.decision) == Decision.SEND)
            .order_by(col(Notice.id).desc())
        ),
        "chained": await newest(Notice.id, col(Notice.replaces_id).is_not(None)),
        "template_id": await newest(AlertTemplate.id),
        "version_id": await newest(RuleVersion.id),
        "number": await session.scalar(select(Report.number).order_by(col(Report.id).desc())),
        "published": await newest(Report.number, col(Report.state).in_(PUBLISHED)),
        "case_id": await newest(HouseholdCase.id),
        "danger_id": await newest(Danger.id),
        "task_id": await newest(Task.id),
        "lifeline_id": await newest(Lifeline.id),
        "call_up_id": call_up,
        "member_id": await newest(StaffMember.id),
        "staff_id": await newest(Staff.id),
        "answer_token": AnswerLinks(secret_key, "").page(call_up, 1).rpartition("/")[2],
        "token": Links(secret_key, "").token(follower, now),
        "site_token": ShelterTokens(secret_key).token(link),
        "name": maps.name(place),
        "sites": maps.name_of_sites(None, [(place, "open")]),
        "picture": f"{district}-{now:%Y-%m}",
        "district": district,
        "area": district,
        "site": site.code,
        "category": city.report_categories[0].code,
        "code": city.report_categories[0].code,
        "answer": BUILT_IN[0].code,
        "department": city.departments[0].code,
        "part": "items",
        "hazard": "flood",
        "language": "vi",
        "n": 0,
        "cap_id": await newest(Notice.id, col(Notice.decision) == Decision.SEND),
        "rehearsal": REHEARSAL,
    }
