"""Reasons why something cannot be done in a disaster."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "shelter.missing": "There is no evacuation site '{code}' in shelters.csv.",
            "shelter.heads": "A number of people is between 0 and {most}.",
        }
    }
)
