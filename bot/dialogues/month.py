"""A month of collection days as a picture, with the link for a phone's calendar."""

from __future__ import annotations

from datetime import date, timedelta

from bot import messages
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known, Pressed
from bot.messages import Action
from city.city import name_in
from core.clock import in_japan
from feeds.texts.forms import month_name

RATIO = "1040:1180"
"""Of the picture, about: its height depends on how many kinds a month has."""
MONTHS_AHEAD = 12


def step(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    """Show the month that was asked for, else this one."""
    area = event.values.get("to", "")
    if event.do != "month" or area not in known.city.district_by_code or not known.calendar.days:
        return None
    ahead = event.values.get("ahead", "0")
    months = int(ahead) if ahead.isdecimal() and len(ahead) < 3 else 0
    return DialogueOutcome(state, (_card(known, area, min(months, MONTHS_AHEAD)),))


def buttons(known: Known, area: str) -> tuple[Action, ...]:
    """The buttons below a district's collection days."""
    shown = (
        [messages.press(known.say("Month calendar"), "month", to=area)]
        if _picture(known, area, 0)
        else []
    )
    return (*shown, *_subscribe(known, area))


def _card(known: Known, area: str, ahead: int) -> messages.Message:
    month = _month(known, ahead)
    place = name_in(known.city.district_by_code[area].names, known.language)
    title = f"{month_name(month, known.language)} · {place}"
    turns = [
        messages.tile(
            messages.press(
                month_name(_month(known, to), known.language), "month", to=area, ahead=to
            )
        )
        for to in (ahead - 1, ahead + 1)
        if 0 <= to <= MONTHS_AHEAD
    ]
    links = [messages.tile(link, strong=True) for link in _subscribe(known, area)]
    made = messages.card(
        known.say("Rubbish days"),
        [],
        intro=title,
        footer=[*messages.columns(turns), *links],
        quick=(messages.press(known.say("Rubbish days"), "rubbish"),),
        alt=f"{known.say('Rubbish days')}: {title}",
    )
    if address := _picture(known, area, ahead):
        link = messages.without_label(messages.uri("", address))
        picture = {**messages.picture(address), "aspectRatio": RATIO, "aspectMode": "fit"}
        made["contents"]["hero"] = {**picture, "action": link}
    return made


def _subscribe(known: Known, area: str) -> tuple[Action, ...]:
    """LINE opens the address in the phone's browser, which hands it to the calendar."""
    if not known.calendar_url:
        return ()
    address = f"{known.calendar_url}/{area}.ics?lang={known.language}&openExternalBrowser=1"
    return (messages.uri(known.say("Add to my calendar"), address),)


def _picture(known: Known, area: str, ahead: int) -> str:
    return known.pictures.of_month(area, _month(known, ahead), known.language)


def _month(known: Known, ahead: int) -> date:
    first = in_japan(known.now).date().replace(day=1)
    for _ in range(ahead):
        first = (first + timedelta(days=31)).replace(day=1)
    return first
