"""The interface of the outbox for other packages: deliver, preview, pause, follow.

Changes are made in the caller's transaction, so that the decision and the delivery are one; the
engine does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import outbox
from channels.chain import Chain, chain_of, followed, follows
from channels.engine import put_unfinished
from channels.gravest import announce_emergency
from channels.individual import IndividualMessage, add_individual_messages
from channels.level_parts import BY_LEVEL, LevelPart, LowerLevel, together
from channels.medium import Format, Messages, compact_json
from channels.models import Delivery, DeliveryKind, DeliveryState, Priority, Variant, Wording
from channels.planner import PLAN
from channels.progress import HeldUp, Progress, follow, held_up, progress, recent
from channels.quiet_count import count_in_quiet_hours
from channels.reach import joined_reach, reach_of, reach_of_parts
from channels.reasons import reason
from channels.variants import render_all
from channels.wordings import as_first, wordings
from city.city import City
from core.audit import record
from core.errors import BadInput
from core.work import Queue
from feeds.jma.levels import INTENSITY_LEVELS, is_weaker
from feeds.models import Notice, Status
from feeds.news_form import form_of
from feeds.texts import Texts
from subscriptions.audience_query import AudienceQuery, Standby
from subscriptions.models import LINE_MEDIUM, Resident, ResidentState

HIGHEST = 5
"""The highest evacuation level."""
LIFE = timedelta(days=3)
"""How long a routine notice without its own end stays news."""

log = structlog.get_logger(__name__)

__all__ = [
    "HeldUp",
    "Preview",
    "Progress",
    "WordingPart",
    "audience_of",
    "deliver",
    "follow",
    "held_up",
    "is_short_of_quota",
    "pause",
    "preview",
    "progress",
    "push",
    "recent",
    "resume",
    "stop",
]


@dataclass(frozen=True)
class WordingPart:
    """Residents with the same wording: how many by language, the texts and the messages."""

    wording: Wording
    by_language: dict[str, int]
    texts: Texts
    messages: dict[str, Messages]
    level: int | None = None
    """The level it is for, of an alert with several; None where it is the same for all."""
    areas: tuple[str, ...] = ()
    """The districts of that level; none is the whole city."""

    @property
    def recipients(self) -> int:
        return sum(self.by_language.values())


@dataclass(frozen=True)
class Preview:
    """A preview of what would be sent.

    ``held_until_morning`` are the ``recipients`` in their quiet hours; ``messages`` are the
    messages by language. ``parts`` are the same by wording: one, or several for a follow-up.
    """

    recipients: int
    by_language: dict[str, int]
    held_until_morning: int
    messages: dict[str, Messages]
    parts: tuple[WordingPart, ...]


def audience_of(notice: Notice, city: City, medium: str = LINE_MEDIUM) -> AudienceQuery:
    """Return the audience of a notice by its topic, level and areas, among a medium's residents."""
    topic = city.topic_by_code.get(notice.topic)
    if topic is None:
        raise BadInput(reason("notice.no-topic", topic=notice.topic))
    return AudienceQuery(
        topic=notice.topic,
        level=notice.reach,
        areas=tuple(notice.areas),
        mandatory=topic.mandatory,
        asked=_is_for_who_asked(notice, city),
        segment=form_of(notice).segment,
    ).by(medium, drill=notice.drill)


def _is_for_who_asked(notice: Notice, city: City) -> bool:
    """Whether it is about an earthquake that is too weak here for everybody.

    If something stronger was told before (by its level or by what this replaces), everybody who
    heard that hears this too.
    """
    threshold = city.jma.quake_threshold
    if notice.hazard != "earthquake" or not is_weaker(notice.intensity, threshold):
        return False
    return notice.reach < INTENSITY_LEVELS[threshold] or notice.replaces_id is None


def priority_of(notice: Notice, *, corrects_warning: bool = False) -> int:
    """Return the priority: corrections of warnings, emergencies, warnings, the rest (promise 4).

    Emergencies of the highest level go before the others. A correction of routine news overtakes no
    emergency. A drill goes as an emergency of a lower level does, so that it never holds back what
    is real.
    """
    if notice.drill and (corrects_warning or notice.emergency):
        return Priority.EMERGENCY
    if corrects_warning:
        return Priority.CORRECTION
    if notice.emergency:
        return Priority.GRAVEST if notice.reach >= HIGHEST else Priority.EMERGENCY
    return Priority.WARNING if notice.reach > 0 else Priority.ROUTINE


async def deliver(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    medium: Format,
    created_by: str,
    audience: AudienceQuery | None = None,
    as_new: Texts | None = None,
    lower: Sequence[LowerLevel] = (),
    standby: Standby = Standby.LEFT_OUT,
) -> Delivery:
    """Deliver a stored notice to everybody whom it concerns, after the caller commits.

    A notice is delivered once by each medium: a second call returns the first delivery. The
    delivery of the replaced notice stops. A follow-up (a correction, a change, an end) also goes to
    everybody whom any message of its chain reached or may have reached, in the wording that is
    right for them. A correction or withdrawal of a warning is sent before everything else that
    waits.

    Parameters
    ----------
    as_new
        The texts of a follow-up for people who were told nothing before; by default the notice's
        own.
    lower
        Notices of lower levels for other districts, sent after it in the same delivery, the graver
        first. A resident with districts of several gets the gravest.
    standby
        Whether residents are meant who stand by for LINE. A notice may have a second delivery by a
        medium, for them alone.

    Raises
    ------
    BadInput
        The notice has no words, or a topic that the city does not have.
    """
    if notice.id is None:
        session.add(notice)
        await session.flush()
    known = await _known(session, notice, medium, standby)
    if known is not None:
        return known
    query = audience if audience is not None else audience_of(notice, city)
    query = replace(query.by(medium.name, drill=notice.drill), standby=standby)
    await _store_lower(session, notice, lower)
    variants = {}
    tip, heard = None, True
    correction = corrects_warning = False
    urgent = notice.emergency
    if notice.replaces_id is not None:
        chain = (await chain_of(session, notice.replaces_id, medium.name)).before(notice.id)
        if follows(notice):
            tip = chain.tip
            correction = _puts_right(notice, chain)
            corrects_warning = correction and (
                notice.reach > 0 or any(link.level > 0 for link in chain.delivered)
            )
            # Residents who were woken by the error hear at once that it was one.
            urgent = urgent or (correction and any(link.broke_quiet for link in chain.links))
            for part, other in _other_words(notice, lower, chain, city, as_new).items():
                variants[part] = render_all(other, city, medium)
            heard = tip is not None
        if not notice.silent:
            # A silent message never replaces the alarm itself.
            why = (
                reason("delivery.corrected")
                if correction
                else reason("delivery.replaced", id=notice.id)
            )
            for link in chain.delivered:
                for earlier in link.deliveries:
                    await outbox.stop(session, earlier, why)
    for place, (each, texts) in enumerate(_acts(notice, as_new, lower)):
        # Nobody was told by this medium: for all of them it is a new alert.
        main = each if heard or texts is None else as_first(each, texts)
        variants[Wording.MAIN, place] = render_all(main, city, medium)
    kind = DeliveryKind.CORRECTION if correction else DeliveryKind.NOTICE
    delivery = Delivery(
        kind=kind,
        channel=medium.name,
        notice_id=notice.id,
        corrects_id=None if tip is None else tip.delivery_id,
        priority=priority_of(notice, corrects_warning=corrects_warning),
        respects_quiet=not urgent,
        silent=notice.silent,
        audience=query.to_json(),
        parts=[part.to_json() for part in level_parts(notice, lower, city, medium.name, standby)],
        audience_limit=await session.scalar(select(func.max(col(Resident.id)))) or 0,
        expires_at=notice.expires_at or (None if urgent else now + LIFE),
        created_by=created_by,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    assert delivery.id is not None
    for (wording, place), rendered in variants.items():
        for variant in rendered:
            session.add(
                Variant(
                    delivery_id=delivery.id,
                    wording=wording,
                    part=place,
                    language=",".join(variant.languages),
                    digest=variant.digest,
                    messages=variant.messages,
                )
            )
    await session.flush()
    await queue.put(session, PLAN, str(delivery.id), priority=delivery.priority)
    if delivery.priority <= Priority.EMERGENCY:
        gravest = delivery.priority <= Priority.GRAVEST
        await announce_emergency(session, medium.runs, gravest=gravest)
    await medium.follow_up(session, queue, delivery, notice, city, now, actor=created_by)
    log.info(
        "delivery.created",
        delivery_id=delivery.id,
        channel=medium.name,
        notice_id=notice.id,
        kind=kind.value,
        priority=delivery.priority,
        variants=sum(len(rendered) for rendered in variants.values()),
        drill=notice.drill,
        created_by=created_by,
    )
    return delivery


async def _known(
    session: AsyncSession, notice: Notice, medium: Format, standby: Standby
) -> Delivery | None:
    """Return the delivery by which these residents of a medium have the notice, if there is one."""
    found = await session.scalars(
        select(Delivery)
        .where(col(Delivery.notice_id) == notice.id, col(Delivery.channel) == medium.name)
        .order_by(col(Delivery.id))
    )
    alone = standby is Standby.ALONE
    return next(
        (each for each in found if (each.audience.get("standby") == Standby.ALONE.value) is alone),
        None,
    )


def level_parts(
    notice: Notice,
    lower: Sequence[LowerLevel],
    city: City,
    medium: str,
    standby: Standby = Standby.LEFT_OUT,
) -> list[LevelPart]:
    """Return the levels of an alert, the gravest first; none if it has only one."""
    if not lower:
        return []
    return [
        LevelPart(
            each.reach, replace(audience_of(each, city, medium), standby=standby), each.status
        )
        for each in (notice, *(one.notice for one in lower))
    ]


async def _store_lower(session: AsyncSession, notice: Notice, lower: Sequence[LowerLevel]) -> None:
    """Store the notices of lower levels, each following the one before it."""
    before = notice
    for one in lower:
        one.notice.with_id, one.notice.replaces_id = notice.id, before.id
        session.add(one.notice)
        await session.flush()
        before = one.notice


def _other_words(
    notice: Notice,
    lower: Sequence[LowerLevel],
    chain: Chain,
    city: City,
    as_new: Texts | None,
) -> dict[tuple[Wording, int], Notice]:
    """Return the notice in each other wording, by the place of its level.

    Who is told that it is not for them, or stays in force for them, gets the same words whatever
    the level.
    """
    act = together([notice, *(one.notice for one in lower)])
    found = {
        (wording, 0): other for wording, other in wordings(act, chain, city, as_new=as_new).items()
    }
    if (Wording.NEW, 0) in found:
        for place, (each, texts) in enumerate(_acts(notice, as_new, lower)):
            found[Wording.NEW, place] = as_first(each, texts or each.texts)
    return found


def _acts(
    notice: Notice, as_new: Texts | None, lower: Sequence[LowerLevel]
) -> list[tuple[Notice, Texts | None]]:
    """Return the notice of each level, with its texts for who was told nothing."""
    return [(notice, as_new), *((one.notice, one.as_new) for one in lower)]


def _puts_right(notice: Notice, chain: Chain) -> bool:
    """Whether a notice corrects or takes back a warning, or anything that staff sent.

    An edited article does not count: it waits like other news.
    """
    if notice.status not in (Status.CORRECTED, Status.CANCELLED) or chain.tip is None:
        return False
    return notice.source is None or any(link.level > 0 for link in chain.delivered)


async def preview(
    session: AsyncSession,
    notice: Notice,
    city: City,
    now: datetime,
    *,
    medium: Format,
    as_new: Texts | None = None,
    lower: Sequence[LowerLevel] = (),
    only: Sequence[str] | None = None,
) -> Preview:
    """Return a preview: who would get which text in which language if the notice were sent at
    ``now``.

    For a follow-up the counts cover everybody who will get it, by wording. ``lower`` is as for
    :func:`deliver`. Of the city's languages, ``only`` these are rendered, if they are given.
    """
    rendered = city.languages if only is None else only
    query = audience_of(notice, city, medium.name)
    notices = [notice, *(one.notice for one in lower)]
    act = together(notices)
    chain = await followed(session, act, city, stored_as=notice.id, channel=medium.name)
    told = {(Wording.MAIN, place): each for place, each in enumerate(notices)}
    if chain is None and follows(act):
        told = {
            (wording, place): each if texts is None else as_first(each, texts)
            for (wording, place), (each, texts) in zip(
                told, _acts(notice, as_new, lower), strict=True
            )
        }
    if chain is not None:
        links = (await chain_of(session, notice.replaces_id, medium.name)).before(notice.id)
        told.update(_other_words(notice, lower, links, city, as_new))
    if lower:
        levels = await reach_of_parts(session, level_parts(notice, lower, city, medium.name), chain)
        reaches = [level.reach for level in levels]
    else:
        reaches = [await reach_of(session, query, chain)]
    reach = joined_reach(reaches)
    counted: dict[tuple[Wording, int], dict[str, int]] = {}
    for place, each in enumerate(reaches):
        for wording, languages in each.by_wording.items():
            # A wording without its own text uses the notice's own.
            own = next((at for at in ((wording, place), (wording, 0)) if at in told), None)
            same = counted.setdefault(own or (Wording.MAIN, place), {})
            for language, number in languages.items():
                same[language] = same.get(language, 0) + number
    among = reach.bits if chain is not None or lower else None
    return Preview(
        recipients=reach.total,
        by_language=reach.by_language,
        held_until_morning=0
        if notice.emergency
        else await count_in_quiet_hours(session, query, among, city, now),
        messages={code: medium.render(told[Wording.MAIN, 0], code, city) for code in rendered},
        parts=tuple(
            WordingPart(
                wording,
                counted.get((wording, place), {}),
                other.texts,
                {code: medium.render(other, code, city) for code in rendered},
                level=notices[place].level if lower and wording in BY_LEVEL else None,
                areas=tuple(notices[place].areas),
            )
            for (wording, place), other in told.items()
            if counted.get((wording, place)) or (wording is Wording.MAIN and (lower or not counted))
        ),
    )


async def push(
    session: AsyncSession,
    queue: Queue,
    resident_id: int,
    messages: Sequence[Mapping[str, Any]],
    created_by: str,
    now: datetime,
    *,
    medium: Format,
    kind: DeliveryKind = DeliveryKind.PERSONAL,
    urgent: bool = False,
) -> Delivery | None:
    """Send a personal message to one resident, as reliably as any delivery.

    It waits for the end of their quiet hours, unless it is ``urgent``: the answer to a call for
    help. Returns None for somebody who has left, or follows by another medium.
    """
    resident = await session.get(Resident, resident_id)
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        return None
    if resident.medium != medium.name:
        # The messages are in the form of another medium.
        return None
    delivery = Delivery(
        kind=kind,
        channel=medium.name,
        state=DeliveryState.SENDING,
        priority=Priority.PERSONAL,
        respects_quiet=not urgent,
        planning_done=True,
        created_by=created_by,
        created_at=now,
    )
    session.add(delivery)
    await session.flush()
    parcel = IndividualMessage(
        resident_id,
        resident.language,
        resident.quiet_start,
        resident.quiet_end,
        compact_json(list(messages)),
    )
    await add_individual_messages(session, queue, delivery, [parcel], medium)
    return delivery


QUOTA_SHORT = ("quota.short", "quota.used-up")
"""Why a delivery waits where the month's messages do not suffice."""


def is_short_of_quota(delivery: Delivery) -> bool:
    """Whether a delivery waits because the month's messages do not suffice, as far as known."""
    why = delivery.reason
    return delivery.state is DeliveryState.PAUSED and why is not None and why.code in QUOTA_SHORT


async def pause(session: AsyncSession, delivery_id: int, actor: str, now: datetime) -> None:
    """Pause a delivery; requests that are already under way still arrive.

    Raises
    ------
    BadInput
        It is not being sent.
    """
    if not await outbox.pause(session, delivery_id, reason("delivery.paused", name=actor)):
        raise BadInput(reason("delivery.not-under-way", id=delivery_id))
    await record(
        session, now, actor=actor, action="delivery.paused", subject=f"delivery:{delivery_id}"
    )


async def resume(
    session: AsyncSession, queue: Queue, delivery_id: int, actor: str, now: datetime
) -> None:
    """Resume a paused delivery, also one that waits because of the month's quota.

    Raises
    ------
    BadInput
        It is not paused.
    """
    if not await outbox.resume(session, delivery_id):
        raise BadInput(reason("delivery.not-paused", id=delivery_id))
    delivery = await session.get_one(Delivery, delivery_id, populate_existing=True)
    await put_unfinished(session, queue, delivery, now)
    await record(
        session, now, actor=actor, action="delivery.resumed", subject=f"delivery:{delivery_id}"
    )


async def stop(session: AsyncSession, delivery_id: int, actor: str, now: datetime) -> None:
    """Stop a delivery for good; its remaining batches are marked as skipped.

    Raises
    ------
    BadInput
        It has ended already.
    """
    if not await outbox.stop(session, delivery_id, reason("delivery.stopped", name=actor)):
        raise BadInput(reason("delivery.ended", id=delivery_id))
    await record(
        session, now, actor=actor, action="delivery.stopped", subject=f"delivery:{delivery_id}"
    )
