"""The city's own data, as the rest of the service sees it.

A city is a folder (design, "A city's folder"); ``city.folder`` reads and checks it.
Nothing here knows about files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, time
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field, PrivateAttr

from city.chat import ChatRules
from city.danger_words import DangerWords
from city.kinds import ReportCategory as ReportCategory
from city.offices import Endpoint as Endpoint
from city.offices import Owner as Owner
from city.parts import Names as Names
from city.parts import Part as _Part
from city.parts import name_in as name_in
from city.relay import Relay
from city.roles import SignInRules
from core.geo import Position, distance_to_line, inside


class Topic(_Part):
    """What a resident can subscribe to.

    ``emergency_level`` is the least level at which a notice of this topic is an emergency (sent at
    once, quiet hours or not); ``default`` topics are on until a resident chooses; a ``mandatory``
    topic can only be left by unfollowing. ``department`` looks after it: its staff write its news
    and its sentences; "" for a topic that is nobody's own.
    """

    code: str
    names: Names
    emergency_level: int = Field(default=4, ge=1, le=6)
    default: bool = False
    mandatory: bool = False
    department: str = ""


class District(_Part):
    """An area of the city: the smallest place a resident picks and staff address."""

    code: str
    names: Names
    polygons: tuple[tuple[tuple[Position, ...], ...], ...] = Field(repr=False)
    """Polygons, each an outer ring and its holes, each ring closed."""
    households: int | None = None
    people: int | None = None
    """How many live there; None if the city does not say."""

    def contains(self, longitude: float, latitude: float) -> bool:
        """Whether the point is in the district (even-odd rule; a hole is outside)."""
        return any(inside((longitude, latitude), polygon) for polygon in self.polygons)


class Decision(StrEnum):
    """What policy does with a notice."""

    SEND = "send"
    DIGEST = "digest"
    HOLD = "hold"
    PUBLISH = "publish"
    DROP = "drop"


class Rule(_Part):
    """A rule that gives an article its topic and areas; the first rule that fits decides.

    An article fits if its title or summary contains one of ``words`` (全角/半角 and kana variants
    folded) and, if ``categories`` is given, it has one of them.
    """

    topic: str
    words: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    decision: Decision | None = None


class SourceConfig(_Part):
    """One source of news and its policy.

    ``interval_seconds`` is the time between polls; ``hosts`` are the hosts its articles and
    telegrams may be fetched from (the feed's own is always one).
    """

    code: str
    kind: Literal["jma", "rss", "cap", "mail", "webhook"]
    names: Names
    url: str = ""
    interval_seconds: int = Field(default=300, ge=10)
    hosts: tuple[str, ...] = ()
    topic: str | None = None
    decision: Decision = Decision.HOLD
    rules: tuple[Rule, ...] = ()
    senders: tuple[str, ...] = ()
    """Addresses whose mail is accepted (kind ``mail``)."""
    secret_setting: str | None = None
    """Name of the environment variable with the signing secret or mailbox password."""
    certificates: tuple[str, ...] = ()
    """Files of the city's folder with the certificates one of which must have signed every
    alert (kind ``cap``); none means that signatures are not asked for."""
    stale_after_seconds: int = Field(default=3600, ge=30)


class JmaCodes(_Part):
    """The codes by which the Meteorological Agency's telegrams mean this city."""

    municipality: str = Field(pattern=r"^\d{7}$")
    forecast_areas: tuple[str, ...] = ()
    """府県予報区, 一次細分区域 and 市町村等をまとめた地域, 6 digits."""
    quake_regions: tuple[str, ...] = ()
    tsunami_regions: tuple[str, ...] = ()
    rivers: tuple[str, ...] = ()
    """Codes of 指定河川 (予報区域, 12 digits) with floods that concern the city."""
    volcanoes: tuple[str, ...] = ()
    quake_threshold: str = "3"
    """The lowest intensity that is told if a resident set none: 1 2 3 4 5- 5+ 6- 6+ 7."""


class WordGroup(StrEnum):
    """Words of the city that are read together, and belong to one department."""

    COLLECTION = "collection"
    QUESTIONS = "questions"
    SHELTERS = "shelters"
    CHILDREN = "children"
    CHAT = "chat"
    CITY = "city"


class Department(_Part):
    """An office of the city. ``words`` are the city's own words that it looks after."""

    code: str
    names: Names
    email: str = ""
    phone: str = ""
    words: tuple[WordGroup, ...] = ()


class QuietHours(_Part):
    """From ``start`` to ``end`` on Japan's clock, usually over midnight."""

    start: time = time(22, 0)
    end: time = time(7, 0)


class ReminderHours(_Part):
    """The hours, on Japan's clock, at which reminders are sent."""

    evening: int = Field(default=19, ge=15, le=22)
    """Of tomorrow's collections."""
    morning: int = Field(default=7, ge=5, le=7)
    """Of today's collections."""
    children: int = Field(default=10, ge=8, le=18)
    """Of vaccinations and check-ups."""


class Retention(_Part):
    """How long personal data is kept, in days."""

    webhook_events: int = 7
    dialogues: int = 30
    left_residents: int = 30
    report_photos: int = 365
    reports: int = 1095
    """What residents wrote in reports, and the answers, from the end of the case."""
    deliveries: int = 400
    safety_answers: int = 30
    call_ups: int = 90
    """Call-ups of staff, with who answered what, and the messages to staff; links of crews."""
    questions: int = 90
    survey_words: int = 365
    """What residents wrote in free words to surveys, from the day on which one closed."""
    chats: int = 90
    """Talks of residents with a person, from their end."""
    telegrams: int = 90
    """The agency's telegrams and other public warnings as they came: changed rules are tried on
    them.
    """


class Way(StrEnum):
    """How a message is sent to friends whom Todoke does not know."""

    NARROWCAST = "narrowcast"
    BROADCAST = "broadcast"


class UnknownFriends(_Part):
    """Which alerts of staff may also be sent to friends whom Todoke does not know.

    ``otherwise`` says what a person may choose if a narrowcast is not possible: a broadcast, which
    known friends get a second time, or nothing.
    """

    level: int = Field(default=5, ge=3, le=5)
    topics: tuple[str, ...] = ("evacuation",)
    way: Way = Way.NARROWCAST
    otherwise: Literal["broadcast", "nothing"] = "broadcast"
    drills: bool = False
    """Whether a drill may be sent to them too; the page asks for it separately."""

    def covers(self, topic: str, level: int, *, drill: bool) -> bool:
        """Whether an alert may go to them."""
        return topic in self.topics and level >= self.level and (self.drills or not drill)


MEDIA = ("line", "email", "webpush", "posts")
"""The names of media that a rule may name."""


class MediumRule(_Part):
    """What goes by one medium. A medium without a rule takes everything.

    ``topics`` empty means every topic; ``level`` is the least level that a notice needs. A notice
    goes by the medium if one of its rules fits.
    """

    medium: str
    topics: tuple[str, ...] = ()
    level: int = Field(default=0, ge=0, le=5)

    def fits(self, topic: str, level: int) -> bool:
        return (not self.topics or topic in self.topics) and level >= self.level


class PostAccount(_Part):
    """An account of the city's in another network, to which notices are posted (``[[posts]]``).

    Parameters
    ----------
    languages
        It posts once in each.
    topics
        Only these; empty for every topic.
    level
        The least level that a notice needs.
    drills
        Whether drills may be posted there. Strangers read it, and the mark of a drill is easily
        overlooked where a post is passed on.
    length
        The most that one post may have, as ``counts`` says.
    counts
        ``x``: letters of Chinese, Japanese and Korean count two, as X does.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    languages: tuple[str, ...] = Field(default=("ja",), min_length=1)
    topics: tuple[str, ...] = ()
    level: int = Field(default=0, ge=0, le=5)
    drills: bool = False
    length: int = Field(default=280, ge=140, le=10_000)
    counts: Literal["letters", "x"] = "letters"

    @property
    def setting(self) -> str:
        """The environment variable with its secret address."""
        return f"TODOKE_POSTS_{self.name.upper().replace('-', '_')}_URL"


class NewsRules(_Part):
    """How routine news of staff leaves (``[news]``)."""

    approval: bool = False
    """Whether a second person has to approve it."""
    most_a_day: int = Field(default=3, ge=1, le=20)
    """From more messages than this a day, the calendar warns."""


class CallUpRule(_Part):
    """Which telegrams call which staff by themselves (``[[call_up]]``).

    ``intensity`` is the least seismic intensity in the city; ``level`` the least evacuation level
    of any other danger. ``topics`` and ``hazards`` narrow it. No departments and no teams means
    everybody on the list.
    """

    code: str
    intensity: str = ""
    level: int = Field(default=0, ge=0, le=5)
    topics: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    words: str = Field(default="", max_length=200)
    """What follows the telegram's title, such as where to come."""
    remind_minutes: int = Field(default=15, ge=0, le=240)
    drills: bool = False
    """Whether a telegram of a drill begins a drill of the call-up."""


class DisasterRule(_Part):
    """A danger that begins disaster mode by itself; only staff end it.

    It fits a danger in force with at least the evacuation ``level``, or at least the seismic
    ``intensity``, of one of the ``topics`` if there are any. The mode begins in the districts of
    the danger; ``areas`` limits it to some.
    """

    code: str
    level: int | None = Field(default=None, ge=3, le=5)
    intensity: str | None = None
    topics: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()


class WorkOrders(_Part):
    """How the city's crews are sent out (``[work_orders]``)."""

    depot: Position | None = None
    """Where crews set out, longitude and latitude; the driving order begins there."""
    office_confirms: bool = True
    """Whether somebody in the office looks at what a crew did before residents hear of it."""
    asks_used: bool = False
    """Whether crews are asked what they used and how long it took."""


TOKENS_BLUE = "#0017c1"
"""The colour of a city that has none: the Digital Agency's blue 900."""


class Emblem(_Part):
    """How the city is recognised (``[emblem]``): files in its folder, and its colour.

    The PNG file is for what shows no SVG: mails and phones.
    """

    svg: str = Field(default="", pattern=r"^([\w-]+\.svg)?$")
    png: str = Field(default="", pattern=r"^([\w-]+\.png)?$")
    colour: str = Field(default="", pattern=r"^(#[0-9a-f]{6})?$")


class City(_Part):
    """The content of ``city.toml`` and the files next to it."""

    name: Names
    line_name: str
    line_id: str = Field(default="", pattern=r"^(@[0-9a-z._-]+)?$")
    """The account's basic id, such as ``@todoke``; it is in the QR codes of evacuation sites."""
    time_zone: Literal["Asia/Tokyo"] = "Asia/Tokyo"
    jma: JmaCodes
    languages: tuple[str, ...]
    topics: tuple[Topic, ...]
    districts: tuple[District, ...] = Field(default=(), repr=False)
    owners: tuple[Owner, ...] = Field(default=(), repr=False)
    departments: tuple[Department, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    report_categories: tuple[ReportCategory, ...] = ()
    sign_in: SignInRules = SignInRules()
    """What the console asks of staff who sign in."""
    call_up: tuple[CallUpRule, ...] = ()
    """Without one, staff are called by hand only."""
    media: tuple[MediumRule, ...] = ()
    posts: tuple[PostAccount, ...] = ()
    """Without one, nothing is posted."""
    collection_reminders: bool = False
    """Whether residents with the topic ``collection`` are reminded of what is collected next."""
    reminder_hours: ReminderHours = ReminderHours()
    collection_week_shift: bool = True
    """Whether a closure in 5374's ``center.csv`` moves collections of certain weeks of the month by
    a week, like 5374's ``WeekShift``; otherwise closed days are only left out.
    """
    publish_reports: bool = False
    """Whether anybody sees kind, place, state and days of the reports that staff took up."""
    work_orders: WorkOrders = WorkOrders()
    danger_words: DangerWords = DangerWords()
    news: NewsRules = NewsRules()
    quiet_hours: QuietHours = QuietHours()
    digest_hour: int = Field(default=18, ge=0, le=23)
    retention: Retention = Retention()
    relay: Relay = Relay()
    """Which webhooks go to another vendor's service."""
    chat: ChatRules | None = None
    """Without it residents cannot write to a person."""
    unknown_friends: UnknownFriends | None = None
    """Without it nothing is ever sent to friends whom Todoke does not know."""
    disaster_rules: tuple[DisasterRule, ...] = ()
    """Without one, only staff begin disaster mode."""
    public_url: str = ""
    """Where residents reach this installation (``TODOKE_PUBLIC_URL``), set when it starts; without
    it messages carry no short address.
    """
    shelter_url: str = ""
    """Page with the shelters, put into warnings; the service's own page when empty."""
    privacy_url: str = ""
    """The city's page about personal data, told to everybody who follows."""
    liff_id: str = ""
    """LINE's id of the settings page as a LIFF app; empty if the city registered none."""
    emergency_phone: Names = Field(default_factory=dict)
    credit: str = ""
    emblem: Emblem = Emblem()
    emblem_files: dict[str, bytes] = Field(default_factory=dict, repr=False)
    """The pictures of the emblem that can be used, as ``svg`` and ``png`` (``city.emblem``)."""
    certificates: dict[str, str] = Field(default_factory=dict, repr=False)
    """PEM text of each file that a source's ``certificates`` names."""
    _folder: City | None = PrivateAttr(default=None)

    def __repr__(self) -> str:
        """Which city it is; all that it says would be megabytes in a log."""
        return f"City({self.jma.municipality!r})"

    @property
    def colour(self) -> str:
        """The city's colour; the design system's blue if it set none."""
        return self.emblem.colour or TOKENS_BLUE

    def emblem_path(self, *kinds: str) -> str:
        """Return where the first of these kinds of pictures (``svg``, ``png``) is; "" for none.

        It ends with a mark of the file's content, so that a changed one is fetched again.
        """
        for kind in kinds:
            if (picture := self.emblem_files.get(kind)) is not None:
                return f"/emblem.{kind}?{hashlib.sha256(picture).hexdigest()[:8]}"
        return ""

    @cached_property
    def topic_by_code(self) -> dict[str, Topic]:
        return {topic.code: topic for topic in self.topics}

    @cached_property
    def district_by_code(self) -> dict[str, District]:
        return {district.code: district for district in self.districts}

    def district_at(self, longitude: float, latitude: float) -> District | None:
        """Return the district of a point, or None outside the city."""
        return next((d for d in self.districts if d.contains(longitude, latitude)), None)

    def sends_by(self, medium: str, topic: str, level: int) -> bool:
        """Whether notices of a topic and level go by a medium, by the city's rules."""
        rules = [rule for rule in self.media if rule.medium == medium]
        return not rules or any(rule.fits(topic, level) for rule in rules)

    def kind(self, code: str) -> ReportCategory | None:
        """Return a kind of reports, also one that is not offered now; None if there is none."""
        return next((kind for kind in self.report_categories if kind.code == code), None)

    def kind_name(self, code: str, language: str) -> str:
        """Return the name of a kind of reports; the code if the city no longer has it."""
        found = self.kind(code)
        return code if found is None else name_in(found.names, language)

    def owner(self, code: str) -> Owner | None:
        """Return who owns something beside the city; None for the city itself."""
        return next((one for one in self.owners if one.code == code), None)

    def department(self, code: str) -> Department | None:
        """Return a department; None if there is none."""
        return next((one for one in self.departments if one.code == code), None)

    def with_kinds(
        self, kinds: Iterable[ReportCategory], danger_words: DangerWords | None = None
    ) -> City:
        """Return the city with other kinds of reports, and other words of danger for all."""
        changed: dict[str, object] = {"report_categories": tuple(kinds)}
        if danger_words is not None:
            changed["danger_words"] = danger_words
        made = self.model_copy(update=changed)
        made._folder = self.as_in_folder
        return made

    @property
    def as_in_folder(self) -> City:
        """The city with the kinds of reports of its folder."""
        return self._folder or self

    def kinds_offered(self, day: date) -> tuple[ReportCategory, ...]:
        """Return the kinds of which a new report can be made on a day, in Japan."""
        return tuple(kind for kind in self.report_categories if kind.is_offered(day))

    def owner_of(self, kind: str, place: Position | None) -> Owner | None:
        """Return who else owns a damage of this kind here.

        What lies on or by an owner's lines or in its polygons comes first, then what the kind says
        of the district, then what it says of the whole city, then who owns all of the kind.
        """
        owners = [one for one in self.owners if one.body != "city" and not one.department]
        placed = [one for one in owners if one.is_placed and one.owns(kind, place)]
        if placed:
            return placed[0]
        if (known := self.kind(kind)) is not None:
            area = known.area_of(self._district_code(place))
            if area is not None and (area.owner or area.department):
                return next((one for one in owners if one.code == area.owner), None)
            if known.owner:
                return next((one for one in owners if one.code == known.owner), None)
        return next((one for one in owners if not one.is_placed and one.owns(kind, place)), None)

    def department_of(self, kind: str, place: Position | None) -> str:
        """Return the code of the department that mends a damage of this kind here; "" if none.

        A polygon or line with a department (``owners.geojson``) comes first, then what the kind
        says of the district, then the kind's own.
        """
        for owner in self.owners:
            if owner.department and owner.is_placed and owner.owns(kind, place):
                return owner.department
        known = self.kind(kind)
        if known is None:
            return ""
        area = known.area_of(self._district_code(place))
        return (area.department if area is not None else "") or known.department

    def _district_code(self, place: Position | None) -> str | None:
        district = None if place is None else self.district_at(*place)
        return None if district is None else district.code

    def road_at(self, place: Position) -> Owner | None:
        """Return the road that a place is on, by the lines that have a class; None if on none."""
        near = (
            (min(distance_to_line(place, line) for line in owner.lines), owner)
            for owner in self.owners
            if owner.road_class and owner.lines
        )
        on = [(metres, owner) for metres, owner in near if metres <= owner.metres]
        return min(on, key=lambda one: one[0])[1] if on else None

    def is_at_homes(self, kind: str) -> bool:
        """Whether damage of this kind is usually on somebody's own ground."""
        return any(one.at_homes and one.code == kind for one in self.report_categories)

    @property
    def road_lines(self) -> tuple[tuple[Position, ...], ...]:
        """The lines of roads: of owners with a road, or of some kinds of damage; no railways."""
        roads = (one for one in self.owners if one.road or one.road_class or one.kinds)
        return tuple(line for owner in roads for line in owner.lines)

    def is_outside(self, longitude: float, latitude: float) -> bool:
        """Whether a point is outside the city, by the outlines of its districts."""
        known = self.districts and all(district.polygons for district in self.districts)
        return bool(known) and self.district_at(longitude, latitude) is None

    def is_emergency(self, topic: str, level: int) -> bool:
        """Whether a notice of ``topic`` at ``level`` breaks through quiet hours."""
        return level >= self.topic_by_code[topic].emergency_level

    def served_at(self, public_url: str) -> City:
        """Return the city as it is reached at ``public_url``.

        Our shelter page is the one for its warnings if the city names no page of its own.
        """
        shelters = self.shelter_url or f"{public_url}/shelters"
        return self.model_copy(update={"public_url": public_url, "shelter_url": shelters})
