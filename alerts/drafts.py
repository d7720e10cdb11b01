"""The life of an alert before it is sent: begun, written, confirmed by a colleague, sent once.

The rules come from mistakes in real cities:

* drill or real is chosen when a draft is begun and never changes; a drill's words never become a
  real alert, and words that contradict the choice are refused;
* saving never sends, nothing is sent by the clock, and a sent draft cannot change;
* the whole city must be chosen explicitly; no district means nobody;
* only the version that was checked a few minutes ago is sent, to about as many people;
* a serious alert needs two people, or one and a written reason;
* throwing away a draft, or anything else, has no effect on residents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts import event_fields, older_words
from alerts import origins as origins_of_words
from alerts.checks import faults
from alerts.follow_ups import (
    being_written,
    follow_up,
    level_of_act,
    notice_of,
    overtaken,
    own_words,
    put_after,
    say_change,
)
from alerts.levels import exceptions
from alerts.models import FROM_HELD, KEPT_FOR, UNSAID, AlertDraft
from alerts.origins import Origin
from channels.level_parts import act_of, together
from city.city import City, Decision
from core import audit
from core.errors import Refusal
from core.languages import LANGUAGES, mark
from core.text import clean
from feeds.models import Status

CONFIRMATION_HOLDS = timedelta(minutes=30)
SITTING_ENDS = timedelta(minutes=30)
"""Somebody who writes again after such a pause gets a new entry in the audit trail."""
STALE_AFTER = timedelta(hours=24)
"""A draft that is older must be read and saved again before it can be sent."""


_AUTHORS, _SITTINGS = "authors", "sittings"
"""Keys in ``AlertDraft.detail``: who wrote this version; when each of them last wrote."""


class AlreadySent(Refusal):
    """The draft was sent before. It can be corrected or taken back, but not sent again."""

    def __init__(self, notice_id: int) -> None:
        super().__init__(
            mark("This draft has been sent. What was sent can be corrected or taken back.")
        )
        self.notice_id = notice_id


@dataclass(frozen=True)
class Written:
    """What somebody wrote. ``texts`` maps a language to (title, text)."""

    topic: str
    level: int
    whole_city: bool
    areas: tuple[str, ...]
    texts: dict[str, tuple[str, str]]
    valid_hours: int = 24
    version: int = 1
    """The version of the draft that they saw."""
    levels: Mapping[str, int] = field(default_factory=dict)
    """The level of each district that has its own."""
    still_right: tuple[str, ...] = ()
    """Languages whose words are older than the Japanese and still right."""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Where words come from that nobody typed, by language."""
    event: Mapping[str, str] = field(default_factory=dict)
    """Day and time of the event, as typed."""
    seen: bool = True
    """Whether they saw all of it. If not, those who wrote it stay its authors."""

    @classmethod
    def of(
        cls,
        draft: AlertDraft,
        texts: dict[str, tuple[str, str]],
        origins: Mapping[str, Origin],
    ) -> Written:
        """Return a draft as it is, with other texts that were put into it unseen, and where those
        come from.
        """
        return cls(
            topic=draft.topic,
            level=draft.level,
            whole_city=draft.whole_city,
            areas=tuple(draft.areas),
            texts=texts,
            valid_hours=draft.valid_hours,
            version=draft.version,
            levels=dict(draft.levels),
            origins=origins,
            event=dict(draft.event),
            seen=False,
        )

    def words(self) -> dict[str, dict[str, str]]:
        """Return the words in the form of a draft: clean, and without empty languages."""
        return {
            language: {"title": clean(title, line=True), "text": clean(text)}
            for language, (title, text) in self.texts.items()
            if language in LANGUAGES and (title.strip() or text.strip())
        }


def new_draft(*, drill: bool, actor: str, now: datetime) -> AlertDraft:
    """Return an empty draft, not stored yet. Only drill or real is decided."""
    return AlertDraft(
        topic="",
        level=UNSAID,
        drill=drill,
        written_by=actor,
        edited_by=actor,
        created_at=now,
        updated_at=now,
    )


def fill_in(draft: AlertDraft, written: Written, actor: str = "") -> AlertDraft:
    """Put what was written into a draft; returns the draft.

    Parameters
    ----------
    actor
        Who typed it; by default the last who changed the draft.
    """
    texts = written.words()
    draft.topic = written.topic
    draft.level = written.level
    draft.whole_city = written.whole_city
    draft.areas = [] if written.whole_city else list(dict.fromkeys(written.areas))
    draft.levels = exceptions(
        written.level, written.levels, written.areas, whole_city=written.whole_city
    )
    draft.detail = older_words.with_words(draft, texts, written.still_right)
    draft.detail = origins_of_words.with_origins(
        draft, texts, written.origins, actor or draft.edited_by
    )
    draft.texts = texts
    draft.valid_hours = written.valid_hours
    draft.event = event_fields.typed(written.event)
    return draft


def as_written(draft: AlertDraft, written: Written) -> AlertDraft:
    """Return a copy of a draft with what somebody is writing; the copy is never stored."""
    return fill_in(AlertDraft(**draft.model_dump()), written)


def authors(draft: AlertDraft) -> frozenset[str]:
    """Return who wrote this version: the last who saved it, and all whose words were saved by
    themselves since.

    None of them is the second person. Who saves it with the button takes it over as a whole.
    """
    return frozenset((draft.edited_by, *draft.detail.get(_AUTHORS, ())))


def second_person(draft: AlertDraft, sender: str, now: datetime) -> str | None:
    """Return the second person who has confirmed this version, or None."""
    if sender not in authors(draft):
        return sender
    confirmed = draft.confirmed_at is not None and now - draft.confirmed_at <= CONFIRMATION_HOLDS
    return draft.confirmed_by if confirmed and draft.confirmed_by not in authors(draft) else None


async def store(session: AsyncSession, draft: AlertDraft, now: datetime) -> AlertDraft:
    """Store a new draft, with an entry in the trail that it was begun."""
    draft.created_at = draft.updated_at = now
    draft.detail = await older_words.as_begun(session, draft)
    draft.detail = await origins_of_words.as_begun(session, draft)
    session.add(draft)
    await session.flush()
    await _note(
        session,
        draft,
        draft.written_by,
        now,
        action="alert.begun",
        drill=draft.drill,
        status=str(draft.status),
        replaces=draft.replaces_id,
    )
    return draft


async def begin(session: AsyncSession, *, drill: bool, actor: str, now: datetime) -> AlertDraft:
    """Begin an empty draft. Only drill or real is decided."""
    return await store(session, new_draft(drill=drill, actor=actor, now=now), now)


async def begin_from(
    session: AsyncSession, notice_id: int, *, drill: bool, actor: str, now: datetime
) -> AlertDraft:
    """Begin a draft like an earlier notice.

    Words are copied unless the earlier one was a drill and this is real: then only topic and places
    are copied.
    """
    notice = await notice_of(session, notice_id)
    keep_words = drill or not notice.drill
    draft = new_draft(drill=drill, actor=actor, now=now)
    draft.topic, draft.areas = notice.topic, list(notice.areas)
    draft.detail = {"from_notice": notice_id, "words_cleared": not keep_words}
    if notice.decision is Decision.HOLD:
        draft.detail[FROM_HELD] = True
    if keep_words:
        act = await act_of(session, notice)
        draft.areas = list(together(act).areas)
        draft.level, draft.levels = level_of_act(act)
        draft.texts = await own_words(session, notice)
    return await store(session, draft, now)


async def begin_follow_up(
    session: AsyncSession,
    notice_id: int,
    status: Status,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Open the draft that corrects, changes, withdraws or lifts a sent alert.

    One that somebody began already is opened; else one is begun and filled in.

    Raises
    ------
    Refusal
        As :func:`alerts.follow_ups.follow_up`.
    """
    known = await being_written(session, notice_id, status)
    if known is not None:
        return known
    draft = await follow_up(session, notice_id, status, city, actor=actor, now=now)
    return await store(session, draft, now)


async def go_on_after(
    session: AsyncSession, draft_id: int, version: int, city: City, *, actor: str, now: datetime
) -> AlertDraft:
    """Put a follow-up after a colleague's newer notice about the same danger.

    Somebody looked at that notice and still wants the draft; it must be confirmed again.

    Raises
    ------
    Refusal
        The draft was sent or changed, or the colleague has ended the danger that it would end.
    """
    draft = await opened(session, draft_id, version)
    since = await overtaken(session, draft.replaces_id)
    if since is None:
        return draft
    await put_after(session, draft, since, city)
    _has_changed(draft, now)
    await _note(
        session,
        draft,
        actor,
        now,
        action="alert.put_after",
        version=draft.version,
        replaces=draft.replaces_id,
    )
    return draft


async def change(
    session: AsyncSession,
    draft_id: int,
    written: Written,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Save the draft. Saving sends nothing.

    A change removes a colleague's confirmation. What was saved by itself before, by the same person
    alone, stays the same version.

    Raises
    ------
    Refusal
        The draft was sent or thrown away, or somebody saved it meanwhile.
    """
    draft = await opened(session, draft_id, written.version)
    before, wrote = draft.model_dump(), authors(draft)
    own_sitting = wrote == {actor} and _SITTINGS in draft.detail
    fill_in(draft, written, actor)
    await say_change(session, draft, city)
    is_same = own_sitting and draft.model_dump() == before
    draft.edited_by = actor
    draft.detail = _without(draft.detail, _AUTHORS, _SITTINGS)
    if not written.seen and wrote != {actor}:
        draft.detail[_AUTHORS] = sorted({*wrote, actor})
    if is_same:
        draft.updated_at = now
    else:
        _has_changed(draft, now)
    await _note(session, draft, actor, now, action="alert.saved", version=draft.version)
    return draft


async def write_on(
    session: AsyncSession,
    draft: AlertDraft,
    written: Written,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> bool:
    """Save what somebody is writing, without a press of a button; returns whether it differs.

    What differs is a new version, which nobody has confirmed. The trail has one entry a sitting:
    another is added once somebody has written nothing for half an hour, or has saved it.

    Parameters
    ----------
    draft
        As :func:`open_to_write` returned it in this transaction.
    """
    before = draft.model_dump()
    authors_before = authors(draft)
    fill_in(draft, written, actor)
    await say_change(session, draft, city)
    if draft.model_dump() == before:
        return False
    sittings = dict(draft.detail.get(_SITTINGS, {}))
    last = sittings.get(actor)
    sittings[actor] = now.isoformat()
    draft.detail = {
        **draft.detail,
        _AUTHORS: sorted({*authors_before, actor}),
        _SITTINGS: sittings,
    }
    draft.edited_by = actor
    _has_changed(draft, now)
    if last is None or now - datetime.fromisoformat(last) > SITTING_ENDS:
        await _note(session, draft, actor, now, action="alert.written", version=draft.version)
    return True


async def find_still_right(
    session: AsyncSession, draft_id: int, version: int, *, actor: str, now: datetime
) -> None:
    """Confirm that words older than the Japanese are still right. They stay as they are.

    Raises
    ------
    Refusal
        The draft left, was thrown away, or somebody saved it meanwhile.
    """
    draft = await opened(session, draft_id, version)
    languages = older_words.older(draft)
    draft.detail = older_words.with_words(draft, draft.texts, languages)
    await _note(
        session,
        draft,
        actor,
        now,
        action="alert.reviewed",
        version=draft.version,
        languages=languages,
    )


async def choose_media(
    session: AsyncSession,
    draft_id: int,
    version: int,
    chosen: Sequence[str] | None,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Switch the media of a draft on and off; None leaves them to the city's rules.

    It is a new version, which must be confirmed again, and who does it is one of its authors.

    Raises
    ------
    Refusal
        No medium is on; or the draft left, was thrown away, or somebody saved it meanwhile.
    """
    draft = await opened(session, draft_id, version)
    if chosen is not None and not chosen:
        raise Refusal("Switch on at least one way to residents.")
    wanted = None if chosen is None else list(chosen)
    if wanted == draft.media:
        return draft
    draft.detail = {**draft.detail, _AUTHORS: sorted({*authors(draft), actor})}
    draft.media = wanted
    _has_changed(draft, now)
    await _note(
        session,
        draft,
        actor,
        now,
        action="alert.media_chosen",
        version=draft.version,
        media=wanted or [],
    )
    return draft


async def confirm(
    session: AsyncSession, draft_id: int, version: int, city: City, *, actor: str, now: datetime
) -> AlertDraft:
    """A colleague confirms this version. This sends nothing.

    Raises
    ------
    Refusal
        It is their own, has faults, or is no longer the version they looked at.
    """
    draft = await opened(session, draft_id, version)
    if actor in authors(draft):
        raise Refusal("You wrote this version yourself; somebody else has to confirm it.")
    refuse_faults(draft, city, now)
    draft.confirmed_by = actor
    draft.confirmed_at = now
    await _note(session, draft, actor, now, action="alert.confirmed", version=version)
    return draft


async def discard(
    session: AsyncSession, draft_id: int, version: int, *, actor: str, now: datetime
) -> None:
    """Throw a draft away. Residents get no message."""
    draft = await opened(session, draft_id, version)
    draft.discarded_at = now
    await _note(session, draft, actor, now, action="alert.discarded")


async def restore(session: AsyncSession, draft_id: int, *, actor: str, now: datetime) -> None:
    """Take back a draft that was thrown away. It must be confirmed again.

    Raises
    ------
    Refusal
        It was thrown away too long ago, or somebody began another that says the same.
    """
    draft = await _draft(session, draft_id)
    if draft.discarded_at is None:
        return
    if draft.discarded_at <= now - KEPT_FOR:
        raise Refusal("This draft was thrown away.")
    # If two people do this at once, or one begins another draft meanwhile, one draft is left.
    follows = draft.replaces_id
    if follows is not None and await being_written(session, follows, draft.status) is not None:
        raise Refusal("There is a newer draft that says the same. Go on with that one.")
    draft.discarded_at = None
    draft.confirmed_by = draft.confirmed_at = None
    await _note(session, draft, actor, now, action="alert.restored")


def refuse_faults(draft: AlertDraft, city: City, now: datetime) -> None:
    """Refuse a draft with faults, or one that was not saved for a day."""
    for fault in faults(draft, city):
        raise fault.refusal()
    if now - draft.updated_at > STALE_AFTER:
        raise Refusal("This draft is more than a day old. Read it again and save it.")


async def opened(session: AsyncSession, draft_id: int, version: int) -> AlertDraft:
    """Return a draft that can still be changed, locked until the transaction ends.

    Raises
    ------
    Refusal
        There is none, it left, it was thrown away, or it is at another version.
    """
    draft = await open_to_write(session, draft_id)
    if draft.version != version:
        raise Refusal("Somebody changed this draft meanwhile. Look at it again.")
    return draft


async def open_to_write(session: AsyncSession, draft_id: int) -> AlertDraft:
    """Return a draft that can still be changed, at any version, as :func:`opened` does.

    Raises
    ------
    Refusal
        There is none, it left, or it was thrown away.
    """
    draft = await _draft(session, draft_id)
    if draft.notice_id is not None:
        raise AlreadySent(draft.notice_id)
    if draft.discarded_at is not None:
        raise Refusal("This draft was thrown away.")
    return draft


async def _draft(session: AsyncSession, draft_id: int) -> AlertDraft:
    draft = await session.get(AlertDraft, draft_id, with_for_update=True)
    if draft is None:
        raise Refusal("There is no such draft.")
    return draft


def _without(detail: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in names}


def _has_changed(draft: AlertDraft, now: datetime) -> None:
    """Give it a new version, which is not confirmed yet."""
    draft.version += 1
    draft.confirmed_by = None
    draft.confirmed_at = None
    draft.updated_at = now


async def _note(
    session: AsyncSession,
    draft: AlertDraft,
    actor: str,
    now: datetime,
    *,
    action: str,
    **detail: object,
) -> None:
    """Add an entry about a draft to the audit trail."""
    await audit.record(
        session, now, actor=actor, action=action, subject=f"draft:{draft.id}", **detail
    )
