"""What a dialogue gets, where it stands and what it answers: values only, no doing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from bot.messages import Message
from core.city import City
from core.collection import Calendar
from core.faq import Answer
from core.languages import Catalogue
from core.shelters import Shelter
from reports.photos import Picture
from reports.service import Draft
from subscriptions.service import Preferences

WORDS = Catalogue(Path(__file__).parent.parent / "locales")

NO_CALENDAR = Calendar()
IDLE = "idle"
ONBOARDING = "onboarding"
REPORT = "report"
SHELTERS = "shelters"


@dataclass(frozen=True)
class State:
    """Where a resident's conversation stands; ``data`` is JSON.

    ``data["below"]`` holds what was left for something else and is taken up again after it.
    """

    name: str = IDLE
    step: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def at(self, step: str, **changes: Any) -> Self:
        """The same dialogue at another step."""
        return replace(self, step=step, data={**self.data, **changes})

    def over(self, name: str, step: str, **data: Any) -> State:
        """Begin another dialogue; an unfinished onboarding waits below it."""
        below = self.data.get("below")
        if self.name == ONBOARDING:
            below = {"name": self.name, "step": self.step, "data": dict(self.data)}
        return State(name, step, {**data, **({"below": below} if below else {})})

    def ended(self, **data: Any) -> State:
        """Return to what waits below, or to rest."""
        below = self.data.get("below")
        if below:
            return State(below["name"], below["step"], {**below["data"], **data})
        return State(IDLE, "", data)


@dataclass(frozen=True)
class Followed:
    """Somebody follows the account; ``returning`` is true when they did before."""

    returning: bool = False


@dataclass(frozen=True)
class Said:
    text: str


@dataclass(frozen=True)
class Pressed:
    """A postback: what it asks for and with which values (a picked time is ``time``)."""

    do: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Photographed:
    """A photo came. Without a ``picture``, ``refusal`` says why (a key of reports.photos).

    ``more`` when it was sent together with others that are still to come.
    """

    picture: Picture | None = None
    refusal: str = ""
    more: bool = False


@dataclass(frozen=True)
class Located:
    longitude: float
    latitude: float
    address: str = ""


@dataclass(frozen=True)
class Sent:
    """Something a dialogue does not read: a sticker, a video, a voice, a file, a new kind."""

    kind: str


Incoming = Followed | Said | Pressed | Photographed | Located | Sent


@dataclass(frozen=True)
class InForce:
    """A warning that is in force, in the resident's words."""

    title: str
    text: str


@dataclass(frozen=True)
class Known:
    """What a dialogue may look at; ``event_id`` names the event being answered."""

    city: City
    preferences: Preferences
    now: datetime
    event_id: str = ""
    shelters: tuple[Shelter, ...] = ()
    calendar: Calendar = NO_CALENDAR
    answers: tuple[Answer, ...] = ()
    in_force: tuple[InForce, ...] = ()
    taken_up: frozenset[str] = frozenset()
    """Kinds of damage that the city has taken up already at the place being reported."""
    reports: int = 0
    """How many reports of this resident are kept."""
    following_since: datetime | None = None

    @property
    def language(self) -> str:
        return self.preferences.language

    def say(self, message: str, /, **values: object) -> str:
        """Return ``message`` in the resident's language."""
        return WORDS.text(self.language, message, **values)

    def speaking(self, language: str) -> Known:
        """The same, in the language that was just chosen."""
        return replace(self, preferences=replace(self.preferences, language=language))

    def having(self, **changes: Any) -> Known:
        """The same, with choices as they are about to be."""
        return replace(self, preferences=replace(self.preferences, **changes))


@dataclass(frozen=True)
class SetLanguage:
    language: str


@dataclass(frozen=True)
class SetArea:
    """Hear about a district, or no longer; ``area`` None forgets all: the whole city."""

    area: str | None
    on: bool = True


@dataclass(frozen=True)
class SetTopic:
    """Hear about a topic from ``level`` upwards; None: not at all."""

    topic: str
    level: int | None


@dataclass(frozen=True)
class ConfirmTopics:
    """The resident looked at the topics and is content."""


@dataclass(frozen=True)
class SetQuietHours:
    """Minutes after midnight in Japan; equal ones: none; both None: the city's."""

    start: int | None
    end: int | None


@dataclass(frozen=True)
class FileReport:
    draft: Draft


@dataclass(frozen=True)
class Erase:
    """Forget the resident."""


Effect = SetLanguage | SetArea | SetTopic | ConfirmTopics | SetQuietHours | FileReport | Erase


@dataclass(frozen=True)
class Outcome:
    """What a dialogue answers.

    Parameters
    ----------
    state
        Where the conversation stands now.
    messages
        At most five, LINE's limit for one reply.
    effects
        What has to be done in the same transaction.
    matters
        Whether the answer is worth a push when the reply token has run out.
    filed
        For a report: makes state and messages once its number is known.
    """

    state: State
    messages: tuple[Message, ...] = ()
    effects: tuple[Effect, ...] = ()
    matters: bool = False
    filed: Callable[[str], tuple[State, tuple[Message, ...]]] | None = None
