"""What the forms of templates have in common: those of alerts, and those of answers to reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from console.web import Visit
from core.languages import LANGUAGES
from core.text import clean
from core.web import Form

LONGEST_TEXT, LONGEST_NAME = 20_000, 400
"""Characters that are read; what is too long is a fault that the page names."""


class Version(Protocol):
    """One version of a template."""

    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=Version)


def typed_texts(form: Form, normal: Callable[[str], str]) -> dict[str, str]:
    """Return the words of a template by language, as they were typed."""
    return {
        code: normal(form.get(f"text-{code}", "")[:LONGEST_TEXT])
        for code in LANGUAGES
        if form.text(f"text-{code}")
    }


def typed_name(form: Form) -> str:
    """Return the name of a template, as it was typed."""
    return clean(form.text("name")[:LONGEST_NAME], line=True)


def older_version(visitor: Visit, versions: Sequence[V]) -> V | None:
    """Return the older version that the address asks for (``?version=``); None for the newest."""
    asked = visitor.request.query_params.get("version", "")
    return next((one for one in versions[1:] if str(one.version) == asked), None)
