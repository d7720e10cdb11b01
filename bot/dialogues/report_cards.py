"""The cards of a damage report: who else owns it, what others reported near by, the kinds, the
photos, and the summary before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot import messages
from bot.dialogues import kind_questions, spot
from bot.dialogues.kind_questions import ASK
from bot.dialogues.kinds import DialogueState, Known, NearReport
from bot.dialogues.spot import PLACE
from bot.messages import Action, Message, Part
from city.city import Owner, ReportCategory, name_in


def owner_card(owner: Owner, known: Known) -> Message:
    name = name_in(owner.names, known.language)
    if owner.forwards:
        words = known.say(
            "{owner} looks after this, not the city. The city passes your report on to them.",
            owner=name,
        )
    else:
        words = known.say(
            "{owner} looks after this, not the city. Please tell them. You can also go on, and "
            "the city will see your report.",
            owner=name,
        )
    calls: list[Part] = []
    if owner.phone:
        calls.append(
            messages.tile(
                messages.uri(known.say("Call {phone}", phone=owner.phone), f"tel:{owner.phone}")
            )
        )
    return messages.card(name, calls, intro=words)


def near_card(state: DialogueState, same: tuple[NearReport, ...], known: Known) -> Message:
    rows: list[Part] = []
    for one in same:
        away = known.say("{metres} m away", metres=max(1, round(one.metres)))
        rows.append(
            messages.fact(f"{one.number} · {away}", one.state.resident_name(known.language))
        )
        rows.append(
            messages.tile(
                press(state, known.say("Same: tell me the result"), "r-join", n=one.number)
            )
        )
    other = messages.tile(
        press(state, known.say("It is something else"), "r-not-same"), strong=True
    )
    words = known.say(
        "The city already knows of something like this here. If it is the same, you need not send "
        "it again: we will tell you the result."
    )
    title = known.say("Is it one of these?")
    cancel = press(state, known.say("Cancel"), "r-cancel")
    return messages.card(title, [*rows, other], intro=words, quick=[cancel])


def kind_prompt(
    state: DialogueState, known: Known, offered: Sequence[ReportCategory], cancel: Action
) -> Message:
    tiles = [
        messages.picture_tile(
            press(state, name_in(category.names, known.language), "r-kind", to=category.code),
            known.pictures.of_kind(category.picture or category.code),
        )
        for category in offered
    ]
    return messages.card(known.say("What is broken?"), messages.columns(tiles), quick=[cancel])


def photo_prompt(
    state: DialogueState, known: Known, words: str, without: tuple[str, str], cancel: Action
) -> Message:
    do, label = without
    actions = [
        messages.camera(known.say("Take a photo")),
        messages.camera_roll(known.say("Choose a photo")),
        press(state, label, do),
        cancel,
    ]
    return messages.text(words, *actions)


def summary(state: DialogueState, known: Known, category: ReportCategory | None) -> Message:
    data = state.data
    place = data.get("place", {})
    rows: list[Part] = [
        messages.fact(known.say("Photos"), str(len(data.get("photos", [])))),
        messages.fact(
            known.say("Place"), place.get("address") or known.say("The location you sent")
        ),
        messages.fact(
            known.say("Kind"), name_in(category.names, known.language) if category else "–"
        ),
    ]
    if category is not None:
        rows.extend(kind_questions.facts(state, category, known))
    if data.get("note"):
        rows.append(messages.fact(known.say("Note"), data["note"]))
    send = press(state, known.say("Send"), "r-send")
    quick = [
        send,
        press(state, known.say("Change place"), "r-change", to=PLACE),
        press(state, known.say("Change kind"), "r-change", to="kind"),
        *(
            [press(state, known.say("Change answers"), "r-change", to=ASK)]
            if data.get("asks")
            else []
        ),
        press(state, known.say("Cancel"), "r-cancel"),
    ]
    footer = [messages.tile(send, strong=True)]
    return messages.card(
        known.say("Is this right?"),
        rows,
        footer=footer,
        quick=quick,
        above=spot.map_of(place, known),
    )


def press(state: DialogueState, label: str, do: str, /, **values: object) -> Action:
    """A button that belongs to this draft and to no later one."""
    return messages.press(label, do, shown=True, d=state.data.get("draft", ""), **values)
