"""What members of staff say in the chat: they join by a code, answer a call-up, and leave.

It is no part of the conversation with residents: the resident's own state stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from bot import messages
from bot.dialogues.kinds import Incoming, Pressed, Said
from bot.messages import Message, card, press, tile
from city.city import City, name_in
from core.errors import BadInput
from feeds.texts import drill_mark
from response import call_ups, words
from response.joining import Answer, Codes, Looked, leave, typed_code
from response.models import CallUp, StaffMember
from response.staff import member_of_user
from response.words import CHOICES, choice_of, say

TYPED = frozenset({"staff", "職員名簿", "職員登録"})
"""What a member types to see their entry or to leave."""
JOIN, LEAVE, NO = "staff-join", "staff-leave", "staff-no"
ACTS = frozenset({JOIN, LEAVE, NO, call_ups.PRESS})
_SENTENCES = {
    Answer.WRONG: words.WRONG,
    Answer.OLD: words.OLD,
    Answer.USED: words.USED,
    Answer.TOO_MANY: words.TOO_MANY,
    Answer.ALREADY: words.ALREADY,
    Answer.SOMEBODY_ELSES: words.OTHER,
}


def join_link(line_id: str, code: str) -> str:
    """Return the address that opens the chat with the code in it.

    Source: https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
    """
    return f"https://line.me/R/oaMessage/{quote(line_id, safe='')}/?{quote(code, safe='')}"


def is_of_staff(incoming: Incoming | None) -> bool:
    """Whether an event is about the list of staff or a call-up."""
    match incoming:
        case Said(text):
            return typed_code(text) is not None or _folded(text) in TYPED
        case Pressed(do):
            return do in ACTS
    return False


def _folded(text: str) -> str:
    return text.strip().casefold()[:20]


@dataclass(frozen=True)
class StaffChat:
    """Answers such events in the caller's transaction."""

    city: City
    codes: Codes

    async def answer(
        self,
        session: AsyncSession,
        incoming: Incoming,
        line_user_id: str,
        language: str,
        now: datetime,
        *,
        said_at: datetime | None = None,
    ) -> list[Message] | None:
        """Return what to say; None if it is a resident's message after all.

        ``said_at`` is when they sent it, which LINE may tell us later; by default ``now``.
        """
        match incoming:
            case Said(text) if code := typed_code(text):
                looked = await self.codes.look(session, code, line_user_id, now)
                if looked.answer is Answer.YOURS and looked.member is not None:
                    return [self._ask(looked.member, code, language)]
                return [self._refusal(looked, language)]
            case Said():
                member = await member_of_user(session, line_user_id)
                return None if member is None else [self._listed(member, language)]
            case Pressed("staff-join", {"code": code}):
                looked = await self.codes.join(session, code[:40], line_user_id, now)
                if looked.answer is Answer.YOURS and looked.member is not None:
                    joined = say(language, words.JOINED, name=looked.member.name)
                    return [messages.text(joined)]
                return [self._refusal(looked, language)]
            case Pressed("staff-leave"):
                went = await leave(session, line_user_id, now)
                return [messages.text(say(language, words.LEFT if went else words.NOT_LISTED))]
            case Pressed("staff-answer", {"call": number, "answer": choice}):
                at = min(said_at or now, now)
                return [await self._answered(session, line_user_id, number, choice, language, at)]
        return [messages.text(say(language, words.NOTHING))]

    def _ask(self, member: StaffMember, code: str, language: str) -> Message:
        title = say(
            language,
            words.ASK,
            name=member.name,
            department=self._department(member, language),
        )
        yes = tile(press(say(language, words.YES), JOIN, code=code), strong=True)
        no = tile(press(say(language, words.NO), NO))
        return card(title, (), intro=say(language, words.ASK_MORE), footer=[yes, no])

    def _refusal(self, looked: Looked, language: str) -> Message:
        name = looked.member.name if looked.member is not None else ""
        return messages.text(say(language, _SENTENCES[looked.answer], name=name))

    def _listed(self, member: StaffMember, language: str) -> Message:
        department = self._department(member, language)
        sentence = say(language, words.LISTED, name=member.name, department=department)
        return card(sentence, (), footer=[tile(press(say(language, words.LEAVE), LEAVE))])

    async def _answered(
        self,
        session: AsyncSession,
        line_user_id: str,
        number: str,
        choice: str,
        language: str,
        now: datetime,
    ) -> Message:
        member = await member_of_user(session, line_user_id)
        call_up_id = int(number) if number.isdecimal() and len(number) < 10 else 0
        if member is None or choice not in CHOICES:
            return messages.text(say(language, words.NOT_LISTED))
        assert member.id is not None
        language = member.language
        try:
            kept = await call_ups.answer(session, call_up_id, member.id, choice, now, by="line")
        except BadInput as error:
            over = error.reason.code == "call-up.ended"
            return messages.text(say(language, words.ENDED if over else words.NOT_CALLED))
        call_up = await session.get_one(CallUp, call_up_id)
        # A newer answer may be kept than this one, which came late.
        choice = choice_of(kept.answer, kept.minutes)
        noted = say(language, words.NOTED, answer=say(language, CHOICES[choice].label))
        mark = f"{drill_mark(language)} " if call_up.drill else ""
        return messages.text(f"{mark}{noted}")

    def _department(self, member: StaffMember, language: str) -> str:
        for each in self.city.departments:
            if each.code == member.department:
                return name_in(each.names, language)
        return member.department
