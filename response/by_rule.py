"""What happens to disaster mode by rule: a grave danger ends drills, and may begin the real mode.

Which dangers begin it is said in ``city.toml`` (``[[disaster_rules]]``); nothing does by default.
Only staff end the real mode. A rule begins it once for a danger: while the danger stays in force
and does not become graver or reach other districts, the rule does not contradict staff who ended
the mode.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from city.city import City, DisasterRule
from city.context import Context
from city.rules import INTENSITIES
from feeds.in_force import InForce, in_force
from response import modes
from response.danger import grave
from response.models import DisasterMode, RuleMark

BY_DANGER = "rule:real-danger"
"""Who ends a drill when a grave danger is in force."""

log = structlog.get_logger(__name__)


def ended_by_danger(found: Sequence[DisasterMode], since: datetime) -> DisasterMode | None:
    """Return the drill that a grave danger ended after ``since``."""
    return next(
        (
            one
            for one in found
            if one.ended_by == BY_DANGER and one.ended_at is not None and one.ended_at > since
        ),
        None,
    )


async def keep_rules(context: Context) -> bool:
    """Look at what is in force, and do what the rules say; return whether there was something.

    It runs every two seconds. Without a drill and without rules it reads one row.
    """
    city, now = context.city, context.clock.now()
    async with context.database.reading() as session:
        drill = any(mode.drill for mode in await modes.open_modes(session))
        if not drill and not city.disaster_rules:
            return False
        dangers = await in_force(session, city.jma.municipality, now)
        marks = list(await session.scalars(select(RuleMark)))
        ends = drill and await grave(session, city.jma.municipality, now) is not None
    if not ends and not _news(city, dangers, marks):
        return False
    async with context.database.writing() as session:
        # Read again: meanwhile another process may have done it, or the danger may be over.
        dangers = await in_force(session, city.jma.municipality, now)
        is_grave = ends and await grave(session, city.jma.municipality, now) is not None
        if is_grave and await modes.end_drill(session, city, now, actor=BY_DANGER):
            log.warning("drill.ended", reason=BY_DANGER)
        await _by_rules(session, city, dangers, now)
    return True


def _news(city: City, dangers: Sequence[InForce], marks: Sequence[RuleMark]) -> bool:
    """Whether a rule has something to do, or marks of a danger that is over are left."""
    marked = {(mark.rule, mark.danger): mark for mark in marks}
    fitting = [
        ((rule.code, _name(danger)), areas, danger)
        for rule in city.disaster_rules
        for danger in dangers
        if (areas := _areas(rule, danger)) is not None
    ]
    if marked.keys() - {key for key, _, _ in fitting}:
        return True
    return any(not _known(marked.get(key), areas, danger) for key, areas, danger in fitting)


async def _by_rules(
    session: AsyncSession, city: City, dangers: Sequence[InForce], now: datetime
) -> None:
    await modes.alone(session)
    marks = {(mark.rule, mark.danger): mark for mark in await session.scalars(select(RuleMark))}
    holding = set()
    for rule in city.disaster_rules:
        for danger in dangers:
            areas = _areas(rule, danger)
            if areas is None:
                continue
            key = (rule.code, _name(danger))
            holding.add(key)
            mark = marks.get(key)
            if _known(mark, areas, danger):
                continue
            if mark is None:
                mark = RuleMark(rule=rule.code, danger=key[1], gravity=0, areas=areas, at=now)
                marks[key] = mark
            mark.areas = _both(mark.areas, areas)
            mark.gravity = max(mark.gravity, _gravity(danger))
            session.add(mark)
            await session.flush()
            await _begin(session, city, rule, areas, now)
    for key in marks.keys() - holding:
        one = (col(RuleMark.rule) == key[0], col(RuleMark.danger) == key[1])
        await session.execute(delete(RuleMark).where(*one))


async def _begin(
    session: AsyncSession, city: City, rule: DisasterRule, areas: list[str], now: datetime
) -> None:
    """Switch the real mode on for more districts, never for fewer."""
    before: DisasterMode | None = next(
        (mode for mode in await modes.open_modes(session) if not mode.drill), None
    )
    if before is not None:
        if _covers(before.areas, areas):
            return
        areas = _both(before.areas, areas)
    await modes.begin(session, city, areas, now, drill=False, actor=f"rule:{rule.code}")
    log.warning("mode.begun", name=rule.code)


def _areas(rule: DisasterRule, danger: InForce) -> list[str] | None:
    """Return the districts for which a rule wants the mode, none being the whole city; None if the
    danger does not concern it.
    """
    notice = danger.notice
    if rule.topics and (notice is None or notice.topic not in rule.topics):
        return None
    by_level = rule.level is not None and danger.level >= rule.level
    by_intensity = (
        rule.intensity is not None
        and danger.intensity in INTENSITIES
        and INTENSITIES.index(danger.intensity) >= INTENSITIES.index(rule.intensity)
    )
    if not by_level and not by_intensity:
        return None
    here = list(notice.areas) if notice is not None else []
    if not rule.areas:
        return sorted(here)
    if not here:
        return sorted(rule.areas)
    both = sorted(set(here) & set(rule.areas))
    return both or None


def _name(danger: InForce) -> str:
    """Return a name that stays while the danger is in force; each earthquake has its own."""
    notice = danger.notice
    event = notice.event_id if notice is not None and danger.intensity else ""
    what = (notice.hazard or notice.topic) if notice is not None else danger.kind
    return f"{what}|{event}"[:200]


def _gravity(danger: InForce) -> int:
    """Return a number that is higher for a graver danger of the same kind."""
    intensity = danger.intensity
    return 10 * danger.level + (INTENSITIES.index(intensity) if intensity in INTENSITIES else 0)


def _known(mark: RuleMark | None, areas: Sequence[str], danger: InForce) -> bool:
    """Whether a rule has done its part for a danger."""
    return mark is not None and mark.gravity >= _gravity(danger) and _covers(mark.areas, areas)


def _covers(areas: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether districts include others; none being the whole city."""
    return not areas or (bool(wanted) and set(wanted) <= set(areas))


def _both(areas: Sequence[str], others: Sequence[str]) -> list[str]:
    return sorted({*areas, *others}) if areas and others else []
