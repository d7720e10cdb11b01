"""What staff call the priorities, the ways in which reports come, and the classes of roads."""

from __future__ import annotations

from core.languages import mark
from reports.models import CameBy, Priority
from reports.states import CATALOGUE, TO_STAFF

PRIORITY_NAMES = {
    Priority.AT_ONCE: mark("At once"),
    Priority.SOON: mark("Soon"),
    Priority.NORMAL: mark("Normal"),
    Priority.WHEN_THERE_IS_TIME: mark("When there is time"),
}
CAME_BY_NAMES = {
    CameBy.LINE: mark("LINE"),
    CameBy.OPEN311: mark("Another program (Open311)"),
    CameBy.TELEPHONE: mark("Telephone"),
    CameBy.COUNTER: mark("Counter"),
    CameBy.MAIL: mark("Mail"),
    CameBy.PATROL: mark("Patrol"),
    CameBy.IMPORT: mark("Imported list"),
}
ROAD_CLASS_NAMES = {
    "national": mark("National road"),
    "prefectural": mark("Prefectural road"),
    "main": mark("Main city road"),
    "local": mark("City road"),
    "path": mark("Path"),
}


def priority_names(language: str) -> dict[int, str]:
    """Return the names of all priorities, the most urgent first."""
    return {
        priority.value: CATALOGUE.context_text(TO_STAFF, language, name)
        for priority, name in PRIORITY_NAMES.items()
    }


def priority_name(priority: int, language: str) -> str:
    """Return the name of a priority; the number if it has none."""
    return priority_names(language).get(priority, str(priority))


def came_by_name(how: CameBy, language: str) -> str:
    """Return the name of the way in which a report came."""
    return CATALOGUE.context_text(TO_STAFF, language, CAME_BY_NAMES[how])


def road_class_name(code: str, language: str) -> str:
    """Return the name of a class of roads; the code if it is none that we know."""
    name = ROAD_CLASS_NAMES.get(code)
    return CATALOGUE.context_text(TO_STAFF, language, name) if name else code
