"""A resident says whether a completed report is right; a no opens it again and asks for more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues.kinds import ADDING, DialogueState, Incoming, Pressed
from bot.dialogues.own_reports import NOT_RIGHT_STEP
from bot.messages import Message
from bot.models import Dialogue
from channels.line.medium import LINE
from city.context import Context
from core.languages import mark
from reports import answers, verdicts
from reports.answer_messages import JUDGE
from reports.kinds import city_now
from reports.models import RESIDENT
from reports.photo_links import photo_links
from reports.verdicts import Heard
from subscriptions.models import Resident


def is_verdict(incoming: Incoming | None) -> bool:
    """Whether an event is a press on the question whether it is right."""
    return isinstance(incoming, Pressed) and incoming.do == JUDGE


@dataclass(frozen=True)
class VerdictChat:
    """Answers such a press in the caller's transaction."""

    context: Context

    async def answer(
        self,
        session: AsyncSession,
        pressed: Pressed,
        resident: Resident,
        dialogue: Dialogue,
        now: datetime,
        *,
        said_at: datetime,
        late: bool,
    ) -> list[Message]:
        """Keep what they said, and tell the others if a case was opened again.

        Parameters
        ----------
        said_at
            When they pressed, which LINE may tell us later.
        late
            Whether a newer event was answered already: then the conversation stays where it is.
        """
        assert resident.id is not None
        city, language = await city_now(session, self.context.city), resident.language
        right = pressed.values.get("right") == "1"
        key = pressed.values.get("k", "").replace("\0", "")
        judged = await verdicts.judge(
            session, city, key, resident.id, right=right, now=now, said_at=min(said_at, now)
        )
        if judged.changed is not None:
            means = answers.Means(self.context.queue, LINE, photo_links(self.context.settings))
            await answers.tell_by_itself(
                session,
                means,
                city,
                judged.changed,
                by=RESIDENT,
                now=now,
                besides={resident.id},
            )
        words = WORDS.text(language, _WORDS[judged.heard])
        if judged.heard not in (Heard.OPENED, Heard.IS_OPEN) or judged.is_late or late:
            return [messages.text(words)]
        state = DialogueState(dialogue.name, dialogue.step, dialogue.data).over(
            ADDING, NOT_RIGHT_STEP, number=judged.number, at=now.isoformat(), own=judged.is_own
        )
        dialogue.name, dialogue.step, dialogue.data = state.name, state.step, dict(state.data)
        dialogue.updated_at = now
        session.add(dialogue)
        quick = (
            (
                messages.camera(WORDS.text(language, "Take a photo")),
                messages.camera_roll(WORDS.text(language, "Choose a photo")),
            )
            if judged.is_own
            else ()
        )
        cancel = messages.press(WORDS.text(language, "Cancel"), "cancel")
        return [messages.text(words, *quick, cancel)]


_WORDS = {
    Heard.RIGHT: mark("Thank you. The city has noted that it is all right."),
    Heard.OPENED: mark(
        "Thank you for telling us. The city will look at it again. Please send a photo, or write "
        "what is not right."
    ),
    Heard.IS_OPEN: mark(
        "Thank you. The city is working on it already. Please send a photo, or write what is not "
        "right."
    ),
    Heard.OLD: mark("This question is no longer open. Thank you."),
}
