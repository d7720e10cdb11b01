"""How our levels, topics and statuses are said in CAP 1.2 (OASIS, 3.2.2); docs/open-data.md has the
same table.

CAP has no word for Japan's levels of warning (警戒レベル). The level itself is a ``parameter``.
"""

from __future__ import annotations

from dataclasses import dataclass

from feeds.models import OVER, Notice, Status


@dataclass(frozen=True)
class Gravity:
    """CAP's three words for how grave something is."""

    urgency: str
    severity: str
    certainty: str


BY_LEVEL = {
    # 災害発生又は切迫: it happens, or is about to.
    5: Gravity("Immediate", "Extreme", "Likely"),
    4: Gravity("Immediate", "Severe", "Likely"),
    # The agency's 警報, for which those who need time leave.
    3: Gravity("Expected", "Severe", "Likely"),
    # 注意報
    2: Gravity("Expected", "Moderate", "Possible"),
    1: Gravity("Future", "Minor", "Possible"),
    0: Gravity("Unknown", "Unknown", "Unknown"),
}
FELT = Gravity("Immediate", "Severe", "Observed")
"""An earthquake that was measured here."""
OVER_NOW = Gravity("Past", "Minor", "Observed")
TAKEN_BACK = Gravity("Unknown", "Unknown", "Unknown")
"""A message that was wrong says nothing about any danger."""
CATEGORIES = {
    "weather": "Met",
    "earthquake": "Geo",
    "tsunami": "Geo",
    "evacuation": "Safety",
    "fire": "Fire",
    "lifeline": "Infra",
    "crime": "Security",
    "child-watch": "Security",
    "traffic": "Transport",
    "transit": "Transport",
    "roadworks": "Transport",
    "health": "Health",
}


def gravity_of(notice: Notice) -> Gravity:
    """Return how grave a notice is, by its level or else by the level of those who hear it."""
    if notice.status is Status.CANCELLED:
        return TAKEN_BACK
    if notice.status in OVER:
        return OVER_NOW
    if notice.intensity:
        return FELT
    return BY_LEVEL[min(max(notice.reach, 0), 5)]


def response_type(notice: Notice) -> str:
    """Return what people should do; "" if the text alone says it."""
    if notice.status is Status.CANCELLED:
        return ""
    if notice.status is Status.LIFTED:
        return "AllClear"
    if notice.topic == "evacuation":
        # Level 5, 緊急安全確保, asks for the safest place near by, as leaving may be dangerous.
        return {5: "Shelter", 4: "Evacuate", 3: "Prepare"}.get(notice.level, "Monitor")
    return "Monitor" if notice.reach else ""


def category_of(topic: str) -> str:
    return CATEGORIES.get(topic, "Other")


def message_type(status: Status, *, follows: bool) -> str:
    """Return CAP's ``msgType``. The word that a danger is over is an update: ``Cancel`` says that a
    message should not have been sent, or does not count any more.
    """
    if status is Status.CANCELLED:
        return "Cancel"
    return "Update" if follows else "Alert"
