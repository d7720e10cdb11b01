"""The staff's pages under one roof: ``/console/…`` and the files they need."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import public
from console import (
    account_pages,
    alert_pages,
    answer_pages,
    call_up_pages,
    call_up_staff_pages,
    case_pages,
    chain_pages,
    chat_pages,
    check_pages,
    danger_pages,
    danger_word_pages,
    delivery_pages,
    disaster_pages,
    draft_pages,
    entry_pages,
    feed_pages,
    figures_pages,
    forward_pages,
    home,
    inbox_pages,
    kind_pages,
    lalert_pages,
    lifeline_pages,
    moving_in_pages,
    news_calendar_pages,
    news_check_pages,
    news_pages,
    order_pages,
    other_sign_in,
    paper_pages,
    passkey_pages,
    people_pages,
    question_answer_pages,
    question_pages,
    record_pages,
    rehearsal_pages,
    release_pages,
    report_alarm_pages,
    report_pages,
    reporter_pages,
    rule_pages,
    shelter_pages,
    sign_in,
    spoken_pages,
    staff_pages,
    statistics_pages,
    stopped,
    survey_pages,
    survey_result_pages,
    task_pages,
    team_pages,
    template_pages,
    together_pages,
    tour_pages,
    trail_pages,
    webhook_pages,
    word_pages,
    word_sheet_pages,
    writing_pages,
)
from console.web import STATIC, Missing, StaffRoute
from core.web import PUBLIC_POLICY, secure

router = APIRouter()
entrance = APIRouter(route_class=StaffRoute)


@entrance.get("/console")
async def enter(_request: Request) -> Response:
    return RedirectResponse("/console/", status_code=307)


nowhere = APIRouter(route_class=StaffRoute)


@nowhere.get("/console/{_rest:path}")
async def lost(_rest: str) -> Response:
    raise Missing


ROUTERS = (
    entrance,
    sign_in.router,
    other_sign_in.router,
    stopped.router,
    account_pages.router,
    passkey_pages.router,
    home.router,
    draft_pages.router,
    writing_pages.router,
    template_pages.router,
    alert_pages.router,
    check_pages.router,
    delivery_pages.router,
    spoken_pages.router,
    chain_pages.router,
    chat_pages.router,
    feed_pages.router,
    news_pages.router,
    news_check_pages.router,
    news_calendar_pages.router,
    survey_pages.router,
    survey_result_pages.router,
    rule_pages.router,
    rehearsal_pages.router,
    answer_pages.router,
    report_alarm_pages.router,
    report_pages.router,
    order_pages.router,
    inbox_pages.router,
    together_pages.router,
    kind_pages.router,
    danger_word_pages.router,
    forward_pages.router,
    release_pages.router,
    case_pages.router,
    entry_pages.router,
    reporter_pages.router,
    team_pages.router,
    statistics_pages.router,
    figures_pages.router,
    people_pages.router,
    danger_pages.router,
    question_answer_pages.router,
    question_pages.router,
    moving_in_pages.router,
    word_sheet_pages.router,
    word_pages.router,
    record_pages.router,
    lalert_pages.router,
    task_pages.router,
    call_up_staff_pages.router,
    call_up_pages.router,
    disaster_pages.router,
    shelter_pages.router,
    lifeline_pages.router,
    staff_pages.router,
    trail_pages.router,
    webhook_pages.router,
    paper_pages.router,
    tour_pages.router,
    nowhere,
)
"""All pages of the console; the last one answers unknown addresses."""
for pages in ROUTERS:
    router.include_router(pages)


class SafeFiles(StaticFiles):
    """Our own files, with the headers that every answer has."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        secure(response, PUBLIC_POLICY, https=False)
        response.headers.setdefault("Cache-Control", "public, max-age=300")
        return response


def mount_static(app: FastAPI) -> None:
    """Serve the style sheets and scripts of the console and of the public page."""
    app.mount(STATIC, SafeFiles(directory=Path(__file__).parent / "static"), name="console-static")
    app.mount(
        public.STATIC,
        SafeFiles(directory=Path(public.__file__).parent / "static"),
        name="public-static",
    )
