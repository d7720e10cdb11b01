"""Do what an event asks for, and note that it was done, in one transaction.

Choices are stored with LINE's time of their event. An older event that arrives later does not undo
a newer one, so the order of arrival does not matter (promise 1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.chat.models import ChatThread
from bot.dialogues import answers, check_in, respond
from bot.dialogues.buttons import city_understanding, typed_button
from bot.dialogues.kinds import (
    NO_PICTURES,
    SAFETY,
    SHELTERS,
    DialogueOutcome,
    DialogueState,
    Effect,
    Erase,
    Followed,
    Incoming,
    Known,
    Located,
    Photographed,
    Pressed,
    Said,
    Sent,
    SetArea,
    SetLanguage,
    WarningShown,
)
from bot.effects import apply
from bot.event_outcomes import answer_now
from bot.incoming import unsent_message
from bot.models import IS_A_TURN, Dialogue, EventState, WebhookEvent
from bot.own_reports import (
    case_asked,
    is_about_a_report,
    own_reports,
    report_meant,
    reports_near,
    watches_repairs,
    worse_reports,
)
from bot.person_chat import PersonChat
from bot.relay import RelayDesk, Way, way_of
from bot.report_verdict import VerdictChat, is_verdict
from bot.staff_chat import StaffChat, is_of_staff
from bot.surveys import SurveyChat
from bot.understanding import CRIES, UNKNOWN
from bot.unsending import take_back, was_taken_back
from city.city import City
from city.folder import CityFolder
from city.shelters import Hazard
from core.clock import in_japan
from core.languages import EASY_JAPANESE
from feeds.evacuation import hazards_at
from feeds.in_force import GRAVE
from feeds.models import Notice
from feeds.told import Told, ToldNow
from public.links import Links
from public.pictures import Pictures
from reports import register
from reports.following import count_followed
from reports.kinds import city_now
from response.check_ins import sites_of
from response.households import last_of
from response.joining import leave
from response.situation import SituationNow
from subscriptions import residents as registry
from subscriptions.models import Resident, ResidentState
from subscriptions.residents import Preferences

WORDLESS = ("unfollow", "unsend")
"""Events without an answer."""
SAYS_NOTHING = (UNKNOWN, "greeting", "thanks")
"""Events without a specific request, for which somebody new is greeted."""
DANGEROUS = (*CRIES, *answers.ANXIOUS, "lifelines", "safe")
"""Events for which the dangers in force are read."""
ASKED_BY = {
    "now": "in-force",
    "shelters": "shelter",
    "reports": "report-status",
    "repairs": "repairs",
    "data": "my-data",
    "data-text": "my-data",
}
SIGNS_OF_LIFE = ("follow", "message", "postback")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Turn:
    """An event that changes the effect of other events of the same resident."""

    kind: str
    timestamp_ms: int
    message_id: str = ""
    """The message that an unsend event takes back."""


@dataclass(frozen=True)
class Loaded:
    """The data of residents whose events are processed together, read in the transaction.

    By LINE user id, or by the resident's number.
    """

    residents: dict[str, Resident] = field(default_factory=dict)
    dialogues: dict[int, Dialogue] = field(default_factory=dict)
    preferences: dict[int, Preferences] = field(default_factory=dict)
    turns: dict[str, list[Turn]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    """What they ask for, by intent."""
    city: City | None = None
    """The city with the kinds of reports that hold now."""
    threads: dict[int, ChatThread] = field(default_factory=dict)
    """Open talks with a person."""


class EventHandler:
    """Acts on events of one city.

    Parameters
    ----------
    city
        The city as the service knows it.
    folder
        Data for the conversation: evacuation sites, collection days, answers.
    told
        The public notices of the dangers in force.
    situation
        What staff say of the evacuation sites.
    pictures
        Addresses of the pictures in answers.
    links
        Makes links to a resident's own pages; without it none are offered.
    staff
        Answers members of staff; without it they are residents like all others.
    verdicts
        Answers who says whether a completed report is right.
    relay
        Knows what another vendor's service on the same channel answers.
    asker_key
        The key of the tokens for who asked what was not understood.
    surveys
        Asks the questions of surveys; without it there are none.
    """

    def __init__(
        self,
        city: City,
        folder: CityFolder,
        told: ToldNow,
        situation: SituationNow,
        pictures: Pictures = NO_PICTURES,
        links: Links | None = None,
        staff: StaffChat | None = None,
        verdicts: VerdictChat | None = None,
        relay: RelayDesk | None = None,
        asker_key: str = "",
        surveys: SurveyChat | None = None,
    ) -> None:
        self.asker_key = asker_key
        self.surveys = surveys
        self.chat = PersonChat(city.chat) if city.chat is not None else None
        self.staff = staff
        self.relay = relay
        self.verdicts = verdicts
        self.pictures = pictures
        self.links = links
        self.city = city
        self.folder = folder
        self.told = told
        self.situation = situation
        self.understanding = city_understanding(folder.words)
        self.understanding.load()

    async def load(self, session: AsyncSession, events: Sequence[WebhookEvent]) -> Loaded:
        """Read the data for these events, with a few queries for all of them."""
        users = {event.line_user_id for event in events if event.line_user_id is not None}
        found = await session.execute(
            select(Resident, Dialogue)
            .outerjoin(Dialogue, col(Dialogue.resident_id) == col(Resident.id))
            .where(col(Resident.line_user_id).in_(users))
        )
        residents: dict[str, Resident] = {}
        dialogues: dict[int, Dialogue] = {}
        for resident, dialogue in found:
            assert resident.line_user_id is not None
            residents[resident.line_user_id] = resident
            if dialogue is not None:
                dialogues[dialogue.resident_id] = dialogue
        turns: dict[str, list[Turn]] = {}
        for row in await session.execute(
            select(
                WebhookEvent.line_user_id,
                WebhookEvent.kind,
                WebhookEvent.timestamp_ms,
                WebhookEvent.payload,
            ).where(IS_A_TURN, col(WebhookEvent.line_user_id).in_(users))
        ):
            unsent = unsent_message(row.payload) if row.kind == "unsend" else ""
            turns.setdefault(row.line_user_id, []).append(Turn(row.kind, row.timestamp_ms, unsent))
        preferences = await registry.preferences_of(session, self.city, list(residents.values()))
        city = await city_now(session, self.city)
        ids = [one.id for one in residents.values() if one.id is not None]
        threads = await self.chat.threads(session, ids) if self.chat is not None and ids else {}
        return Loaded(residents, dialogues, preferences, turns, city=city, threads=threads)

    async def act(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        incoming: Incoming | None,
        language: str,
        now: datetime,
        loaded: Loaded,
    ) -> bool:
        """Do what ``event`` asks for and store the answer with it.

        Only one event of a resident may be processed with the same ``loaded``.

        Parameters
        ----------
        incoming
            Its content; None for somebody who left, or took a message back.
        language
            The language for somebody who is not known yet.

        Returns
        -------
        bool
            Whether the resident's menu at LINE may have to change.
        """
        assert event.line_user_id is not None
        event.state = EventState.DONE
        if event.kind == "unsend":
            await take_back(session, event, self.surveys, now)
            return False
        turns = loaded.turns.get(event.line_user_id, [])
        if event.kind == "message" and was_taken_back(event, {turn.message_id for turn in turns}):
            event.payload = "{}"
            return False
        if await self._is_overtaken(session, event, turns):
            log.info("event.outdated", event_id=event.event_id, kind=event.kind)
            return False
        if incoming is None:
            await registry.unfollow(session, self.city, event.line_user_id, now)
            await leave(session, event.line_user_id, now)
            return False
        found = loaded.residents.get(event.line_user_id)
        following = found is not None and found.state is ResidentState.FOLLOWING
        # A known resident is not inserted again: that would use up a row id.
        resident = (
            found
            if found is not None and following
            else await registry.follow(session, self.city, event.line_user_id, language, now)
        )
        assert resident.id is not None
        dialogue = loaded.dialogues.get(resident.id)
        if dialogue is None:
            dialogue = Dialogue(
                resident_id=resident.id, name=DialogueState().name, step="", updated_at=now
            )
            session.add(dialogue)
        talking = loaded.threads.get(resident.id) is not None
        if await self._is_theirs(session, event, resident, dialogue, incoming, talking):
            # Who came with another service's button is greeted with their first words to us.
            resident.ask_language = resident.ask_language or found is None
            return found is None
        late = event.timestamp_ms < dialogue.last_event_ms
        if isinstance(incoming, Followed):
            if following and late:
                return False
            incoming = Followed(returning=found is not None)
        elif (found is None or found.ask_language) and self._is_plain(incoming, resident, now):
            incoming = Followed()
        if resident.arrival_id is not None or resident.ask_language:
            # Somebody who came in by a list is greeted like anybody, and is not asked a second
            # time.
            await registry.spoke(session, resident, now)
        state = DialogueState(dialogue.name, dialogue.step, dialogue.data)
        choices = loaded.preferences.get(resident.id) if following else None
        if choices is None:
            choices = await registry.preferences(session, self.city, resident.id)
        # What is typed in the middle of something answers a question; it asks for nothing.
        asks = isinstance(incoming, Pressed) or state.name in (DialogueState().name, SHELTERS)
        known = await self._known(
            session, resident, choices, incoming, event, now, state, loaded.asked if asks else None
        )
        known = replace(known, city=loaded.city or known.city)
        if self.chat is not None:
            known = replace(known, person_offer=self.chat.offer(known))
        known = replace(known, near=await reports_near(session, known.city, state, incoming))
        named = await case_asked(session, known.city, incoming, resident.id)
        known = replace(known, case_asked=named)
        worse = await worse_reports(session, incoming, resident.id)
        known = replace(known, worse_reports=worse)
        if is_about_a_report(state, incoming):
            meant = await report_meant(session, state, incoming, resident.id)
            known = replace(known, own_reports=meant)
        if _answers_on(state, incoming):
            known = replace(known, household=await last_of(session, resident.id))
        if is_of_staff(incoming) and self.staff is not None:
            said = await self.staff.answer(
                session,
                incoming,
                event.line_user_id,
                resident.language,
                now,
                said_at=datetime.fromtimestamp(event.timestamp_ms / 1000, UTC),
            )
            if said is not None:
                answer_now(event, dialogue, said)
                return False
        if self.chat is not None:
            told = await self.chat.answer(
                session,
                incoming,
                loaded.threads.get(resident.id),
                resident.id,
                known,
                now,
                key=event.event_id,
            )
            if told is not None and not told.goes_on:
                answer_now(event, dialogue, told.messages)
                return False
        if isinstance(incoming, Pressed) and is_verdict(incoming) and self.verdicts is not None:
            verdict = await self.verdicts.answer(
                session,
                incoming,
                resident,
                dialogue,
                now,
                said_at=datetime.fromtimestamp(event.timestamp_ms / 1000, UTC),
                late=late,
            )
            answer_now(event, dialogue, verdict)
            return False
        outcome = await self._outcome(session, event, resident, state, incoming, known, late=late)
        erased = any(isinstance(effect, Erase) for effect in outcome.effects)
        if erased and self.surveys is not None:
            await self.surveys.forget(session, resident.id)
        outcome = await apply(
            self.city,
            session,
            event,
            resident,
            dialogue,
            outcome,
            now,
            asker_key=self.asker_key,
        )
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
            or await self._menu_may_change(outcome.effects, now)
        )

    async def _is_theirs(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        resident: Resident,
        dialogue: Dialogue,
        incoming: Incoming,
        talking: bool,
    ) -> bool:
        """Whether another vendor's service answers this event, and not we."""
        if self.relay is None or not self.relay.names(event.kind, event.payload):
            return False
        today = in_japan(event.received_at).date()
        way = way_of(
            DialogueState(dialogue.name, dialogue.step, dialogue.data),
            incoming,
            lambda text: self.understanding.meaning(text, resident.language, today),
            talking=talking,
        )
        goes = await self.relay.decide(session, event.event_id, theirs=way is not Way.OURS)
        return goes and way is Way.THEIRS

    async def _outcome(
        self,
        session: AsyncSession,
        event: WebhookEvent,
        resident: Resident,
        state: DialogueState,
        incoming: Incoming,
        known: Known,
        *,
        late: bool,
    ) -> DialogueOutcome:
        """Answer an event of a resident; what it answers in a survey does not stay with it."""
        if self.surveys is None:
            return respond(state, incoming, known, late=late)
        said = await self.surveys.answer(session, incoming, resident, state, known, late=late)
        if said is not None:
            event.forget = True
            return said
        outcome = respond(state, incoming, known, late=late)
        return await self.surveys.gone_on(session, incoming, resident, outcome, known)

    async def _menu_may_change(self, effects: Sequence[Effect], now: datetime) -> bool:
        """Whether other districts may mean another menu: while a disaster is in some of them."""
        if not any(isinstance(effect, SetArea) for effect in effects):
            return False
        return any(mode.areas for mode in (await self.situation.now(now)).modes)

    async def _is_overtaken(
        self, session: AsyncSession, event: WebhookEvent, turns: Sequence[Turn]
    ) -> bool:
        """Whether a newer event already contradicts this one.

        Somebody who left gets no answers to earlier messages. A follow or leave is out of date if
        the resident was seen, or left, after it.
        """
        if event.kind == "unfollow":
            newer = await session.scalar(
                select(WebhookEvent.kind)
                .where(
                    col(WebhookEvent.line_user_id) == event.line_user_id,
                    col(WebhookEvent.timestamp_ms) > event.timestamp_ms,
                    col(WebhookEvent.kind).in_(SIGNS_OF_LIFE),
                )
                .limit(1)
            )
            return newer is not None
        later = [
            turn
            for turn in turns
            if turn.kind in ("follow", "unfollow") and turn.timestamp_ms > event.timestamp_ms
        ]
        return bool(later) and max(later, key=lambda one: one.timestamp_ms).kind == "unfollow"

    def _is_plain(self, incoming: Incoming, resident: Resident, now: datetime) -> bool:
        """Whether the first message of somebody unknown has no specific request."""
        match incoming:
            case Said(text) if check_in.asked_for(text) is not None or is_of_staff(incoming):
                return False
            case Said(text) if typed_button(text) is None:
                today = in_japan(now).date()
                meaning = self.understanding.meaning(text, resident.language, today)
                return meaning.intent in SAYS_NOTHING
            case Sent():
                return True
        return False

    async def _known(
        self,
        session: AsyncSession,
        resident: Resident,
        choices: Preferences,
        incoming: Incoming,
        event: WebhookEvent,
        now: datetime,
        state: DialogueState,
        asks: Counter[str] | None = None,
    ) -> Known:
        """Return what the dialogue needs to know; what is asked for is counted in ``asks``."""
        assert resident.id is not None
        known = Known(
            city=self.city,
            preferences=choices,
            now=now,
            event_id=event.event_id,
            shelters=self.folder.shelters,
            calendar=self.folder.calendar,
            answers=self.folder.answers,
            places=self.folder.places,
            hazard_zones=self.folder.hazard_zones,
            pictures=self.pictures,
            children=self.folder.children,
            page_url=self.links.page(resident, now) if self.links else "",
            calendar_url=self.links.calendars if self.links else "",
            lifelines_url=self.links.lifelines if self.links else "",
            following_since=resident.followed_at,
            understanding=self.understanding,
        )
        language = known.language
        match incoming:
            case Located(longitude, latitude):
                district = self.city.district_at(longitude, latitude)
                here = frozenset({district.code}) if district else frozenset()
                told = await self.told.now(now)
                warned = _warnings_in(told, language, here | frozenset(choices.areas))
                hazards = _hazards_in(told, here)
                return await self._in_disaster(
                    replace(known, in_force=warned, hazards=hazards), here
                )
            case Said(text) if check_in.asked_for(text) is not None:
                asked = "safe"
            case Said(text):
                meaning = known.meaning(text)
                asked, language = meaning.intent, meaning.language
            case Photographed() if state.name == SAFETY:
                asked = "safe"
            case Pressed("r-send"):
                asked = ""
            case Pressed("report", {"danger": "1"}):
                asked = "report"
            case Pressed(do, values):
                asked = "safe" if do.startswith("safe") else ASKED_BY.get(do, "")
                what = values.get("what", "") if do == "ask" else ""
                asked = asked or (what if what in answers.NAMES else "")
            case _:
                asked = ""
        if asked and asks is not None:
            asks[asked] += 1
        if asked == "report-status":
            return replace(known, own_reports=await own_reports(session, resident.id))
        if asked == "repairs":
            return replace(known, watches_repairs=await watches_repairs(session, resident.id))
        if asked == "my-data":
            return replace(
                known,
                watches_repairs=await watches_repairs(session, resident.id),
                reports=await register.count_of_resident(session, resident.id),
                joined_reports=await count_followed(session, resident.id),
                check_ins=await sites_of(session, resident.id),
                household=await last_of(session, resident.id),
            )
        shows_danger = isinstance(incoming, Pressed) and (
            incoming.do == "r-send" or "danger" in incoming.values
        )
        if asked not in DANGEROUS and not shows_danger:
            return known
        told = await self.told.now(now)
        areas = frozenset(known.preferences.areas)
        in_force = _warnings_in(told, language, areas)
        return await self._in_disaster(
            replace(known, in_force=in_force, hazards=_hazards_in(told, areas))
        )

    async def _in_disaster(self, known: Known, here: frozenset[str] = frozenset()) -> Known:
        """The same, with what staff say of the disaster, for real or in the drill."""
        situation = await self.situation.now(known.now)
        known = replace(known, mode=situation.mode_for({*known.preferences.areas, *here}))
        if known.in_drill:
            states, listed = situation.drill_shelters, situation.drill_lifelines
        else:
            states, listed = situation.shelters, situation.lifelines
        return replace(known, shelter_states=states, lifelines=listed)


def _as_told(notice: Notice, language: str, areas: frozenset[str]) -> WarningShown:
    """Return a notice in the resident's language; without a chosen district, they hear of all."""
    words = notice.texts.get(language) or notice.texts.get(EASY_JAPANESE) or notice.texts["ja"]
    here = not areas or not notice.areas or bool(areas & set(notice.areas))
    grave = notice.emergency or max(notice.level, notice.urgency) >= GRAVE
    return WarningShown(words.get("title", ""), words.get("text", ""), here and grave)


def _warnings_in(told: Told, language: str, areas: frozenset[str]) -> tuple[WarningShown, ...]:
    """Return the warnings in force in the resident's language."""
    return told.once(
        ("words", language, areas),
        lambda: tuple(_as_told(notice, language, areas) for notice in told.notices),
    )


def _hazards_in(told: Told, areas: frozenset[str]) -> frozenset[Hazard]:
    """Return the dangers in force in any of the districts, or without districts in the city."""
    return told.once(
        ("hazards", areas),
        lambda: frozenset().union(*(hazards_at(told.notices, area) for area in areas or {None})),
    )


def _answers_on(state: DialogueState, incoming: Incoming) -> bool:
    """Whether an event may belong to the resident's last answer in a disaster."""
    pressed = isinstance(incoming, Pressed) and incoming.do.startswith("safe-")
    return pressed or state.name == SAFETY
