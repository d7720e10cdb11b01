"""What a crew can say from the street, as a phone or a form sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.errors import BadInput
from core.geo import Position
from core.text import clean, whole_number
from reports.models import Outcome
from reports.orders import MOST_ITEMS
from reports.reasons import reason

MOST_MINUTES, MOST_PEOPLE = 24 * 60, 99
MOST_WORDS = 500


class ActKind(StrEnum):
    """What a crew can say."""

    DONE = "done"
    COULD_NOT = "could-not"
    NEEDS_MORE = "needs-more"
    OPEN = "open"
    """Takes back what was said."""
    SORT = "sort"
    """The order of the places, by hand."""
    FROM_HERE = "from-here"
    """The driving order of what is left, from where the crew is."""
    FOUND = "found"
    """Something that nobody has reported."""
    PLACE = "place"
    """Where it really is."""
    PHOTO = "photo"

    @property
    def outcome(self) -> Outcome | None:
        return Outcome(self.value) if self.value in set(Outcome) else None


@dataclass(frozen=True, kw_only=True)
class Act:
    """One thing that was pressed.

    Parameters
    ----------
    key
        The phone's own, once for each act.
    at
        When it was pressed.
    item_id
        The place that it is about; None for the whole order.
    minutes, people, materials
        What was used; None and "" if nothing was said.
    ids
        Places in their order.
    """

    key: str
    at: datetime
    kind: ActKind
    item_id: int | None = None
    words: str = ""
    minutes: int | None = None
    people: int | None = None
    materials: str = ""
    ids: tuple[int, ...] = ()
    category: str = ""
    position: Position | None = None


def checked(key: str, at: datetime, said: Mapping[str, Any]) -> Act:
    """Return what a phone or a form said, if it can be.

    Raises
    ------
    BadInput
        There is no such act.
    """
    kind = said.get("kind")
    if not isinstance(kind, str) or kind not in set(ActKind) - {ActKind.PHOTO}:
        raise BadInput(reason("order.no-act"))
    act = Act(
        key=key,
        at=at,
        kind=ActKind(kind),
        item_id=_whole(said.get("item"), 2**63 - 1),
        words=_words(said.get("words")),
        minutes=_whole(said.get("minutes"), MOST_MINUTES),
        people=_whole(said.get("people"), MOST_PEOPLE),
        materials=_words(said.get("materials")),
        ids=_ids(said.get("ids")),
        category=str(said.get("category", ""))[:32],
        position=_position(said.get("longitude"), said.get("latitude")),
    )
    is_of_item = act.kind.outcome is not None or act.kind is ActKind.PLACE
    if is_of_item and act.item_id is None:
        raise BadInput(reason("order.no-act"))
    if act.kind in (ActKind.COULD_NOT, ActKind.NEEDS_MORE) and not act.words:
        raise BadInput(reason("order.no-words"))
    if act.kind in (ActKind.FROM_HERE, ActKind.PLACE) and act.position is None:
        raise BadInput(reason("order.no-act"))
    if act.kind is ActKind.FOUND and act.position is None and not act.words:
        raise BadInput(reason("order.no-words"))
    return act


def _words(value: object) -> str:
    return clean(value[: 4 * MOST_WORDS])[:MOST_WORDS] if isinstance(value, str) else ""


def _whole(value: object, most: int) -> int | None:
    if isinstance(value, bool):
        return None
    number = whole_number(value) if isinstance(value, str) else value
    return number if isinstance(number, int) and 0 <= number <= most else None


def _ids(value: object) -> tuple[int, ...]:
    listed = value[: MOST_ITEMS * 2] if isinstance(value, list) else []
    found = (_whole(one, 2**63 - 1) for one in listed)
    return tuple(one for one in found if one is not None)


def _position(longitude: object, latitude: object) -> Position | None:
    try:
        x, y = float(longitude), float(latitude)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return (x, y) if -180 <= x <= 180 and -90 <= y <= 90 else None
