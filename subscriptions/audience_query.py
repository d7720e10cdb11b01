"""Whom a notice concerns, as a question that is stored and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import BadInput


@dataclass(frozen=True)
class AudienceQuery:
    """The conditions of an audience.

    ``areas`` are district codes, empty for the whole city; ``language`` of None means every
    language; ``mandatory`` that the topic needs no subscription. ``asked`` means only residents who
    chose a level themselves, for notices that are too weak for everybody.
    """

    topic: str
    level: int
    areas: tuple[str, ...] = ()
    language: str | None = None
    mandatory: bool = False
    asked: bool = False

    @property
    def least(self) -> int:
        """The lowest of the residents' own levels that is meant; 0 is that of who chose none."""
        return 1 if self.asked else 0

    def to_json(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "level": self.level,
            "areas": list(self.areas),
            "language": self.language,
            "mandatory": self.mandatory,
            "asked": self.asked,
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
        if (
            not isinstance(topic, str)
            or not isinstance(level, int)
            or not isinstance(areas, list)
            or not all(isinstance(area, str) for area in areas)
            or not (language is None or isinstance(language, str))
        ):
            raise BadInput(f"this is not a stored audience: {dict(stored)!r}")
        return cls(
            topic,
            level,
            tuple(areas),
            language,
            stored.get("mandatory") is True,
            stored.get("asked") is True,
        )
