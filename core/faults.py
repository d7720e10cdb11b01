"""What is wrong with a form: a sentence for each field."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Refusal


@dataclass(frozen=True)
class FormFault:
    """A mistake in a form, with which it cannot be stored or sent.

    Parameters
    ----------
    field
        The form's field: ``topic``, ``areas``, ``text-ja`` …
    message
        In English, with placeholders for ``values``.
    """

    field: str
    message: str
    values: tuple[tuple[str, object], ...] = ()

    def refusal(self) -> Refusal:
        return Refusal(self.message, **dict(self.values))

    def __str__(self) -> str:
        return str(self.refusal())
