"""The one way an alert leaves: what was looked at is sent, once, under a person's name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels import service
from channels.alert_checks import unexplained
from channels.models import Delivery
from console import drafts
from console.models import AlertDraft
from console.reach import audience_of, reach
from console.words import Refusal
from core import audit
from core.city import City, Decision
from core.typed import clean
from core.work import Queue
from feeds.models import Notice, Status
from feeds.texts import alert_texts, drill_mark

LOOK_HOLDS = timedelta(minutes=15)
"""A confirmation page older than this cannot send: nothing stays armed in a forgotten tab."""
DRILL_WORDS = ("訓練", "drill")


@dataclass(frozen=True)
class Look:
    """What somebody saw on the confirmation page, signed, so that this is what is sent."""

    draft_id: int
    version: int
    staff_id: int
    recipients: int
    at: int

    def seal(self, secret_key: str) -> str:
        content = [self.draft_id, self.version, self.staff_id, self.recipients, self.at]
        return str(_serializer(secret_key).dumps(content))

    @classmethod
    def unseal(cls, sealed: str, secret_key: str) -> Look:
        """Read a sealed look.

        Raises
        ------
        Refusal
            The seal is not ours.
        """
        try:
            return cls(*_serializer(secret_key).loads(sealed))
        except (BadSignature, TypeError) as error:
            raise Refusal("Look at the alert once more before you send it.") from error


@dataclass(frozen=True)
class Decided:
    """What the sender typed on the confirmation page."""

    look: Look
    typed: str
    alone_reason: str = ""
    hazard_reason: str = ""


def notice_of(draft: AlertDraft, city: City, *, actor: str, now: datetime) -> Notice:
    """Return the notice a draft becomes. Preview and sending both use this and nothing else."""
    areas = [] if draft.whole_city else list(draft.areas)
    words = {code: texts["text"] for code, texts in draft.texts.items() if texts.get("text")}
    texts = alert_texts(
        draft.topic,
        draft.level,
        words or {"ja": ""},
        city,
        drill=draft.drill is True,
        at=now,
        areas=areas,
        status=draft.status,
        languages=city.languages,
    )
    for language, own in draft.texts.items():
        if own.get("title") and language in texts:
            drill = f"{drill_mark(language)} " if draft.drill else ""
            texts[language] = {**texts[language], "title": f"{drill}{own['title']}"}
    return Notice(
        identity=f"staff:draft:{draft.id}",
        topic=draft.topic,
        kind=texts["ja"]["title"] if "ja" in texts else "",
        level=draft.level,
        status=draft.status,
        areas=areas,
        drill=draft.drill is True,
        emergency=city.is_emergency(draft.topic, draft.level),
        reported_at=now,
        expires_at=now + timedelta(hours=draft.valid_hours),
        event_id="",
        texts=texts,
        replaces_id=draft.replaces_id,
        decision=Decision.SEND,
        decided_by=actor,
        created_at=now,
    )


async def send(
    session: AsyncSession,
    queue: Queue,
    city: City,
    draft_id: int,
    decided: Decided,
    *,
    actor: str,
    staff_id: int,
    now: datetime,
) -> int:
    """Send a draft in the caller's writing transaction and return its delivery's id.

    Raises
    ------
    Refusal
        It left already, changed since it was looked at, was looked at too long ago, has
        faults, means other people than were shown, was not confirmed as it must be, or what
        was typed is not what was asked for.
    """
    look = decided.look
    if (look.draft_id, look.staff_id) != (draft_id, staff_id):
        raise Refusal("Look at the alert once more before you send it.")
    if now.timestamp() - look.at > LOOK_HOLDS.total_seconds():
        raise Refusal("This page was open for too long. Look at the alert once more.")
    draft = await drafts.opened(session, draft_id, look.version)
    drafts.refuse_faults(draft, city, now)
    found = await reach(session, draft, city)
    if abs(found.total - look.recipients) > max(10, look.recipients // 50):
        raise Refusal(
            "The alert would now reach {now} residents, not {shown}. Look at it once more.",
            now=found.total,
            shown=look.recipients,
        )
    if not _typed_right(draft, decided):
        raise Refusal("What you typed is not what the page asked for. Nothing was sent.")
    second = drafts.second_person(draft, actor, now)
    for fault in await unexplained(
        session,
        draft,
        city,
        second_person=second,
        alone_reason=decided.alone_reason,
        hazard_reason=decided.hazard_reason,
    ):
        raise Refusal(fault.message, **dict(fault.values))
    notice = notice_of(draft, city, actor=actor, now=now)
    session.add(notice)
    await session.flush()
    draft.notice_id = notice.id
    session.add(draft)
    delivery = await _deliver(session, queue, notice, draft, city, actor=actor, now=now)
    await audit.record(
        session,
        now,
        actor=actor,
        action="alert.sent",
        subject=f"notice {notice.id}",
        draft=draft_id,
        version=draft.version,
        drill=notice.drill,
        topic=notice.topic,
        level=notice.level,
        status=str(notice.status),
        areas=notice.areas,
        recipients=found.total,
        written_by=draft.edited_by,
        second_person=second,
        alone_reason=decided.alone_reason,
        hazard_reason=decided.hazard_reason,
        delivery=delivery,
    )
    return delivery


def _typed_right(draft: AlertDraft, decided: Decided) -> bool:
    """A drill wants its word, a real alert the number of people it reaches."""
    typed = clean(decided.typed, line=True)
    if draft.drill:
        return typed.casefold() in DRILL_WORDS
    digits = typed.replace(",", "").replace("，", "")
    return digits.isdecimal() and len(digits) < 12 and int(digits) == decided.look.recipients


async def _deliver(
    session: AsyncSession,
    queue: Queue,
    notice: Notice,
    draft: AlertDraft,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> int:
    wrong = None
    if draft.replaces_id is not None and notice.status in (Status.CORRECTED, Status.CANCELLED):
        wrong = await delivery_of(session, draft.replaces_id)
    audience = audience_of(draft, city)
    if wrong is not None:
        delivery = await service.correct(
            session,
            queue,
            notice,
            city,
            now,
            wrong_delivery=wrong,
            created_by=actor,
            audience=audience,
        )
    else:
        delivery = await service.deliver(
            session, queue, notice, city, now, created_by=actor, audience=audience
        )
    assert delivery.id is not None
    return delivery.id


async def delivery_of(session: AsyncSession, notice_id: int) -> int | None:
    """Return the id of the delivery that brought a notice, or None when none did."""
    found = await session.scalar(
        select(Delivery.id).where(col(Delivery.notice_id) == notice_id).order_by(col(Delivery.id))
    )
    return None if found is None else int(found)


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="todoke.console.look")
