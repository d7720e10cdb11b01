"""Which districts of an alert have which level, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alerts.models import AlertDraft
from channels.chain import CHANGES, ENDS, Standing, change_of, places
from city.city import City
from feeds.models import Status

STATUSES = "level_statuses"
"""The key in a draft's ``detail`` of what a change is for each level."""


def by_level(draft: AlertDraft, city: City) -> dict[int, tuple[str, ...]]:
    """Return the districts of each level, the gravest first; no districts for the whole city.

    An all-clear and a withdrawal have one level, whatever the danger had where.
    """
    if not draft.levels or draft.status in ENDS:
        return {draft.level: () if draft.whole_city else tuple(draft.areas)}
    meant = places(() if draft.whole_city else draft.areas, city)
    at = {place: draft.levels.get(place, draft.level) for place in meant}
    found = {
        level: tuple(place for place in meant if at[place] == level)
        for level in sorted(set(at.values()), reverse=True)
    }
    if len(found) == 1 and draft.whole_city:
        return dict.fromkeys(found, ())
    return found


def is_mixed(draft: AlertDraft, city: City) -> bool:
    return len(by_level(draft, city)) > 1


def exceptions(
    level: int, levels: Mapping[str, int], areas: Iterable[str], *, whole_city: bool
) -> dict[str, int]:
    """Return the districts, among those that are meant, that have another level than the rest."""
    meant = levels if whole_city else set(areas)
    return {area: own for area, own in sorted(levels.items()) if area in meant and own != level}


def say_changes(draft: AlertDraft, standing: Standing, city: City) -> None:
    """Set what a change is, as a whole and for each level: raised, lowered or continued."""
    if draft.status not in CHANGES:
        return
    each = {
        level: change_of(standing, areas, level, city)
        for level, areas in by_level(draft, city).items()
    }
    said = set(each.values())
    order = (Status.RAISED, Status.LOWERED, Status.CONTINUED)
    draft.status = next(status for status in order if status in said)
    kept = {key: value for key, value in draft.detail.items() if key != STATUSES}
    if len(each) > 1:
        kept[STATUSES] = {str(level): status.value for level, status in each.items()}
    draft.detail = kept


def status_of(draft: AlertDraft, level: int) -> Status:
    """Return what a draft is for one of its levels."""
    known = draft.detail.get(STATUSES, {}).get(str(level))
    return Status(known) if known and draft.status in CHANGES else draft.status
