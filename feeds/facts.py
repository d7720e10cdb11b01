"""What a telegram says about one city, before any words are chosen.

Parsers make facts; the texts of a notice are composed from them by rule, in every language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feeds.models import Status


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


@dataclass(frozen=True, kw_only=True)
class Tsunami:
    """A coast's tsunami forecast. ``height`` is the agency's wording (３ｍ, 巨大)."""

    coast: str
    coast_code: str
    height: str = ""
    arrival_at: datetime | None = None
    arrival_condition: str = ""


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
        tsunami, volcano, ash-fall, eruption, nankai-trough, typhoon, early-notice.
    kind, kind_code
        The agency's name and code (レベル４大雨危険警報, 43).
    level
        1 to 5; 0 when the agency gives none and none follows from a documented rule.
    status
        What changed against the state before this telegram.
    areas
        The telegram's own codes of the areas that concern the city.
    place
        The official Japanese name of the place meant (つくば市, 茨城県南部, 利根川上流部).
    headline
        The agency's own Japanese headline.
    office
        Who published it (水戸地方気象台).
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
