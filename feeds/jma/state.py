"""The state of one city, and how a new report changes it.

Transitions, not telegrams, make news. A :class:`HazardBoard` has the newest report for each hazard
and area; :func:`weigh` compares a new report with it. It is pure: no I/O, no clock. Drills and
tests have their own board, so that a training warning neither raises nor lifts anything real.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple

from feeds.jma.telegram import InfoType, Telegram
from feeds.models import Status

DRILL_PREFIX = "drill:"


class Key(NamedTuple):
    """The key of a state. ``event_id`` is empty if it is not about a single event."""

    hazard: str
    area: str
    event_id: str = ""


@dataclass(frozen=True, kw_only=True)
class LatestWarning:
    """The newest report about one hazard in one area.

    ``order`` of its telegram decides what is newer. ``before`` is the state that a cancellation of
    that telegram restores. ``told`` says whether it was for residents. ``detail`` is small JSON of
    the family (an earthquake's numbers).
    """

    level: int
    kind: str
    kind_code: str
    telegram: str
    reported_at: datetime
    published_at: datetime
    hazard: str = ""
    serial: str = ""
    told: bool = False
    place: str = ""
    valid_until: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    before: LatestWarning | None = None

    @classmethod
    def said_by(cls, telegram: Telegram, *, level: int, **values: Any) -> LatestWarning:
        """Make a state from ``telegram``, with its times and serial."""
        said: dict[str, Any] = {
            "kind": "",
            "kind_code": "",
            "telegram": telegram.kind,
            "reported_at": telegram.reported_at,
            "published_at": telegram.published_at,
            "serial": telegram.serial,
        }
        return cls(level=level, **(said | values))

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        return (
            self.reported_at,
            self.published_at,
            int(self.serial) if self.serial.isdecimal() else 0,
        )


class HazardBoard:
    """All states of one city.

    Reading a telegram changes the board in place; ``changed`` and ``gone`` collect the keys to
    store.
    """

    def __init__(self, standings: Mapping[Key, LatestWarning] | None = None) -> None:
        self._standings: dict[Key, LatestWarning] = dict(standings or {})
        self.changed: set[Key] = set()
        self.gone: set[Key] = set()

    def __len__(self) -> int:
        return len(self._standings)

    def copy(self) -> HazardBoard:
        """Return a board with the same standings, which never change themselves."""
        made = HazardBoard(self._standings)
        made.changed, made.gone = set(self.changed), set(self.gone)
        return made

    def get(self, key: Key) -> LatestWarning | None:
        return self._standings.get(key)

    def put(self, key: Key, standing: LatestWarning) -> None:
        if self._standings.get(key) != standing:
            self._standings[key] = standing
            self.changed.add(key)
            self.gone.discard(key)

    def items(self) -> Iterator[tuple[Key, LatestWarning]]:
        """Every standing, in no particular order."""
        return iter(list(self._standings.items()))

    def forget(self, before: datetime) -> None:
        """Drop ended states and single events without news since ``before``."""
        for key, standing in self.items():
            if standing.reported_at < before and (key.event_id or standing.level == 0):
                del self._standings[key]
                self.changed.discard(key)
                self.gone.add(key)

    def side(self, *, drill: bool) -> Side:
        """The real standings, or those of drills and tests."""
        return Side(self, DRILL_PREFIX if drill else "")


@dataclass(frozen=True)
class Side:
    """One side of a board: the real one, or the one for drills."""

    board: HazardBoard
    prefix: str

    def get(self, key: Key) -> LatestWarning | None:
        return self.board.get(self._own(key))

    def put(self, key: Key, standing: LatestWarning) -> None:
        self.board.put(self._own(key), standing)

    def about(self, hazards: Iterable[str]) -> list[tuple[Key, LatestWarning]]:
        """Standings of some hazards, ordered by key."""
        wanted = {self.prefix + hazard for hazard in hazards}
        found = [
            (Key(key.hazard.removeprefix(self.prefix), key.area, key.event_id), standing)
            for key, standing in self.board.items()
            if key.hazard in wanted
        ]
        return sorted(found, key=lambda pair: pair[0])

    def _own(self, key: Key) -> Key:
        return Key(self.prefix + key.hazard, key.area, key.event_id)


class StatedChange(Enum):
    """What the telegram itself says about the change."""

    CHANGED = "発表"
    CONTINUED = "継続"
    LIFTED = "解除"
    NOTHING = "なし"


@dataclass(frozen=True, kw_only=True)
class HazardReport:
    """What one telegram says about one hazard in one area of the city.

    ``hazard`` is the hazard in force (gale), ``group`` its scale (storm): a gale advisory that
    becomes a storm warning is raised, not a second hazard.
    """

    group: str
    hazard: str
    area: str
    place: str
    level: int
    kind: str = ""
    kind_code: str = ""
    said: StatedChange = StatedChange.CHANGED
    last_level: int = 0
    last_kind: str = ""

    @property
    def key(self) -> Key:
        return Key(self.group, self.area)


@dataclass(frozen=True)
class Transition:
    """The outcome of :func:`weigh`."""

    status: Status
    level: int = 0
    kind: str = ""
    kind_code: str = ""
    previous_level: int = 0
    previous_kind: str = ""


def weigh(known: LatestWarning | None, report: HazardReport, info_type: InfoType) -> Transition:
    """Compare a report with what is known.

    If something is known, the comparison decides, not the telegram's own word: if the telegram that
    raised a warning was lost, the next one says 継続, and residents must still hear of it. If
    nothing is known, the telegram's own word and LastKind decide, and 継続 is no news.
    """
    if known is None:
        previous_level, previous_kind = report.last_level, report.last_kind
        if report.said is StatedChange.CONTINUED:
            previous_level, previous_kind = report.level, report.kind
        elif report.level == 0 and report.said is StatedChange.LIFTED:
            previous_kind = previous_kind or report.kind
            return Transition(
                Status.LIFTED, 0, previous_kind, report.kind_code, previous_level, previous_kind
            )
    else:
        previous_level, previous_kind = known.level, known.kind
    if previous_level == 0:
        previous_kind = ""
    if report.level == 0:
        if previous_level == 0:
            return Transition(Status.NONE)
        ended = known.kind_code if known is not None else report.kind_code
        correction = info_type is InfoType.CORRECTED
        return Transition(
            Status.CANCELLED if correction else Status.LIFTED,
            0,
            previous_kind,
            ended,
            previous_level,
            previous_kind,
        )
    if report.level == previous_level:
        status = Status.CONTINUED
    elif previous_level == 0:
        status = Status.ISSUED
    elif info_type is InfoType.CORRECTED and known is not None:
        status = Status.CORRECTED
    else:
        status = Status.RAISED if report.level > previous_level else Status.LOWERED
    return Transition(
        status, report.level, report.kind, report.kind_code, previous_level, previous_kind
    )


def is_older(known: LatestWarning | None, telegram: Telegram) -> bool:
    """Whether a newer telegram is known already (the newest ReportDateTime wins).

    The time of sending and the serial order only telegrams of one kind; two kinds about the same
    danger in the same minute both count.
    """
    if known is None:
        return False
    if known.telegram != telegram.kind:
        return telegram.reported_at < known.reported_at
    return telegram.order < known.order


def standing_of(
    telegram: Telegram, report: HazardReport, change: Transition, known: LatestWarning | None
) -> LatestWarning:
    """The state after ``report``."""
    repeated = (
        known is not None and known.telegram == telegram.kind and known.order == telegram.order
    )
    active = report.level > 0
    return LatestWarning.said_by(
        telegram,
        level=report.level,
        kind=report.kind if active else "",
        kind_code=report.kind_code if active else "",
        told=change.status not in (Status.CONTINUED, Status.NONE)
        or (known is not None and known.told and active),
        hazard=report.hazard,
        place=report.place,
        valid_until=telegram.valid_until,
        before=known.before if repeated and known is not None else _shallow(known),
    )


def _shallow(standing: LatestWarning | None) -> LatestWarning | None:
    """A state without its own past, because a cancellation goes only one step back."""
    return None if standing is None else replace(standing, before=None)
