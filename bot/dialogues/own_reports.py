"""What becomes of the resident's reports, and what they can still do with one.

They see its state, add a photo, say that it is mended or worse, and take it back while nobody has
decided on it. A report of somebody else that they joined can be left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot import messages
from bot.dialogues.kinds import (
    ADDING,
    AddPhoto,
    AddToReport,
    AddWords,
    CaseAsked,
    DialogueOutcome,
    DialogueState,
    FollowReport,
    Known,
    OwnReport,
    Photographed,
    Said,
    WithdrawReport,
)
from bot.dialogues.report import refusal
from bot.messages import Action, Message, Part
from bot.understanding import UNKNOWN
from city.city import name_in
from public import following
from public.words import CATALOGUE, NOT_PUBLIC
from reports.following import MAX_LATER
from reports.models import Addition
from reports.photos import MAX_PHOTOS
from reports.states import WAITING, ReportState

NOT_RIGHT_STEP = "not-right"
"""Somebody said that a completed report is not right: a photo or words are awaited."""
AWAITED = timedelta(hours=24)
SAYS_MORE = (UNKNOWN, "report", "report-status", "thanks", "danger")
"""What a sentence seems to ask for that tells what is not right."""


def every(state: DialogueState, known: Known) -> DialogueOutcome:
    """The resident's reports, each with its state; tapping one shows what can be done with it."""
    again = messages.press(known.say("Report damage"), "report")
    quick = [again]
    if known.city.publish_reports:
        quick.append(messages.press(known.say("Repairs near me"), "repairs"))
    if not known.own_reports:
        nothing = messages.text(known.say("You have not reported anything yet."), *quick)
        return DialogueOutcome(state, (nothing,))
    tiles = [
        messages.tile(
            messages.press(_title(one, known), "my-report", n=one.number),
            note=one.state.resident_name(known.language),
        )
        for one in known.own_reports
    ]
    return DialogueOutcome(state, (messages.card(known.say("Your reports"), tiles, quick=quick),))


def asked(state: DialogueState, case: CaseAsked, known: Known) -> DialogueOutcome:
    """Answer a message with the number of a case: follow it, or say how it is and offer that."""
    reports = messages.press(known.say("Your reports"), "reports")
    if case.own is not None:
        return DialogueOutcome(state, (_card(case.own, known),))
    if case.public is None:
        words = CATALOGUE.text(known.language, NOT_PUBLIC)
        return DialogueOutcome(state, (messages.text(words, reports),))
    number = case.public.number
    if case.follow:
        words = known.say("We will tell you what becomes of report {number}.", number=number)
        follow = (FollowReport(number, saw=False),)
        return DialogueOutcome(state, (messages.text(words, reports),), follow, matters=True)
    one = OwnReport(number, case.public.category, case.public.state)
    rows: list[Part] = [messages.words(one.state.resident_name(known.language))]
    district = known.city.district_by_code.get(case.public.area or "")
    if district is not None:
        rows.append(messages.words(name_in(district.names, known.language)))
    label = following.message(number, known.language)
    rows.append(messages.tile(messages.press(label, "follow-case", n=number)))
    return DialogueOutcome(state, (messages.card(_title(one, known), rows),))


def pressed(
    state: DialogueState, do: str, values: Mapping[str, str], known: Known
) -> DialogueOutcome:
    """Do what a button of one report says. ``known.own_reports`` has this report alone."""
    one = next((own for own in known.own_reports if own.number == values.get("n")), None)
    if one is None:
        return DialogueOutcome(state, (_nothing_to_do(known),))
    match do:
        case "my-photo" if _can_add(one):
            words = known.say(
                "Send the photo now. It is added to report {number}.", number=one.number
            )
            asked = messages.text(
                words,
                messages.camera(known.say("Take a photo")),
                messages.camera_roll(known.say("Choose a photo")),
                messages.press(known.say("Cancel"), "cancel"),
            )
            return DialogueOutcome(state.over(ADDING, "photo", number=one.number), (asked,))
        case "my-mended" | "my-worse" if not one.joined:
            addition = Addition.MENDED if do == "my-mended" else Addition.WORSE
            words = known.say(
                "Thank you. The city sees what you told of report {number}.", number=one.number
            )
            effects = (AddToReport(one.number, addition),)
            return DialogueOutcome(state, (messages.text(words),), effects, matters=True)
        case "my-withdraw" if _can_withdraw(one):
            return DialogueOutcome(state, (_sure(one, known),))
        case "my-withdraw-yes" if _can_withdraw(one):
            words = known.say(
                "Report {number} was taken back. Its photos and words are erased.",
                number=one.number,
            )
            withdrawn = (WithdrawReport(one.number),)
            return DialogueOutcome(state, (messages.text(words),), withdrawn, matters=True)
        case "my-leave" if one.joined:
            words = known.say("You hear no more of report {number}.", number=one.number)
            left = (FollowReport(one.number, on=False),)
            return DialogueOutcome(state, (messages.text(words),), left, matters=True)
        case "my-report":
            return DialogueOutcome(state, (_card(one, known),))
    return DialogueOutcome(state, (_card(one, known),))


def photographed(state: DialogueState, event: Photographed, known: Known) -> DialogueOutcome:
    """Add a photo to the report for which it was asked."""
    number = str(state.data.get("number", ""))
    if event.picture is None:
        return DialogueOutcome(state, (refusal(event.refusal, known),), matters=True)
    one = next((own for own in known.own_reports if own.number == number), None)
    if one is None or not _can_add(one):
        return DialogueOutcome(state.ended(), (_nothing_to_do(known),))
    after = state if event.more else state.ended()
    words = known.say("The photo was added to report {number}.", number=number)
    effects = (AddPhoto(number, event.picture),)
    return DialogueOutcome(after, (messages.text(words),), effects, matters=True)


def tells_more(state: DialogueState, event: Said, known: Known) -> bool:
    """Whether somebody who was just asked what is not right writes about it."""
    if state.name != ADDING or state.step != NOT_RIGHT_STEP or not event.text:
        return False
    waited = known.now - datetime.fromisoformat(str(state.data["at"]))
    return waited < AWAITED and known.meaning(event.text).intent in SAYS_MORE


def wrote(state: DialogueState, event: Said, known: Known) -> DialogueOutcome:
    """Keep what a resident wrote about a report that is not right."""
    number = str(state.data.get("number", ""))
    words = known.say("Thank you. The city has your words about report {number}.", number=number)
    effects = (AddWords(number, event.text, event.message_id),)
    return DialogueOutcome(state.ended(), (messages.text(words),), effects, matters=True)


def _can_add(one: OwnReport) -> bool:
    # What was joined to another report has that state, whatever becomes of the case.
    is_open = one.state.is_open or one.state is ReportState.DUPLICATE
    return is_open and not one.joined and one.photos < MAX_PHOTOS + MAX_LATER


def _can_withdraw(one: OwnReport) -> bool:
    return one.state in WAITING and not one.joined


def _title(one: OwnReport, known: Known) -> str:
    names = {
        kind.code: name_in(kind.names, known.language) for kind in known.city.report_categories
    }
    return f"{one.number} {names.get(one.category, '')}".strip()


def _card(one: OwnReport, known: Known) -> Message:
    buttons: list[Action] = []
    if _can_add(one):
        buttons.append(_press(one, known.say("Add a photo"), "my-photo"))
    if not one.joined:
        buttons.append(_press(one, known.say("It is mended"), "my-mended"))
        buttons.append(_press(one, known.say("It got worse"), "my-worse"))
    if one.joined:
        buttons.append(_press(one, known.say("Stop following"), "my-leave"))
    rows: list[Part] = [
        messages.words(one.state.resident_name(known.language)),
        *map(messages.tile, buttons),
    ]
    if _can_withdraw(one):
        take_back = _press(one, known.say("Take it back"), "my-withdraw")
        rows.append(messages.tile(take_back, danger=True))
    return messages.card(_title(one, known), rows)


def _sure(one: OwnReport, known: Known) -> Message:
    yes = _press(one, known.say("Take it back"), "my-withdraw-yes")
    no = _press(one, known.say("Keep"), "my-report")
    words = known.say(
        "Take back report {number}? Its photos and words are erased.", number=one.number
    )
    tiles = [messages.tile(yes, danger=True), messages.tile(no)]
    return messages.card(_title(one, known), tiles, intro=words)


def _nothing_to_do(known: Known) -> Message:
    words = known.say("This report cannot be changed any more.")
    return messages.text(words, messages.press(known.say("Your reports"), "reports"))


def _press(one: OwnReport, label: str, do: str) -> Action:
    return messages.press(label, do, n=one.number)
