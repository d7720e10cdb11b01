"""A damage report: photo, place, kind, note, check, send. Photo or place may come first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot import messages
from bot.dialogues.kinds import (
    REPORT,
    SHELTERS,
    DialogueOutcome,
    DialogueState,
    FileReport,
    Incoming,
    Known,
    Located,
    Photographed,
    Pressed,
    Said,
)
from bot.dialogues.words import kept_text
from bot.messages import Action, Message, Part
from city.city import name_in
from reports.photos import MAX_PHOTOS, Picture
from reports.register import Draft

PHOTO, PLACE, KIND, NOTE, CONFIRM = "photo", "place", "kind", "note", "confirm"
MAX_ADDRESS = 120
MAX_NOTE = 500


def begin(state: DialogueState, known: Known) -> DialogueOutcome:
    """Start a report, or go on with the one that is open."""
    if state.name == SHELTERS:
        state = state.ended()
    if state.name == REPORT:
        going_on = messages.text(known.say("Your report is not finished yet. Let's continue."))
        return DialogueOutcome(state, (going_on, *prompt(state, known)))
    opened = state.over(REPORT, PHOTO, draft=known.event_id)
    return DialogueOutcome(opened, prompt(opened, known))


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer within a report; None if the event means something else."""
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


def own(state: DialogueState, known: Known) -> DialogueOutcome:
    """The results of the resident's reports."""
    again = messages.press(known.say("Report damage"), "report")
    if not known.own_reports:
        return DialogueOutcome(
            state, (messages.text(known.say("You have not reported anything yet."), again),)
        )
    names = {
        kind.code: name_in(kind.names, known.language) for kind in known.city.report_categories
    }
    rows = [
        messages.fact(
            f"{one.number} {names.get(one.category, '')}".strip(),
            one.state.resident_name(known.language),
        )
        for one in known.own_reports
    ]
    return DialogueOutcome(state, (messages.card(known.say("Your reports"), rows, quick=(again,)),))


def without(state: DialogueState, message_id: str) -> DialogueState:
    """Return the report without the content of a message that was taken back.

    The steps without an answer are asked again before it can be sent.
    """
    data = dict(state.data)
    if data.get("exif_message") == message_id:
        data |= {"exif": None, "exif_message": ""}
    photos = data.get("photos", [])
    if any(photo.get("message") == message_id for photo in photos):
        data["photos"] = [photo for photo in photos if photo.get("message") != message_id]
    if data.get("place", {}).get("message") == message_id:
        del data["place"]
    if data.get("note_message") == message_id:
        del data["note"], data["note_message"]
    return state if data == dict(state.data) else _next(replace(state, data=data))


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
    return _photo(state.over(REPORT, PHOTO, draft=known.event_id), event, known)


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
    picture = event.picture.to_json()
    if any(kept["sha256"] == picture["sha256"] for kept in photos):
        return DialogueOutcome(state, prompt(state, known))
    if len(photos) >= MAX_PHOTOS:
        full = known.say("A report holds {limit} photos. This one was not kept.", limit=MAX_PHOTOS)
        return DialogueOutcome(state, (messages.text(full), *prompt(state, known)))
    photos.append(picture)
    taken = event.picture.taken_at
    changes: dict[str, Any] = {"photos": photos}
    if taken is not None and "place" not in state.data and "exif" not in state.data:
        changes |= {"exif": list(taken), "exif_message": event.picture.message_id}
    following = _next(state.at(state.step, **changes))
    thanks = known.say(
        "Thank you for the photo ({count} of {limit}).", count=len(photos), limit=MAX_PHOTOS
    )
    asked = () if event.more else prompt(following, known)
    return DialogueOutcome(following, (messages.text(thanks), *asked), matters=True)


def _located(state: DialogueState, event: Located, known: Known) -> DialogueOutcome:
    if known.city.is_outside(event.longitude, event.latitude):
        return _outside(state, known)
    place = {
        "longitude": event.longitude,
        "latitude": event.latitude,
        "address": kept_text(event.address, MAX_ADDRESS),
        "message": event.message_id,
    }
    following = _next(state.at(state.step, place=place, exif=None))
    return DialogueOutcome(following, prompt(following, known))


def _outside(state: DialogueState, known: Known) -> DialogueOutcome:
    answer = known.say(
        "That place is outside {city}; another office is in charge there. Please check the place.",
        city=name_in(known.city.name, known.language),
    )
    asking = state.at(PLACE)
    return DialogueOutcome(asking, (messages.text(answer), *prompt(asking, known)))


def _said(state: DialogueState, said: str, message_id: str, known: Known) -> DialogueOutcome | None:
    meaning = known.meaning(said)
    if meaning.whole and meaning.intent in ("cancel", "stop-messages"):
        return _cancel(state, known)
    text = kept_text(said, MAX_NOTE)
    if not text or (meaning.whole and not meaning.is_cry):
        return None
    if state.step == PLACE:
        place = {"address": kept_text(said, MAX_ADDRESS), "message": message_id}
        following = _next(state.at(PLACE, place=place, exif=None))
        return DialogueOutcome(following, prompt(following, known))
    if state.step == NOTE:
        following = _next(state.at(NOTE, note=text, note_message=message_id))
        return DialogueOutcome(following, prompt(following, known))
    if state.step == KIND and (code := _category_called(text, known)):
        following = _next(state.at(KIND, kind=code))
        return DialogueOutcome(following, prompt(following, known))
    if state.step == PHOTO and "note" not in state.data:
        following = state.at(PHOTO, note=text, note_message=message_id)
        return DialogueOutcome(following, prompt(following, known))
    return DialogueOutcome(state, prompt(state, known))


def _category_called(text: str, known: Known) -> str | None:
    folded = text.casefold()
    for category in known.city.report_categories:
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
        case "r-exif":
            return _exif_answered(state, values.get("use") == "1", known)
        case "r-kind" if values.get("to") in {c.code for c in known.city.report_categories}:
            following = _next(state.at(KIND, kind=values["to"]))
        case "r-no-note":
            following = _next(state.at(NOTE, note=state.data.get("note", "")))
        case "r-change":
            target = values.get("to")
            following = state.at(target if target in (PHOTO, PLACE, KIND, NOTE) else CONFIRM)
        case "r-send":
            return _send(state, known)
        case _:
            following = state
    return DialogueOutcome(following, prompt(following, known))


def _exif_answered(state: DialogueState, use: bool, known: Known) -> DialogueOutcome:
    """Use the photo's position, or delete it; it is not kept after the question."""
    taken = state.data.get("exif")
    asked = replace(state, data={**state.data, "exif": None})
    if use and taken:
        photo = str(state.data.get("exif_message", ""))
        return _located(asked, Located(taken[0], taken[1], message_id=photo), known)
    following = _next(asked)
    return DialogueOutcome(following, prompt(following, known))


def _next(state: DialogueState) -> DialogueState:
    """Go to the first step without an answer."""
    data = state.data
    if not data.get("photos") and not data.get("no_photo"):
        return state.at(PHOTO)
    if "place" not in data:
        return state.at(PLACE)
    if "kind" not in data:
        return state.at(KIND)
    if "note" not in data:
        return state.at(NOTE)
    return state.at(CONFIRM)


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
    )

    def filed(number: str) -> tuple[DialogueState, tuple[Message, ...]]:
        words = known.say(
            "Thank you. The city has received your report. Number: {number}. We will tell you "
            "the result in this chat.",
            number=number,
        )
        return state.ended(sent=number), (messages.text(words),)

    return DialogueOutcome(state, (), (FileReport(draft),), matters=True, filed=filed)


def prompt(state: DialogueState, known: Known) -> tuple[Message, ...]:
    """Ask (again) what the step asks."""
    cancel = _press(state, known.say("Cancel"), "r-cancel")
    match state.step:
        case "photo":
            return (_photo_prompt(state, known, cancel),)
        case "place":
            return (_place_prompt(state, known, cancel),)
        case "kind":
            tiles = [
                messages.tile(
                    _press(
                        state, name_in(category.names, known.language), "r-kind", to=category.code
                    )
                )
                for category in known.city.report_categories
            ]
            parts = messages.columns(tiles)
            return (messages.card(known.say("What is broken?"), parts, quick=[cancel]),)
        case "note":
            skip = _press(state, known.say("Skip"), "r-no-note")
            words = known.say("Is there anything to add? Write it, or skip.")
            return (messages.text(words, skip, cancel),)
        case _:
            return (_summary(state, known),)


def _photo_prompt(state: DialogueState, known: Known, cancel: Action) -> Message:
    actions = [
        messages.camera(known.say("Take a photo")),
        messages.camera_roll(known.say("Choose a photo")),
        _press(state, known.say("No photo"), "r-no-photo"),
        cancel,
    ]
    words = known.say("First stop somewhere safe. Then send a photo of the damage.")
    return messages.text(words, *actions)


def _place_prompt(state: DialogueState, known: Known, cancel: Action) -> Message:
    if state.data.get("exif"):
        yes = _press(state, known.say("Yes, use it"), "r-exif", use=1)
        no = _press(state, known.say("No"), "r-exif", use=0)
        words = known.say("The photo says where it was taken. Shall I use that place?")
        return messages.text(words, yes, no, cancel)
    words = known.say("Where is it? Send the location, or type the address.")
    return messages.text(words, messages.location(known.say("Send location")), cancel)


def _summary(state: DialogueState, known: Known) -> Message:
    data = state.data
    place = data.get("place", {})
    category = next((c for c in known.city.report_categories if c.code == data.get("kind")), None)
    rows: list[Part] = [
        messages.fact(known.say("Photos"), str(len(data.get("photos", [])))),
        messages.fact(
            known.say("Place"), place.get("address") or known.say("The location you sent")
        ),
        messages.fact(
            known.say("Kind"), name_in(category.names, known.language) if category else "–"
        ),
    ]
    if data.get("note"):
        rows.append(messages.fact(known.say("Note"), data["note"]))
    send = _press(state, known.say("Send"), "r-send")
    quick = [
        send,
        _press(state, known.say("Change place"), "r-change", to=PLACE),
        _press(state, known.say("Change kind"), "r-change", to=KIND),
        _press(state, known.say("Cancel"), "r-cancel"),
    ]
    footer = [messages.tile(send, strong=True)]
    intro = ""
    if data.get("kind") in known.taken_up:
        intro = known.say(
            "The city already has a report of this place and has taken it up. You can still send "
            "yours, and we will tell you the result."
        )
    return messages.card(known.say("Is this right?"), rows, intro=intro, footer=footer, quick=quick)


def _press(state: DialogueState, label: str, do: str, /, **values: object) -> Action:
    """A button that belongs to this draft and to no later one."""
    return messages.press(label, do, shown=True, d=state.data.get("draft", ""), **values)
