"""Who in the office hears of a new report: by department, with a test."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import time
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Path, Response

from city.city import name_in
from console import words
from console.access import Permission
from console.handing_over import desk_of
from console.web import StaffRoute, Visit, visit
from core.errors import Refusal
from core.languages import mark
from reports import alarm_settings, notices_to_staff
from reports.alarm_settings import LATEST_AGAIN, MOST_MAILS, SOONEST_AGAIN, Wish
from reports.models import ChatForm, NoticeState, NoticeWay, ReportAlarm, Rhythm, StaffNotice
from reports.outside import internal_of
from response import staff

router = APIRouter(prefix="/console", route_class=StaffRoute)
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
Department = Annotated[str, Path(max_length=32)]
RHYTHM_NAMES = {
    Rhythm.AT_ONCE: mark("At once"),
    Rhythm.HOURLY: mark("Once an hour, together"),
    Rhythm.NEVER: mark("Only of dangerous ones"),
}
FORM_NAMES = {
    ChatForm.SLACK: mark("Slack, Mattermost, Google Chat"),
    ChatForm.TEAMS: mark("Microsoft Teams"),
    ChatForm.LINE_WORKS: mark("LINE WORKS"),
    ChatForm.JSON: mark("Other (JSON)"),
}
STATE_NAMES = {
    NoticeState.WAITING: mark("waits"),
    NoticeState.TRYING: mark("being sent"),
    NoticeState.SENT: mark("sent"),
    NoticeState.FAILED: mark("failed"),
    NoticeState.STOPPED: mark("stopped"),
}
WAY_NAMES = {NoticeWay.MAIL: mark("Mail"), NoticeWay.CHAT: mark("Chat")}


@dataclass(frozen=True)
class Card:
    """One department on the page."""

    alarm: ReportAlarm
    name: str
    members: int
    mends: bool
    """Whether a kind of damage is this department's."""
    newest: list[StaffNotice]
    mail: str
    """The department's address in the city's folder, to which overdue cases are told."""

    @property
    def chat_host(self) -> str:
        """The host of the chat; the whole address is a secret and is not shown again."""
        return urlsplit(self.alarm.chat_url).hostname or ""

    def clock(self, minutes: int | None) -> str:
        return "" if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


@router.get("/report-alarms")
async def alarms(visitor: Worker) -> Response:
    return await _page(visitor)


@router.post("/report-alarms/{department}")
async def change(visitor: Worker, department: Department) -> Response:
    """Change how a department hears of reports."""
    context = visitor.context
    try:
        async with context.database.writing() as session:
            before = await alarm_settings.of_department(
                session, context.city, department, context.clock.now()
            )
            await alarm_settings.change(
                session,
                context.city,
                department,
                _wish(visitor, before),
                seen=visitor.form.number("version") or 0,
                internal=internal_of(context.settings.internal_hosts),
                actor=visitor.actor,
                now=context.clock.now(),
            )
    except Refusal as refusal:
        return await _page(visitor, refused=department, refusal=refusal)
    return visitor.go(f"/console/report-alarms?saved={department}#d-{department}")


@router.post("/report-alarms/{department}/test")
async def test(visitor: Worker, department: Department) -> Response:
    """Send a test to a department's addresses."""
    context, now = visitor.context, visitor.context.clock.now()
    try:
        async with context.database.writing() as session:
            if department not in {one.code for one in context.city.departments}:
                raise Refusal("There is no such department.")
            alarm = await alarm_settings.of_department(session, context.city, department, now)
            sent = await notices_to_staff.put_test(
                session, desk_of(visitor), alarm, visitor.actor, now
            )
            if not sent:
                raise Refusal("There is no address to send a test to.")
    except Refusal as refusal:
        return await _page(visitor, refused=department, refusal=refusal)
    return visitor.go(f"/console/report-alarms?tested={department}#d-{department}")


def _wish(visitor: Visit, before: ReportAlarm) -> Wish:
    form = visitor.form
    rhythm, chat = form.text("rhythm"), form.text("chat_form")
    if rhythm not in {one.value for one in Rhythm} or chat not in {one.value for one in ChatForm}:
        raise Refusal("Choose how soon, and which chat.")
    typed = form.text("chat_url")
    url = "" if form.text("chat_off") == "yes" else typed or before.chat_url
    quiet = None
    if form.text("quiet") == "own":
        quiet = (_clock(form.text("quiet_start")), _clock(form.text("quiet_end")))
    return Wish(
        mails=tuple(form.get("mails", "")[:4000].replace(",", "\n").split("\n")),
        chat_form=ChatForm(chat),
        chat_url=url,
        rhythm=Rhythm(rhythm),
        quiet=quiet,
        calls_members=form.text("calls_members") == "yes",
        again_minutes=form.number("again_minutes") or 0,
    )


def _clock(typed: str) -> time:
    try:
        return time.fromisoformat(typed[:5])
    except ValueError as error:
        raise Refusal("Write the quiet hours as hours and minutes.") from error


async def _page(visitor: Visit, *, refused: str = "", refusal: Refusal | None = None) -> Response:
    context = visitor.context
    names = {one.code: name_in(one.names, visitor.language) for one in context.city.departments}
    mails = {one.code: one.email for one in context.city.departments}
    cards = []
    mending = {kind.department for kind in context.city.report_categories}
    async with context.database.reading() as session:
        members = Counter(one.department for one in await staff.members(session))
        found = await alarm_settings.every(session, context.city, context.clock.now())
        for code, alarm in found.items():
            cards.append(
                Card(
                    alarm,
                    names.get(code, code),
                    members[code],
                    code in mending,
                    await notices_to_staff.newest(session, code),
                    mails.get(code, ""),
                )
            )
    return visitor.page(
        "report_alarms.html",
        status=400 if refusal else 200,
        cards=cards,
        refused=refused,
        refusal=words.said(refusal, visitor.language) if refusal else "",
        # The form of a test has none of the fields.
        typed=visitor.form if refused and "rhythm" in visitor.form else None,
        saved=visitor.request.query_params.get("saved", ""),
        tested=visitor.request.query_params.get("tested", ""),
        rhythms=RHYTHM_NAMES,
        forms=FORM_NAMES,
        states=STATE_NAMES,
        ways=WAY_NAMES,
        mail_works=context.settings.smtp is not None,
        quiet=context.city.quiet_hours,
        most_mails=MOST_MAILS,
        soonest=SOONEST_AGAIN,
        latest=LATEST_AGAIN,
    )
