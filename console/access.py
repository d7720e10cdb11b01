"""The permissions of each role, in one table that an auditor can read."""

from __future__ import annotations

from enum import StrEnum

from console.models import Role


class Permission(StrEnum):
    """One thing that somebody may or may not do."""

    LOOK = "look"
    ALERTS = "alerts"
    """Write, confirm, send, stop and take back alerts; decide on held notices."""
    RESPONSE = "response"
    """Run a disaster: mode, shelters, lifelines, the running record, call-up of staff."""
    TASKS = "tasks"
    """Ask other departments for something in a disaster, take it, end it."""
    PEOPLE = "people"
    """See which household needs what, answer it, and see residents' photos of danger."""
    REPORTS = "reports"
    """Work on reports: state, department, answers, export."""
    QUESTIONS = "questions"
    """Answer what residents asked and the conversation did not understand."""
    AUDIT = "audit"
    STAFF = "staff"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.DISASTER: frozenset(
        {
            Permission.LOOK,
            Permission.ALERTS,
            Permission.RESPONSE,
            Permission.TASKS,
            Permission.PEOPLE,
            Permission.AUDIT,
        }
    ),
    Role.ROADS: frozenset({Permission.LOOK, Permission.REPORTS, Permission.TASKS}),
    Role.EDITOR: frozenset({Permission.LOOK, Permission.QUESTIONS}),
    Role.VIEWER: frozenset({Permission.LOOK}),
}


def may(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
