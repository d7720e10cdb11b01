"""The audit trail in words: its kinds of acts, and what an entry says was before and after."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from city.city import City, name_in
from console import words
from console.action_names import ACTION_NAMES, EARLIER_ACTIONS
from console.detail_names import DETAIL_NAMES
from console.models import SignInWay
from console.report_names import Names as ReportNames
from core.audit import AuditEntry
from core.languages import LANGUAGES, mark
from reports.states import ReportState

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
    "rules": (
        mark("Rules and settings"),
        ("rules.", "kind.", "report_alarm.", "answer_template.", "sandbox."),
    ),
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
    "trail": (mark("The trail itself, and figures"), ("audit.", "figures.")),
}
"""The kinds by which staff filter, and their actions; a full stop stands for all of a noun."""


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


class Details:
    """What entries say, in words of one city and language."""

    def __init__(self, city: City, language: str) -> None:
        self._city = city
        self._language = language
        self._names = ReportNames(city, language)

    def of(self, entry: AuditEntry) -> list[tuple[str, str]]:
        """Return names and values: first what changed from what to what, then the rest."""
        detail, about = entry.detail, entry.subject.partition(":")[0]
        before, after = detail.get("before"), detail.get("after")
        found: list[tuple[str, str]] = []
        told: set[str] = set()
        if isinstance(before, dict) and isinstance(after, dict):
            told = {"before", "after"}
            for key in dict.fromkeys((*before, *after)):
                if before.get(key) != after.get(key):
                    was, is_now = (self._value(about, key, one.get(key)) for one in (before, after))
                    found.append((self._name(key), f"{was or '–'} → {is_now or '–'}"))
        elif "before" in detail and "after" in detail:
            told = {"before", "after"}
            was, is_now = (self._value(about, "", one) for one in (before, after))
            found.append(("", f"{was or '–'} → {is_now or '–'}"))
        rest = [
            (key, self._value(about, key, value))
            for key, value in detail.items()
            if key not in told
        ]
        return found + [(self._name(key), value) for key, value in rest if value]

    def as_sentence(self, entry: AuditEntry) -> str:
        """Return the same in one line, for a table."""
        return " / ".join(f"{name}: {value}" if name else value for name, value in self.of(entry))

    def _name(self, key: str) -> str:
        what, _, code = key.partition(" ")
        if code in LANGUAGES:
            return f"{self._name(what)} ({words.language_name(code, self._language)})"
        if key not in DETAIL_NAMES:
            return key
        return words.CATALOGUE.text(self._language, DETAIL_NAMES[key])

    def _value(self, about: str, key: str, value: Any) -> str:
        if value == ["*"]:
            return words.CATALOGUE.text(self._language, "The whole city")
        if key == "changes" and isinstance(value, dict):
            return words.listed(
                [self._change(about, what, *pair) for what, pair in value.items()], self._language
            )
        some = value if isinstance(value, list) else [value]
        if some and all(isinstance(one, str) for one in some):
            return words.listed(
                [self._called(about, key, one) for one in some if one], self._language
            )
        return words.plain(value, self._language)

    def _change(self, about: str, what: str, was: Any, is_now: Any) -> str:
        said = (self._value(about, what, one) or "–" for one in (was, is_now))
        return f"{self._name(what)} {' → '.join(said)}"

    def _called(self, about: str, key: str, code: str) -> str:
        """Return what staff call a code; the code itself where it has no name."""
        language = self._language
        match key:
            case "roles" | "role":
                return _role(code, language)
            case "way" if code in list(SignInWay):
                return words.sign_in_way(code, language)
            case "department" | "departments":
                return self._names.department(code)
            case "area" | "areas":
                return self._names.area(code)
            case "languages" | "language":
                return words.language_name(code, language)
            case "media" | "medium" | "standby":
                return words.medium_name(code, language)
            case "topic" | "reminded_topic" if code in self._city.topic_by_code:
                return name_in(self._city.topic_by_code[code].names, language)
            case "state" | "was" if about == "report" and code in list(ReportState):
                return ReportState(code).staff_name(language)
            case "category" | "kind" if about == "report":
                return self._names.category(code)
        moment = _moment(code)
        return code if moment is None else words.moment(moment, language)


def _moment(said: str) -> datetime | None:
    """Return a moment as entries have it; None for anything else."""
    if "T" not in said:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _role(code: str, language: str) -> str:
    known = {role.value: said for role, said in words.ROLE_NAMES.items()}
    return words.CATALOGUE.text(language, known[code]) if code in known else code
