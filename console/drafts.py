"""The life of an alert before it leaves: begun, written, confirmed by a colleague, sent once.

What went wrong in real cities decides the rules:

* drill or real is said when a draft is begun and never changes; a drill's words never become
  a real alert, and words that contradict what the draft is are refused;
* saving never sends, nothing sends by the clock, and a draft that left is frozen;
* the whole city is meant only when somebody says so; no district is nobody;
* what is sent is the version that was looked at a few minutes ago, to about as many people;
* a serious alert takes two people, or one and a written reason;
* throwing away a draft, or anything else, has no effect on residents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.alert_checks import TEXT_LIMIT, faults
from console import ready
from console.models import AlertDraft
from console.words import Refusal, mark
from core import audit
from core.city import City, Decision
from core.languages import LANGUAGES
from core.typed import clean
from feeds.models import Notice, Status
from feeds.texts import drill_mark

UNSAID = -1
"""The level of a draft for which nobody has said one."""
CONFIRMATION_HOLDS = timedelta(minutes=30)
STALE_AFTER = timedelta(hours=24)
"""A draft untouched for longer has to be read and saved again before it can leave."""
TAKE_BACK = (Status.CORRECTED, Status.CANCELLED, Status.LIFTED)


class AlreadySent(Refusal):
    """The draft left before; it can be corrected or taken back, and never sent again."""

    def __init__(self, notice_id: int) -> None:
        super().__init__(
            mark("This draft has been sent. What was sent can be corrected or taken back.")
        )
        self.notice_id = notice_id


@dataclass(frozen=True)
class Written:
    """What the composing form holds. ``texts`` maps a language to (title, text)."""

    version: int
    topic: str
    level: int
    whole_city: bool
    areas: tuple[str, ...]
    texts: dict[str, tuple[str, str]]
    valid_hours: int


def second_person(draft: AlertDraft, sender: str, now: datetime) -> str | None:
    """Return the one besides the last editor who has looked at this version, or None."""
    if sender != draft.edited_by:
        return sender
    confirmed = draft.confirmed_at is not None and now - draft.confirmed_at <= CONFIRMATION_HOLDS
    return draft.confirmed_by if confirmed and draft.confirmed_by != draft.edited_by else None


async def begin(session: AsyncSession, *, drill: bool, actor: str, now: datetime) -> AlertDraft:
    """Begin an empty draft. Nothing is decided but whether it is a drill."""
    draft = AlertDraft(
        topic="",
        level=UNSAID,
        drill=drill,
        written_by=actor,
        edited_by=actor,
        created_at=now,
        updated_at=now,
    )
    return await _begun(session, draft, actor, now)


async def begin_from(
    session: AsyncSession, notice_id: int, *, drill: bool, actor: str, now: datetime
) -> AlertDraft:
    """Begin a draft like an earlier notice.

    Words are taken over unless the earlier one was a drill and this is real: then topic and
    places stay and every word has to be written anew.
    """
    notice = await _notice(session, notice_id)
    keep_words = drill or not notice.drill
    draft = AlertDraft(
        topic=notice.topic,
        level=notice.level if keep_words else UNSAID,
        whole_city=False,
        areas=list(notice.areas),
        drill=drill,
        texts=await own_words(session, notice) if keep_words else {},
        written_by=actor,
        edited_by=actor,
        detail={"from_notice": notice_id, "words_cleared": not keep_words},
        created_at=now,
        updated_at=now,
    )
    return await _begun(session, draft, actor, now)


async def begin_taking_back(
    session: AsyncSession,
    notice_id: int,
    status: Status,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Begin the correction, withdrawal or all-clear of a notice that was sent, filled in.

    It is a drill when the notice was one; places, topic and level are the notice's.

    Raises
    ------
    Refusal
        The status is none of these three, or the notice was not sent.
    """
    notice = await _notice(session, notice_id)
    if status not in TAKE_BACK or notice.decision is not Decision.SEND:
        raise Refusal("Only what was sent can be taken back.")
    if status is Status.CORRECTED:
        texts = await own_words(session, notice)
    else:
        texts = ready.taking_back(status, city.languages, notice.reported_at)
    draft = AlertDraft(
        topic=notice.topic,
        level=notice.level,
        whole_city=not notice.areas,
        areas=list(notice.areas),
        drill=notice.drill,
        status=status,
        texts=texts,
        replaces_id=notice_id,
        written_by=actor,
        edited_by=actor,
        created_at=now,
        updated_at=now,
    )
    return await _begun(session, draft, actor, now)


async def own_words(session: AsyncSession, notice: Notice) -> dict[str, dict[str, str]]:
    """Return what staff wrote for a notice, without what sending put around it.

    A notice that staff did not write gives its Japanese words alone.
    """
    draft = await session.scalar(select(AlertDraft).where(col(AlertDraft.notice_id) == notice.id))
    if draft is not None:
        return {language: dict(texts) for language, texts in draft.texts.items()}
    japanese = notice.texts.get("ja", {})
    text = japanese.get("text", "").removeprefix(drill_mark("ja")).strip()
    return {"ja": {"title": "", "text": text[:TEXT_LIMIT]}} if text else {}


async def change(
    session: AsyncSession, draft_id: int, written: Written, *, actor: str, now: datetime
) -> AlertDraft:
    """Save what was written. This is all it does: a saved draft reaches nobody.

    A change takes away a colleague's confirmation.

    Raises
    ------
    Refusal
        The draft left, was thrown away, or somebody saved it meanwhile.
    """
    draft = await opened(session, draft_id, written.version)
    texts = {
        language: {"title": clean(title, line=True), "text": clean(text)}
        for language, (title, text) in written.texts.items()
        if language in LANGUAGES and (title.strip() or text.strip())
    }
    draft.topic = written.topic
    draft.level = written.level
    draft.whole_city = written.whole_city
    draft.areas = [] if written.whole_city else list(dict.fromkeys(written.areas))
    draft.texts = texts
    draft.valid_hours = written.valid_hours
    draft.version += 1
    draft.edited_by = actor
    draft.confirmed_by = None
    draft.confirmed_at = None
    draft.updated_at = now
    session.add(draft)
    await audit.record(
        session,
        now,
        actor=actor,
        action="alert.saved",
        subject=f"draft {draft_id}",
        version=draft.version,
    )
    return draft


async def confirm(
    session: AsyncSession, draft_id: int, version: int, city: City, *, actor: str, now: datetime
) -> AlertDraft:
    """A colleague says that this version is right. It is not sent by that.

    Raises
    ------
    Refusal
        It is their own, has faults, or is no longer the version they looked at.
    """
    draft = await opened(session, draft_id, version)
    if actor == draft.edited_by:
        raise Refusal("You wrote this version yourself; somebody else has to confirm it.")
    refuse_faults(draft, city, now)
    draft.confirmed_by = actor
    draft.confirmed_at = now
    session.add(draft)
    await audit.record(
        session,
        now,
        actor=actor,
        action="alert.confirmed",
        subject=f"draft {draft_id}",
        version=version,
    )
    return draft


async def discard(
    session: AsyncSession, draft_id: int, version: int, *, actor: str, now: datetime
) -> None:
    """Throw a draft away; residents notice nothing of it."""
    draft = await opened(session, draft_id, version)
    draft.discarded_at = now
    session.add(draft)
    await audit.record(
        session, now, actor=actor, action="alert.discarded", subject=f"draft {draft_id}"
    )


async def open_drafts(session: AsyncSession) -> list[AlertDraft]:
    """Return the drafts that can still be worked on, last changed first."""
    found = await session.scalars(
        select(AlertDraft)
        .where(col(AlertDraft.notice_id).is_(None), col(AlertDraft.discarded_at).is_(None))
        .order_by(col(AlertDraft.updated_at).desc())
        .limit(50)
    )
    return list(found)


def refuse_faults(draft: AlertDraft, city: City, now: datetime) -> None:
    """Refuse a draft with faults, or one that nobody has read since yesterday."""
    for fault in faults(draft, city):
        raise Refusal(fault.message, **dict(fault.values))
    if now - draft.updated_at > STALE_AFTER:
        raise Refusal("This draft is more than a day old. Read it again and save it.")


async def _begun(session: AsyncSession, draft: AlertDraft, actor: str, now: datetime) -> AlertDraft:
    session.add(draft)
    await session.flush()
    await audit.record(
        session,
        now,
        actor=actor,
        action="alert.begun",
        subject=f"draft {draft.id}",
        drill=draft.drill,
        status=str(draft.status),
        replaces=draft.replaces_id,
    )
    return draft


async def _notice(session: AsyncSession, notice_id: int) -> Notice:
    notice = await session.get(Notice, notice_id)
    if notice is None:
        raise Refusal("There is no such notice.")
    return notice


async def opened(session: AsyncSession, draft_id: int, version: int) -> AlertDraft:
    """Return a draft that can still be changed, locked until the transaction ends."""
    draft = await session.get(AlertDraft, draft_id, with_for_update=True)
    if draft is None:
        raise Refusal("There is no such draft.")
    if draft.notice_id is not None:
        raise AlreadySent(draft.notice_id)
    if draft.discarded_at is not None:
        raise Refusal("This draft was thrown away.")
    if draft.version != version:
        raise Refusal("Somebody changed this draft meanwhile. Look at it again.")
    return draft
