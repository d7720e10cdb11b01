"""Call-ups that telegrams begin, by the rules ``[[call_up]]`` of ``city.toml``.

An event begins one call-up, whatever number of telegrams is about it. One that raises it can call
more departments; nobody is called twice. If staff have ended the call-up, only a graver telegram
than those before calls again, and then everybody whom the rules mean. A telegram of a drill begins
a drill, and only by a rule that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import CallUpRule, City
from core.database import Database
from core.errors import BadInput
from core.restored import held_until
from feeds.models import OVER, Notice
from response import call_ups
from response.call_ups import MOST_WORDS, Call, Means

FRESH = timedelta(hours=1)
"""An older telegram calls nobody: it was read late, such as at the first start."""
LONGEST_CHAIN = 200
INTENSITIES = ("1", "2", "3", "4", "5-", "5+", "6-", "6+", "7")

log = structlog.get_logger(__name__)


def matching(rules: Iterable[CallUpRule], notice: Notice) -> list[CallUpRule]:
    """Return the rules that a notice of an agency fulfils."""
    if notice.status in OVER or not notice.hazard:
        return []
    return [rule for rule in rules if _fits(rule, notice)]


def _fits(rule: CallUpRule, notice: Notice) -> bool:
    if notice.drill and not rule.drills:
        return False
    if rule.topics and notice.topic not in rule.topics:
        return False
    if rule.hazards and notice.hazard not in rule.hazards:
        return False
    if rule.intensity:
        return _rank(notice.intensity) >= _rank(rule.intensity)
    return bool(rule.level) and notice.level >= rule.level


def _rank(intensity: str) -> int:
    return INTENSITIES.index(intensity) if intensity in INTENSITIES else -1


async def look(
    database: Database, means: Means, city: City, now: datetime, *, seen: set[int] | None = None
) -> int:
    """Call staff for new telegrams; return how many call-ups began or grew.

    It can be called again at any moment: what was done is seen from the call-ups.

    Parameters
    ----------
    seen
        Notices that this process has acted on, which are not looked at again; new ones are added.
    """
    seen = set() if seen is None else seen
    if not city.call_up:
        return 0
    async with database.reading() as session:
        # What came before a restore may have called them already.
        restored = await held_until(session)
        found = list(
            await session.scalars(
                select(Notice).where(*_fresh(city.call_up, now, restored)).order_by(col(Notice.id))
            )
        )
        new = [notice for notice in found if notice.id not in seen]
        events = [(notice, await event_of(session, notice)) for notice in new]
    done = 0
    for notice, event in events:
        assert notice.id is not None
        if rules := matching(city.call_up, notice):
            try:
                async with database.writing() as session:
                    done += await _act(session, means, city, notice, event, rules, now)
            except BadInput as error:
                log.warning("call_up.refused", notice_id=notice.id, reason=str(error))
        seen.add(notice.id)
    seen.intersection_update(each.id for each in found if each.id is not None)
    return done


def _from(intensity: str) -> tuple[str, ...]:
    """Return this intensity and the stronger ones."""
    return INTENSITIES[_rank(intensity) :] if intensity in INTENSITIES else ()


def _fresh(
    rules: Sequence[CallUpRule], now: datetime, restored: datetime | None
) -> tuple[ColumnElement[bool], ...]:
    since = now - FRESH
    strong = {each for rule in rules for each in _from(rule.intensity)}
    least = min((rule.level for rule in rules if rule.level), default=99)
    return (
        (col(Notice.level) >= least) | col(Notice.intensity).in_(strong),
        col(Notice.created_at) > since,
        col(Notice.reported_at) > max(since, restored or since),
        col(Notice.hazard) != "",
        col(Notice.source).is_not(None),
    )


async def event_of(session: AsyncSession, notice: Notice) -> str:
    """Return what the notices about one danger have in common.

    Earthquakes have the agency's own number. Other dangers are told by what follows what.
    """
    if notice.intensity and notice.event_id:
        return f"quake:{notice.event_id}"
    earlier = await _followed(session, notice)
    return f"notice:{(earlier[-1] if earlier else notice).id}"


async def _followed(session: AsyncSession, notice: Notice) -> list[Notice]:
    """Return the notices that this one follows, the newest first."""
    found: list[Notice] = []
    last = notice
    while last.replaces_id is not None and len(found) < LONGEST_CHAIN:
        before = await session.get(Notice, last.replaces_id)
        if before is None:
            break
        found.append(before)
        last = before
    return found


async def _is_graver(session: AsyncSession, notice: Notice, ended_at: datetime) -> bool:
    """Whether a notice is graver than all about its event that there were when staff ended it."""
    if notice.intensity and notice.event_id:
        query = select(Notice).where(
            col(Notice.event_id) == notice.event_id, col(Notice.drill).is_(notice.drill)
        )
        earlier = list(await session.scalars(query))
    else:
        earlier = await _followed(session, notice)
    known = [_gravity(one) for one in earlier if one.created_at <= ended_at]
    return notice.created_at > ended_at and _gravity(notice) > max(known, default=(-1, -1))


def _gravity(notice: Notice) -> tuple[int, int]:
    return _rank(notice.intensity), notice.level


async def _act(
    session: AsyncSession,
    means: Means,
    city: City,
    notice: Notice,
    event: str,
    rules: list[CallUpRule],
    now: datetime,
) -> int:
    everybody = any(not rule.departments and not rule.teams for rule in rules)
    departments = () if everybody else {code for rule in rules for code in rule.departments}
    teams = () if everybody else {name for rule in rules for name in rule.teams}
    actor = f"rule:call-up:{rules[0].code}"
    there = await call_ups.of_event(session, event, drill=notice.drill)
    minutes = [rule.remind_minutes for rule in rules if rule.remind_minutes]
    title = notice.texts.get("ja", {}).get("title") or notice.kind
    words = "\n".join(dict.fromkeys([title, *(rule.words for rule in rules if rule.words)]))
    call = Call(
        drill=notice.drill,
        words=words[:MOST_WORDS],
        departments=tuple(departments),
        teams=tuple(teams),
        remind_minutes=min(minutes, default=0),
    ).checked(city)
    if there is not None:
        assert there.id is not None
        ended_at = (await call_ups.locked(session, there.id)).ended_at
        if ended_at is not None and not await _is_graver(session, notice, ended_at):
            return 0
        widened = await call_ups.widen(
            session,
            means,
            there.id,
            departments,
            teams,
            now,
            actor=actor,
            words=call.words,
            remind_minutes=call.remind_minutes,
            anew=True,
        )
        return int(widened > 0)
    await call_ups.begin(
        session, means, city, call, now, actor=actor, rule=rules[0].code, event=event
    )
    return 1
