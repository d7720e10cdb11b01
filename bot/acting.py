"""Does what an event asks for, in one transaction with the note that it was done.

Choices are kept with LINE's time of the event that made them; an older event that comes later
does not undo a newer one, so that the order of arrival does not matter (promise 1).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import structlog
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.dialogues import respond
from bot.dialogues.kinds import (
    REPORT,
    ConfirmTopics,
    Effect,
    Erase,
    FileReport,
    Followed,
    Incoming,
    InForce,
    Known,
    Located,
    Outcome,
    Pressed,
    Said,
    Sent,
    SetArea,
    SetLanguage,
    SetQuietHours,
    SetTopic,
    State,
)
from bot.dialogues.report import PLACE
from bot.dialogues.words import command_in, is_cry_for_help
from bot.models import Dialogue, EventState, WebhookEvent
from channels.forget import forget_personal
from core.city import City
from core.city_folder import CityFolder
from core.languages import EASY_JAPANESE
from feeds.in_force import in_force
from feeds.models import Notice
from reports.models import Report
from reports.nearby import taken_up_near
from reports.service import create_report
from subscriptions import service
from subscriptions.models import Resident, ResidentState

ALL_AREAS = "areas"
"""The choice that forgets all districts; each district's own choice is ``area:<code>``."""
SIGNS_OF_LIFE = ("follow", "message", "postback")

log = structlog.get_logger(__name__)


class Actor:
    """Acts on events of one city.

    Parameters
    ----------
    city
        The city as the service knows it.
    folder
        What only the conversation needs: evacuation sites, collection days, answers.
    """

    def __init__(self, city: City, folder: CityFolder) -> None:
        self.city = city
        self.folder = folder

    async def act(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        incoming: Incoming | None,
        language: str,
        now: datetime,
    ) -> bool:
        """Do what ``event`` asks for and keep the answer with it.

        Parameters
        ----------
        incoming
            What it says; None for somebody who left.
        language
            The language for somebody not yet known.

        Returns
        -------
        bool
            Whether the resident's menu at LINE may have to change.
        """
        assert event.line_user_id is not None
        event.state = EventState.DONE
        if await self._is_overtaken(session, event):
            log.info("event overtaken", event_id=event.event_id, kind=event.kind)
            return False
        if incoming is None:
            await service.unfollow(session, self.city, event.line_user_id, now)
            return False
        found = await service.find(session, event.line_user_id)
        following = found is not None and found.state is ResidentState.FOLLOWING
        # Whoever is followed already is not followed again: that would use up a row number.
        resident = (
            found
            if found is not None and following
            else await service.follow(session, self.city, event.line_user_id, language, now)
        )
        dialogue = await _dialogue(session, resident, now)
        late = event.timestamp_ms < dialogue.last_event_ms
        if isinstance(incoming, Followed):
            if following and late:
                return False
            incoming = Followed(returning=found is not None)
        elif found is None and _is_plain(incoming):
            incoming = Followed()
        state = State(dialogue.name, dialogue.step, dialogue.data)
        known = await self._known(session, resident, incoming, event, now)
        known = replace(known, taken_up=await _taken_up(session, state, incoming))
        outcome = respond(state, incoming, known, late=late)
        outcome = await self._apply(session, event, resident, dialogue, outcome, now)
        erased = any(isinstance(effect, Erase) for effect in outcome.effects)
        if not erased:
            dialogue.name, dialogue.step = outcome.state.name, outcome.state.step
            dialogue.data = dict(outcome.state.data)
            dialogue.last_event_ms = max(dialogue.last_event_ms, event.timestamp_ms)
            dialogue.updated_at = now
            session.add(dialogue)
        if outcome.messages:
            event.answer = list(outcome.messages)
            event.answer_matters = outcome.matters
            event.state = EventState.ANSWERING
        return (
            erased
            or isinstance(incoming, Followed)
            or any(isinstance(effect, SetLanguage) for effect in outcome.effects)
        )

    async def _is_overtaken(self, session: AsyncSession, event: WebhookEvent) -> bool:
        """Whether a newer event has already said otherwise.

        Whoever left hears nothing more of what they said before; a follow or a leave is old
        news when the resident was seen, or left, after it.
        """
        later = select(WebhookEvent.kind).where(
            col(WebhookEvent.line_user_id) == event.line_user_id,
            col(WebhookEvent.timestamp_ms) > event.timestamp_ms,
        )
        if event.kind == "unfollow":
            newer = await session.scalar(
                later.where(col(WebhookEvent.kind).in_(SIGNS_OF_LIFE)).limit(1)
            )
            return newer is not None
        last = await session.scalar(
            later.where(col(WebhookEvent.kind).in_(("follow", "unfollow")))
            .order_by(col(WebhookEvent.timestamp_ms).desc())
            .limit(1)
        )
        return last == "unfollow"

    async def _known(
        self,
        session: AsyncSession,
        resident: Resident,
        incoming: Incoming,
        event: WebhookEvent,
        now: datetime,
    ) -> Known:
        assert resident.id is not None
        known = Known(
            city=self.city,
            preferences=await service.preferences(session, self.city, resident.id),
            now=now,
            event_id=event.event_id,
            shelters=self.folder.shelters,
            calendar=self.folder.calendar,
            answers=self.folder.answers,
            following_since=resident.followed_at,
        )
        match incoming:
            case Pressed("data"):
                count = await session.scalar(
                    select(func.count())
                    .select_from(Report)
                    .where(col(Report.resident_id) == resident.id)
                )
                return replace(known, reports=int(count or 0))
            case Pressed("now"):
                wanted = True
            case Said(text):
                wanted = command_in(text) == "now"
            case _:
                wanted = False
        if not wanted:
            return known
        notices = await in_force(session, self.city.jma.municipality, now)
        return replace(known, in_force=tuple(_as_told(n, known.language) for n in notices))

    async def _apply(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        resident: Resident,
        dialogue: Dialogue,
        outcome: Outcome,
        now: datetime,
    ) -> Outcome:
        """Do the effects; return the outcome with what only doing them could tell."""
        for effect in outcome.effects:
            if isinstance(effect, FileReport):
                report = await create_report(
                    session,
                    self.city,
                    effect.draft,
                    resident_id=resident.id,
                    language=resident.language,
                    now=now,
                )
                assert outcome.filed is not None
                state, words = outcome.filed(report.number)
                outcome = replace(outcome, state=state, messages=words)
            elif isinstance(effect, Erase):
                await self._erase(session, event, resident, dialogue, now)
            else:
                await self._choose(session, event, resident, dialogue, effect, now)
        return outcome

    async def _choose(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        resident: Resident,
        dialogue: Dialogue,
        effect: Effect,
        now: datetime,
    ) -> None:
        """Change one choice, unless a newer event has made it already."""
        assert resident.id is not None
        choice = _choice(effect)
        applied = dict(dialogue.applied)
        moment = event.timestamp_ms
        newest = applied.get(choice, 0)
        if choice.startswith("area:"):
            newest = max(newest, applied.get(ALL_AREAS, 0))
        if moment < newest:
            return
        choices = await service.preferences(session, self.city, resident.id)
        match effect:
            case SetLanguage(language):
                await service.choose_language(session, self.city, resident.id, language, now)
            case SetArea(None):
                kept = [a for a in choices.areas if applied.get(f"area:{a}", 0) > moment]
                await service.choose_areas(session, self.city, resident.id, kept, now)
            case SetArea(str(area), on):
                areas = set(choices.areas) - {area} | ({area} if on else set())
                await service.choose_areas(session, self.city, resident.id, sorted(areas), now)
            case SetTopic(topic, level):
                topics = {code: n for code, n in choices.topics.items() if code != topic}
                if level is not None:
                    topics[topic] = level
                await service.choose_topics(session, self.city, resident.id, topics, now)
            case ConfirmTopics():
                await service.choose_topics(session, self.city, resident.id, choices.topics, now)
            case SetQuietHours(start, end):
                await service.choose_quiet_hours(session, self.city, resident.id, start, end, now)
        applied[choice] = moment
        dialogue.applied = applied

    async def _erase(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        resident: Resident,
        dialogue: Dialogue,
        now: datetime,
    ) -> None:
        """Forget the resident, and what they said up to now; this event follows when answered."""
        assert resident.id is not None
        session.expunge(dialogue)
        await forget_personal(session, [resident.id])
        await service.erase(session, self.city, resident.id, now)
        await session.execute(
            update(WebhookEvent)
            .where(
                col(WebhookEvent.line_user_id) == event.line_user_id,
                col(WebhookEvent.id) != event.id,
                (col(WebhookEvent.timestamp_ms) <= event.timestamp_ms)
                | col(WebhookEvent.state).in_(
                    (EventState.DONE, EventState.FAILED, EventState.IGNORED)
                ),
            )
            .values(state=EventState.DONE, line_user_id=None, payload="{}", answer=None)
            .execution_options(synchronize_session=False)
        )
        event.forget = True


def _as_told(notice: Notice, language: str) -> InForce:
    words = notice.texts.get(language) or notice.texts.get(EASY_JAPANESE) or notice.texts["ja"]
    return InForce(words.get("title", ""), words.get("text", ""))


async def _dialogue(session: AsyncSession, resident: Resident, now: datetime) -> Dialogue:
    assert resident.id is not None
    dialogue = await session.get(Dialogue, resident.id)
    if dialogue is None:
        dialogue = Dialogue(resident_id=resident.id, name=State().name, step="", updated_at=now)
        session.add(dialogue)
        await session.flush()
    return dialogue


async def _taken_up(session: AsyncSession, state: State, incoming: Incoming) -> frozenset[str]:
    """Return what the city has taken up already at the place of the report being made."""
    if state.name != REPORT:
        return frozenset()
    # Whoever is about to say another place may say one without a position.
    place = {} if state.step == PLACE else state.data.get("place") or {}
    longitude, latitude = place.get("longitude"), place.get("latitude")
    if isinstance(incoming, Located):
        longitude, latitude = incoming.longitude, incoming.latitude
    if longitude is None or latitude is None:
        return frozenset()
    return await taken_up_near(session, longitude, latitude)


def _is_plain(incoming: Incoming) -> bool:
    """Whether the first word of somebody unknown asks for nothing in particular."""
    match incoming:
        case Said(text):
            return command_in(text) is None and not is_cry_for_help(text)
        case Sent():
            return True
    return False


def _choice(effect: Effect) -> str:
    match effect:
        case SetLanguage():
            return "language"
        case SetArea(None):
            return ALL_AREAS
        case SetArea(area):
            return f"area:{area}"
        case SetTopic(topic):
            return f"topic:{topic}"
        case SetQuietHours():
            return "quiet"
        case _:
            return "topics"
