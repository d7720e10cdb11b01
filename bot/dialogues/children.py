"""The months in which a resident's children were born, and what is due for them next.

Year and month are tapped, so that no day is told and none is kept.
"""

from __future__ import annotations

from datetime import date

from bot import messages
from bot.dialogues.kinds import DialogueOutcome, DialogueState, Known, Pressed, SetChild, SetTopic
from bot.messages import Message, Part
from city.children import OLDEST_MONTHS
from city.city import name_in
from core.clock import in_japan
from feeds.texts.forms import month_name
from public.choices import CHILDREN_TOPIC, birth_month
from subscriptions.residents import MOST_CHILDREN, is_birth_month

YEARS = OLDEST_MONTHS // 12
NEXT = 2
"""How much of what is to come is shown for each child."""


def step(state: DialogueState, event: Pressed, known: Known) -> DialogueOutcome | None:
    """Answer the buttons of the children; None if the city has no table for them."""
    if not known.children.reminders:
        return None
    match event.do, event.values:
        case "children", _:
            return DialogueOutcome(state, (card(known),))
        case "child-year", _:
            return DialogueOutcome(state, (_years(known),))
        case "child-month", {"year": year} if year.isdecimal() and len(year) == 4:
            return DialogueOutcome(state, (_months(known, int(year)),))
        case "child", {"born": born} if is_birth_month(born, known.now):
            return _kept(state, known, born, on=event.values.get("on") == "1")
    return None


def _kept(state: DialogueState, known: Known, born: str, *, on: bool) -> DialogueOutcome:
    others = {month for month in known.preferences.children if month != born}
    if on and len(others) >= MOST_CHILDREN:
        return DialogueOutcome(state, (card(known),))
    after = known.having(children=tuple(sorted(others | ({born} if on else set()))))
    wanted: tuple[SetTopic, ...] = ()
    if on and CHILDREN_TOPIC not in known.preferences.topics:
        wanted = (SetTopic(CHILDREN_TOPIC, 0),) if _has_topic(known) else ()
    return DialogueOutcome(state, (card(after),), (SetChild(born, on), *wanted))


def _has_topic(known: Known) -> bool:
    return CHILDREN_TOPIC in known.city.topic_by_code


def card(known: Known) -> Message:
    """The children, what is next for each, and a button to remove each."""
    rows: list[Part] = []
    for born in known.preferences.children:
        name = birth_month(born, known.language)
        remove = messages.press(known.say("Remove"), "child", shown=False, born=born, on=0)
        rows += [
            messages.fact(known.say("Born"), name),
            *(
                messages.words(f"{month}: {what}", size="sm")
                for month, what in _to_come(known, born)
            ),
            messages.tile(remove, danger=True),
            {"type": "separator"},
        ]
    add = messages.press(known.say("Add a child"), "child-year")
    return messages.card(
        known.say("Children"),
        rows,
        intro=known.say(
            "Tell us the month in which a child was born. We remind you of vaccinations and "
            "check-ups. No name and no day is kept."
        ),
        footer=[messages.tile(add, strong=True)],
        quick=(messages.press(known.say("Settings"), "settings"),),
    )


def _to_come(known: Known, born: str) -> list[tuple[str, str]]:
    today = in_japan(known.now).date()
    return [
        (
            month_name(one.age_reached(born), known.language),
            name_in(one.names, known.language),
        )
        for one in known.children.upcoming(born, today)[:NEXT]
    ]


def names(known: Known) -> str:
    """The months of birth in words."""
    return " · ".join(birth_month(born, known.language) for born in known.preferences.children)


def _years(known: Known) -> Message:
    this = in_japan(known.now).year
    tiles = [
        messages.tile(messages.press(str(year), "child-month", year=year))
        for year in range(this, this - YEARS - 1, -1)
    ]
    title = known.say("In which year was the child born?")
    return messages.card(title, messages.columns(tiles, 3))


def _months(known: Known, year: int) -> Message:
    tiles = [
        messages.tile(
            messages.press(
                month_name(date(year, month, 1), known.language, year=False),
                "child",
                born=f"{year:04}-{month:02}",
                on=1,
            )
        )
        for month in range(1, 13)
        if is_birth_month(f"{year:04}-{month:02}", known.now)
    ]
    title = known.say("In which month was the child born?")
    return messages.card(title, messages.columns(tiles, 3), intro=str(year))
