"""What is told of a kind of damage instead of asking for a report: whom to call, and when."""

from __future__ import annotations

from bot import messages
from bot.dialogues.kinds import Known
from bot.messages import Action, Message, Part
from city.kinds import KindMessage, ReportCategory
from city.parts import name_in, sentence_in
from core.clock import in_japan
from reports.due import is_working_day


def card(kind: ReportCategory, message: KindMessage, known: Known, *quick: Action) -> Message:
    """Return the message of this hour, with a button to call."""
    texts, phone = message.told(in_japan(known.now), is_working_day)
    calls: list[Part] = []
    if phone:
        calls.append(
            messages.tile(
                messages.uri(known.say("Call {phone}", phone=phone), f"tel:{phone}"), strong=True
            )
        )
    if message.url:
        calls.append(messages.tile(messages.uri(known.say("More about it"), message.url)))
    return messages.card(
        name_in(kind.names, known.language),
        calls,
        intro=sentence_in(texts, known.language),
        quick=quick,
    )
