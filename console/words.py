"""The console's words in Japanese and English: the catalogue, and names of fixed values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from babel.dates import format_datetime

from channels.models import DeliveryState
from console.models import Role
from core.city import Decision
from core.clock import in_japan
from core.errors import BadInput
from core.languages import LANGUAGES, Catalogue
from feeds.models import ItemState, Notice, Status
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


RULE_NAMES = {
    "collection-day": mark("collected tomorrow"),
    "default": mark("no rule fits"),
    "digest": mark("daily digest"),
    "drill": mark("drill or test of another office"),
    "edited": mark("edited after it was sent"),
    "emergency": mark("emergencies go at once"),
    "expired": mark("had expired"),
    "first-poll": mark("was there before"),
    "flood": mark("too many at once"),
    "foreign-link": mark("leads to another web site"),
    "from-the-future": mark("dated in the future"),
    "no-change": mark("nothing has changed"),
    "nobody-was-told": mark("nobody was told"),
    "overtaken": mark("overtaken by something newer"),
    "too-old": mark("too old"),
}
"""The rules that are the same in every city; a source's own rules are named after it."""
ACTION_NAMES = {
    "alert.begun": mark("began an alert"),
    "alert.saved": mark("saved an alert"),
    "alert.confirmed": mark("confirmed an alert"),
    "alert.discarded": mark("threw an alert away"),
    "alert.sent": mark("sent an alert"),
    "notice.send": mark("sent a held notice"),
    "notice.publish": mark("published a held notice"),
    "notice.drop": mark("dropped a held notice"),
    "delivery.paused": mark("paused a delivery"),
    "delivery.resumed": mark("resumed a delivery"),
    "delivery.stopped": mark("stopped a delivery"),
    "report.state": mark("moved a report on"),
    "report.assign": mark("gave a report to a department"),
    "report.answer": mark("answered a report"),
    "report.export": mark("exported reports"),
    "sign-in": mark("signed in"),
    "sign-in.failed": mark("failed to sign in"),
    "sign-out": mark("signed out"),
    "sign-out.elsewhere": mark("signed out everywhere else"),
    "staff.added": mark("made an account"),
    "staff.changed": mark("changed an account"),
    "staff.password": mark("changed a password"),
    "staff.reset": mark("gave a new password"),
    "staff.code-on": mark("set up one-time codes"),
    "staff.code-off": mark("stopped one-time codes"),
}


def title_of(notice: Notice, language: str) -> str:
    """Return a notice's title as staff read it: in their language, else in Japanese."""
    for code in (language, "ja"):
        if title := notice.texts.get(code, {}).get("title"):
            return title
    return notice.kind or notice.topic


def decider(decided_by: str, language: str) -> str:
    """Return who or what decided: a person's address, or the rule in words."""
    kind, _, rule = decided_by.partition(":")
    if kind != "rule":
        return decided_by
    name = CATALOGUE.text(language, RULE_NAMES[rule]) if rule in RULE_NAMES else rule
    return CATALOGUE.text(language, "Rule: {name}", name=name)


def plain(value: object, language: str) -> str:
    """Return a value of the audit trail as a person reads it; "" for what says nothing."""
    if isinstance(value, bool):
        return CATALOGUE.text(language, "yes") if value else CATALOGUE.text(language, "no")
    if isinstance(value, dict):
        pairs = [f"{key} {plain(one, language)}" for key, one in value.items()]
        return listed(pairs, language)
    if isinstance(value, list):
        return listed([plain(one, language) for one in value], language)
    return "" if value is None else str(value)


def language_name(code: str, language: str) -> str:
    """Return the name of a resident's language for staff who read ``language``."""
    known = LANGUAGES.get(code)
    if known is None:
        return code
    return known.japanese if language == "ja" else known.english


def listed(names: Sequence[str], language: str) -> str:
    """Return names one after the other, as the language separates them."""
    return ("、" if language == "ja" else ", ").join(names)


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
