"""What somebody should know before an alert leaves; nothing of it keeps the alert back.

The check page and the shell say the same, and the entry in the audit trail names what was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.levels import by_level
from alerts.models import FROM_HELD, AlertDraft
from alerts.reach import audience_of
from channels.chain import FOLLOW_UPS, chain_of, places
from channels.quiet import quiet_until
from city.city import City, Decision
from core.clock import in_japan
from core.errors import Refusal
from core.languages import mark
from feeds.in_force import in_force
from feeds.models import Notice
from subscriptions.audience import count, count_by_area

JUST_NOW = timedelta(minutes=5)
"""How long ago an alert was sent to be called the same again."""
MOST_IN_FORCE = 5
_NOBODYS = "-"
"""A code that no district can have: only residents without a district are in its audience."""
_JAPANESE = re.compile(r"[぀-ヿ㐀-鿿]")


@dataclass(frozen=True)
class AlertWarning:
    """Something to know before sending.

    Parameters
    ----------
    code
        ``levels``, ``no-japanese``, ``empty-area``, ``quota``, ``quiet-hours``, ``held-decided``,
        ``same-again`` or ``in-force``.
    message
        In English, with placeholders for ``values``.
    areas
        Codes of the districts that it names; their names are the value ``places``.
    by_level
        The districts of each level that it names.
    notice
        The notice that it is about, if it is about one.
    """

    code: str
    message: str
    values: tuple[tuple[str, object], ...] = ()
    areas: tuple[str, ...] = ()
    by_level: tuple[tuple[int, tuple[str, ...]], ...] = ()
    notice: Notice | None = None

    def __str__(self) -> str:
        values = dict(self.values)
        if self.areas:
            values["places"] = ", ".join(self.areas)
        levels = "; ".join(f"{level}: {', '.join(areas)}" for level, areas in self.by_level)
        return str(Refusal(self.message, **values)) + (f" {levels}" if levels else "")


def codes_of(warned: Iterable[AlertWarning]) -> tuple[str, ...]:
    """Return the codes of warnings, each once."""
    return tuple(dict.fromkeys(warning.code for warning in warned))


async def warnings(
    session: AsyncSession,
    draft: AlertDraft,
    city: City,
    now: datetime,
    *,
    recipients: int,
    room: int | None = None,
) -> list[AlertWarning]:
    """Return what somebody should know before they send a draft.

    Parameters
    ----------
    recipients
        How many residents it would reach.
    room
        How many messages LINE delivers this month; None for no limit, or if that is not known.
    """
    found = [*_levels(draft, city), *_language(draft)]
    found += await _empty_areas(session, draft, city)
    if room is not None and room < recipients:
        message = mark(
            "LINE delivers only {room} more messages this month, and this needs {needed}."
        )
        found.append(AlertWarning("quota", message, (("room", room), ("needed", recipients))))
    found += _quiet_hours(draft, city, now)
    found += await _held_decided(session, draft)
    found += await _same_again(session, draft, city, now, now - JUST_NOW)
    found += await _in_force(session, draft, city, now)
    return found


def _levels(draft: AlertDraft, city: City) -> list[AlertWarning]:
    levels = by_level(draft, city)
    if len(levels) < 2:
        return []
    message = mark("The districts get different levels, the gravest first.")
    return [AlertWarning("levels", message, by_level=tuple(levels.items()))]


def _language(draft: AlertDraft) -> list[AlertWarning]:
    text = draft.texts.get("ja", {}).get("text", "")
    if not text or _JAPANESE.search(text):
        return []
    return [AlertWarning("no-japanese", mark("The Japanese text is not in Japanese."))]


async def _empty_areas(session: AsyncSession, draft: AlertDraft, city: City) -> list[AlertWarning]:
    """Return the districts that nobody chose who would get it."""
    query = audience_of(draft, city)
    if query is None or not query.areas:
        return []
    anywhere = await count(session, replace(query, areas=(_NOBODYS,)))
    found = await count_by_area(session, query, query.areas)
    empty = tuple(area for area, number in found.items() if number <= anywhere)
    if not empty:
        return []
    message = mark("Nobody who gets this has chosen: {places}.")
    return [AlertWarning("empty-area", message, areas=empty)]


def _quiet_hours(draft: AlertDraft, city: City, now: datetime) -> list[AlertWarning]:
    if draft.topic not in city.topic_by_code or not city.is_emergency(draft.topic, draft.reach):
        return []
    until = quiet_until(now, city.quiet_hours, None, None)
    if until is None:
        return []
    message = mark("Quiet hours last until {time}. This wakes residents all the same.")
    return [AlertWarning("quiet-hours", message, (("time", f"{in_japan(until):%H:%M}"),))]


async def since_looked(
    session: AsyncSession,
    draft: AlertDraft,
    city: City,
    now: datetime,
    *,
    looked_at: datetime,
    warned: Sequence[str],
) -> AlertWarning | None:
    """Return what a colleague sent or decided after somebody looked at a draft, so that residents
    would hear of it twice; None for nothing. What they were warned of (``warned``) does not count.

    A held notice that the draft was written from cannot be decided on until the caller's
    transaction ends.
    """
    found = await _held_decided(session, draft, lock=True)
    found = [one for one in found if one.code not in warned]
    found += await _same_again(session, draft, city, now, max(looked_at, now - JUST_NOW))
    return found[0] if found else None


async def _held_decided(
    session: AsyncSession, draft: AlertDraft, *, lock: bool = False
) -> list[AlertWarning]:
    """Return that the held notice from which a draft was written waits no more."""
    number = draft.detail.get("from_notice")
    if number is None or not draft.detail.get(FROM_HELD) or draft.drill:
        return []
    notice = await session.get(Notice, number, with_for_update=lock or None)
    if notice is None or notice.decision is Decision.HOLD:
        return []
    message = mark("The held notice that this was written from is decided on, by {name}: {title}")
    values = (("name", notice.decided_by),)
    return [AlertWarning("held-decided", message, _titled(notice, values), notice=notice)]


async def _same_again(
    session: AsyncSession, draft: AlertDraft, city: City, now: datetime, since: datetime
) -> list[AlertWarning]:
    """Return the newest alert of staff for one of the same districts after ``since``."""
    own = await _own_chain(session, draft)
    recent = await session.scalars(
        select(Notice)
        .where(
            col(Notice.reported_at) > since,
            col(Notice.source).is_(None),
            col(Notice.decision) == Decision.SEND,
        )
        .order_by(col(Notice.reported_at).desc(), col(Notice.id).desc())
        .limit(50)
    )
    for notice in recent:
        follows_itself = draft.status in FOLLOW_UPS and notice.id in own
        if (
            notice.topic == draft.topic
            and notice.drill is (draft.drill is True)
            and not follows_itself
            and _meet(notice.areas, draft, city)
        ):
            message = mark("{name} sent the same {minutes} minutes ago: {title}")
            minutes = max(0, int((now - notice.reported_at).total_seconds() // 60))
            values = (("name", notice.decided_by), ("minutes", minutes))
            return [AlertWarning("same-again", message, _titled(notice, values), notice=notice)]
    return []


async def _in_force(
    session: AsyncSession, draft: AlertDraft, city: City, now: datetime
) -> list[AlertWarning]:
    """Return the other dangers that are in force in one of the districts."""
    own = await _own_chain(session, draft)
    found = []
    for one in await in_force(session, city.jma.municipality, now):
        if one.notice is None or one.notice.id in own:
            continue
        if _meet(one.notice.areas, draft, city):
            message = mark("In force there: {title}")
            found.append(AlertWarning("in-force", message, _titled(one.notice), notice=one.notice))
    return found[:MOST_IN_FORCE]


async def _own_chain(session: AsyncSession, draft: AlertDraft) -> set[int | None]:
    """Return the notices that a draft follows."""
    return {link.notice_id for link in (await chain_of(session, draft.replaces_id)).links}


def _meet(areas: Sequence[str], draft: AlertDraft, city: City) -> bool:
    meant = places(() if draft.whole_city else draft.areas, city)
    return not set(places(areas, city)).isdisjoint(meant)


def _titled(
    notice: Notice, values: tuple[tuple[str, object], ...] = ()
) -> tuple[tuple[str, object], ...]:
    return (*values, ("title", notice.texts.get("ja", {}).get("title", "") or notice.kind))
