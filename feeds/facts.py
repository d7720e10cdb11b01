"""What a telegram says about one city, before any words are chosen.

Parsers make facts; the texts of a notice are composed from them by rule, in every language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

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
"""Names of before 2026-05-29 that the agency itself gave an evacuation level in the telegram
(警戒レベル４相当情報［土砂災害］). Its 大雨警報 is not among them: in the old forms that are
still sent it also stands for a レベル４大雨危険警報."""


@dataclass(frozen=True, kw_only=True)
class Quake:
    """An earthquake. ``intensity`` is what was felt in the city (1 … 5- 5+ 6- 6+ 7)."""

    origin_at: datetime | None = None
    intensity: str = ""
    max_intensity: str = ""
    hypocentre: str = ""
    hypocentre_code: str = ""
    magnitude: str = ""
    """As the agency gives it, such as 6.4; empty when unknown."""
    depth_km: int | None = None
    tsunami_comment: str = ""
    """The agency's own sentence on the danger of a tsunami, in Japanese."""
    tsunami_comment_code: str = ""
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
        The agency's name and code (レベル４大雨危険警報, 43). When something has ended
        (lifted, cancelled) it is the name of what has ended.
    level
        How urgent, 1 to 5, by the rules of ``feeds.jma.levels``; 0 when nothing is in force
        any more. It orders and addresses; what may be *said* is :attr:`shown_level`.
    status
        What changed against the state before this telegram. ``continued`` and ``none`` are
        for staff; residents hear nothing.
    previous_kind, previous_level
        What was in force before, as far as this service knows.
    areas
        The telegram's own codes of the areas that concern the city; empty when it names none
        (a typhoon, the Nankai Trough).
    standing
        Under which areas the hazard board keeps it, when not under ``areas``.
    place
        The official Japanese name of the place meant (つくば市, 茨城県南部, 利根川上流部).
    headline
        The agency's own Japanese headline.
    office
        Who published it (水戸地方気象台).
    update
        More on what residents have already been told (the detail after the flash): it
        replaces that notice and is no second alarm.
    overflow
        The river's water is coming out (氾濫が発生), beyond the warning that it may.
    overflow_at
        Where, in the telegram's own Japanese (つくば市上郷地先), as far as it says.
    untold
        A taking back of something this city was never told: shown to staff, not sent.
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
    overflow: bool = False
    overflow_at: tuple[str, ...] = ()
    update: bool = False
    untold: bool = False

    @property
    def is_news(self) -> bool:
        """Whether residents have anything to hear, leaving policy and drills aside."""
        return self.status not in (Status.CONTINUED, Status.NONE) and not self.untold

    @property
    def shown_level(self) -> int:
        """The evacuation level that goes with the official name, 0 when none does.

        It is the number in the name, or for the agency's older names the one it gave them.

        暴風警報 has an urgency but no level in its name, so no level may be said of it. A
        volcano's レベル is on another scale and is no evacuation level.
        """
        if self.hazard in ("volcano", "ash-fall", "eruption"):
            return 0
        named = _NAMED_LEVEL.match(self.kind)
        return int(named.group(1)) if named else _CORRESPONDING.get(self.kind, 0)

    @property
    def alert_level(self) -> int:
        """The volcano's own alert level (噴火警戒レベル, 1 to 5) in the official name, or 0."""
        named = _NAMED_LEVEL.match(self.kind) if self.hazard == "volcano" else None
        return int(named.group(1)) if named else 0

    @property
    def heard_level(self) -> int:
        """The level by which residents are chosen: who heard the alarm hears its end."""
        return max(self.level, self.previous_level)
