"""Whom a notice concerns, as a question that is stored and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from core.errors import BadInput
from subscriptions.models import LINE_MEDIUM
from subscriptions.segments import EVERYBODY, Segment

CHOSEN_ONLY = frozenset({"posts"})
"""Media whose residents hear only what was chosen for them. A mandatory topic is for people."""
DRILLS = ":drills"
"""Stands among their topics if drills may go there; no topic of a city is called so."""


class Standby(StrEnum):
    """Which residents are meant by whether they stand by for LINE.

    A resident stands by who has a row at LINE that follows, and asked for messages by this medium
    only when LINE does not reach them (``Resident.only_if_line_fails``). After they left LINE's
    account they stand by no longer: they get everything here.
    """

    LEFT_OUT = "left-out"
    TOO = "too"
    ALONE = "alone"
    """Only those who stand by."""


@dataclass(frozen=True)
class AudienceQuery:
    """The conditions of an audience.

    ``areas`` are district codes, empty for the whole city; ``language`` of None means every
    language; ``mandatory`` that the topic needs no subscription. ``asked`` means only residents who
    chose a level themselves, for notices that are too weak for everybody. ``medium`` is that of the
    residents: nobody of another medium is in the audience. ``standby`` says whether residents are
    meant who want messages there only when LINE does not reach them.
    """

    topic: str
    level: int
    areas: tuple[str, ...] = ()
    language: str | None = None
    mandatory: bool = False
    asked: bool = False
    medium: str = LINE_MEDIUM
    standby: Standby = Standby.LEFT_OUT
    also: str = ""
    """A second topic that residents must have, of level 0; "" for none."""
    segment: Segment = EVERYBODY
    """Who is meant among them."""

    @property
    def least(self) -> int:
        """The lowest of the residents' own levels that is meant; 0 is that of who chose none."""
        return 1 if self.asked else 0

    def by(self, medium: str, *, drill: bool = False) -> AudienceQuery:
        """Return the same audience among the residents of a medium.

        Parameters
        ----------
        drill
            Whether it is for a drill. By a medium of :data:`CHOSEN_ONLY` it then goes only to those
            who are marked for drills (promise 5).
        """
        if medium not in CHOSEN_ONLY:
            return replace(self, medium=medium)
        return replace(self, medium=medium, mandatory=False, also=DRILLS if drill else "")

    def to_json(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "level": self.level,
            "areas": list(self.areas),
            "language": self.language,
            "mandatory": self.mandatory,
            "asked": self.asked,
            "medium": self.medium,
            "standby": self.standby.value,
            **({"also": self.also} if self.also else {}),
            **({"segment": self.segment.to_json()} if self.segment else {}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> AudienceQuery:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        BadInput
            A key is missing or is not of its type.
        """
        topic, level = stored.get("topic"), stored.get("level")
        areas, language = stored.get("areas", []), stored.get("language")
        medium = stored.get("medium", LINE_MEDIUM)
        standby = stored.get("standby", Standby.LEFT_OUT.value)
        if (
            not isinstance(topic, str)
            or not isinstance(level, int)
            or not isinstance(areas, list)
            or not all(isinstance(area, str) for area in areas)
            or not (language is None or isinstance(language, str))
            or not isinstance(medium, str)
            or standby not in set(Standby)
        ):
            raise BadInput(f"this is not a stored audience: {dict(stored)!r}")
        return cls(
            topic,
            level,
            tuple(areas),
            language,
            stored.get("mandatory") is True,
            stored.get("asked") is True,
            medium,
            Standby(standby),
            str(stored.get("also", "")),
            Segment.from_json(stored.get("segment", {})),
        )
