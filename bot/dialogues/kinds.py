"""Input, state and output of a dialogue: values without behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from bot.catalogue import WORDS
from bot.dialogues.buttons import standard_understanding
from bot.messages import Message
from bot.understanding import Meaning, Understanding
from city.children import NO_TABLE, ChildTable
from city.city import City
from city.collection import Calendar
from city.faq import FaqEntry
from city.gazetteer import Gazetteer
from city.hazards import HazardZone
from city.shelters import Hazard, Shelter
from core.clock import in_japan
from core.geo import Position
from public.pictures import Pictures
from reports.models import Addition
from reports.photos import Picture
from reports.published import PublicCase
from reports.register import Draft
from reports.states import ReportState
from response.households import Household, Told
from response.models import DisasterMode, Lifeline, ShelterStatus
from subscriptions.residents import Preferences

NO_CALENDAR = Calendar()
NO_PLACES = Gazetteer()
NO_PICTURES = Pictures()
IDLE = "idle"
ONBOARDING = "onboarding"
REPORT = "report"
SHELTERS = "shelters"
WATCHING = "watching"
"""A place is awaited, near which repairs are to be told."""
ADDING = "adding"
"""A photo is awaited for a report that was sent."""
SAFETY = "safety"
DISTRICTS = "districts"
SURVEY = "survey"
"""A question of a survey is open; ``step`` is its place, ``data`` has the survey's number."""
IN_NEED = "in_need"
IN_NEED_FOR = timedelta(hours=1)
"""How long somebody who cried for help, or told of danger, is not answered with the menu."""


@dataclass(frozen=True)
class DialogueState:
    """The state of a resident's conversation; ``data`` is JSON.

    ``data["below"]`` is an interrupted state, which continues afterwards.
    """

    name: str = IDLE
    step: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def at(self, step: str, **changes: Any) -> Self:
        """The same dialogue at another step."""
        return replace(self, step=step, data={**self.data, **changes})

    def needing(self, now: datetime) -> Self:
        """The same state of somebody who cried for help or told of danger."""
        return replace(self, data={**self.data, IN_NEED: now.isoformat()})

    def is_in_need(self, now: datetime) -> bool:
        """Whether they cried for help or told of danger just now."""
        noted = str(self.data.get(IN_NEED, ""))
        return noted != "" and now - datetime.fromisoformat(noted) < IN_NEED_FOR

    def over(self, name: str, step: str, **data: Any) -> DialogueState:
        """Start another dialogue; an unfinished onboarding or report is kept below it."""
        below = self.data.get("below")
        if self.name in (ONBOARDING, REPORT):
            below = {"name": self.name, "step": self.step, "data": dict(self.data)}
        return DialogueState(name, step, {**data, **({"below": below} if below else {})})

    def ended(self, **data: Any) -> DialogueState:
        """Return to the interrupted state, or to rest."""
        below = self.data.get("below")
        if below:
            return DialogueState(below["name"], below["step"], {**below["data"], **data})
        return DialogueState(IDLE, "", data)


@dataclass(frozen=True)
class Followed:
    """Somebody follows the account; ``returning`` is true when they did before."""

    returning: bool = False


@dataclass(frozen=True)
class Said:
    """A text; ``message_id`` is LINE's id, with which it can be taken back."""

    text: str
    message_id: str = ""


@dataclass(frozen=True)
class Pressed:
    """A postback: its action and its values (a picked time is ``time``)."""

    do: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Photographed:
    """A photo came. Without a ``picture``, ``refusal`` says why (a key of reports.photos).

    ``more`` if others of the same set are still to come.
    """

    picture: Picture | None = None
    refusal: str = ""
    more: bool = False


@dataclass(frozen=True)
class Located:
    longitude: float
    latitude: float
    address: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class Sent:
    """Something a dialogue does not read: a sticker, a video, a voice, a file, a new kind."""

    kind: str


Incoming = Followed | Said | Pressed | Photographed | Located | Sent


@dataclass(frozen=True)
class WarningShown:
    """A warning that is in force, in the resident's words."""

    title: str
    text: str
    grave: bool = False
    """Whether it warns of danger where the resident lives; an advisory does not."""


@dataclass(frozen=True)
class OwnReport:
    """The current state of one of the resident's reports, or of one that they ``joined``."""

    number: str
    category: str
    state: ReportState
    joined: bool = False
    photos: int = 0
    is_open: bool = True
    """Whether its case is open, also if it was joined to another report."""


@dataclass(frozen=True)
class CaseAsked:
    """The case whose number a message has, or a button.

    Parameters
    ----------
    follow
        Whether they ask to follow it, and not only how it is.
    own
        If it is their own report, or one that they follow.
    public
        What everybody may know of it; None for every other number.
    """

    follow: bool = False
    own: OwnReport | None = None
    public: PublicCase | None = None


@dataclass(frozen=True)
class NearReport:
    """A report near the place of the one being made that is not finished."""

    number: str
    category: str
    state: ReportState
    metres: float


@dataclass(frozen=True)
class Known:
    """The data that a dialogue may use; ``event_id`` is the event being answered."""

    city: City
    preferences: Preferences
    now: datetime
    event_id: str = ""
    shelters: tuple[Shelter, ...] = ()
    shelter_states: Mapping[str, ShelterStatus] = field(default_factory=dict)
    """What staff say of the evacuation sites, by the site's code."""
    lifelines: tuple[Lifeline, ...] = ()
    """Water points, power, roads and the like, as staff list them now."""
    calendar: Calendar = NO_CALENDAR
    answers: tuple[FaqEntry, ...] = ()
    places: Gazetteer = NO_PLACES
    """The city's landmarks and addresses."""
    pictures: Pictures = NO_PICTURES
    children: ChildTable = NO_TABLE
    page_url: str = ""
    """The resident's own settings page, by a link that is valid for minutes."""
    calendar_url: str = ""
    """Where the calendars of districts are published."""
    lifelines_url: str = ""
    """The public page with all lifelines."""
    person_offer: Message | None = None
    """How to talk to a person, or when; None if the city has no desk."""
    in_force: tuple[WarningShown, ...] = ()
    hazards: frozenset[Hazard] = frozenset()
    """The dangers in force where the resident is, for which an evacuation site has to be safe."""
    hazard_zones: tuple[HazardZone, ...] = ()
    """Where the city's hazard map says that a danger reaches."""
    mode: DisasterMode | None = None
    """The disaster mode that is on for the resident's districts."""
    household: Household | None = None
    """The resident's last answer in a disaster."""
    watches_repairs: bool = False
    """Whether the resident is told of repairs near them."""
    case_asked: CaseAsked | None = None
    """The case that a message names by its number."""
    near: tuple[NearReport, ...] = ()
    """What others reported within metres of the place being reported, the nearest first."""
    joined_reports: int = 0
    """How many reports of others they follow."""
    check_ins: tuple[str, ...] = ()
    """The evacuation sites where they checked in, by code, the last one first."""
    reports: int = 0
    """How many reports of this resident are kept."""
    own_reports: tuple[OwnReport, ...] = ()
    """The last of them, the newest first."""
    worse_reports: tuple[OwnReport, ...] = ()
    """Open reports of theirs, or that they follow, of which a sentence may say that they got worse.
    """
    following_since: datetime | None = None
    understanding: Understanding = field(default_factory=standard_understanding)

    @property
    def endangered(self) -> bool:
        """Whether a warning is in force where the resident lives."""
        return any(warning.grave for warning in self.in_force)

    @property
    def asks_safety(self) -> bool:
        """Whether the city asks households how they are."""
        return self.mode is not None or self.endangered

    @property
    def in_drill(self) -> bool:
        """Whether what the resident does is part of a drill; a real danger is none."""
        return self.mode is not None and self.mode.drill and not self.endangered

    @property
    def home(self) -> Position | None:
        """The centre of the resident's first district; None if they chose none."""
        for code in self.preferences.areas:
            district = self.city.district_by_code.get(code)
            if district is not None and district.polygons:
                ring = district.polygons[0][0][:-1]
                return (
                    sum(longitude for longitude, _ in ring) / len(ring),
                    sum(latitude for _, latitude in ring) / len(ring),
                )
        return None

    def meaning(self, text: str) -> Meaning:
        """Return the intent of a resident's message."""
        return self.understanding.meaning(text, self.language, in_japan(self.now).date())

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
        """The same, with choices as they will be."""
        return replace(self, preferences=replace(self.preferences, **changes))


@dataclass(frozen=True)
class SetLanguage:
    language: str


@dataclass(frozen=True)
class SetArea:
    """Hear about a district, or no longer; ``area`` None clears all districts: the whole city."""

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
    """Minutes after midnight in Japan; equal values mean none; both None means the city's."""

    start: int | None
    end: int | None


@dataclass(frozen=True)
class SetDigestHour:
    """The hour of the daily summary, on Japan's clock."""

    hour: int


@dataclass(frozen=True)
class SetReminder:
    """Remind of collections on the morning of the day, or else on the evening before."""

    in_morning: bool


@dataclass(frozen=True)
class SetChild:
    """Keep a month in which a child was born (``YYYY-MM``), or no longer."""

    born: str
    on: bool = True


@dataclass(frozen=True)
class FileReport:
    """A report; a ``danger`` is one of a disaster, and that of a ``drill`` is no report at all."""

    draft: Draft
    danger: bool = False
    drill: bool = False


@dataclass(frozen=True)
class TellCity:
    """How a household is, or a part of it; ``area`` is the resident's first district."""

    told: Told
    drill: bool = False
    area: str | None = None


@dataclass(frozen=True)
class CheckedIn:
    """The household came to the evacuation site with this code."""

    shelter: str
    drill: bool


@dataclass(frozen=True)
class CheckedOut:
    """The household went from the evacuation site where it was."""

    drill: bool


@dataclass(frozen=True)
class FollowReport:
    """Hear what becomes of another's report, or no longer.

    ``saw`` is false for who did not see the thing, but read of it.
    """

    number: str
    on: bool = True
    saw: bool = True


@dataclass(frozen=True)
class AddToReport:
    """Tell how the thing of a report is now: one's own, or one that is followed."""

    number: str
    addition: Addition
    words: str = ""
    message_id: str = ""


@dataclass(frozen=True)
class AddPhoto:
    """Add a photo to one's own report, or to one that is followed and got worse."""

    number: str
    picture: Picture


@dataclass(frozen=True)
class AddWords:
    """Tell what is not right with a completed report, or what got worse with an open one."""

    number: str
    words: str
    message_id: str = ""
    worse: bool = False


@dataclass(frozen=True)
class WithdrawReport:
    """Take one's own report back."""

    number: str


@dataclass(frozen=True)
class Unanswered:
    """Keep a sentence that was not understood, without who wrote it."""

    text: str
    language: str


@dataclass(frozen=True)
class Erase:
    """Forget the resident."""


@dataclass(frozen=True)
class WatchRepairs:
    """Hear of repairs near a place (longitude, latitude), or in one's districts, or of none."""

    place: Position | None = None
    on: bool = True


OfReport = FollowReport | AddToReport | AddPhoto | AddWords | WithdrawReport
Effect = (
    SetLanguage
    | SetArea
    | SetTopic
    | ConfirmTopics
    | SetQuietHours
    | SetDigestHour
    | SetReminder
    | SetChild
    | FileReport
    | TellCity
    | CheckedIn
    | CheckedOut
    | OfReport
    | WatchRepairs
    | Unanswered
    | Erase
)


@dataclass(frozen=True)
class DialogueOutcome:
    """The output of a dialogue.

    Parameters
    ----------
    state
        The new state of the conversation.
    messages
        At most five, LINE's limit for one reply.
    effects
        Changes to make in the same transaction.
    matters
        Whether the answer is sent as a push if the reply token has expired.
    filed
        For a report: makes state and messages when its number is known.
    """

    state: DialogueState
    messages: tuple[Message, ...] = ()
    effects: tuple[Effect, ...] = ()
    matters: bool = False
    filed: Callable[[str], tuple[DialogueState, tuple[Message, ...]]] | None = None
