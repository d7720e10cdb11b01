"""Make notices from the agency's telegrams: fetched once, read in order, told once.

All telegrams of one poll are compared together, so that after a gap residents hear what is in force
now and not the whole night again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Decision, SourceConfig
from core.errors import Permanent
from core.reason import Reason
from feeds import jma
from feeds.errors import unexpected
from feeds.facts import Fact
from feeds.metrics import ITEMS, SET_ASIDE
from feeds.models import OVER, WAITS, Item, ItemState, Notice, Status
from feeds.notices import Publish, submit_notice
from feeds.overlay import Overlay, overlay_in_force
from feeds.policy import Ruling, expiry_of_fact, rule_on_fact
from feeds.reasons import reason
from feeds.texts import compose

log = structlog.get_logger(__name__)

SINGLE_EVENTS = frozenset({"earthquake", "long-period", "eruption", "typhoon"})
"""Hazards that can happen twice at once; the others are in force or not."""
TAKES_BACK = frozenset(OVER)
LOOKED_AT = frozenset({"drill", "from-the-future"})
"""Rules for which staff look also at the end of what nobody was told."""
CHANGES = {
    Status.ISSUED: "change.issued",
    Status.RAISED: "change.raised",
    Status.LOWERED: "change.lowered",
    Status.CONTINUED: "change.continued",
    Status.LIFTED: "change.lifted",
    Status.CANCELLED: "change.cancelled",
    Status.CORRECTED: "change.corrected",
    Status.NONE: "change.none",
}


@dataclass(frozen=True, kw_only=True)
class TelegramFact:
    """One fact of one telegram, with the row it came from."""

    item: Item
    fact: Fact


@dataclass
class TakenTelegrams:
    """The result of the telegrams of one poll."""

    read: int = 0
    set_aside: int = 0
    notices: list[Notice] = field(default_factory=list)


async def take_telegrams(
    session: AsyncSession,
    items: Sequence[Item],
    source: SourceConfig,
    city: City,
    now: datetime,
    publish: Publish,
    *,
    first_poll: bool,
    overlay: Overlay | None = None,
) -> TakenTelegrams:
    """Read fetched telegrams and make notices of their changes, in the caller's transaction.

    A broken or unknown telegram is set aside for staff and does not stop the others. ``overlay``
    are the decisions laid over the folder's; by default those that hold now.
    """
    made = TakenTelegrams()
    laid = await overlay_in_force(session) if overlay is None else overlay
    board = await jma.load(session, city.jma.municipality)
    changes: list[TelegramFact] = []
    readable: list[tuple[Item, jma.Telegram]] = []
    for item in items:
        item.taken_at = now
        try:
            telegram = jma.read_telegram(item.payload, kind=item.kind or None)
        except Permanent as error:
            _set_aside(item, source, error.reason, made)
            continue
        readable.append((item, telegram))
    for item, telegram in sorted(readable, key=lambda pair: jma.reading_order(pair[1])):
        before = board.copy()
        try:
            facts = jma.facts(telegram, city.jma, board, now=now)
        except Permanent as error:
            board = before
            _set_aside(item, source, error.reason, made)
            continue
        except Exception as error:
            # A telegram that our own reader trips over must not silence all that follow.
            log.exception("telegram.crashed", item_id=item.id, kind=item.kind)
            board = before
            _set_aside(item, source, unexpected(error), made)
            continue
        made.read += 1
        item.state = ItemState.DONE
        item.reason = _said(facts)
        changes.extend(TelegramFact(item=item, fact=fact) for fact in facts)
    ITEMS.labels(source.code, "read").inc(made.read)
    await jma.save(session, city.jma.municipality, board)
    for change, ruling in _overtake(
        changes, source, city, now, first_poll=first_poll, overlay=laid
    ):
        notice = await _notice(session, change, ruling, source, city, now)
        stored, is_new = await submit_notice(session, notice, publish)
        if is_new and not change.fact.quiet:
            await overtake_held(session, stored)
        if stored.id is not None and stored.decision in (Decision.SEND, Decision.DIGEST):
            await jma.remember_notice(session, city.jma.municipality, change.fact, stored.id)
        if is_new:
            made.notices.append(stored)
    return made


def _said(facts: Sequence[Fact]) -> Reason:
    """Return what a telegram changed for the city."""
    changes = tuple(reason(CHANGES[fact.status], what=fact.kind or fact.hazard) for fact in facts)
    return reason("change.all", changes=changes) if changes else reason("news.not-concerned")


def _set_aside(item: Item, source: SourceConfig, why: Reason, made: TakenTelegrams) -> None:
    item.state = ItemState.SET_ASIDE
    item.reason = why
    made.set_aside += 1
    SET_ASIDE.labels(source.code, item.kind).inc()
    log.warning("telegram.set_aside", item_id=item.id, url=item.url, reason=str(why))


def _overtake(
    changes: Sequence[TelegramFact],
    source: SourceConfig,
    city: City,
    now: datetime,
    *,
    first_poll: bool,
    overlay: Overlay,
) -> list[tuple[TelegramFact, Ruling]]:
    """Decide on each change; of several about one thing only the last is told.

    A quiet fact does not replace an alarm: otherwise nobody would be told of an earthquake if its
    revised magnitude came with it.
    """
    loud = [each for each in changes if each.fact.is_news and not each.fact.quiet]
    last = {_about(change.fact): change for change in loud}
    ruled = []
    for change in changes:
        fact = change.fact
        if not fact.is_news:
            continue
        ruling = rule_on_fact(fact, source, city, now, first_poll=first_poll, overlay=overlay)
        newest = last.get(_about(fact), change)
        if not fact.quiet and newest is not change and ruling.decision is not Decision.HOLD:
            ruling = Ruling(Decision.PUBLISH, "overtaken", reason("news.overtaken"))
        ruled.append((change, ruling))
    return ruled


def _about(fact: Fact) -> tuple[object, ...]:
    event = fact.event_id if fact.hazard in SINGLE_EVENTS else ""
    return (fact.drill, fact.hazard, event, () if event else fact.standing or fact.areas)


async def _notice(
    session: AsyncSession,
    change: TelegramFact,
    ruling: Ruling,
    source: SourceConfig,
    city: City,
    now: datetime,
) -> Notice:
    fact = change.fact
    told = await _told_before(session, fact, city)
    waits = ruling.decision is Decision.HOLD and ruling.rule not in LOOKED_AT
    if told is None and fact.status in TAKES_BACK and (ruling.decision is Decision.SEND or waits):
        ruling = Ruling(Decision.PUBLISH, "nobody-was-told", reason("news.nothing-to-take-back"))
    return Notice(
        identity=identity_of(fact, city),
        topic=fact.topic,
        hazard=fact.hazard,
        kind=fact.kind,
        kind_code=fact.kind_code,
        level=0 if fact.status in TAKES_BACK else fact.shown_level,
        urgency=fact.heard_level,
        intensity=fact.quake.intensity if fact.quake else "",
        status=fact.status,
        areas=[],
        drill=fact.drill,
        emergency=is_emergency(fact, city),
        silent=fact.update and told is not None and told.reach >= fact.heard_level,
        reported_at=fact.reported_at,
        expires_at=expiry_of_fact(fact),
        event_id=fact.event_id,
        texts=compose(fact, city, languages=city.languages),
        source=source.code,
        item_id=change.item.id,
        replaces_id=told.id if told is not None else None,
        standing=list(fact.areas if fact.standing is None else fact.standing),
        decision=ruling.decision,
        decided_by=ruling.decided_by,
        created_at=now,
    )


async def overtake_held(session: AsyncSession, newer: Notice) -> None:
    """Take an older telegram's notice off the held ones: what waits for staff is what is true now.

    It is dropped under ``rule:overtaken``. What a person decided at the same moment stays decided.
    """
    if newer.standing is None or newer.drill or newer.id is None:
        return
    waiting = await session.scalars(
        select(Notice)
        .where(
            WAITS,
            col(Notice.hazard) == newer.hazard,
            col(Notice.drill).is_(False),
            col(Notice.id) < newer.id,
            col(Notice.reported_at) <= newer.reported_at,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for older in waiting:
        if older.decision is Decision.HOLD and same_danger(older, newer):
            older.decision, older.decided_by = Decision.DROP, "rule:overtaken"
            session.add(older)
            log.info("notice.overtaken", notice_id=older.id)
    await session.flush()


def same_danger(older: Notice, newer: Notice) -> bool:
    """Whether two notices of the agency with one hazard are about one danger."""
    if older.standing is None or newer.standing is None:
        return False
    if newer.hazard in SINGLE_EVENTS and newer.event_id:
        return older.event_id == newer.event_id
    return set(older.standing) == set(newer.standing)


def is_emergency(fact: Fact, city: City) -> bool:
    """Whether a fact is sent in quiet hours; the end of a danger is not, a correction is.

    A cancellation of an emergency that woke residents is as urgent as the emergency.
    """
    if fact.drill or fact.topic not in city.topic_by_code:
        return False
    if fact.status is Status.LIFTED or fact.status is Status.LOWERED:
        return False
    level = max(fact.level, fact.previous_level) if fact.status in TAKES_BACK else fact.level
    return city.is_emergency(fact.topic, level)


def identity_of(fact: Fact, city: City) -> str:
    """Return the identity of the notice, which is the same for all telegrams with the same news."""
    parts = (
        *(city.jma.municipality, "drill" if fact.drill else "real", fact.hazard, fact.event_id),
        *("+".join(fact.areas), fact.kind_code or fact.kind, str(fact.level), fact.status.value),
        fact.reported_at.isoformat(),
        fact.serial,
    )
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
    return f"jma:{fact.hazard}:{digest}"


async def _told_before(session: AsyncSession, fact: Fact, city: City) -> Notice | None:
    """Return the last sent notice about the same subject.

    An end is followed only by its own correction.
    """
    told_id = await jma.last_told(session, city.jma.municipality, fact)
    heard = [Decision.SEND, Decision.DIGEST]
    if fact.quiet:
        heard.append(Decision.PUBLISH)  # a notice that was only published is taken back too
    if told_id is None and fact.event_id:
        told_id = await session.scalar(
            select(Notice.id)
            .where(
                col(Notice.topic) == fact.topic,
                col(Notice.hazard) == fact.hazard,
                col(Notice.event_id) == fact.event_id,
                col(Notice.drill).is_(fact.drill),
                col(Notice.decision).in_(heard),
            )
            .order_by(col(Notice.id).desc())
            .limit(1)
        )
    told = await session.get(Notice, told_id) if told_id is not None else None
    corrected = fact.status is Status.CORRECTED
    if told is None or (told.status in TAKES_BACK and not corrected):
        return None
    # An overflow is a new alarm about the same danger; the earlier notice is out of date.
    follows = fact.status is not Status.ISSUED or fact.update or fact.overflow
    return told if follows else None
