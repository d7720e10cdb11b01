"""The parts of ``city.toml`` that the service can run without; a mistake there stops no warning.

The service needs the city's names, its codes at the Meteorological Agency, the topics with their
levels, Japanese, and one source of the agency's telegrams if the city has any. Other wrong parts
are left out: an entry of a list, a translation, a key (its default is used).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from city.reasons import reason
from city.toml_lines import KeyPath
from core.reason import Reason

_LISTS = {
    "sources": ("part.source", "part.source-named"),
    "departments": ("part.department", "part.department-named"),
    "call_up": ("part.call-up", "part.call-up-named"),
    "report_categories": ("part.kind-of-report", "part.kind-of-report-named"),
    "disaster_rules": ("part.disaster-rule", "part.disaster-rule-named"),
    "posts": ("part.account", "part.account-named"),
}
"""Lists whose entries can be left out one by one, and how an entry is called."""
_TABLES = (
    *("quiet_hours", "retention", "reminder_hours", "emergency_phone", "work_orders"),
    *("danger_words", "emblem"),
)
_KEYS = (
    *("departments", "report_categories", "collection_reminders", "publish_reports"),
    *("collection_week_shift", "disaster_rules"),
    # All of them: with some missing, a medium would take less than was meant.
    "media",
    "posts",
    "news",
    "chat",
    *("digest_hour", "shelter_url", "privacy_url", "liff_id", "credit", *_TABLES),
)
_TEXTS = ("names", "texts", "closed_texts")
"""Tables of texts by language."""
_KIND_NEEDS = ("code", "names", "department", "published", "at_homes")
"""What a kind of reports cannot do without: of a wrong ``published`` nobody knows what is meant."""
_NEEDED_KEYS = ("name", "line_name", "time_zone", "jma", "languages", "topics", "sources")


def spare_part(document: dict[str, Any], place: KeyPath) -> KeyPath | None:
    """Return what to leave out for a mistake at ``place``; None when nothing can be."""
    if not place:
        return None
    if (name := _translation(document, place)) is not None:
        return name
    match place:
        case ("languages", int(), *_):
            return place[:2]
        case (str(part), int(), key, *_) if part == "departments" and key in (
            "email",
            "phone",
            "words",
        ):
            return place[:3]
        case ("topics", int(), "department"):
            return place
        case ("sign_in", "second_factor" | "groups", int(), *_):
            return place[:3]
        case ("report_categories", int(), "questions" | "areas", int(), *_):
            return place[:4]
        case ("report_categories", int(), str(key), *_) if key not in _KIND_NEEDS:
            return place[:3]
        case (str(part), int(), *_) if part in _LISTS:
            return place[:2]
        case (str(part), key, *_) if part in _TABLES:
            return (part, key)
        case (str(part), *_) if part in _KEYS:
            return (part,)
        case (str(part),) if part in document and part not in _NEEDED_KEYS:
            return (part,)
    return None


def called(document: dict[str, Any], place: KeyPath) -> Reason:
    """Return the words for staff about a part that was left out."""
    match place:
        case (str(part), int(position)) if part in _LISTS:
            entry = document[part][position]
            named = "name" if part == "posts" else "code"
            code = entry.get(named) if isinstance(entry, dict) else None
            nameless, with_name = _LISTS[part]
            return reason(with_name, code=code) if isinstance(code, str) else reason(nameless)
        case ("report_categories", _, "questions", _):
            return reason("part.question")
        case ("report_categories", _, "areas", _):
            return reason("part.key", key="areas")
        case ("languages", int(position)):
            return reason("part.language", language=document["languages"][position])
        case (*_, str(key)):
            return reason("part.key", key=key)
    return reason("part.this")


def without(document: dict[str, Any], places: Iterable[KeyPath]) -> None:
    """Remove parts from a document; each path is valid for the current document."""
    # The last of a list first, so that the others keep their positions.
    for place in sorted(set(places), key=_order, reverse=True):
        parent: Any = document
        for key in place[:-1]:
            parent = parent[key] if _has(parent, key) else None
        if _has(parent, place[-1]):
            del parent[place[-1]]


def _translation(document: dict[str, Any], place: KeyPath) -> KeyPath | None:
    """Return the one translation that is wrong, where the Japanese name is not."""
    for length in range(1, len(place)):
        table, key = place[:length], place[length]
        named = table[-1] in _TEXTS or table in (("name",), ("emergency_phone",))
        if named and isinstance(key, str) and key != "ja" and _has(_at(document, table), key):
            return (*table, key)
    return None


def _at(document: Any, place: KeyPath) -> Any:
    for key in place:
        document = document[key] if _has(document, key) else None
    return document


def _has(parent: Any, key: str | int) -> bool:
    if isinstance(parent, dict):
        return key in parent
    return isinstance(parent, list) and isinstance(key, int) and key < len(parent)


def _order(place: KeyPath) -> tuple[tuple[int, str], ...]:
    return tuple((key, "") if isinstance(key, int) else (-1, key) for key in place)
