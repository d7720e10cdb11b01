"""The audit trail in words: its kinds of acts, and what an entry says was before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console import words
from console.action_names import ACTION_NAMES, EARLIER_ACTIONS
from console.models import SignInWay
from core.languages import LANGUAGES, mark

KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sign-in": (mark("Signing in and out"), ("session.",)),
    "accounts": (mark("Accounts and permissions"), ("staff.", "api_key.", "webhook.")),
    "personal": (
        mark("Views of personal data"),
        (
            "household.seen",
            "household.listed",
            "report.reporter_seen",
            "report.exported",
            "report.dossier_taken",
            "record.exported",
            "call_up.exported",
            "residents.",
        ),
    ),
    "alerts": (
        mark("Alerts and deliveries"),
        ("alert.", "template.", "notice.", "delivery.", "restore.", "channel.", "clock."),
    ),
    "rules": (mark("Rules and settings"), ("rules.", "kind.", "report_alarm.", "answer_template.")),
    "disaster": (
        mark("A disaster as it runs"),
        (
            *("disaster_mode.", "shelter.", "shelter_link.", "lifeline.", "call_up."),
            *("staff_member.", "record.", "task.", "household.", "danger."),
        ),
    ),
    "reports": (
        mark("Reports"),
        (
            *("report.", "report_filter.", "photo.", "team.", "patrol_place."),
            *("work_order.", "work_order_link."),
        ),
    ),
    "questions": (mark("Questions and answers"), ("question.", "answer.", "chat.", "survey.")),
    "news": (mark("News and the city's own words"), ("news.", "words.")),
    "trail": (mark("The trail itself"), ("audit.",)),
}
"""The kinds by which staff filter, and their actions; a full stop stands for all of a noun."""

DETAIL_NAMES = {
    "roles": mark("Roles"),
    "role": mark("Roles"),
    "departments": mark("Departments"),
    "active": mark("May sign in"),
    "name": mark("Name"),
    "address": mark("from the address"),
    "way": mark("how"),
    "reason": mark("Why"),
    "asked_by": mark("Asked by"),
    "promotion_asked_by": mark("To become an administrator"),
    "left": mark("left over"),
    "passkey": mark("Passkey"),
    "before": mark("before"),
    "after": mark("after"),
    "filters": mark("Filter"),
    "version": mark("version"),
    "state": mark("State"),
    "note": mark("Note"),
    "kind": mark("Kind"),
    "title": mark("Title"),
    "level": mark("Level"),
    "areas": mark("Where"),
    "topic": mark("Topic"),
    "recipients": mark("Recipients"),
    "segment": mark("Only some of them"),
    "texts": mark("Words"),
    "alts": mark("What the picture shows, for who does not see it"),
    "links": mark("Links"),
    "picture": mark("Picture"),
    "when": mark("When"),
    "send_at": mark("Day and time in Japan"),
    "repeat": mark("Repeated"),
    "until": mark("Until (last day)"),
    "media": mark("Ways to residents"),
}
"""Names of what an entry says; another one is shown as it is stored."""


def kinds(language: str) -> list[tuple[str, str]]:
    """Return code and name of each kind."""
    return [(code, words.CATALOGUE.text(language, name)) for code, (name, _) in KINDS.items()]


def actions_of(kind: str) -> tuple[str, ...]:
    """Return the actions of a kind, those of earlier releases too; all for "" or an unknown one."""
    if kind not in KINDS:
        return ()
    wanted = KINDS[kind][1]

    def fits(action: str) -> bool:
        return any(action == one or (one[-1] == "." and action.startswith(one)) for one in wanted)

    earlier = (old for old, now in EARLIER_ACTIONS.items() if fits(now))
    return (*filter(fits, ACTION_NAMES), *earlier)


def details(detail: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    """Return what an entry says, in words: first what changed from what to what, then the rest."""
    before, after = detail.get("before"), detail.get("after")
    found: list[tuple[str, str]] = []
    told: set[str] = set()
    if isinstance(before, dict) and isinstance(after, dict):
        told = {"before", "after"}
        for key in dict.fromkeys((*before, *after)):
            if before.get(key) != after.get(key):
                was, is_now = (_value(key, one.get(key), language) for one in (before, after))
                found.append((_name(key, language), f"{was or '–'} → {is_now or '–'}"))
    elif "before" in detail and "after" in detail:
        told = {"before", "after"}
        was, is_now = (_value("", one, language) for one in (before, after))
        found.append(("", f"{was or '–'} → {is_now or '–'}"))
    rest = [(key, _value(key, value, language)) for key, value in detail.items() if key not in told]
    return found + [(_name(key, language), value) for key, value in rest if value]


def as_sentence(detail: Mapping[str, Any], language: str) -> str:
    """Return the same in one line, for a table."""
    said = details(detail, language)
    return " / ".join(f"{name}: {value}" if name else value for name, value in said)


def _name(key: str, language: str) -> str:
    what, _, code = key.partition(" ")
    if code in LANGUAGES:
        return f"{_name(what, language)} ({words.language_name(code, language)})"
    return words.CATALOGUE.text(language, DETAIL_NAMES[key]) if key in DETAIL_NAMES else key


def _value(key: str, value: Any, language: str) -> str:
    if key in ("roles", "role"):
        names = value if isinstance(value, list) else [value]
        return words.listed([_role(name, language) for name in names if name], language)
    if key == "way" and isinstance(value, str) and value in list(SignInWay):
        return words.sign_in_way(value, language)
    if value == ["*"]:
        return words.CATALOGUE.text(language, "The whole city")
    return words.plain(value, language)


def _role(name: object, language: str) -> str:
    known = {role.value: said for role, said in words.ROLE_NAMES.items()}
    return words.CATALOGUE.text(language, known[str(name)]) if str(name) in known else str(name)
