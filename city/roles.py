"""The roles of staff, and what a city demands of those who have them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from city.parts import Part


class Role(StrEnum):
    """A role that somebody has, alone or with others; what it may is in ``console.access``."""

    ADMIN = "admin"
    DISASTER = "disaster"
    """Writes alerts, confirms those of colleagues, and sends them."""
    DISASTER_WRITE = "disaster-write"
    DISASTER_CONFIRM = "disaster-confirm"
    ROADS = "roads"
    EDITOR = "editor"
    """Public relations: writes news."""
    APPROVER = "approver"
    """Public relations: approves what others wrote."""
    DEPARTMENT = "department"
    """Looks after the topics and words of one's own departments."""
    VIEWER = "viewer"


class GroupOfStaff(Part):
    """A group of the city's OIDC provider, and what its people may do here."""

    group: str = Field(min_length=1, max_length=200)
    roles: tuple[Role, ...] = ()
    departments: tuple[str, ...] = ()


class SignInRules(Part):
    """What signing in to the console asks for.

    ``second_factor`` are roles that need a one-time code or a passkey beside the password;
    ``groups`` says which groups of the OIDC provider let somebody in, and with which roles.
    """

    second_factor: tuple[Role, ...] = ()
    groups: tuple[GroupOfStaff, ...] = ()
