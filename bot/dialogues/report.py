"""A damage report: kind, photos from near and afar, place, the kind's questions, note, check, send.

A photo, a place or a sentence may come first; each question that it answers is not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from bot import messages
from bot.dialogues import kind_message, kind_questions, safety, spot
from bot.dialogues import report_cards as cards
from bot.dialogues.kind_questions import ASK
from bot.dialogues.kinds import (
    REPORT,
    SHELTERS,
    DialogueOutcome,
    DialogueState,
    FileReport,
    FollowReport,
    Incoming,
    Known,
    Located,
    NearReport,
    Photographed,
    Pressed,
    Said,
)
from bot.dialogues.spot import PLACE
from bot.dialogues.words import kept_text
from bot.messages import Message
from city.city import Owner, ReportCategory, name_in
from core.clock import in_japan
from feeds.texts import drill_mark
from reports.danger_words import danger_in
from reports.models import PhotoRole
from reports.photos import MAX_PHOTOS, Picture
from reports.register import Draft

KIND, PHOTO, FAR, NOTE, CONFIRM = "kind", "photo", "far", "note", "confirm"
STEPS = (KIND, PHOTO, FAR, PLACE, ASK, NOTE)
"""In the order in which they are asked."""
DESCRIBED = (KIND, PHOTO, FAR, NOTE)
"""Steps at which a sentence describes the damage."""
MAX_NOTE = 500
MOST_NEAR = 3
"""Reports of the same thing that are shown."""


def begin(
    state: DialogueState, known: Known, kind: str = "", *, danger: bool = False
) -> DialogueOutcome:
    """Start a report, or go on with the one that is open.

    Parameters
    ----------
    kind
        The kind of damage in the resident's own words, by the names of the word lists.
    danger
        Whether it comes from the menu of a disaster, or of a drill.
    """
    if state.name == SHELTERS:
        state = state.ended()
    if state.name == REPORT:
        going_on = messages.text(known.say("Your report is not finished yet. Let's continue."))
        return DialogueOutcome(state, (going_on, *prompt(state, known)))
    opened = state.over(REPORT, KIND, draft=known.event_id)
    if danger:
        opened = opened.at(KIND, danger=True, drill=known.in_drill)
    if _offered(kind, known) is not None:
        return _with_kind(opened, kind, known)
    return DialogueOutcome(opened, prompt(opened, known))


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer within a report; None if the event means something else."""
    state = _noted(state, known)
    match event:
        case Photographed():
            return _photo(state, event, known)
        case Located():
            return _located(state, event, known)
        case Said(said, message_id):
            return _said(state, said, message_id, known)
        case Pressed(do, values) if do.startswith("r-"):
            if values.get("d") != state.data.get("draft"):
                return old_button(state, known)
            return _pressed(state, do, values, known)
    return None


def without(state: DialogueState, message_id: str) -> DialogueState:
    """Return the report without the content of a message that was taken back.

    The steps without an answer are asked again before it can be sent.
    """
    data = kind_questions.without(spot.without(state.data, message_id), message_id)
    if data.get("exif_message") == message_id:
        data |= {"exif": None, "exif_message": ""}
    photos = data.get("photos", [])
    if any(photo.get("message") == message_id for photo in photos):
        data["photos"] = [photo for photo in photos if photo.get("message") != message_id]
    if data.get("note_message") == message_id:
        del data["note"], data["note_message"]
    return state if data == dict(state.data) else _next(replace(state, data=data))


def _noted(state: DialogueState, known: Known) -> DialogueState:
    """Return the report with its kind as it is now: the office may have changed it meanwhile."""
    kind = _chosen(state, known)
    if kind is None and "kind" in state.data:
        state = replace(state, data={name: v for name, v in state.data.items() if name != "kind"})
    return kind_questions.noted(state, kind)


def _chosen(state: DialogueState, known: Known) -> ReportCategory | None:
    return known.city.kind(str(state.data.get("kind", "")))


def old_button(state: DialogueState, known: Known) -> DialogueOutcome:
    """A button of a report that was sent or cancelled: tell the resident and send nothing."""
    number = state.data.get("sent") if state.name != REPORT else None
    if number:
        answer = known.say("This report was already sent. Number: {number}", number=number)
    else:
        answer = known.say("That button belongs to an older report.")
    again = prompt(state, known) if state.name == REPORT else ()
    if again:
        return DialogueOutcome(state, (messages.text(answer), *again))
    offer = messages.press(known.say("Report damage"), "report")
    return DialogueOutcome(state, (messages.text(answer, offer),))


def photo_first(state: DialogueState, event: Photographed, known: Known) -> DialogueOutcome:
    """A photo without a word opens a report."""
    if event.picture is None:
        return DialogueOutcome(state, (refusal(event.refusal, known),), matters=True)
    return _photo(state.over(REPORT, KIND, draft=known.event_id), event, known)


def refusal(reason: str, known: Known) -> Message:
    """Say why a photo was refused."""
    match reason:
        case "too-large":
            words = known.say("This photo is too large. Please send a smaller one.")
        case "unreadable":
            words = known.say("I cannot read this file as a photo. Please send a photo.")
        case _:
            words = known.say("The photo could not be fetched. Please send it again.")
    return messages.text(words)


def _photo(state: DialogueState, event: Photographed, known: Known) -> DialogueOutcome:
    if event.picture is None:
        return DialogueOutcome(
            state, (refusal(event.refusal, known), *prompt(state, known)), matters=True
        )
    photos = list(state.data.get("photos", []))
    picture = replace(event.picture, role=_role(state)).to_json()
    if any(kept["sha256"] == picture["sha256"] for kept in photos):
        return DialogueOutcome(state, prompt(state, known))
    if len(photos) >= MAX_PHOTOS:
        full = known.say("A report holds {limit} photos. This one was not kept.", limit=MAX_PHOTOS)
        return DialogueOutcome(state, (messages.text(full), *prompt(state, known)))
    photos.append(picture)
    taken = event.picture.taken_at
    changes: dict[str, Any] = {"photos": photos}
    if state.step == FAR:
        changes["far"] = True
    if taken is not None and "place" not in state.data and "exif" not in state.data:
        changes |= {"exif": list(taken), "exif_message": event.picture.message_id}
    following = _next(state.at(state.step, **changes))
    thanks = known.say(
        "Thank you for the photo ({count} of {limit}).", count=len(photos), limit=MAX_PHOTOS
    )
    asked = () if event.more else prompt(following, known)
    return DialogueOutcome(
        following, (_as_drill(state, messages.text(thanks), known), *asked), matters=True
    )


def _role(state: DialogueState) -> PhotoRole:
    """Return from where a photo was taken: from afar if that was the question."""
    return PhotoRole.FAR if state.step == FAR else PhotoRole.NEAR


def _located(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    placed = spot.located(state, event, known)
    return _outside(state, known) if placed is None else _following(placed, known)


def _following(state: DialogueState, known: Known) -> DialogueOutcome:
    """Ask the next question that has no answer."""
    return _asking(_next(state), known)


def _asking(state: DialogueState, known: Known) -> DialogueOutcome:
    """Ask what the step asks, or first whether it is the same as what others reported.

    Who else owns the thing is said once, before the question.
    """
    said: tuple[Message, ...] = ()
    owner = _owner(state, known)
    code = owner.code if owner else ""
    if state.data.get("owner", "") != code:
        state = state.at(state.step, owner=code)
        said = (cards.owner_card(owner, known),) if owner else ()
    same = _same(state, known)
    if same and not state.data.get("near_shown"):
        state = state.at(state.step, near_shown=True)
        return DialogueOutcome(state, (*said, cards.near_card(state, same, known)))
    return DialogueOutcome(state, (*said, *prompt(state, known)))


def _owner(state: DialogueState, known: Known) -> Owner | None:
    """Return who else owns what is reported, as far as kind and place say it."""
    place = state.data.get("place") or {}
    at = (place["longitude"], place["latitude"]) if place.get("longitude") is not None else None
    kind = state.data.get("kind")
    return known.city.owner_of(kind, at) if kind else None


def _same(state: DialogueState, known: Known) -> tuple[NearReport, ...]:
    """Return what others reported of this kind within metres of this place."""
    if "place" not in state.data:
        return ()
    return tuple(one for one in known.near if one.category == state.data.get("kind"))[:MOST_NEAR]


def _join(state: DialogueState, number: str, known: Known) -> DialogueOutcome:
    """End the report and follow another's, which must be one of those that were shown."""
    if number not in {one.number for one in known.near}:
        return DialogueOutcome(state, prompt(state, known))
    words = known.say("We will tell you what becomes of report {number}.", number=number)
    reports = messages.press(known.say("Your reports"), "reports")
    joined = (FollowReport(number),)
    return DialogueOutcome(state.ended(), (messages.text(words, reports),), joined, matters=True)


def _outside(state: DialogueState, known: Known) -> DialogueOutcome:
    answer = known.say(
        "That place is outside {city}; another office is in charge there. Please check the place.",
        city=name_in(known.city.name, known.language),
    )
    asking = state.at(PLACE, **spot.NO_QUESTION)
    return DialogueOutcome(asking, (messages.text(answer), *prompt(asking, known)))


def _said(state: DialogueState, said: str, message_id: str, known: Known) -> DialogueOutcome | None:
    meaning = known.meaning(said)
    if meaning.whole and meaning.intent in ("cancel", "stop-messages"):
        return _cancel(state, known)
    text = kept_text(said, MAX_NOTE)
    if state.step == ASK and (answer := _read(state, said, message_id, known)) is not None:
        return _following(answer, known)
    if not text or (meaning.whole and not meaning.is_cry):
        return None
    if state.step == PLACE:
        placed = spot.typed(state, said, message_id, known)
        return _outside(state, known) if placed is None else _following(placed, known)
    if state.step == ASK:
        return _not_answered(state, known)
    if state.step == KIND and (code := _category_called(text, known)):
        return _with_kind(state, code, known)
    if state.step == KIND and _offered(meaning.kind, known) is not None:
        noted = state.at(KIND, note=text, note_message=message_id)
        return _with_kind(noted, meaning.kind, known)
    if state.step in (FAR, NOTE):
        noted = state.at(state.step, note=text, note_message=message_id, far=True)
        return _following(noted, known)
    may_add = state.step in (KIND, PHOTO) and "note" not in state.data
    if may_add or (state.step == CONFIRM and not state.data.get("note")):
        following = state.at(state.step, note=text, note_message=message_id)
        return DialogueOutcome(following, prompt(following, known))
    return DialogueOutcome(state, prompt(state, known))


def _read(state: DialogueState, said: str, message_id: str, known: Known) -> DialogueState | None:
    kind = _chosen(state, known)
    return None if kind is None else kind_questions.said(state, kind, said, message_id)


def _not_answered(state: DialogueState, known: Known) -> DialogueOutcome:
    """Say that a text does not answer the question that is open, and ask it again."""
    kind = _chosen(state, known)
    if kind is None:
        return _following(state, known)
    wrong = kind_questions.not_read(state, kind, known)
    return DialogueOutcome(state, (wrong, *prompt(state, known)))


def _offered(code: str, known: Known) -> ReportCategory | None:
    """Return a kind of which a report can be made today."""
    return next((one for one in _all_offered(known) if one.code == code), None)


def _all_offered(known: Known) -> tuple[ReportCategory, ...]:
    return known.city.kinds_offered(in_japan(known.now).date())


def _with_kind(state: DialogueState, code: str, known: Known) -> DialogueOutcome:
    """Keep the kind. Where it endangers people, the emergency numbers come first and alone.

    A kind with a message is not asked about. Only in a disaster the report goes on after it.
    """
    category = _offered(code, known)
    told: tuple[Message, ...] = ()
    if category is not None and category.danger:
        told = (safety.emergency(known),)
    if category is not None and category.message is not None:
        if not state.data.get("danger"):
            outcome = _told_instead(state, category, known)
            return replace(outcome, messages=(*told, *outcome.messages), matters=True)
        told = (*told, kind_message.card(category, category.message, known))
    chosen = state.at(state.step, kind=code, told=None)
    outcome = _following(kind_questions.noted(chosen, category), known)
    if not told:
        return outcome
    return replace(outcome, messages=(*told, *outcome.messages), matters=True)


def _told_instead(state: DialogueState, category: ReportCategory, known: Known) -> DialogueOutcome:
    """Tell whom to call. What was sent already waits for another kind; else the report ends."""
    assert category.message is not None
    if any(state.data.get(name) for name in ("photos", "place", "note")):
        kept = {name: value for name, value in state.data.items() if name != "kind"}
        waiting = replace(state, step=KIND, data={**kept, "told": True})
        another = cards.press(waiting, known.say("Choose another kind"), "r-change", to=KIND)
        cancel = cards.press(waiting, known.say("Cancel"), "r-cancel")
        shown = kind_message.card(category, category.message, known, another, cancel)
        return DialogueOutcome(waiting, (_as_drill(state, shown, known),))
    again = messages.press(known.say("Report other damage"), "report")
    shown = kind_message.card(category, category.message, known, again)
    return DialogueOutcome(state.ended(), (_as_drill(state, shown, known),))


def _category_called(text: str, known: Known) -> str | None:
    folded = text.casefold()
    for category in _all_offered(known):
        if folded in {name.casefold() for name in category.names.values()}:
            return category.code
    return None


def _pressed(
    state: DialogueState, do: str, values: Mapping[str, str], known: Known
) -> DialogueOutcome:
    match do:
        case "r-cancel":
            return _cancel(state, known)
        case "r-no-photo":
            following = _next(state.at(PHOTO, no_photo=True))
        case "r-no-far":
            following = _next(state.at(FAR, far=True))
        case "r-exif":
            return _exif_answered(state, values.get("use") == "1", known)
        case "r-kind" if _offered(values.get("to", ""), known) is not None:
            return _with_kind(state, values["to"], known)
        case "r-kind":
            gone = known.say("The city does not take this kind of report at the moment.")
            asking = state.at(KIND)
            return DialogueOutcome(asking, (messages.text(gone), *prompt(asking, known)))
        case "r-answer" | "r-tick" | "r-ticked" | "r-skip":
            kind = _chosen(state, known)
            following = state if kind is None else kind_questions.pressed(state, kind, do, values)
            following = _next(following)
        case "r-change" if values.get("to") == ASK and (kind := _chosen(state, known)) is not None:
            press = partial(cards.press, state)
            code = values.get("q", "")
            asked = kind_questions.outcome_of_change(state, kind, code, known, press)
            if isinstance(asked, DialogueOutcome):
                return asked
            following = asked
        case "r-hit" | "r-pin" | "r-other" | "r-keep":
            following = _next(spot.pressed(state, do, values))
        case "r-no-note":
            following = _next(state.at(NOTE, note=state.data.get("note", "")))
        case "r-change":
            target = values.get("to")
            step = target if target in STEPS and target != ASK else CONFIRM
            following = state.at(step, **spot.NO_QUESTION, **kind_questions.NO_CHANGE)
        case "r-join":
            return _join(state, values.get("n", ""), known)
        case "r-send":
            return _send(state, known)
        case _:
            following = state
    return _asking(following, known)


def _exif_answered(state: DialogueState, use: bool, known: Known) -> DialogueOutcome:
    """Use the photo's position, or delete it; it is not kept after the question."""
    taken = state.data.get("exif")
    asked = replace(state, data={**state.data, "exif": None})
    if use and taken:
        photo = str(state.data.get("exif_message", ""))
        return _located(asked, Located(taken[0], taken[1], message_id=photo), known)
    return _following(asked, known)


def _next(state: DialogueState) -> DialogueState:
    """Go to the first step without an answer."""
    data = state.data
    photos = data.get("photos") or []
    answered = {
        KIND: "kind" in data,
        PHOTO: bool(photos or data.get("no_photo")),
        FAR: bool(data.get("far") or len(photos) > 1 or not photos),
        PLACE: "place" in data and not any(data.get(name) for name in spot.OPEN_QUESTIONS),
        ASK: not kind_questions.is_open(data),
        NOTE: "note" in data,
    }
    return state.at(next((step for step in STEPS if not answered[step]), CONFIRM))


def _cancel(state: DialogueState, known: Known) -> DialogueOutcome:
    answer = messages.text(known.say("The report was cancelled. Nothing is kept of it."))
    return DialogueOutcome(state.ended(), (answer,))


def _send(state: DialogueState, known: Known) -> DialogueOutcome:
    ready = _next(state)
    if ready.step != CONFIRM:
        return DialogueOutcome(ready, prompt(ready, known))
    place = state.data["place"]
    draft = Draft(
        category=state.data["kind"],
        longitude=place.get("longitude"),
        latitude=place.get("latitude"),
        address=place.get("address", ""),
        description=state.data.get("note", ""),
        place_message=place.get("message", ""),
        note_message=state.data.get("note_message", ""),
        pictures=tuple(Picture.from_json(photo) for photo in state.data.get("photos", [])),
        origin=str(state.data["draft"]),
        attributes=tuple(
            one.to_json() for one in kind_questions.answered(ready, _chosen(ready, known))
        ),
    )

    if _is_drill(state, known):
        noted = _as_drill(state, messages.text(known.say("The city has noted it.")), known)
        return DialogueOutcome(
            state.ended(), (noted,), (FileReport(draft, danger=True, drill=True),), matters=True
        )
    danger = bool(state.data.get("danger")) or (known.mode is not None and not known.mode.drill)

    def filed(number: str) -> tuple[DialogueState, tuple[Message, ...]]:
        words = known.say(
            "Thank you. The city has received your report. Number: {number}. We will tell you "
            "the result in this chat.",
            number=number,
        )
        ended = state.ended(sent=number)
        grave = danger or _tells_of_danger(draft, known)
        return (ended.needing(known.now) if grave else ended), (messages.text(words),)

    effects = (FileReport(draft, danger=danger),)
    return DialogueOutcome(state, (), effects, matters=True, filed=filed)


def _tells_of_danger(draft: Draft, known: Known) -> bool:
    kind = known.city.kind(draft.category)
    own = () if kind is None else (kind.danger_words,)
    grave, _ = danger_in(draft.description, known.city.danger_words, *own)
    return grave == "hurt" or (kind is not None and kind.danger)


def _is_drill(state: DialogueState, known: Known) -> bool:
    """Whether a report that began in a drill is still one: a real danger makes it real."""
    real = known.endangered or (known.mode is not None and not known.mode.drill)
    return bool(state.data.get("drill")) and not real


def _as_drill(state: DialogueState, message: Message, known: Known) -> Message:
    """The same; in a drill it begins with the language's mark (promise 5)."""
    if not state.data.get("drill"):
        return message
    return messages.begun_with(message, drill_mark(known.language))


def prompt(state: DialogueState, known: Known) -> tuple[Message, ...]:
    """Ask (again) what the step asks."""
    return tuple(_as_drill(state, asked, known) for asked in _prompt(state, known))


def _prompt(state: DialogueState, known: Known) -> tuple[Message, ...]:
    cancel = cards.press(state, known.say("Cancel"), "r-cancel")
    match state.step:
        case "kind":
            return (cards.kind_prompt(state, known, _all_offered(known), cancel),)
        case "photo":
            words = known.say("First stop somewhere safe. Then send a photo of the damage.")
            return (
                cards.photo_prompt(
                    state, known, words, ("r-no-photo", known.say("No photo")), cancel
                ),
            )
        case "far":
            words = known.say(
                "Now a photo from farther away, so that the place can be found. You can skip it."
            )
            return (
                cards.photo_prompt(state, known, words, ("r-no-far", known.say("Skip")), cancel),
            )
        case "place":
            return (spot.prompt(state, known, partial(cards.press, state), cancel),)
        case "ask":
            asked = kind_questions.prompt(
                state, _chosen(state, known), known, partial(cards.press, state), cancel
            )
            return (asked or cards.summary(state, known, _chosen(state, known)),)
        case "note":
            skip = cards.press(state, known.say("Skip"), "r-no-note")
            words = known.say("Is there anything to add? Write it, or skip.")
            return (messages.text(words, skip, cancel),)
        case _:
            return (cards.summary(state, known, _chosen(state, known)),)
