"""Reasons why something cannot be done in a disaster."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "mode.drill-in-disaster": "Disaster mode is on for real; a drill cannot begin now.",
            "mode.is-drill": "What is on is a drill.",
            "mode.is-real": "What is on is no drill.",
            "mode.no-area": "'{code}' is not a district of this city.",
            "mode.off": "Disaster mode is not on.",
            "record.empty": "Write what happened.",
            "record.future": "The time of the event is in the future.",
            "record.time": "This is not a time.",
            "record.missing": "The line to be corrected is not in this record.",
            "shelter.missing": "There is no evacuation site '{code}' in shelters.csv.",
            "shelter.heads": "A number of people is between 0 and {most}.",
        }
    }
)
