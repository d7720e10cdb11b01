"""The only way to send an alert, from the console and from the shell.

The version that was checked is sent once, with a person's name, and recorded in the audit trail
(promises 5 and 7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from alerts import drafts
from alerts.checks import unexplained
from alerts.compose import composed_of
from alerts.follow_ups import overtaken
from alerts.models import AlertDraft
from alerts.origins import machine_languages, templates_used
from alerts.reach import has_moved, media_of_draft, reach
from alerts.warnings import since_looked
from channels.line import unknown
from channels.line.medium import LINE
from channels.media import Media, deliver_by
from city.city import City, Decision, Way
from core import audit
from core.errors import Refusal
from core.languages import mark
from core.text import clean, whole_number
from core.work import Queue
from feeds.models import Notice

LOOK_HOLDS = timedelta(minutes=15)
"""A version that was looked at longer ago cannot be sent: a forgotten page sends nothing."""
DRILL_WORDS = ("訓練", "drill")
NO_MEDIUM = mark("This goes out by no way: each is switched off, by staff or by the city's rules.")
TYPED_WRONG = mark("What you typed is not what the page asked for. Nothing was sent.")


class UnknownAnswer(StrEnum):
    """Whether an alert also goes to friends that Todoke does not know, and how."""

    NO = "no"
    BY_NARROWCAST = f"yes-{Way.NARROWCAST.value}"
    BY_BROADCAST = f"yes-{Way.BROADCAST.value}"

    @classmethod
    def yes(cls, way: Way) -> UnknownAnswer:
        return cls(f"yes-{way.value}")


@dataclass(frozen=True)
class Seen:
    """What the sender saw before sending: which version, for how many residents, when."""

    version: int
    recipients: int
    at: datetime
    warned: tuple[str, ...] = ()
    """Codes of the warnings that were shown (``alerts.warnings``)."""


@dataclass(frozen=True)
class Approval:
    """The answers of a person who sends an alert.

    Parameters
    ----------
    typed
        What they typed where a page asks for a word or number; None where it was confirmed in
        another way, as in a shell.
    alone_reason
        Why one person sends an alert that needs two.
    hazard_reason
        Why a drill is sent in spite of a danger.
    to_unknown
        Whether it goes to friends nobody knows, where that is asked; None for no answer.
    """

    seen: Seen
    typed: str | None = None
    alone_reason: str = ""
    hazard_reason: str = ""
    to_unknown: UnknownAnswer | None = None


async def release(
    session: AsyncSession,
    queue: Queue,
    city: City,
    media: Media,
    draft_id: int,
    approval: Approval,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Send a stored draft in the caller's writing transaction and return its delivery's id.

    It goes by each of its media; the id is that of LINE's delivery, or of the first medium's if it
    does not go by LINE.

    Raises
    ------
    Refusal
        It left already, changed since it was looked at, was looked at too long ago, has
        faults, means other people than were shown, was not confirmed as it must be, or what
        was typed is not what was asked for.
    """
    seen = approval.seen
    if not actor.strip():
        raise Refusal("An alert leaves under a person's name.")
    if now - seen.at > LOOK_HOLDS:
        raise Refusal("This was looked at too long ago. Look at the alert once more.")
    draft = await drafts.opened(session, draft_id, seen.version)
    since = await overtaken(session, draft.replaces_id, lock=True)
    if since is not None:
        raise Refusal(
            "{name} followed up the same alert meanwhile. Look at what was sent before you go on.",
            name=since.decided_by,
        )
    drafts.refuse_faults(draft, city, now)
    meanwhile = await since_looked(session, draft, city, now, looked_at=seen.at, warned=seen.warned)
    if meanwhile is not None:
        raise Refusal("Somebody sent or decided on the same meanwhile. Read the warnings first.")
    found = await reach(session, draft, city, media)
    if has_moved(found.total, seen.recipients):
        raise Refusal(
            "The alert would now reach {now} residents, not {shown}. Look at it once more.",
            now=found.total,
            shown=seen.recipients,
        )
    if approval.typed is not None and not _typed_right(draft, approval.typed, seen.recipients):
        raise Refusal(TYPED_WRONG)
    second = drafts.second_person(draft, actor, now)
    for fault in await unexplained(
        session,
        draft,
        city,
        now,
        second_person=second,
        alone_reason=approval.alone_reason,
        hazard_reason=approval.hazard_reason,
    ):
        raise fault.refusal()
    to_unknown = await _to_unknown(session, draft, city, media, approval.to_unknown)
    composed = composed_of(draft, city, actor=actor, now=now)
    notice = composed.notice
    session.add(notice)
    await session.flush()
    draft.notice_id = notice.id
    deliveries = await deliver_by(
        session,
        queue,
        notice,
        city,
        now,
        media=media,
        created_by=actor,
        chosen=draft.media,
        as_new=composed.as_new,
        lower=composed.lower,
    )
    if not deliveries:
        raise Refusal(NO_MEDIUM)
    by_line = next((one for one in deliveries if one.channel == LINE.name), None)
    delivery = by_line or deliveries[0]
    assert delivery.id is not None
    if by_line is not None and to_unknown not in (None, UnknownAnswer.NO):
        await unknown.add(session, queue, delivery, notice, city, now, actor=actor)
    held = draft.detail.get("from_notice")
    if held is not None and not notice.drill:
        await _settle_held(session, held, delivery=delivery.id, actor=actor, now=now)
    await audit.record(
        session,
        now,
        actor=actor,
        action="alert.sent",
        subject=f"notice:{notice.id}",
        draft=draft_id,
        version=draft.version,
        drill=notice.drill,
        topic=notice.topic,
        level=notice.level,
        status=str(notice.status),
        replaces=notice.replaces_id,
        areas=notice.areas,
        lower_levels={str(one.notice.level): one.notice.areas for one in composed.lower},
        recipients=found.total,
        warned=list(seen.warned),
        written_by=draft.edited_by,
        second_person=second,
        alone_reason=approval.alone_reason,
        hazard_reason=approval.hazard_reason,
        to_unknown=str(to_unknown or ""),
        templates=[list(one) for one in templates_used(draft)],
        machine=machine_languages(draft),
        delivery=delivery.id,
        media={one.channel: one.id for one in deliveries},
    )
    return delivery.id


async def _settle_held(
    session: AsyncSession, notice_id: int, *, delivery: int, actor: str, now: datetime
) -> None:
    """Take a held notice off the list, because an alert was sent that was written from it."""
    notice = await session.get(Notice, notice_id, with_for_update=True)
    if notice is None or notice.decision is not Decision.HOLD:
        return
    notice.decision, notice.decided_by = Decision.DROP, actor
    session.add(notice)
    await audit.record(
        session,
        now,
        actor=actor,
        action="notice.rewritten",
        subject=f"notice:{notice_id}",
        topic=notice.topic,
        level=notice.level,
        delivery=delivery,
    )


async def question_about_unknown(
    session: AsyncSession, draft: AlertDraft, city: City, media: Media
) -> unknown.Outlook | None:
    """Return the question about friends that only LINE knows, if it must be asked."""
    if LINE.name not in {each.name for each in await media_of_draft(session, draft, city, media)}:
        return None
    return await unknown.question(
        session,
        city,
        topic=draft.topic,
        level=draft.reach,
        drill=draft.drill is True,
        status=draft.status,
        replaces_id=draft.replaces_id,
    )


async def _to_unknown(
    session: AsyncSession,
    draft: AlertDraft,
    city: City,
    media: Media,
    answer: UnknownAnswer | None,
) -> UnknownAnswer | None:
    """Return whether the draft goes to friends that Todoke does not know; None if not asked.

    Raises
    ------
    Refusal
        It was not decided, or would now go another way than was shown.
    """
    found = await question_about_unknown(session, draft, city, media)
    if found is None or not found.possible:
        return None
    if answer is None:
        raise Refusal("Say whether this also goes to friends whom Todoke does not know.")
    if answer not in (UnknownAnswer.NO, UnknownAnswer.yes(found.way)):
        raise Refusal(
            "To friends whom Todoke does not know it would now go another way than was shown. "
            "Look at it once more."
        )
    return answer


def _typed_right(draft: AlertDraft, typed: str, recipients: int) -> bool:
    """Check what was typed: a word for a drill, the number of people for a real alert."""
    said = clean(typed, line=True)
    if draft.drill:
        return said.casefold() in DRILL_WORDS
    return whole_number(said) == recipients
