"""The fields of the form of a draft, to compare what two people write."""

from __future__ import annotations

from alerts import event_fields
from alerts.models import AlertDraft
from city.city import City
from console.merging import Fields, Merged, merged
from core.web import Form

CHANGED, BEFORE = "dirty", "was-"
"""Names of changed fields; what a field was before, as ``was-<name>``."""


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


def merged_with(draft: AlertDraft, city: City, form: Form) -> Merged:
    """Put the fields that somebody changed into the stored ones."""
    names = dict.fromkeys(form.all(CHANGED))
    return merged(
        fields_of(draft, city),
        {name: form.all(name) for name in names},
        {name: form.all(f"{BEFORE}{name}") for name in names},
    )
