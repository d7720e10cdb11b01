"""The console's words in Japanese and English: the catalogue, and names of fixed values."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from babel.dates import format_datetime

from channels.models import DeliveryState
from console.models import Role
from core.city import Decision
from core.clock import in_japan
from core.errors import BadInput
from core.languages import LANGUAGES, Catalogue
from feeds.models import ItemState, Status
from reports.models import ReportState

STAFF_LANGUAGES = ("ja", "en")
CATALOGUE = Catalogue(Path(__file__).parent / "locales")


def mark(message: str) -> str:
    """Mark a message for the catalogue where it is defined rather than shown."""
    return message


class Refusal(BadInput):
    """Something a person asked for that cannot be; says why in the language they read.

    Parameters
    ----------
    message
        A message of the catalogue, with placeholders for ``values``.
    """

    def __init__(self, message: str, /, **values: object) -> None:
        super().__init__(message.format(**values))
        self.message = message
        self.values = values

    def said(self, language: str) -> str:
        return CATALOGUE.text(language, self.message, **self.values)


ROLE_NAMES = {
    Role.ADMIN: mark("Administrator"),
    Role.DISASTER: mark("Disaster staff"),
    Role.ROADS: mark("Road department"),
    Role.VIEWER: mark("Viewer"),
}
STATUS_NAMES = {
    Status.ISSUED: mark("Issued"),
    Status.RAISED: mark("Raised"),
    Status.LOWERED: mark("Lowered"),
    Status.CONTINUED: mark("Continued"),
    Status.LIFTED: mark("All clear"),
    Status.CANCELLED: mark("Taken back"),
    Status.CORRECTED: mark("Corrected"),
    Status.NONE: mark("Notice"),
}
DELIVERY_NAMES = {
    DeliveryState.PLANNED: mark("Planned"),
    DeliveryState.SENDING: mark("Sending"),
    DeliveryState.PAUSED: mark("Paused"),
    DeliveryState.STOPPED: mark("Stopped"),
    DeliveryState.DONE: mark("Done"),
}
REPORT_NAMES = {
    ReportState.NEW: mark("New"),
    ReportState.ACCEPTED: mark("Accepted"),
    ReportState.IN_PROGRESS: mark("Being mended"),
    ReportState.DONE: mark("Mended"),
    ReportState.DECLINED: mark("Not ours"),
}
ITEM_NAMES = {
    ItemState.NEW: mark("New"),
    ItemState.DONE: mark("Done"),
    ItemState.SET_ASIDE: mark("Set aside"),
}
DECISION_NAMES = {
    Decision.SEND: mark("Sent"),
    Decision.DIGEST: mark("In the daily digest"),
    Decision.HOLD: mark("Held"),
    Decision.PUBLISH: mark("Published only"),
    Decision.DROP: mark("Dropped"),
}
LEVEL_NAMES = {
    0: mark("No level"),
    1: mark("Level 1: be ready"),
    2: mark("Level 2: check how to leave"),
    3: mark("Level 3: elderly people and others leave"),
    4: mark("Level 4: everybody leaves dangerous places"),
    5: mark("Level 5: lives in danger, secure safety now"),
}


def language_name(code: str, language: str) -> str:
    """Return the name of a resident's language for staff who read ``language``."""
    known = LANGUAGES.get(code)
    if known is None:
        return code
    return known.japanese if language == "ja" else known.english


def moment(at: datetime | None, language: str, *, seconds: bool = False) -> str:
    """Return a moment as staff read it, in Japan's time; a dash when there is none."""
    if at is None:
        return "–"
    if language == "ja":
        pattern = "M月d日(E) HH:mm:ss" if seconds else "M月d日(E) HH:mm"
    else:
        pattern = "EEE d MMM HH:mm:ss" if seconds else "EEE d MMM HH:mm"
    return format_datetime(in_japan(at), pattern, tzinfo=None, locale=language)


def ago(at: datetime | None, now: datetime, language: str) -> str:
    """Return how long ago something was, in the largest fitting unit."""
    if at is None:
        return CATALOGUE.text(language, "never")
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return CATALOGUE.text(language, "{n} s ago", n=seconds)
    if seconds < 3600:
        return CATALOGUE.text(language, "{n} min ago", n=seconds // 60)
    if seconds < 86400:
        return CATALOGUE.text(language, "{n} h ago", n=seconds // 3600)
    return CATALOGUE.text(language, "{n} days ago", n=seconds // 86400)
