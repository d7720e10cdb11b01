"""The fields of the form of a draft, to compare what two people write, field by field.

A page says of each field that somebody changed which value it began with. If the draft still has
that value, the new one is taken. If a colleague changed the field meanwhile, it is a conflict: the
draft stays as it is, and the page shows both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts import event_fields
from alerts.models import AlertDraft
from city.city import City
from core.text import clean
from core.web import Form

Fields = dict[str, list[str]]
"""By the name of a field: its values as a form sends them; none for a box that is not ticked."""
CHANGED, BEFORE = "dirty", "was-"
"""Names of changed fields; what a field was before, as ``was-<name>``."""


@dataclass(frozen=True)
class Merged:
    """The form with a colleague's values where nothing was changed, and the fields both changed."""

    form: Form
    conflicts: list[str]


def fields_of(draft: AlertDraft, city: City) -> Fields:
    """Return the stored values of a draft's form."""
    found: Fields = {
        "topic": [draft.topic],
        "level": [str(draft.level)] if draft.level >= 0 else [],
        "valid_hours": [str(draft.valid_hours)],
        **{name: [draft.event.get(name, "")] for name in event_fields.FIELDS},
        "whole_city": ["yes"] if draft.whole_city else [],
        "areas": [] if draft.whole_city else list(draft.areas),
    }
    for district in city.districts:
        own = draft.levels.get(district.code)
        found[f"level-{district.code}"] = [] if own is None else [str(own)]
    for code in dict.fromkeys((*city.languages, *draft.texts)):
        words = draft.texts.get(code, {})
        found[f"title-{code}"] = [words.get("title", "")]
        found[f"text-{code}"] = [words.get("text", "")]
    return found


def merged(draft: AlertDraft, city: City, form: Form) -> Merged:
    """Put the fields that somebody changed into the stored ones."""
    now = fields_of(draft, city)
    conflicts = []
    values = dict(now)
    for name in dict.fromkeys(form.all(CHANGED)):
        if name not in now:
            continue
        mine, before = form.all(name), form.all(f"{BEFORE}{name}")
        if same(before, now[name]) or same(mine, now[name]):
            values[name] = mine
        else:
            conflicts.append(name)
    return Merged(Form([(name, one) for name, some in values.items() for one in some]), conflicts)


def same(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists of values say the same, as a draft would store them."""
    return _stored(some) == _stored(others)


def _stored(values: Sequence[str]) -> list[str]:
    return sorted(filter(None, (clean(value) for value in values)))
