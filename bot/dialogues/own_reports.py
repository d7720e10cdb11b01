"""What becomes of the resident's reports, and what they can still do with one.

They see its state, add a photo, say that it is mended or worse, and take it back while nobody has
decided on it. Of a report of somebody else that they joined they say that it got worse, too, and
they can leave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot import messages
from bot.dialogues import safety
from bot.dialogues.kinds import (
    ADDING,
    AddPhoto,
    AddToReport,
    AddWords,
    CaseAsked,
    DialogueOutcome,
    DialogueState,
    Effect,
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
from reports import worse_words
from reports.danger_words import danger_in
from reports.following import MAX_LATER
from reports.models import Addition
from reports.photos import MAX_PHOTOS
from reports.states import WAITING, ReportState

NOT_RIGHT_STEP = "not-right"
"""Somebody said that a completed report is not right: a photo or words are awaited."""
WORSE_STEP = "worse"
"""Somebody said that it got worse: words or a photo are awaited."""
WHICH_STEP = "which"
"""Somebody wrote that something got worse: of which report, they still have to say."""
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
        case "my-mended" if not one.joined:
            words = known.say(
                "Thank you. The city sees what you told of report {number}.", number=one.number
            )
            effects = (AddToReport(one.number, Addition.MENDED),)
            return DialogueOutcome(state, (messages.text(words),), effects, matters=True)
        case "my-worse" if one.is_open:
            return _worse(state, one, known)
        case "my-worse":
            return DialogueOutcome(state, (_ended(known),))
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
    worse = state.step == WORSE_STEP and one is not None and one.is_open
    if one is None or not (_has_room(one) if worse else _can_add(one)):
        return DialogueOutcome(state.ended(), (_nothing_to_do(known),))
    after = state if event.more or worse else state.ended()
    words = known.say("The photo was added to report {number}.", number=number)
    effects = (AddPhoto(number, event.picture),)
    return DialogueOutcome(after, (messages.text(words),), effects, matters=True)


def tells_more(state: DialogueState, event: Said, known: Known) -> bool:
    """Whether somebody who was just asked what is not right, or got worse, writes about it."""
    if not _awaited(state, event, known):
        return False
    meaning = known.meaning(event.text)
    if meaning.intent in SAYS_MORE:
        return True
    # What only may be another request is about the report, and so is what is worse or dangerous.
    is_grave = worse_words.says_worse(event.text) or bool(danger_in(event.text)[0])
    return not meaning.whole and (bool(meaning.alternatives) or is_grave)


def _awaited(state: DialogueState, event: Said, known: Known) -> bool:
    asked = state.name == ADDING and state.step in (NOT_RIGHT_STEP, WORSE_STEP)
    if not asked or not event.text or "at" not in state.data:
        return False
    return known.now - datetime.fromisoformat(str(state.data["at"])) < AWAITED


def wrote(state: DialogueState, event: Said, known: Known) -> DialogueOutcome:
    """Keep what a resident wrote about a report that is not right, or got worse.

    After that it got worse, a photo or more words may follow.
    """
    after = state if state.step == WORSE_STEP else state.ended()
    told = (*_if_hurt(event.text, known), *has_words(state, known))
    return DialogueOutcome(after, told, _kept(state, event), matters=True)


def has_words(state: DialogueState, known: Known) -> tuple[Message, ...]:
    """Say that the city has what a resident wrote about the report that was spoken of."""
    number = str(state.data.get("number", ""))
    words = known.say("Thank you. The city has your words about report {number}.", number=number)
    return (messages.text(words),)


def words_in_danger(state: DialogueState, event: Said, known: Known) -> tuple[Effect, ...]:
    """Keep a cry for help of somebody who was just asked what is not right, or got worse."""
    return _kept(state, event) if _awaited(state, event, known) else ()


def _kept(state: DialogueState, event: Said) -> tuple[Effect, ...]:
    number, worse = str(state.data.get("number", "")), state.step == WORSE_STEP
    return (AddWords(number, event.text, event.message_id, worse),)


def says_worse(state: DialogueState, event: Said, known: Known) -> bool:
    """Whether a sentence says that an open report of theirs got worse, or is dangerous now."""
    if state.name not in (DialogueState().name, ADDING):
        return False
    if _named(event, known) is not None:
        return True
    meaning = known.meaning(event.text)
    is_warned = meaning.intent == "danger" and known.endangered
    return bool(known.worse_reports) and meaning.intent in SAYS_MORE and not is_warned


def about_which(state: DialogueState, event: Said, known: Known) -> DialogueOutcome:
    """Keep the words with the report that they name, or ask which of theirs is meant."""
    named = _named(event, known)
    if named is not None:
        return _worse(state, named, known, event.text, event.message_id)
    asking = state.over(ADDING, WHICH_STEP, words=event.text, message=event.message_id)
    tiles = [
        messages.tile(
            messages.press(_title(one, known), "my-worse", n=one.number),
            note=one.state.resident_name(known.language),
        )
        for one in known.worse_reports
    ]
    tiles.append(messages.tile(messages.press(known.say("It is something else"), "my-other")))
    title = known.say("Is this about one of your reports?")
    card = messages.card(title, messages.columns(tiles, 1))
    return DialogueOutcome(asking, (*_if_hurt(event.text, known), card), matters=True)


def other_words(state: DialogueState) -> Said | None:
    """Return what somebody wrote, if it is about none of their reports."""
    if state.name != ADDING or state.step != WHICH_STEP:
        return None
    return Said(str(state.data.get("words", "")), str(state.data.get("message", "")))


def without(state: DialogueState, message_id: str) -> DialogueState:
    """Return the state without a message that was taken back."""
    is_it = state.step == WHICH_STEP and state.data.get("message") == message_id
    return state.ended() if is_it else state


def _named(event: Said, known: Known) -> OwnReport | None:
    """Return the open report of theirs that a sentence names by its number, if it got worse."""
    one = known.case_asked.own if known.case_asked is not None else None
    if one is None or not one.is_open:
        return None
    return one if worse_words.says_worse(event.text) or danger_in(event.text)[0] else None


def _worse(
    state: DialogueState, one: OwnReport, known: Known, words: str = "", message_id: str = ""
) -> DialogueOutcome:
    """Tell the city that it got worse, with what they wrote, and ask for words or a photo."""
    if not words and (said := other_words(state)) is not None:
        words, message_id = said.text, said.message_id
    told = known.say(
        "Thank you. The city hears now that report {number} got worse. Please write what is "
        "different, or send a photo.",
        number=one.number,
    )
    asked = messages.text(
        told,
        messages.camera(known.say("Take a photo")),
        messages.camera_roll(known.say("Choose a photo")),
        messages.press(known.say("Cancel"), "cancel"),
    )
    after = state.over(ADDING, WORSE_STEP, number=one.number, at=known.now.isoformat())
    effects = (AddToReport(one.number, Addition.WORSE, words, message_id),)
    return DialogueOutcome(after, (*_if_hurt(words, known), asked), effects, matters=True)


def _if_hurt(words: str, known: Known) -> tuple[Message, ...]:
    """Return the emergency numbers, for words that somebody came to harm."""
    return (safety.emergency(known),) if danger_in(words)[0] == "hurt" else ()


def _ended(known: Known) -> Message:
    words = known.say("This report is closed. If it is broken again, please report it again.")
    return messages.text(words, messages.press(known.say("Report damage"), "report"))


def _can_add(one: OwnReport) -> bool:
    # What was joined to another report has that state, whatever becomes of the case.
    is_open = one.state.is_open or one.state is ReportState.DUPLICATE
    return is_open and not one.joined and _has_room(one)


def _has_room(one: OwnReport) -> bool:
    return one.photos < MAX_PHOTOS + MAX_LATER


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
    if one.is_open:
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
