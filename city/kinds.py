"""A kind of damage that residents report: who mends it, what it asks, when it is offered.

The base is ``[[report_categories]]`` of ``city.toml``. Staff lay their own versions over it in the
console (``reports.kinds``), so whoever reads kinds takes the city of ``reports.kinds.city_now``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from pydantic import Field

from city.danger_words import DangerWords
from city.parts import Names, Part

MOST_QUESTIONS = 10
MOST_CHOICES = 12
"""LINE shows thirteen quick replies; one is kept for "Skip" or "Cancel"."""
LONGEST_TEXT = 500
"""Characters of a question, of a message, and of what a resident answers in words."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
"""A public holiday from Monday to Friday is ``holiday`` and not its day of the week."""
YES, NO = "yes", "no"
"""The values of an answer to a question of yes or no."""

IsOpenDay = Callable[[date], bool]
"""Whether a day is a working day of the city's offices."""


class AnswerType(StrEnum):
    """How a question is answered."""

    TEXT = "text"
    NUMBER = "number"
    ONE = "one-of"
    SEVERAL = "several-of"
    YES_NO = "yes-no"

    @property
    def is_chosen(self) -> bool:
        """Whether the question has choices of its own."""
        return self in (AnswerType.ONE, AnswerType.SEVERAL)


class Choice(Part):
    """One answer that can be chosen."""

    code: str
    names: Names


class Question(Part):
    """What a kind asks beside photo, place and note; ``names`` is the question itself.

    Questions are asked in the order in which they stand. Only a ``needed`` one cannot be skipped.
    """

    code: str
    names: Names
    type: AnswerType = AnswerType.TEXT
    needed: bool = False
    choices: tuple[Choice, ...] = ()


class OpenHours(Part):
    """On these ``days`` from ``start`` to ``end`` on Japan's clock, also over midnight."""

    days: tuple[str, ...]
    start: time
    end: time


class KindMessage(Part):
    """What residents are told of a kind instead of being asked for a report.

    Without ``hours`` it is always ``texts`` and ``phone``. With them it is ``closed_texts`` and
    ``closed_phone`` at all other times.
    """

    texts: Names
    phone: str = ""
    url: str = ""
    hours: tuple[OpenHours, ...] = ()
    closed_texts: Names = Field(default_factory=dict)
    closed_phone: str = ""

    def is_open(self, moment: datetime, is_working_day: IsOpenDay) -> bool:
        """Whether a moment, on Japan's clock, is within the hours."""
        return not self.hours or any(_covers(hours, moment, is_working_day) for hours in self.hours)

    def told(self, moment: datetime, is_working_day: IsOpenDay) -> tuple[Names, str]:
        """Return the texts and the telephone number of a moment, on Japan's clock."""
        if self.is_open(moment, is_working_day):
            return self.texts, self.phone
        return self.closed_texts or self.texts, self.closed_phone


def _covers(hours: OpenHours, moment: datetime, is_working_day: IsOpenDay) -> bool:
    day, now = moment.date(), moment.time()
    today = _name_of(day, is_working_day) in hours.days
    if hours.start < hours.end:
        return today and hours.start <= now < hours.end
    before = _name_of(day - timedelta(days=1), is_working_day) in hours.days
    return (today and now >= hours.start) or (before and now < hours.end)


def _name_of(day: date, is_working_day: IsOpenDay) -> str:
    if day.weekday() < 5 and not is_working_day(day):
        return "holiday"
    return DAYS[day.weekday()]


class Season(Part):
    """The days of each year on which a kind is offered, as ``MM-DD``; both belong to it."""

    start: str
    end: str

    def has(self, day: date) -> bool:
        """Whether a day, in Japan, is in the season; it may go over New Year."""
        at = f"{day:%m-%d}"
        if self.start <= self.end:
            return self.start <= at <= self.end
        return at >= self.start or at <= self.end


class KindArea(Part):
    """Who looks after a kind in some ``districts``: another department or another office."""

    districts: tuple[str, ...]
    department: str = ""
    owner: str = ""


class ReportCategory(Part):
    """A kind of damage that residents report, and the department that repairs it.

    Parameters
    ----------
    picture
        One of the drawings in ``public/static/kinds``; its own code if empty.
    danger
        The emergency numbers come before the next question.
    at_homes
        It is usually on somebody's own ground: its public place is then on the road.
    owner, areas
        Another office that looks after it (``owners.geojson``), everywhere or in some districts.
    questions
        What it asks beside photo, place and note.
    message
        What residents are told instead of being asked for a report.
    published
        Whether its reports may be published.
    danger_words
        Words that mean danger, or none, in reports of this kind.
    priority
        1 (at once) to 4 (when there is time); 0 for what the service finds.
    due_days
        Working days until it should be done; None for none.
    retention_days
        Days after which its words and photos go; None for the city's.
    season, off_from, off_until
        When it is offered: in a season of each year, and not from a day until another day (both
        belong to it; without the second for good). Reports that are there keep it.
    order
        Its place in the list, the lower first; 0 for where it stands.
    """

    code: str
    names: Names
    department: str
    picture: str = ""
    danger: bool = False
    at_homes: bool = False
    owner: str = ""
    areas: tuple[KindArea, ...] = ()
    questions: tuple[Question, ...] = ()
    message: KindMessage | None = None
    published: bool = True
    danger_words: DangerWords = DangerWords()
    priority: int = Field(default=0, ge=0, le=4)
    due_days: int | None = Field(default=None, ge=0, le=400)
    retention_days: int | None = Field(default=None, ge=1, le=36500)
    season: Season | None = None
    off_from: date | None = None
    off_until: date | None = None
    order: int = Field(default=0, ge=0, le=9999)

    def is_offered(self, day: date) -> bool:
        """Whether a new report of it can be made on a day, in Japan."""
        if self.season is not None and not self.season.has(day):
            return False
        if self.off_from is None and self.off_until is None:
            return True
        return (self.off_from is not None and day < self.off_from) or (
            self.off_until is not None and day > self.off_until
        )

    def question(self, code: str) -> Question | None:
        """Return one of its questions, or None."""
        return next((one for one in self.questions if one.code == code), None)

    def area_of(self, district: str | None) -> KindArea | None:
        """Return who looks after it in a district, if that is not who does elsewhere."""
        return next((one for one in self.areas if district in one.districts), None)
