"""One name for two dangers or for two parts of a city: what to tell if it ends for one of them.

An old 大雨特別警報 or 大雨警報 is for floods, for landslides, or for both, as its Condition says
(土砂災害、浸水害); warnings split some cities (五條市北部, 五條市南部). The board stores each
separately. Residents hear one name. Its end is told when it is in force nowhere any more; until
then the change is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from feeds.facts import Fact
from feeds.jma.levels import SCALES
from feeds.jma.state import HazardReport, Key, LatestWarning, Side
from feeds.models import Status

DANGERS = ("heavy-rain", "landslide")
"""The hazards that an old 大雨 warning can be for."""
_OTHER = {"heavy-rain": "landslide", "landslide": "heavy-rain"}
_DOWN = (Status.LIFTED, Status.LOWERED, Status.CANCELLED, Status.CORRECTED)
_ENDS = (Status.LIFTED, Status.CANCELLED)
_LOUDEST = (
    *(Status.RAISED, Status.ISSUED, Status.CORRECTED, Status.LOWERED, Status.CANCELLED),
    *(Status.LIFTED, Status.CONTINUED, Status.NONE),
)


def by_danger(facts: Sequence[Fact], reports: Iterable[HazardReport], side: Side) -> list[Fact]:
    """Tell an old 大雨 warning as one warning, whichever dangers it is for.

    Parameters
    ----------
    facts
        The changes of a telegram for each danger; the board is already updated.
    reports
        All reports of the telegram, also those on a danger for which a new form counts.
    """
    names = {
        (report.hazard, report.area): (report.kind, report.kind_code, report.level, report.place)
        for report in reports
        if report.level and report.hazard in DANGERS
    }
    told = [fact for fact in facts if fact.hazard not in DANGERS]
    old = [fact for fact in facts if fact.hazard in DANGERS]
    for fact in [part for whole in old for part in _apart(whole, names, side)]:
        twin = next((each for each in told if _is_twin(each, fact)), None)
        if twin is None:
            told.append(fact)
        else:
            told[told.index(twin)] = _merged(twin, fact)
    continued = {
        (fact.hazard, fact.kind, area)
        for fact in facts
        if fact.status is Status.CONTINUED
        for area in fact.areas
    }
    told = [_widened(fact, continued, side) for fact in told]
    changed = {
        (hazard, area)
        for fact in told
        if fact.ended_for or fact.newly_for
        for hazard in (fact.hazard, *fact.also)
        for area in fact.areas
    }
    told = [fact for fact in told if not _is_said(fact, changed)]
    return sorted(told, key=lambda fact: (-fact.heard_level, fact.hazard, fact.areas))


def _is_said(fact: Fact, changed: set[tuple[str, str]]) -> bool:
    """Whether a fact only repeats the change of its name."""
    return fact.status is Status.CONTINUED and all(
        (fact.hazard, area) in changed for area in fact.areas
    )


_Names = dict[tuple[str, str], tuple[str, str, int, str]]


def _apart(fact: Fact, names: _Names, side: Side) -> list[Fact]:
    """A fact unchanged, or for the areas in which its name is in force for the other danger."""
    if fact.status not in _DOWN or fact.level >= fact.previous_level:
        return [fact]
    other = _OTHER[fact.hazard]
    stands = {}
    for area in fact.areas:
        kind, code, level, place = names.get((other, area)) or _standing(other, area, side)
        if level and kind == fact.previous_kind:
            stands[area] = (code, level, place)
    if not stands:
        return [fact]
    (code, level, _), *_ = stands.values()
    wrong = fact.status in (Status.CANCELLED, Status.CORRECTED)
    apart = [
        replace(
            fact,
            hazard=other,
            kind=fact.previous_kind,
            kind_code=code,
            level=level,
            status=Status.CORRECTED if wrong else Status.LOWERED,
            areas=tuple(sorted(stands)),
            place="、".join(dict.fromkeys(place for _, _, place in stands.values() if place)),
            also=(fact.hazard,),
            ended_for=fact.hazard,
        )
    ]
    rest = tuple(area for area in fact.areas if area not in stands)
    if rest:
        places = (_standing(fact.hazard, area, side)[3] for area in rest)
        place = "、".join(dict.fromkeys(each for each in places if each))
        apart.append(replace(fact, areas=rest, place=place))
    return apart


def _standing(hazard: str, area: str, side: Side) -> tuple[str, str, int, str]:
    known = side.get(Key(hazard, area))
    if known is None:
        return "", "", 0, ""
    return known.kind, known.kind_code, known.level, known.place


def _is_twin(first: Fact, second: Fact) -> bool:
    """Whether two facts are the same change of one name, for two dangers."""
    if first.hazard != _OTHER.get(second.hazard) or first.areas != second.areas:
        return False
    if first.ended_for or second.ended_for:
        return False
    if first.is_news is not second.is_news:
        return False
    if (first.kind, first.level) == (second.kind, second.level):
        return True
    ends = (first.status in _ENDS) is not (second.status in _ENDS)
    return ends and bool(first.previous_kind) and first.previous_kind == second.previous_kind


def _merged(first: Fact, second: Fact) -> Fact:
    louder, other = sorted((first, second), key=lambda fact: _LOUDEST.index(fact.status))
    if louder.status is other.status:
        louder, other = sorted((first, second), key=lambda fact: fact.hazard)
    ends = other.status in _ENDS and louder.status not in _ENDS
    # An advisory has no Condition: it does not say which danger it is for.
    ended = other.hazard if ends and "注意報" not in louder.kind else ""
    return replace(louder, also=(other.hazard,), ended_for=ended)


def _widened(fact: Fact, continued: set[tuple[str, str, str]], side: Side) -> Fact:
    other = _OTHER.get(fact.hazard, "")
    if not other or not fact.areas or fact.also:
        return fact
    if fact.status in (Status.ISSUED, Status.RAISED):
        stood = all((other, fact.kind, area) in continued for area in fact.areas)
    else:
        # A 取消 reports nothing as continued: everything else stays on the board.
        restored = fact.status is Status.CORRECTED and fact.level > fact.previous_level
        stood = restored and all(
            _standing(other, area, side)[0] == fact.kind for area in fact.areas
        )
    return replace(fact, also=(other,), newly_for=fact.hazard) if stood else fact


def by_part(facts: Sequence[Fact], side: Side) -> list[Fact]:
    """Tell the end of a name in parts of the city while it is in force in others."""
    return [_of_part(fact, side) for fact in facts]


def _of_part(fact: Fact, side: Side) -> Fact:
    if fact.status not in _DOWN or fact.level >= fact.previous_level or fact.ended_for:
        return fact
    standing: list[tuple[str, LatestWarning]] = [
        (key.area, known)
        for key, known in side.about(SCALES.get(each, each) for each in fact.dangers)
        if key.area not in fact.areas and known.level and known.kind == fact.previous_kind
    ]
    if not standing:
        return fact
    _, first = standing[0]
    wrong = fact.status in (Status.CANCELLED, Status.CORRECTED)
    return replace(
        fact,
        kind=first.kind,
        kind_code=first.kind_code,
        level=first.level,
        status=Status.CORRECTED if wrong else Status.LOWERED,
        areas=tuple(sorted({*fact.areas, *(area for area, _ in standing)})),
        place="、".join(dict.fromkeys(known.place for _, known in standing if known.place)),
        ended_at=fact.place,
        ended_as=fact.kind if fact.level else "",
    )
