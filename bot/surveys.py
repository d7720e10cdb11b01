"""A resident answers a survey: from the message's button or a word to the last question.

The position is the resident's dialogue; the answers are stored under a token that leads nowhere
(``alerts.surveys``). The events are forgotten once they are answered, so that they do not say who
answered what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from alerts.news.models import News
from alerts.news.segments import Wanted
from alerts.surveys import answering
from alerts.surveys.answering import Answer, Given
from alerts.surveys.models import Survey, asked_now
from alerts.surveys.questions import QuestionKind
from alerts.surveys.tokens import message_token
from bot.dialogues import surveys as words
from bot.dialogues import where_we_are
from bot.dialogues.buttons import pressed_by_typing
from bot.dialogues.kinds import (
    SURVEY,
    DialogueOutcome,
    DialogueState,
    Incoming,
    Known,
    Pressed,
    Said,
    SetTopic,
)
from bot.dialogues.onboarding import DEFAULT_LEVEL, menu_card
from bot.dialogues.surveys import AskedSurvey
from bot.dialogues.words import fold, kept_text
from bot.messages import Message, text
from bot.understanding import UNKNOWN
from core.languages import LANGUAGES
from feeds.news_form import SURVEY_PRESS
from feeds.texts import survey_word
from subscriptions.models import Resident

MOST_MESSAGES = 5
MOST_LISTED = 10


@dataclass(frozen=True)
class _Open:
    """A survey that a resident is answering, with what they answered so far.

    ``said_by`` is the message that answers now, if it was written and not tapped.
    """

    row: Survey
    asked: AskedSurvey
    given: Given
    offers: str
    said_by: str = ""


@dataclass(frozen=True)
class SurveyChat:
    """Answers such events in the caller's transaction.

    Parameters
    ----------
    all_secrets
        The service's secret, and those before it.
    """

    all_secrets: Sequence[str]

    async def answer(
        self,
        session: AsyncSession,
        incoming: Incoming,
        resident: Resident,
        state: DialogueState,
        known: Known,
        *,
        late: bool,
    ) -> DialogueOutcome | None:
        """Return what to say; None if the event is not about a survey.

        Parameters
        ----------
        late
            Whether a newer event was answered already: an answer that is there then stays, and the
            conversation stays where it is.
        """
        match incoming:
            case Pressed("survey-topic", {"t": code}):
                return self._agreed(state, code, known)
            case Pressed("survey-no-topic"):
                thanks = text(known.say("Thank you! Here is what I can do."))
                return DialogueOutcome(state, (thanks, menu_card(known)))
            case Pressed("cancel") if state.name == SURVEY:
                incoming = Pressed("survey-stop", {"s": str(state.data.get("survey", 0))})
            case Pressed(do) if do != SURVEY_PRESS and not do.startswith(f"{SURVEY_PRESS}-"):
                return None
            case Pressed():
                pass
            case Said(said) if fold(said) in _typed():
                return await self._every(session, resident, state, known)
            case Said() if state.name == SURVEY:
                return await self._said(session, incoming, resident, state, known, late=late)
            case _:
                return None
        return await self._pressed(session, incoming, resident, state, known, late=late)

    async def gone_on(
        self,
        session: AsyncSession,
        incoming: Incoming,
        resident: Resident,
        outcome: DialogueOutcome,
        known: Known,
    ) -> DialogueOutcome:
        """Ask the open question again after something else was answered; not after a cry."""
        state = outcome.state
        if state.name != SURVEY or not outcome.messages or known.endangered:
            return outcome
        if isinstance(incoming, Said) and known.meaning(incoming.text).is_cry:
            return outcome
        found = await self._open(session, state.data.get("survey", 0), resident, known)
        if not isinstance(found, _Open):
            return DialogueOutcome(
                state.ended(), outcome.messages, outcome.effects, outcome.matters
            )
        again = words.question(found.asked, _place(state, found), found.given, known)
        said = (*outcome.messages[: MOST_MESSAGES - 1], again)
        return DialogueOutcome(state, said, outcome.effects, outcome.matters)

    async def take_back(self, session: AsyncSession, resident_id: int, message_id: str) -> None:
        """Erase the answer that a message said which the resident took back."""
        await answering.take_back(session, resident_id, message_id, self.all_secrets)

    async def forget(self, session: AsyncSession, resident_id: int) -> None:
        """Erase the answers of a resident who is being erased, as far as they can be found."""
        await answering.forget(session, [resident_id], self.all_secrets)

    async def _pressed(
        self,
        session: AsyncSession,
        pressed: Pressed,
        resident: Resident,
        state: DialogueState,
        known: Known,
        *,
        late: bool,
        said_by: str = "",
    ) -> DialogueOutcome:
        number = pressed.values.get("s", "")
        found = await self._open(session, number, resident, known, said_by=said_by)
        if not isinstance(found, _Open):
            ended = state.ended() if state.name == SURVEY else state
            return DialogueOutcome(ended, (found, *where_we_are(ended, known)))
        place = _number(pressed.values.get("q", ""), len(found.asked.questions))
        match pressed.do:
            case "survey":
                return self._begin(state, found, known)
            case "survey-again":
                return self._ask(state, found, 0, known)
            case "survey-stop":
                ended = state.ended() if state.name == SURVEY else state
                said = words.stopped(known, finished=found.given.finished)
                return DialogueOutcome(ended, (said, *where_we_are(ended, known)))
            case "survey-back" if place is not None:
                return self._ask(state, found, max(0, place - 1), known)
            case "survey-answer" | "survey-tick" | "survey-done" | "survey-skip" if (
                place is not None
            ):
                return await self._answered(
                    session, pressed, place, resident, state, found, known, late=late
                )
        return self._begin(state, found, known)

    async def _answered(
        self,
        session: AsyncSession,
        pressed: Pressed,
        place: int,
        resident: Resident,
        state: DialogueState,
        found: _Open,
        known: Known,
        *,
        late: bool,
    ) -> DialogueOutcome:
        """Store what a button of a question says."""
        asked, given = found.asked.questions[place], found.given
        ticked = given.options.get(place, frozenset())
        chosen = answering.chosen(asked, pressed.values.get("v", ""))
        several = asked.kind is QuestionKind.SEVERAL
        reached: int | None = None
        match pressed.do:
            case "survey-skip" if asked.optional:
                answers: list[Answer] = []
            case "survey-done" if several and (ticked or asked.optional):
                answers = [Answer(option=code) for code in sorted(ticked)]
            case "survey-done" if several:
                again = self._ask(state, found, place, known)
                said = (words.nothing_chosen(known), *again.messages)
                return DialogueOutcome(again.state, said)
            case "survey-tick" if several and chosen is not None:
                ticks = ticked - {chosen.option}
                ticks |= {chosen.option} if pressed.values.get("on") == "1" else set()
                answers = [Answer(option=code) for code in sorted(ticks)]
                reached = given.reached
            case "survey-answer" if chosen is not None and not several:
                answers = [chosen]
            case _:
                return self._begin(state, found, known)
        if late and given.has(place) and reached is None:
            return DialogueOutcome(state)
        now_given = await self._give(
            session, found, place, answers, resident, known, reached=reached
        )
        if late:
            return DialogueOutcome(state)
        if reached is not None:
            return self._ask(state, now_given, place, known)
        return self._after(state, found, now_given, place, known)

    async def _said(
        self,
        session: AsyncSession,
        said: Said,
        resident: Resident,
        state: DialogueState,
        known: Known,
        *,
        late: bool,
    ) -> DialogueOutcome | None:
        """Take what was written as the answer to the open question; None if it is something else.

        A cry is never an answer.
        """
        number = state.data.get("survey", 0)
        found = await self._open(session, number, resident, known, said_by=said.message_id)
        if not isinstance(found, _Open):
            ended = state.ended()
            return DialogueOutcome(ended, (found, *where_we_are(ended, known)))
        place = _place(state, found)
        asked = found.asked.questions[place]
        shown = words.question(found.asked, place, found.given, known)
        meaning = known.meaning(kept_text(said.text))
        if pressed := pressed_by_typing(said.text, [shown]):
            return await self._pressed(
                session,
                Pressed(*pressed),
                resident,
                state,
                known,
                late=late,
                said_by=said.message_id,
            )
        if meaning.is_cry:
            return None
        if meaning.whole and meaning.intent in ("cancel", "stop-messages"):
            button = Pressed("survey-stop", {"s": str(found.asked.number)})
            return await self._pressed(session, button, resident, state, known, late=late)
        answer = answering.written(asked, said.text)
        if answer is None:
            if meaning.intent != UNKNOWN:
                return None
            return DialogueOutcome(state, (words.not_read(asked, known), shown))
        if late and found.given.has(place):
            return DialogueOutcome(state)
        now_given = await self._give(session, found, place, [answer], resident, known)
        return self._after(state, found, now_given, place, known)

    async def _give(
        self,
        session: AsyncSession,
        found: _Open,
        place: int,
        answers: Sequence[Answer],
        resident: Resident,
        known: Known,
        *,
        reached: int | None = None,
    ) -> _Open:
        """Store answers; return the survey with what is answered now."""
        assert resident.id is not None
        await answering.give(
            session,
            found.row,
            found.given,
            place,
            answers,
            language=known.language,
            resident_id=resident.id,
            reached=reached,
            message=self._message_token(found),
        )
        given = await answering.given_by(session, found.row, resident.id, self.all_secrets)
        return replace(found, given=given)

    def _message_token(self, found: _Open) -> str | None:
        if not found.said_by:
            return None
        assert found.row.key is not None
        return message_token(self.all_secrets[0], found.row.key, found.said_by)

    def _begin(self, state: DialogueState, found: _Open, known: Known) -> DialogueOutcome:
        """Ask the first question that is open, or say that all are answered."""
        if found.given.finished:
            ended = state.ended() if state.name == SURVEY else state
            return DialogueOutcome(ended, (words.thanks(found.asked, known, again=True),))
        asked = self._ask(state, found, found.given.reached, known)
        return DialogueOutcome(
            asked.state, (words.first_words(found.asked, known), *asked.messages)
        )

    def _ask(self, state: DialogueState, found: _Open, place: int, known: Known) -> DialogueOutcome:
        there = state.over(SURVEY, str(place), survey=found.asked.number)
        return DialogueOutcome(there, (words.question(found.asked, place, found.given, known),))

    def _after(
        self, state: DialogueState, before: _Open, found: _Open, place: int, known: Known
    ) -> DialogueOutcome:
        """Ask the next question, or end.

        A button of another question than the open one changes that answer and moves nobody.
        """
        here = _place(state, found) if _is_in(state, found) else place
        following = place + 1 if here == place else here
        if following < len(found.asked.questions):
            return self._ask(state, found, following, known)
        ended = state.ended() if state.name == SURVEY else state
        said: list[Message] = [words.thanks(found.asked, known, again=False)]
        topic = known.city.topic_by_code.get(found.offers)
        is_new = topic is not None and topic.code not in known.preferences.topics
        if topic is not None and is_new and not before.given.finished:
            said.append(words.offer(topic, known))
        return DialogueOutcome(ended, (*said, *where_we_are(ended, known)))

    def _agreed(self, state: DialogueState, code: str, known: Known) -> DialogueOutcome:
        topic = known.city.topic_by_code.get(code)
        if topic is None or topic.mandatory:
            return DialogueOutcome(state, (menu_card(known),))
        return DialogueOutcome(
            state, (words.agreed(topic, known),), (SetTopic(code, DEFAULT_LEVEL),)
        )

    async def _every(
        self, session: AsyncSession, resident: Resident, state: DialogueState, known: Known
    ) -> DialogueOutcome:
        """List the surveys that are open to a resident; a single one begins."""
        found = [
            one
            for survey, news in await asked_now(session, known.now)
            if await _is_meant(session, news, resident, known)
            and isinstance(one := await self._open(session, survey.id or 0, resident, known), _Open)
        ]
        match found:
            case []:
                return DialogueOutcome(state, (words.none_open(known), *where_we_are(state, known)))
            case [only]:
                return self._begin(state, only, known)
        listed = [one.asked for one in found[:MOST_LISTED]]
        return DialogueOutcome(state, (words.which(listed, known),))

    async def _open(
        self,
        session: AsyncSession,
        number: object,
        resident: Resident,
        known: Known,
        *,
        said_by: str = "",
    ) -> _Open | Message:
        """Return a survey that can be answered, or the message that says why not."""
        survey_id = _number(str(number), 2**31)
        found = (
            None if survey_id is None else await answering.open_to(session, survey_id, known.now)
        )
        if found is None:
            return text(known.say("That button no longer works. Here is what I can do."))
        survey, news, is_open = found
        if not is_open:
            return words.closed(known)
        assert resident.id is not None and survey.id is not None
        given = await answering.given_by(session, survey, resident.id, self.all_secrets)
        asked = AskedSurvey(
            survey.id,
            words.title_of(news, known.language),
            survey.asked(),
            survey.closes_on,
            survey.named,
        )
        return _Open(survey, asked, given, survey.offers, said_by)


async def _is_meant(session: AsyncSession, news: News, resident: Resident, known: Known) -> bool:
    """Whether a survey is for a resident: their districts, and what narrows it."""
    mine = known.preferences.areas
    if not news.whole_city and mine and not set(mine) & set(news.areas):
        return False
    segment = Wanted.from_json(news.segment).at(known.now)
    found = await session.scalar(
        select(Resident.id).where(col(Resident.id) == resident.id, *segment.conditions())
    )
    return found is not None


def _is_in(state: DialogueState, found: _Open) -> bool:
    return state.name == SURVEY and state.data.get("survey") == found.asked.number


def _place(state: DialogueState, found: _Open) -> int:
    """Return the open question; one that there is, whatever is stored."""
    return _number(state.step, len(found.asked.questions)) or 0


def _number(said: str, below: int) -> int | None:
    """Return a number of a button or a state, if it is one of those that there are."""
    if not (said.isascii() and said.isdecimal()) or len(said) > 10:
        return None
    return int(said) if int(said) < below else None


@cache
def _typed() -> frozenset[str]:
    return frozenset(fold(survey_word(language)) for language in LANGUAGES)
