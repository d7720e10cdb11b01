"""What to do now for a hazard at a level: the sentences as msgids, not yet translated.

Levels 2 to 5 and their actions follow the Cabinet Office's guideline on evacuation information
(避難情報に関するガイドライン, 2021): at level 3 the elderly and others who need time leave
dangerous places, at 4 everybody there, at 5 everybody must save their life at once. A warning of
the Meteorological Agency corresponds to a level and is not the city's order; at levels 3 and 4 the
text says so. At level 5 it is too late to wait, so the text says nothing that could make anybody
hesitate.
"""

from __future__ import annotations

import re

from feeds.facts import Fact
from feeds.models import Status
from feeds.texts import messages as m
from feeds.texts.comments import quake_comments

_LEVELS = {2: m.LEVEL_2, 3: m.LEVEL_3, 4: m.LEVEL_4, 5: m.LEVEL_5}
_WATER_AND_SLOPES = {
    "heavy-rain": m.HEAVY_RAIN,
    "landslide": m.LANDSLIDE,
    "flood": m.FLOOD,
    "storm-surge": m.STORM_SURGE,
}
_WEATHER = {
    "storm": m.STORM,
    "gale": m.GALE,
    "snow-storm": m.BLIZZARD,
    "blizzard-advisory": m.BLIZZARD,
    "high-waves": m.HIGH_WAVES,
    "heavy-snow": m.HEAVY_SNOW,
    "short-heavy-snow": m.HEAVY_SNOW,
    "thunder": m.THUNDER,
    "snow-melt": m.SNOW_MELT,
    "dense-fog": m.DENSE_FOG,
    "dry-air": m.DRY_AIR,
    "avalanche": m.AVALANCHE,
    "low-temperature": m.LOW_TEMPERATURE,
    "frost": m.FROST,
    "ice-accretion": m.ICING,
    "snow-accretion": m.ICING,
    "record-rain": m.RECORD_RAIN,
    "tornado": m.TORNADO,
    "typhoon": m.TYPHOON,
    "early-notice": m.EARLY_NOTICE,
    "eruption": m.ERUPTION,
    "ash-fall": m.ASH_FALL,
}
_VOLCANO = {
    1: (m.VOLCANO_1,),
    2: (m.VOLCANO_2,),
    3: (m.VOLCANO_3,),
    4: (m.VOLCANO_4, m.FOLLOW_NEWS),
    5: (m.VOLCANO_5, m.FOLLOW_NEWS),
}
_VOLCANO_KEYWORDS = {
    "活火山であることに留意": 1,
    "火口周辺危険": 2,
    "入山危険": 3,
    "山麓厳重警戒": 3,
    "居住地域厳重警戒": 5,
}
"""Keywords for volcanoes without 噴火警戒レベル, with the level whose advice they share."""
_OVER = (Status.LIFTED, Status.CANCELLED)
NEEDS_SHELTER = {
    "heavy-rain": 3,
    "landslide": 3,
    "flood": 3,
    "storm-surge": 3,
    "tsunami": 3,
    "earthquake": 4,
    "record-rain": 4,
    "linear-rain-band": 4,
    "volcano": 4,
}
"""Hazards for which people may have to leave home, and the level from which the text names the
page with the shelters (an earthquake's from intensity 5-)."""

EVACUATION_LEVELS = {"高齢者等避難": 3, "避難指示": 4, "緊急安全確保": 5}
"""The city's own evacuation information by level (Basic Act on Disaster Management, art. 60)."""


def advice(fact: Fact) -> tuple[str, ...]:
    """Return the sentences (msgids) that say what to do now, most urgent first.

    A drill has its own advice, which must not be an order.
    """
    if fact.drill:
        return () if fact.status in _OVER else (m.DRILL_ADVICE,)
    places = tuple(_WATER_AND_SLOPES[each] for each in fact.dangers if each in _WATER_AND_SLOPES)
    if fact.status is Status.CANCELLED:
        return _left_in_force(fact.level, places)
    if fact.status is Status.LIFTED:
        return _after(fact)
    if places:
        sentences = _by_level(fact.level, places)
        eased = fact.status is Status.LOWERED and not fact.goes_on
        return (*sentences, m.AFTER_RAIN) if eased else sentences
    if fact.hazard == "earthquake":
        return _earthquake(fact)
    if fact.hazard == "long-period":
        return (m.LONG_PERIOD,)
    if fact.hazard == "tsunami":
        return _tsunami(fact)
    if fact.hazard == "volcano":
        return _VOLCANO.get(volcano_level(fact), (m.FOLLOW_NEWS,))
    if fact.hazard in ("nankai-trough", "off-sanriku"):
        return _great_quake(fact)
    if fact.hazard == "ash-fall" and "噴石" in fact.kind:
        return (m.FALLING_STONES, m.ASH_FALL)
    if fact.hazard == "linear-rain-band":
        soon = re.search("予測|予想|可能性|おそれ", fact.kind) is not None
        return (m.RAIN_BAND_SOON if soon else m.RAIN_BAND,)
    if fact.hazard == "tornado" and "目撃" in fact.kind:
        return (m.TORNADO_SEEN,)
    sentence = _WEATHER.get(fact.hazard, m.FOLLOW_NEWS)
    return (m.ONCE_IN_DECADES, sentence) if "特別警報" in fact.kind else (sentence,)


def needs_shelter(fact: Fact) -> bool:
    """Whether the text names the page with the shelters."""
    least = NEEDS_SHELTER.get(fact.hazard)
    return fact.status not in _OVER and least is not None and fact.level >= least


def evacuation(level: int, *, drill: bool) -> tuple[str, ...]:
    """Return the sentences for the city's own evacuation information at ``level`` (2 to 5)."""
    if level not in _LEVELS:
        return ()
    return (m.DRILL_ADVICE,) if drill else (_LEVELS[level],)


def volcano_level(fact: Fact) -> int:
    """Return the volcano's own alert level (噴火警戒レベル, 1 to 5) named in ``kind``, or 0.

    It is not the evacuation level of other hazards; for a volcano without one, the keyword decides
    the advice.
    """
    found = re.search(r"レベル([1-5１-５])", fact.kind)
    if found:
        return int(found.group(1))
    return next((level for word, level in _VOLCANO_KEYWORDS.items() if word in fact.kind), 0)


def _by_level(level: int, places: tuple[str, ...]) -> tuple[str, ...]:
    if level not in _LEVELS:
        return places
    sentences = (_LEVELS[level], *places)
    return (*sentences, m.NOT_AN_ORDER) if level in (3, 4) else sentences


def _left_in_force(level: int, places: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is in force after a cancellation: nothing, or the announcement before it."""
    if not level:
        return ()
    advised = _by_level(level, places) if places else ()
    return (m.STILL_IN_FORCE, *advised)


def _after(fact: Fact) -> tuple[str, ...]:
    """Return the advice after a hazard has ended; after an advisory there is none."""
    if fact.hazard in _WATER_AND_SLOPES or fact.hazard in ("record-rain", "linear-rain-band"):
        return () if fact.previous_level in (1, 2) else (m.AFTER_RAIN,)
    if fact.hazard in ("nankai-trough", "off-sanriku"):
        return (m.STILL_IN_FORCE,) if fact.level else (m.BE_PREPARED,)
    return (m.AFTER_TSUNAMI,) if fact.hazard == "tsunami" else ()


def _earthquake(fact: Fact) -> tuple[str, ...]:
    if fact.quiet:
        return ()  # hours later, and what to do has not changed
    felt = "" if fact.quake is None else fact.quake.intensity
    said = comment_sentences(fact)
    more = (m.FOLLOW_NEWS,) if m.FOLLOW_NEWS in said else ()
    if felt not in ("5-", "5+", "6-", "6+", "7"):
        return (m.QUAKE_LIGHT, *more)
    strong = m.QUAKE_STRONG if felt in ("5-", "5+") else m.QUAKE_VERY_STRONG
    if any(sentence in _SEA_IS_SAFE for sentence in said):
        return (strong, *more)
    return (strong, *more, m.QUAKE_AT_SEA) if fact.inland else (strong, m.QUAKE_COAST, *more)


_SEA_IS_SAFE = (m.NO_TSUNAMI, m.NO_TSUNAMI_JAPAN, m.SLIGHT_SEA_CHANGE)


def comment_sentences(fact: Fact) -> tuple[str, ...]:
    """Return our sentences for the agency's fixed comments on an earthquake, each once."""
    if fact.quake is None:
        return ()
    found = quake_comments(fact.quake.comment_codes, fact.quake.comment)
    said = [each.inland if fact.inland and each.inland else each.sentence for each in found]
    return tuple(dict.fromkeys(sentence for sentence in said if sentence))


def sea_sentences(fact: Fact) -> tuple[str, ...]:
    """Return those of :func:`comment_sentences` that are about the sea."""
    if fact.quake is None:
        return ()
    found = quake_comments(fact.quake.comment_codes, fact.quake.comment)
    about = {sentence for each in found if each.inland for sentence in (each.sentence, each.inland)}
    return tuple(sentence for sentence in comment_sentences(fact) if sentence in about)


def _tsunami(fact: Fact) -> tuple[str, ...]:
    if "大津波警報" in fact.kind:
        return (m.TSUNAMI_MAJOR, m.TSUNAMI_STAY)
    if "津波警報" in fact.kind:
        return (m.TSUNAMI_WARNING, m.TSUNAMI_STAY)
    if "津波注意報" in fact.kind:
        return (m.TSUNAMI_ADVISORY, m.TSUNAMI_STAY)
    return (m.TSUNAMI_FORECAST,)


def _great_quake(fact: Fact) -> tuple[str, ...]:
    stands = fact.status is Status.ISSUED and fact.previous_level > fact.level
    found = _by_finding(fact)
    return (m.STILL_IN_FORCE, *found) if stands else found


def _by_finding(fact: Fact) -> tuple[str, ...]:
    if "巨大地震警戒" in fact.kind or fact.kind_code == "120":
        return (m.GREAT_QUAKE_WARNING,)
    if "巨大地震注意" in fact.kind or fact.hazard == "off-sanriku" or fact.kind_code == "130":
        return (m.GREAT_QUAKE_ADVISORY,)
    if "調査中" in fact.kind or fact.kind_code in ("111", "112", "113"):
        return (m.GREAT_QUAKE_STUDY,)
    return (m.FOLLOW_NEWS,) if "解説情報" in fact.kind else (m.BE_PREPARED,)
