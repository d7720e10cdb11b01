"""Follow-ups of an alert: a correction, a change, a withdrawal, an all-clear.

Each follows the last that was said of the danger. Two colleagues must not both put right one
alert, perhaps contradicting each other: the second has to look at what the first said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts import ready_words
from alerts.checks import TEXT_LIMIT
from alerts.event_fields import typed_of
from alerts.levels import say_changes
from alerts.models import AlertDraft, draft_of_notice, open_follow_up
from alerts.origins import ORIGINS, Origin
from channels.chain import CHANGES, ENDS, Chain, ChainLink, Standing, areas_of, chain_of, places
from channels.level_parts import act_of, together
from city.city import City, Decision
from core.errors import Refusal
from feeds.models import Notice, Status
from feeds.texts import drill_mark

FOLLOWING = (Status.CORRECTED, Status.CANCELLED, Status.LIFTED, *CHANGES)


async def notice_of(session: AsyncSession, notice_id: int) -> Notice:
    """Return a notice.

    Raises
    ------
    Refusal
        There is none.
    """
    notice = await session.get(Notice, notice_id)
    if notice is None:
        raise Refusal("There is no such notice.")
    return notice


def can_follow(notice: Notice, status: Status, *, over: bool) -> bool:
    """Whether this follow-up is possible. If the danger is ``over``, only a correction is."""
    if status not in FOLLOWING or notice.decision is not Decision.SEND:
        return False
    return status is Status.CORRECTED or not over


async def follow_up(
    session: AsyncSession,
    notice_id: int,
    status: Status,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Return a draft, not stored yet, that corrects, changes, withdraws or lifts what was sent.

    It follows the last that was said of the danger, and is a drill when that was one. Its
    places are those where the danger is in force, of a correction those of what it corrects.

    Raises
    ------
    Refusal
        The status is none of these, the notice was not sent, or what it said is over.
    """
    notice = await notice_of(session, notice_id)
    if not can_follow(notice, status, over=False):
        raise Refusal("Only what was sent can be taken back.")
    chain = await chain_of(session, notice_id)
    tip = chain.tip
    if tip is not None and tip.notice_id != notice_id:
        notice = await notice_of(session, tip.notice_id)
    standing = chain.standing(city) if tip is not None else dict.fromkeys(places((), city), 0)
    if not can_follow(notice, status, over=not standing):
        raise Refusal("This is over already: {title}.", title=title_of(notice))
    as_it_was = not standing or (status is Status.CORRECTED and notice.status not in ENDS)
    act = await act_of(session, notice)
    areas = tuple(together(act).areas) if as_it_was else areas_of(standing, city)
    level, levels = level_of_act(act) if as_it_was else level_of(standing)
    detail = {}
    if status in ENDS:
        texts = ready_words.taking_back(status, city.languages, notice.reported_at)
        detail[ORIGINS] = dict.fromkeys(texts, Origin(ready=(status.value,)).stored())
    else:
        texts = await own_words(session, notice)
    return AlertDraft(
        detail=detail,
        topic=notice.topic,
        level=max([level, *levels.values()]) if status in ENDS else level,
        whole_city=not areas,
        areas=list(areas),
        levels={} if status in ENDS else levels,
        drill=notice.drill,
        status=status,
        texts=texts,
        event={} if status in ENDS else typed_of(notice.event),
        replaces_id=notice.id,
        written_by=actor,
        edited_by=actor,
        created_at=now,
        updated_at=now,
    )


def level_of_act(act: Sequence[Notice]) -> tuple[int, dict[str, int]]:
    """Return the level of most districts of what was sent together, and those with another."""
    return level_of({area: each.level for each in act for area in each.areas or ("",)})


def level_of(standing: Standing) -> tuple[int, dict[str, int]]:
    """Return the level of most districts, and the districts with another one."""
    counted = Counter(standing.values())
    usual = max(counted, key=lambda level: (counted[level], level), default=0)
    return usual, {area: level for area, level in standing.items() if level != usual}


async def being_written(session: AsyncSession, notice_id: int, status: Status) -> AlertDraft | None:
    """Return the open draft of the same follow-up of the same danger, if there is one.

    Nobody else can begin one until the caller's transaction ends: two who press at once find
    one draft.
    """
    chain = await _locked(session, notice_id)
    alike = CHANGES if status in CHANGES else (status,)
    return await open_follow_up(session, [link.notice_id for link in chain.links], alike)


async def overtaken(
    session: AsyncSession, notice_id: int | None, *, lock: bool = False
) -> ChainLink | None:
    """Return the newest later notice about the same danger; None if there is none.

    Parameters
    ----------
    lock
        Let nobody else follow up the chain until the caller's transaction ends.
    """
    if notice_id is None:
        return None
    chain = await (_locked(session, notice_id) if lock else chain_of(session, notice_id))
    return None if chain.tip is None or chain.ends_with(notice_id) else chain.tip


async def put_after(session: AsyncSession, draft: AlertDraft, since: ChainLink, city: City) -> None:
    """Make a draft follow a colleague's newer notice.

    Raises
    ------
    Refusal
        The colleague has ended the danger that the draft would end.
    """
    standing = (await chain_of(session, since.notice_id)).standing(city)
    notice = await notice_of(session, since.notice_id)
    if not can_follow(notice, draft.status, over=not standing):
        raise Refusal("This is over already: {title}.", title=title_of(notice))
    draft.replaces_id = since.notice_id


async def say_change(session: AsyncSession, draft: AlertDraft, city: City) -> None:
    """Set the status of a change: whether it raises or lowers the level in force."""
    if draft.status in CHANGES and draft.replaces_id is not None:
        standing = (await chain_of(session, draft.replaces_id)).standing(city)
        say_changes(draft, standing, city)


async def own_words(session: AsyncSession, notice: Notice) -> dict[str, dict[str, str]]:
    """Return what staff wrote for a notice, without the text that sending added.

    A notice that staff did not write gives its Japanese words alone.
    """
    draft = await draft_of_notice(session, notice.id)
    if draft is not None:
        return {language: dict(texts) for language, texts in draft.texts.items()}
    japanese = notice.texts.get("ja", {})
    text = japanese.get("text", "").removeprefix(drill_mark("ja")).strip()
    return {"ja": {"title": "", "text": text[:TEXT_LIMIT]}} if text else {}


def title_of(notice: Notice) -> str:
    return notice.texts.get("ja", {}).get("title", "") or notice.kind


async def _locked(session: AsyncSession, notice_id: int) -> Chain:
    chain = await chain_of(session, notice_id)
    if chain.links:
        await session.get(Notice, chain.links[0].notice_id, with_for_update=True)
        chain = await chain_of(session, notice_id)
    return chain
