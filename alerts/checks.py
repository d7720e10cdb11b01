"""Checks before an alert is sent, from the console or the shell.

Both make the same checks: is it complete, do its words fit, has a second person seen it, is a drill
meant although a real danger is in force (promises 5 and 7)?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.drill_words import says_drill, says_not_drill
from alerts.event_fields import WrongDay, event_of
from alerts.levels import by_level
from alerts.models import AlertDraft
from channels.chain import ENDS, ChainLink, Standing, chain_of, places
from city.city import City
from core.faults import FormFault
from core.languages import LANGUAGES, mark
from feeds.in_force import InForce, in_force
from feeds.models import Status

TITLE_LIMIT = 60
TEXT_LIMIT = 1000
"""Highest number of characters that staff may write; a message also has space for its heading and
advice.
"""
MOST_HOURS = 168
TWO_PEOPLE_LEVEL = 3
REASON_LENGTH = 10


NO_LEVEL = mark("What everybody gets needs a level from 1 to 5.")


def needs_level(topic: str, city: City) -> bool:
    """Whether a topic's alerts need a level, because everybody gets them."""
    known = city.topic_by_code.get(topic)
    return known is not None and known.mandatory


class Announcement(Protocol):
    """The facts that decide how serious a draft or a held notice is.

    No areas are the whole city; ``reach`` is the level by which residents are chosen.
    """

    @property
    def topic(self) -> str: ...
    @property
    def reach(self) -> int: ...
    @property
    def drill(self) -> bool | None: ...
    @property
    def status(self) -> Status: ...
    @property
    def areas(self) -> Sequence[str]: ...
    @property
    def replaces_id(self) -> int | None: ...


@dataclass(frozen=True)
class Before:
    """The current state of the chain that an alert follows."""

    tip: ChainLink
    standing: Standing


async def said_before(session: AsyncSession, announced: Announcement, city: City) -> Before | None:
    """Return the notices before a follow-up; None for what follows nothing."""
    if announced.replaces_id is None:
        return None
    chain = await chain_of(session, announced.replaces_id)
    return None if chain.tip is None else Before(chain.tip, chain.standing(city))


def faults(alert: AlertDraft, city: City) -> list[FormFault]:
    """Return all faults that the draft alone shows."""
    return [*_place_faults(alert, city), *_event_faults(alert), *_text_faults(alert, city)]


def needs_two(announced: Announcement, city: City, before: Before | None) -> bool:
    """Whether a colleague has to confirm.

    Withdrawing an error, or reducing an alert, waits for nobody: it must be quicker than sending. A
    follow-up that warns more people, or more strongly, needs the same as a new alert. An all-clear
    is as serious as an alert.
    """
    if announced.drill is not False or announced.status is Status.CANCELLED:
        return False
    level = announced.reach
    if before is None:
        return level >= TWO_PEOPLE_LEVEL
    if announced.status is Status.LIFTED:
        return max(level, *before.standing.values(), 0) >= TWO_PEOPLE_LEVEL
    if level < TWO_PEOPLE_LEVEL:
        return False
    if before.tip.drill or before.tip.topic != announced.topic:
        return True
    own = announced.levels if isinstance(announced, AlertDraft) else {}
    usual = announced.level if isinstance(announced, AlertDraft) else level
    meant = {place: own.get(place, usual) for place in places(announced.areas, city)}
    return any(
        level >= TWO_PEOPLE_LEVEL and before.standing.get(place, 0) < level
        for place, level in meant.items()
    )


async def needs_reason(
    session: AsyncSession,
    announced: Announcement,
    city: City,
    *,
    second_person: str | None,
    reason: str,
) -> bool:
    """Whether two people are needed, and no reason (ten characters or more) replaces the second."""
    if second_person is not None or len(reason) >= REASON_LENGTH:
        return False
    return needs_two(announced, city, await said_before(session, announced, city))


async def unexplained(
    session: AsyncSession,
    draft: AlertDraft,
    city: City,
    now: datetime,
    *,
    second_person: str | None,
    alone_reason: str,
    hazard_reason: str,
) -> list[FormFault]:
    """Return the faults of an alert that needs a written reason and has none.

    Sending a serious alert alone; sending a drill while a real danger is in force.
    """
    found = []
    if await needs_reason(session, draft, city, second_person=second_person, reason=alone_reason):
        message = mark("A colleague has to confirm this alert, or you write why you send it alone.")
        found.append(FormFault("alone_reason", message))
    if draft.drill and len(hazard_reason) < REASON_LENGTH:
        hazards = await serious_dangers(session, city, now)
        if hazards:
            message = mark("{kind} is in force now. Write why a drill is sent in spite of it.")
            found.append(FormFault("hazard_reason", message, (("kind", hazards[0].kind),)))
    return found


async def serious_dangers(session: AsyncSession, city: City, now: datetime) -> list[InForce]:
    """Return the dangers in force, about which somebody who sends a drill is asked."""
    return await in_force(session, city.jma.municipality, now, least=TWO_PEOPLE_LEVEL)


def _place_faults(alert: AlertDraft, city: City) -> list[FormFault]:
    found = []
    if alert.drill is None:
        found.append(FormFault("drill", mark("Say whether this is a drill or real.")))
    if alert.topic not in city.topic_by_code:
        found.append(FormFault("topic", mark("Choose a topic.")))
    found += _level_faults(alert, city)
    if not 1 <= alert.valid_hours <= MOST_HOURS:
        found.append(FormFault("valid_hours", mark("An alert is valid for 1 to 168 hours.")))
    if not alert.whole_city and not alert.areas:
        found.append(
            FormFault("areas", mark("Choose districts, or say that the whole city is meant."))
        )
    if any(area not in city.district_by_code for area in alert.areas):
        found.append(FormFault("areas", mark("One of the districts does not exist any more.")))
    return found


def _event_faults(alert: AlertDraft) -> list[FormFault]:
    try:
        event_of(alert.event)
    except WrongDay as wrong:
        return [FormFault("event", str(wrong))]
    return []


def _level_faults(alert: AlertDraft, city: City) -> list[FormFault]:
    levels = list(by_level(alert, city))
    if any(not 0 <= level <= 5 for level in levels):
        return [FormFault("level", mark("Choose a level."))]
    if 0 in levels and alert.status not in ENDS and needs_level(alert.topic, city):
        return [FormFault("level", NO_LEVEL)]
    if len(levels) == 1 or alert.topic not in city.topic_by_code:
        return []
    if 0 in levels:
        return [FormFault("level", mark("Where districts have several levels, each has one."))]
    if len({city.is_emergency(alert.topic, level) for level in levels}) > 1:
        message = mark(
            "One of the levels waits for the morning and another does not: send them one by one."
        )
        return [FormFault("level", message)]
    return []


def _text_faults(alert: AlertDraft, city: City) -> list[FormFault]:
    found = []
    if not alert.texts.get("ja", {}).get("text"):
        found.append(FormFault("text-ja", mark("The text in Japanese is needed.")))
    for language, texts in alert.texts.items():
        name = ("language", LANGUAGES[language].name)
        field = f"text-{language}"
        title, text = texts.get("title", ""), texts.get("text", "")
        if language not in city.languages:
            found.append(FormFault(field, mark("The city does not speak {language}."), (name,)))
        if title and not text:
            found.append(
                FormFault(field, mark("{language}: there is a title but no text."), (name,))
            )
        if len(title) > TITLE_LIMIT:
            found.append(
                FormFault(
                    field,
                    mark("{language}: a title has at most {n} characters."),
                    (name, ("n", TITLE_LIMIT)),
                )
            )
        if len(text) > TEXT_LIMIT:
            found.append(
                FormFault(
                    field,
                    mark("{language}: a text has at most {n} characters."),
                    (name, ("n", TEXT_LIMIT)),
                )
            )
        if alert.drill is False and says_drill(f"{title}\n{text}", language):
            found.append(
                FormFault(
                    field, mark("{language}: a real alert must not speak of a drill."), (name,)
                )
            )
        if alert.drill is True and says_not_drill(f"{title}\n{text}"):
            found.append(
                FormFault(
                    field, mark("{language}: a drill must not say that it is not one."), (name,)
                )
            )
    return found
