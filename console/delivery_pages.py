"""A delivery while it is sent: progress, pause, stop, and follow-ups."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from alerts.follow_ups import can_follow
from alerts.models import draft_of_notice
from alerts.steering import Steer, steer
from channels import dispatch, lists, unknown_sends
from channels.chain import chain_of
from channels.level_parts import act_of
from channels.line.medium import LINE
from channels.line.render import render as render_messages
from channels.medium import Readable
from channels.models import Delivery, UnknownSend
from console.access import Permission
from console.alert_pages import origins_of
from console.media_shown import read_by_others
from console.ways import Ways, ways_of
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.languages import mark
from feeds.models import Notice, Status

FOLLOW_UPS = (
    (Status.CORRECTED, mark("Correct it")),
    (Status.RAISED, mark("Change the level, or add districts")),
    (Status.LIFTED, mark("The danger has passed: all clear")),
    (Status.CANCELLED, mark("It was a mistake: withdraw it")),
)
"""The possible follow-ups, and the labels of their buttons."""
router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Steerer = Annotated[Visit, Depends(visit(Permission.DRAFTS))]


@router.get("/deliveries/{delivery_id}")
async def delivery_page(visitor: Looker, delivery_id: RowNumber) -> Response:
    context = visitor.context
    language = visitor.request.query_params.get("preview", "ja")
    language = language if language in context.city.languages else "ja"
    async with context.database.reading() as session:
        delivery, notice = await delivery_of_page(session, delivery_id)
        act = await act_of(session, notice)
        replaces = await session.get(Notice, notice.replaces_id) if notice.replaces_id else None
        replaced_by = await lists.that_replace(session, notice.id)
        progress = await dispatch.progress(session, delivery_id, now=context.clock.now())
        ways = await ways_of(session, notice.id, visitor.language, context.clock.now())
        to_unknown = await unknown_sends.of_delivery(session, delivery_id)
        held_up = await dispatch.held_up(session, delivery_id)
        chain = await chain_of(session, notice.id)
        draft = await draft_of_notice(session, notice.id)
        origins = None if draft is None else await origins_of(visitor, session, draft)
        newest = None
        if chain.tip is not None and not chain.ends_with(notice.id):
            newest = await session.get(Notice, chain.tip.notice_id)
    is_over = not chain.standing(context.city)
    return visitor.page(
        "delivery.html",
        newest=newest,
        origins=origins,
        is_over=is_over,
        follow_ups=[
            (status.value, name)
            for status, name in FOLLOW_UPS
            if can_follow(notice, status, over=is_over)
        ],
        delivery=delivery,
        notice=notice,
        replaces=replaces,
        replaced_by=replaced_by,
        progress=progress,
        ways=ways,
        to_unknown=to_unknown,
        moving=_is_moving(ways, to_unknown),
        held_up=held_up,
        preview_language=language,
        act=act,
        messages_by_level=[render_messages(each, language, context.city) for each in act]
        if delivery.channel == LINE.name
        else [],
        texts_by_level=_texts(visitor, delivery.channel, act, language),
        again=visitor.request.query_params.get("again") == "yes",
        can_take_back=can_follow(notice, Status.CORRECTED, over=is_over),
        finished=ways.finished,
        quota_short=dispatch.is_short_of_quota(delivery),
    )


@router.get("/deliveries/{delivery_id}/live")
async def live(visitor: Looker, delivery_id: RowNumber) -> Response:
    """The progress, asked for by the page itself every second while it moves."""
    async with visitor.context.database.reading() as session:
        delivery, notice = await delivery_of_page(session, delivery_id)
        now = visitor.context.clock.now()
        progress = await dispatch.progress(session, delivery_id, now=now)
        ways = await ways_of(session, notice.id, visitor.language, now)
        to_unknown = await unknown_sends.of_delivery(session, delivery_id)
        held_up = await dispatch.held_up(session, delivery_id)
        replaced_by = await lists.that_replace(session, notice.id)
    page = visitor.page(
        "_progress.html",
        delivery=delivery,
        ways=ways,
        notice=notice,
        progress=progress,
        to_unknown=to_unknown,
        held_up=held_up,
        replaced_by=replaced_by,
        finished=ways.finished,
    )
    if not _is_moving(ways, to_unknown):
        # The whole page must be loaded again: its buttons have changed, and there is nothing left
        # to poll.
        page.headers["HX-Refresh"] = "true"
    return page


@router.get("/deliveries/{delivery_id}/stop")
async def ask_before_stopping(visitor: Steerer, delivery_id: RowNumber) -> Response:
    """Say what stopping would mean at this moment, and ask."""
    async with visitor.context.database.reading() as session:
        delivery, notice = await delivery_of_page(session, delivery_id)
        ways = await ways_of(session, notice.id, visitor.language, visitor.context.clock.now())
    if ways.finished:
        return visitor.go(f"/console/deliveries/{delivery_id}")
    return visitor.page(
        "delivery_stop.html",
        delivery=delivery,
        notice=notice,
        ways=ways,
        paused=ways.paused,
    )


@router.post("/deliveries/{delivery_id}/{act}")
async def steer_delivery(visitor: Steerer, delivery_id: RowNumber, act: str) -> Response:
    """Pause, resume or stop an alert by all its media; what has arrived stays arrived."""
    if act not in list(Steer):
        raise Missing
    context = visitor.context
    async with context.database.writing() as session:
        delivery, _ = await delivery_of_page(session, delivery_id)
        assert delivery.notice_id is not None
        await steer(
            session,
            context.queue,
            delivery.notice_id,
            Steer(act),
            actor=visitor.actor,
            now=context.clock.now(),
        )
    return visitor.go(f"/console/deliveries/{delivery_id}")


def _texts(visitor: Visit, medium: str, act: list[Notice], language: str) -> list[Readable]:
    """Return how an alert reads in another medium than LINE, by level."""
    city = visitor.context.city
    read = read_by_others(act, [medium], visitor.media, city, language)
    return [one for _, texts in read for one in texts]


def _is_moving(ways: Ways, to_unknown: UnknownSend | None) -> bool:
    """Whether the page must poll again."""
    open_still = to_unknown is not None and to_unknown.state in unknown_sends.OPEN
    return not ways.finished or open_still


async def delivery_of_page(session: AsyncSession, delivery_id: int) -> tuple[Delivery, Notice]:
    """Return a delivery of a notice, and the notice.

    Raises
    ------
    Missing
        There is none, or it is a personal message.
    """
    delivery = await session.get(Delivery, delivery_id)
    if delivery is None or delivery.notice_id is None:
        raise Missing  # nobody may read a personal message here
    notice = await session.get(Notice, delivery.notice_id)
    if notice is None:
        raise Missing
    return delivery, notice
