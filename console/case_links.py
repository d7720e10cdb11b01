"""What else can be done with a case: pages of its own to which the case's page leads."""

from __future__ import annotations

from dataclasses import dataclass

from console.access import Permission
from console.web import Visit
from core.languages import mark


@dataclass(frozen=True)
class CaseLink:
    """A page of one case. ``address`` has ``{number}``; ``name`` is a message of the catalogue."""

    address: str
    name: str
    permission: Permission = Permission.REPORTS


LINKS = (CaseLink("/console/reports/{number}/forward", mark("To another office")),)


def links_of(visitor: Visit, number: str) -> list[tuple[str, str]]:
    """Return address and name of the pages that somebody may open."""
    return [
        (one.address.format(number=number), one.name)
        for one in LINKS
        if visitor.may(one.permission)
    ]
