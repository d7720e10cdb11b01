"""What keeps an alert from leaving, whoever writes it and from where.

The console and the shell ask the same questions: is it complete, do its words fit what it is,
has a second person seen it, is a drill meant in spite of a real danger (promises 5 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.drill_words import says_drill, says_not_drill
from core.city import City
from core.languages import LANGUAGES
from feeds.models import HazardState, Status

TITLE_LIMIT = 60
TEXT_LIMIT = 1000
"""Characters of what staff write; a message has room for its heading and advice beside them."""
MOST_HOURS = 168
TWO_PEOPLE_LEVEL = 3
REASON_LENGTH = 10


def mark(message: str) -> str:
    """Mark a message for the catalogue of who shows it."""
    return message


@dataclass(frozen=True)
class Fault:
    """Something that keeps an alert from being sent.

    Parameters
    ----------
    field
        The form's field: ``topic``, ``areas``, ``text-ja`` …
    message
        In English, with placeholders for ``values``.
    """

    field: str
    message: str
    values: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        return self.message.format(**dict(self.values))


class Alert(Protocol):
    """What is asked about an alert; ``texts`` has ``title`` and ``text`` by language."""

    @property
    def topic(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def drill(self) -> bool | None: ...
    @property
    def status(self) -> Status: ...
    @property
    def whole_city(self) -> bool: ...
    @property
    def areas(self) -> Sequence[str]: ...
    @property
    def texts(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def valid_hours(self) -> int: ...


def faults(alert: Alert, city: City) -> list[Fault]:
    """Return everything that is missing or wrong in itself."""
    return [*_place_faults(alert, city), *_text_faults(alert, city)]


def needs_two(alert: Alert) -> bool:
    """Whether a colleague has to confirm.

    Taking back what was an error does not wait for anybody: it must be quicker than sending.
    Saying that a danger is over is as serious as saying that it is there.
    """
    quick = alert.status in (Status.CORRECTED, Status.CANCELLED)
    return alert.drill is False and alert.level >= TWO_PEOPLE_LEVEL and not quick


async def in_force(session: AsyncSession, city: City, *, least: int = 0) -> list[HazardState]:
    """Return the hazards that the newest telegrams say are in force in the city."""
    found = await session.scalars(
        select(HazardState)
        .where(
            col(HazardState.municipality) == city.jma.municipality,
            col(HazardState.level) >= max(1, least),
        )
        .order_by(col(HazardState.level).desc(), col(HazardState.reported_at).desc())
    )
    return list(found)


async def unexplained(
    session: AsyncSession,
    alert: Alert,
    city: City,
    *,
    second_person: str | None,
    alone_reason: str,
    hazard_reason: str,
) -> list[Fault]:
    """Return what may be done only by somebody who writes why, and has not.

    Sending a serious alert alone; sending a drill while a real danger is in force.
    """
    found = []
    if needs_two(alert) and second_person is None and len(alone_reason) < REASON_LENGTH:
        message = mark("A colleague has to confirm this alert, or you write why you send it alone.")
        found.append(Fault("alone_reason", message))
    if alert.drill and len(hazard_reason) < REASON_LENGTH:
        hazards = await in_force(session, city, least=TWO_PEOPLE_LEVEL)
        if hazards:
            message = mark("{kind} is in force now. Write why a drill is sent in spite of it.")
            found.append(Fault("hazard_reason", message, (("kind", hazards[0].kind),)))
    return found


def _place_faults(alert: Alert, city: City) -> list[Fault]:
    found = []
    if alert.drill is None:
        found.append(Fault("drill", mark("Say whether this is a drill or real.")))
    if alert.topic not in city.topic_by_code:
        found.append(Fault("topic", mark("Choose a topic.")))
    if not 0 <= alert.level <= 5:
        found.append(Fault("level", mark("Choose a level.")))
    if not 1 <= alert.valid_hours <= MOST_HOURS:
        found.append(Fault("valid_hours", mark("An alert is valid for 1 to 168 hours.")))
    if not alert.whole_city and not alert.areas:
        found.append(Fault("areas", mark("Choose districts, or say that the whole city is meant.")))
    if any(area not in city.district_by_code for area in alert.areas):
        found.append(Fault("areas", mark("One of the districts does not exist any more.")))
    return found


def _text_faults(alert: Alert, city: City) -> list[Fault]:
    found = []
    if not alert.texts.get("ja", {}).get("text"):
        found.append(Fault("text-ja", mark("The text in Japanese is needed.")))
    for language, texts in alert.texts.items():
        name = ("language", LANGUAGES[language].name)
        field = f"text-{language}"
        title, text = texts.get("title", ""), texts.get("text", "")
        if language not in city.languages:
            found.append(Fault(field, mark("The city does not speak {language}."), (name,)))
        if title and not text:
            found.append(Fault(field, mark("{language}: there is a title but no text."), (name,)))
        if len(title) > TITLE_LIMIT:
            found.append(
                Fault(
                    field,
                    mark("{language}: a title has at most {n} characters."),
                    (name, ("n", TITLE_LIMIT)),
                )
            )
        if len(text) > TEXT_LIMIT:
            found.append(
                Fault(
                    field,
                    mark("{language}: a text has at most {n} characters."),
                    (name, ("n", TEXT_LIMIT)),
                )
            )
        if alert.drill is False and says_drill(f"{title}\n{text}", language):
            found.append(
                Fault(field, mark("{language}: a real alert must not speak of a drill."), (name,))
            )
        if alert.drill is True and says_not_drill(f"{title}\n{text}"):
            found.append(
                Fault(field, mark("{language}: a drill must not say that it is not one."), (name,))
            )
    return found
