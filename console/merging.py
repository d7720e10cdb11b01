"""Two people in one form: compare what they write, field by field.

A page says of each field that somebody changed which value it began with. If the stored value is
still that one, the new one is taken. If a colleague changed the field meanwhile, it is a conflict:
the stored value stays, and the page shows both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.text import clean
from core.web import Form

Fields = dict[str, list[str]]
"""By the name of a field: its values as a form sends them; none for a box that is not ticked."""


@dataclass(frozen=True)
class Merged:
    """The form with a colleague's values where nothing was changed, and the fields both changed."""

    form: Form
    conflicts: list[str]


def merged(
    stored: Fields, mine: Mapping[str, Sequence[str]], before: Mapping[str, Sequence[str]]
) -> Merged:
    """Put the fields that somebody changed into the stored ones.

    Parameters
    ----------
    mine
        The changed fields.
    before
        What these fields were when their page was made.
    """
    conflicts = []
    values: dict[str, Sequence[str]] = {**stored}
    for name, some in mine.items():
        if name not in stored:
            continue
        if same(before.get(name, ()), stored[name]) or same(some, stored[name]):
            values[name] = some
        else:
            conflicts.append(name)
    return Merged(Form([(name, one) for name, some in values.items() for one in some]), conflicts)


def same(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two lists of values say the same, as they would be stored."""
    return _stored(some) == _stored(others)


def _stored(values: Sequence[str]) -> list[str]:
    return sorted(filter(None, (clean(value) for value in values)))
