"""Cases at other offices: sending one there, what became of it, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from channels.line.medium import LINE
from city.city import City, Owner, name_in
from console.access import Permission
from console.report_names import Names
from console.web import Missing, RowNumber, StaffRoute, Visit, reason_of, visit
from core.errors import BadInput
from core.languages import mark
from core.web import Form
from reports import answers, forwarding, office_mail, register, work
from reports.forwarding import MOST_WORDS, Wanted
from reports.members import leader_of
from reports.models import Forward, ForwardWay, Photo, Report, Sending
from reports.photo_links import photo_links
from reports.states import ReportState

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Worker = Annotated[Visit, Depends(visit(Permission.REPORTS))]
MOST = 100
WAYS = {ForwardWay.OPEN311: mark("Open311"), ForwardWay.MAIL: mark("by mail")}
STATES = {
    Sending.WAITING: mark("being sent"),
    Sending.TRYING: mark("being sent"),
    Sending.DONE: mark("taken by them"),
    Sending.FAILED: mark("could not be sent"),
    Sending.STOPPED: mark("stopped"),
}
COLOURS = {Sending.DONE: "good", Sending.FAILED: "bad"}
ACTS = ("stop", "again", "done", "aside")


@dataclass(frozen=True)
class Office:
    """One way to one office, as it can be chosen; ``address`` is where it goes."""

    value: str
    name: str
    way: ForwardWay
    address: str


@router.get("/forwards")
async def forwards(visitor: Looker) -> Response:
    """List the cases at other offices: those to decide on first."""
    async with visitor.context.database.reading() as session:
        to_decide = await forwarding.newest(session, MOST, to_look_at=True)
        newest = await forwarding.newest(session, MOST)
    return visitor.page(
        "forwards.html",
        to_decide=to_decide,
        newest=newest,
        has_offices=bool(forwarding.offices(visitor.context.city)),
        **_shared(visitor),
    )


@router.get("/reports/{number}/forward")
async def forward_page(visitor: Worker, number: str) -> Response:
    return await _forward_page(visitor, number)


@router.post("/reports/{number}/forward")
async def forward(visitor: Worker, number: str) -> Response:
    """Have a case sent to another office."""
    context, form = visitor.context, visitor.form
    owner, _, way = form.text("office").partition(":")
    try:
        async with context.database.writing() as session:
            report = await _leading(session, number)
            photos = await register.photos_of(session, report.id or 0)
            wanted = Wanted(
                key=form.text("key"),
                owner=owner,
                way=ForwardWay(way) if way in set(ForwardWay) else ForwardWay.MAIL,
                reason=form.text("reason"),
                words=form.get("words", ""),
                photos=forwarding.pictures_of(photos, everything=form.text("all") == "yes"),
                reply_to=_reply_to(context.city, report, visitor),
            )
            await forwarding.begin(
                session,
                context.city,
                number,
                wanted,
                by=visitor.actor,
                now=context.clock.now(),
            )
    except BadInput as refusal:
        return await _forward_page(visitor, number, refusal=refusal)
    return visitor.go(f"/console/reports/{report.number}/forward?done=yes")


@router.post("/forwards/{forward_id}/{act}")
async def decide(visitor: Worker, forward_id: RowNumber, act: str) -> Response:
    """Stop what was not sent, try again what failed, or decide on what the office says."""
    if act not in ACTS:
        raise Missing
    context = visitor.context
    by, now = visitor.actor, context.clock.now()
    async with context.database.reading() as session:
        found = await session.get(Forward, forward_id)
        report = None if found is None else await session.get(Report, found.report_id)
    if report is None:
        raise Missing
    try:
        async with context.database.writing() as session:
            match act:
                case "stop":
                    await forwarding.stop(session, forward_id, by=by, now=now)
                case "again":
                    await forwarding.again(session, forward_id, by=by, now=now)
                case _:
                    changed = await forwarding.settle(
                        session, context.city, forward_id, done=act == "done", by=by, now=now
                    )
                    if changed is not None:
                        means = answers.Means(context.queue, LINE, photo_links(context.settings))
                        await answers.tell_by_itself(
                            session, means, context.city, changed, by=by, now=now
                        )
    except BadInput as refusal:
        return await _forward_page(visitor, report.number, refusal=refusal)
    return visitor.go(f"/console/reports/{report.number}/forward?done=yes")


async def _forward_page(
    visitor: Visit, number: str, *, refusal: BadInput | None = None
) -> Response:
    context, city, form = visitor.context, visitor.context.city, visitor.form
    async with context.database.reading() as session:
        report = await _leading(session, number, lock=False)
        assert report.id is not None
        photos = await register.photos_of(session, report.id)
        went = await forwarding.of_report(session, report.id)
    released = forwarding.pictures_of(photos, everything=False)
    words = form.get("words") if refusal else None
    if words is None:
        words = report.japanese or report.description
    owner = city.owner(report.owner)
    reply_to = _reply_to(city, report, visitor)
    return visitor.page(
        "forward.html",
        status=400 if refusal else 200,
        refusal=reason_of(refusal, visitor.language) if refusal else "",
        done=visitor.request.query_params.get("done") == "yes",
        report=report,
        went=went,
        offices=_offices(city, visitor.language),
        chosen=_chosen(form, owner),
        reasons=[
            (code, ReportState.REFERRED.reason_name(code, visitor.language))
            for code in ReportState.REFERRED.facts.reasons
        ],
        reason=form.text("reason") or _usual_reason(owner),
        typed=words,
        most_words=MOST_WORDS,
        key=forwarding.new_key(),
        photos=len(photos),
        released=len(released),
        everything=form.text("all") == "yes",
        mail=_mail(city, owner, report, words, photos, reply_to),
        referred=ReportState.REFERRED.staff_name(visitor.language),
        **_shared(visitor),
    )


def _shared(visitor: Visit) -> dict[str, Any]:
    city, language = visitor.context.city, visitor.language
    return {
        "names": Names(city, language),
        "office_names": {one.code: name_in(one.names, language) for one in city.owners},
        "ways": WAYS,
        "sending": STATES,
        "colours": COLOURS,
    }


def _offices(city: City, language: str) -> list[Office]:
    return [
        Office(
            f"{owner.code}:{way}",
            name_in(owner.names, language),
            way,
            owner.mail if way is ForwardWay.MAIL or owner.open311 is None else owner.open311.url,
        )
        for owner in forwarding.offices(city)
        for way in forwarding.ways_of(owner)
    ]


def _chosen(form: Form, owner: Owner | None) -> str:
    if form.text("office"):
        return form.text("office")
    if owner is None or not forwarding.ways_of(owner):
        return ""
    return f"{owner.code}:{forwarding.ways_of(owner)[0]}"


def _usual_reason(owner: Owner | None) -> str:
    """Return the reason that the owner suggests; staff see and can change it."""
    body = "" if owner is None else owner.body
    return body if body in ReportState.REFERRED.facts.reasons else ""


def _mail(
    city: City,
    owner: Owner | None,
    report: Report,
    words: str,
    photos: list[Photo],
    reply_to: str,
) -> str:
    """Return how the mail would read, for the office that looks after it."""
    to = owner or next(iter(forwarding.offices(city)), None)
    if to is None:
        return ""
    pictures = len(forwarding.pictures_of(photos, everything=False))
    return office_mail.text_of(city, to, report, words=words, pictures=pictures, reply_to=reply_to)


def _reply_to(city: City, report: Report, visitor: Visit) -> str:
    """Return where the office answers to: the department's address, or who forwards."""
    department = city.department(report.department)
    return (department.email if department else "") or visitor.actor


async def _leading(session: AsyncSession, number: str, *, lock: bool = True) -> Report:
    """Return the leading report of a number's case."""
    try:
        if lock:
            return await work.leading(session, number)
        report = await register.get_report(session, number)
    except register.UnknownReport as error:
        raise Missing from error
    return await leader_of(session, report)
