"""The facts of a telegram for one city, before any words are chosen.

Parsers make facts. Rules make the texts of a notice from them, in every language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from feeds.models import Status

_NAMED_LEVEL = re.compile("レベル([1-5１-５])")
_CORRESPONDING: dict[str, int] = {
    "氾濫注意情報": 2,
    "氾濫警戒情報": 3,
    "氾濫危険情報": 4,
    "氾濫発生情報": 5,
    "土砂災害警戒情報": 4,
    "大雨特別警報": 5,
}
"""Names from before 2026-05-29 to which the agency itself gave an evacuation level in the telegram
(警戒レベル４相当情報［土砂災害］). 大雨警報 is not one of them: in the old forms, which are still
sent, it can also mean レベル４大雨危険警報.
"""


def shown_level(hazard: str, kind: str) -> int:
    """Return the evacuation level of an official name, or 0."""
    if hazard in ("volcano", "ash-fall", "eruption"):
        return 0
    named = _NAMED_LEVEL.match(kind)
    return int(named.group(1)) if named else _CORRESPONDING.get(kind, 0)


@dataclass(frozen=True, kw_only=True)
class Quake:
    """An earthquake. ``intensity`` is the one in the city (1 … 5- 5+ 6- 6+ 7)."""

    origin_at: datetime | None = None
    intensity: str = ""
    max_intensity: str = ""
    hypocentre: str = ""
    hypocentre_code: str = ""
    magnitude: str = ""
    """As the agency gives it: a number such as 6.4, or words if there is none (Ｍ不明,
    Ｍ８を超える巨大地震); empty if it says nothing.
    """
    depth_km: int | None = None
    depth_note: str = ""
    """以上 (the depth is at least ``depth_km``), 不明, or empty."""
    comment: str = ""
    """The agency's own fixed comments (固定付加文), in Japanese."""
    comment_codes: str = ""
    """Their codes, parted by spaces (:mod:`feeds.texts.comments`)."""
    long_period_class: str = ""
    unconfirmed: bool = False
    """No report came from the city though 5- or more is thought likely (震度５弱以上未入電);
    ``intensity`` is then 5-."""


@dataclass(frozen=True, kw_only=True)
class Tsunami:
    """A coast's tsunami forecast. ``height`` is the agency's wording (３ｍ, 巨大)."""

    coast: str
    coast_code: str
    height: str = ""
    arrival_at: datetime | None = None
    arrival_condition: str = ""
    observed_height: str = ""
    """The greatest height observed on the coast so far, in the agency's wording."""
    comment: str = ""
    comment_codes: str = ""
    """As for :class:`Quake`."""


@dataclass(frozen=True, kw_only=True)
class Typhoon:
    """A typhoon as a bulletin describes it; missing values are empty.

    ``number`` is the year's, empty for a tropical depression that is becoming one. ``place``,
    ``size``, ``strength`` and ``direction`` are the agency's own words (宮古島の南東約210キロ,
    大型, 非常に強い, 西北西), numbers are its digits: hPa, m/s, km/h. ``position`` is in degrees
    north and east.
    """

    number: str = ""
    name: str = ""
    place: str = ""
    at: datetime | None = None
    position: tuple[float, float] | None = None
    size: str = ""
    strength: str = ""
    pressure: str = ""
    wind: str = ""
    gust: str = ""
    direction: str = ""
    speed: str = ""
    speed_is_about: bool = False
    stays: bool = False


@dataclass(frozen=True)
class Fallen:
    """Rain or snow that fell in the city: digits in millimetres or centimetres, with the agency's
    qualifier (約, 以上), and the number of hours.
    """

    amount: str
    hours: str = "1"
    snow: bool = False
    about: bool = False
    or_more: bool = False


@dataclass(frozen=True)
class Expected:
    """A danger that may need a warning (早期注意情報), and on which days in Japan.

    ``rank`` is 高 or 中, empty where the telegram gives none (VPWP50).
    """

    danger: str
    rank: str
    days: tuple[date, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One change that a telegram makes for one hazard in the city.

    Parameters
    ----------
    topic
        Topic of the sample city's list: weather, earthquake, tsunami, evacuation …
    hazard
        A fixed English slug: heavy-rain, landslide, flood, storm-surge, storm, snow-storm,
        high-waves, heavy-snow, thunder, snow-melt, dense-fog, dry-air, avalanche,
        low-temperature, frost, ice-accretion, snow-accretion, gale, blizzard-advisory,
        record-rain, linear-rain-band, short-heavy-snow, tornado, earthquake, long-period,
        tsunami, volcano, ash-fall, eruption, nankai-trough, typhoon, early-notice,
        other-advisory, off-sanriku (北海道・三陸沖後発地震注意情報).
    kind, kind_code
        The agency's name and code (レベル４大雨危険警報, 43). If something has ended (lifted,
        cancelled), it is the name of that.
    level
        The urgency, 1 to 5, by the rules of ``feeds.jma.levels``; 0 if nothing is in force any
        more. It is for ordering and addressing; texts use :attr:`shown_level`.
    status
        What changed compared with the state before this telegram. ``continued`` and ``none`` are
        for staff; residents hear nothing.
    previous_kind, previous_level
        The name and level in force before, as far as this service knows.
    areas
        The telegram's own codes of the areas that concern the city; empty when it names none
        (a typhoon, the Nankai Trough).
    standing
        The areas under which the hazard board stores it, if not ``areas``.
    place
        The official Japanese name of the place meant (つくば市, 茨城県南部, 利根川上流部).
    headline
        The agency's own Japanese headline.
    office
        Who published it (水戸地方気象台).
    also
        Other hazards that the same name means, or meant until now: an old 大雨特別警報 is for
        floods (heavy-rain) and for landslides.
    ended_for
        The hazard for which the warning has ended while its name is still in force for another.
    newly_for
        The hazard for which a name that was in force before is now in force as well.
    ended_at
        The parts of the city in which it has ended while it is in force at ``place``; ``ended_as``
        is the lower name that replaced it there, if any.
    update
        More about something that residents have been told (the detail after the flash). It replaces
        that notice and is no second alarm.
    overflow
        The river is overflowing (氾濫が発生), not only in danger of it.
    overflow_at
        Where, in the telegram's own Japanese (つくば市上郷地先), if it says so.
    untold
        A cancellation of something that this city was never told: shown to staff, not sent.
    quiet
        News that does not change what people should do (a magnitude revised hours later, the
        monthly commentary on the Nankai Trough): published, and pushed to nobody.
    below_threshold
        An earthquake that is too weak for everybody: pushed only to residents who asked for it.
    inland
        The city has no coast, by the agency's tables and its own settings.
    standing_kind
        The name that is in force again, or still, after something was taken back.
    """

    topic: str
    hazard: str
    kind: str
    kind_code: str = ""
    level: int
    status: Status
    previous_kind: str = ""
    previous_level: int = 0
    areas: tuple[str, ...] = ()
    standing: tuple[str, ...] | None = None
    place: str = ""
    river: str = ""
    volcano: str = ""
    reported_at: datetime
    valid_until: datetime | None = None
    event_id: str = ""
    serial: str = ""
    telegram: str = ""
    """Kind of the telegram, such as VPWW55."""
    drill: bool = False
    headline: str = ""
    office: str = ""
    quake: Quake | None = None
    tsunami: Tsunami | None = None
    typhoon: Typhoon | None = None
    expected: tuple[Expected, ...] = ()
    fallen: Fallen | None = None
    overflow: bool = False
    overflow_at: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    ended_for: str = ""
    newly_for: str = ""
    ended_at: str = ""
    ended_as: str = ""
    update: bool = False
    untold: bool = False
    quiet: bool = False
    below_threshold: bool = False
    inland: bool = False
    standing_kind: str = ""

    @property
    def is_news(self) -> bool:
        """Whether residents have anything to hear, leaving policy and drills aside."""
        return self.status not in (Status.CONTINUED, Status.NONE) and not self.untold

    @property
    def dangers(self) -> tuple[str, ...]:
        """The hazards that the warning is for now."""
        return (self.hazard, *(each for each in self.also if each != self.ended_for))

    @property
    def goes_on(self) -> bool:
        """Whether a name has ended for one danger or place and is in force for another."""
        same = self.kind == self.previous_kind
        return bool(self.ended_at) or (bool(self.ended_for) and same)

    @property
    def shown_level(self) -> int:
        """The evacuation level of the official name, or 0.

        It is the number in the name; for older names, the number that the agency gave them.

        暴風警報 has an urgency but no level in its name, so texts must not name one. A volcano's
        レベル is on another scale and is no evacuation level.
        """
        return shown_level(self.hazard, self.kind)

    @property
    def alert_level(self) -> int:
        """The volcano's own alert level (噴火警戒レベル, 1 to 5) in the official name, or 0."""
        named = _NAMED_LEVEL.match(self.kind) if self.hazard == "volcano" else None
        return int(named.group(1)) if named else 0

    @property
    def heard_level(self) -> int:
        """The level by which residents are chosen: whoever heard the alarm hears its end."""
        return max(self.level, self.previous_level)
