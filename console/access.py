"""The permissions of each role, in one table that an auditor can read.

Somebody may do what any of their roles may. Some permissions are only for what belongs to their own
departments: their topics, words, questions (:data:`OWN`).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import ColumnElement, Text, literal, type_coerce
from sqlmodel import col

from city.city import City
from console.models import Role, Staff


class Permission(StrEnum):
    """One thing that somebody may or may not do."""

    LOOK = "look"
    DRAFTS = "drafts"
    """See alerts that are not sent; pause, resume and stop those that are on their way."""
    ALERTS = "alerts"
    """Write alerts, try them out, ask for confirmation; begin to take one back; propose rules."""
    CONFIRM = "confirm"
    """Confirm and send alerts; decide on held notices, proposed rules and what a restore holds."""
    RESPONSE = "response"
    """Run a disaster: mode, shelters, lifelines, the running record, call-up of staff."""
    TASKS = "tasks"
    """Ask other departments for something in a disaster, take it, end it."""
    PEOPLE = "people"
    """See which household needs what, answer it, and see residents' photos of danger."""
    REPORTS = "reports"
    """Work on reports: state, department, answers, export."""
    NEWS_WRITE = "news write"
    """Write news for residents."""
    NEWS_APPROVE = "news approve"
    """Approve news that a colleague wrote."""
    WORDS = "words"
    """Change the city's own words: ready words, questions and answers, calendar, shelters."""
    SURVEYS = "surveys"
    """Ask residents questions, and read what they answered."""
    CHAT = "chat"
    """Answer residents who want to talk to a person."""
    FIGURES = "figures"
    """See how many residents follow what, and what reached them."""
    QUESTIONS = "questions"
    """Answer what residents asked and the conversation did not understand."""
    AUDIT = "audit"
    STAFF = "staff"


_ANYBODY = frozenset({Permission.LOOK, Permission.FIGURES})
_WRITES_ALERTS = frozenset({Permission.DRAFTS, Permission.ALERTS})
_CONFIRMS_ALERTS = frozenset({Permission.DRAFTS, Permission.CONFIRM})
_RUNS_A_DISASTER = frozenset(
    {
        Permission.RESPONSE,
        Permission.TASKS,
        Permission.PEOPLE,
        Permission.WORDS,
        Permission.AUDIT,
    }
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.DISASTER: _ANYBODY | _WRITES_ALERTS | _CONFIRMS_ALERTS | _RUNS_A_DISASTER,
    Role.DISASTER_WRITE: _ANYBODY | _WRITES_ALERTS | _RUNS_A_DISASTER,
    Role.DISASTER_CONFIRM: _ANYBODY | _CONFIRMS_ALERTS | _RUNS_A_DISASTER,
    Role.ROADS: _ANYBODY | {Permission.REPORTS, Permission.TASKS, Permission.WORDS},
    Role.EDITOR: _ANYBODY
    | {
        Permission.NEWS_WRITE,
        Permission.WORDS,
        Permission.SURVEYS,
        Permission.CHAT,
        Permission.QUESTIONS,
    },
    Role.APPROVER: _ANYBODY | {Permission.NEWS_APPROVE},
    Role.DEPARTMENT: _ANYBODY
    | {Permission.NEWS_WRITE, Permission.WORDS, Permission.SURVEYS, Permission.CHAT},
    Role.VIEWER: _ANYBODY,
}

OWN: dict[Role, frozenset[Permission]] = {
    Role.DISASTER: frozenset({Permission.WORDS}),
    Role.DISASTER_WRITE: frozenset({Permission.WORDS}),
    Role.DISASTER_CONFIRM: frozenset({Permission.WORDS}),
    Role.ROADS: frozenset({Permission.WORDS}),
    Role.DEPARTMENT: frozenset({Permission.NEWS_WRITE, Permission.WORDS, Permission.SURVEYS}),
}
"""The permissions that a role has only for what belongs to somebody's own departments."""


def may(roles: Iterable[Role], permission: Permission) -> bool:
    """Whether one of the roles has the permission, be it only for one's own departments."""
    return any(permission in PERMISSIONS[role] for role in roles)


def may_everywhere(roles: Iterable[Role], permission: Permission) -> bool:
    """Whether one of the roles has the permission for what belongs to any department."""
    return any(
        permission in PERMISSIONS[role] and permission not in OWN.get(role, frozenset())
        for role in roles
    )


def may_for(staff: Staff, permission: Permission, department: str) -> bool:
    """Whether somebody has the permission for what belongs to a department ("" for none)."""
    if may_everywhere(staff.roles, permission):
        return True
    return may(staff.roles, permission) and department in staff.departments


def needs_second(city: City, staff: Staff) -> bool:
    """Whether a role of somebody's needs a one-time code or a passkey beside the password."""
    return any(role in city.sign_in.second_factor for role in staff.roles)


def has_role(role: Role) -> ColumnElement[bool]:
    """The condition of a query for those who have a role."""
    return (
        literal(" ").concat(type_coerce(col(Staff.roles), Text)).concat(" ").contains(f" {role} ")
    )
