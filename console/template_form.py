"""What the pages of templates have in common: those of alerts, and those of answers to reports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from console import words
from console.web import Visit
from core.errors import Refusal
from core.faults import FormFault
from core.languages import LANGUAGES
from core.text import clean
from core.web import Form
from core.word_templates import NAME_LIMIT

LONGEST_TEXT, LONGEST_NAME = 20_000, 400
"""Characters that are read; what is too long is a fault that the page names."""


class Version(Protocol):
    """One version of a template."""

    @property
    def version(self) -> int: ...


class Switch(Protocol):
    """Takes a template out of the list, or puts it back into it."""

    def __call__(
        self, session: AsyncSession, key: Any, /, *, actor: str, now: datetime
    ) -> Awaitable[None]: ...


V = TypeVar("V", bound=Version)


@dataclass(frozen=True)
class Subject:
    """What templates are for.

    Parameters
    ----------
    list
        The address of the list; each template is below it.
    name
        What the list is called (a message of the catalogue).
    page, look
        The page of one template, and what stands beside its form.
    text_limit
        Characters of a text.
    """

    list: str
    name: str
    page: str
    look: str
    text_limit: int


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


def said_faults(visitor: Visit, faults: Sequence[FormFault]) -> list[str]:
    """Return what is wrong with a template, in the visitor's language."""
    return [visitor.say(fault.message, **dict(fault.values)) for fault in faults]


def template_page(
    visitor: Visit,
    subject: Subject,
    key: object,
    *,
    refusal: Refusal | None = None,
    to_write: Sequence[str] = (),
    behind: Sequence[str] = (),
    **values: Any,
) -> Response:
    """Show one template; after a refusal as it was typed.

    Parameters
    ----------
    key
        Its part of the address; empty or 0 for a new one.
    to_write, behind
        Languages whose fields are open: without words, or with words older than the Japanese.
    values
        ``template``, the version that was ``seen``, ``versions``, the ``older`` one that is shown,
        whether it is ``withdrawn``, ``blank_names``, and what the subject's own page needs.
    """
    return visitor.page(
        subject.page,
        status=400 if refusal else 200,
        refusal=words.said(refusal, visitor.language),
        just_saved=visitor.request.query_params.get("saved") == "yes",
        list=subject.list,
        list_name=subject.name,
        look=subject.look,
        key=key,
        to_write=to_write,
        behind=behind,
        languages=[LANGUAGES[code] for code in visitor.context.city.languages],
        name_limit=NAME_LIMIT,
        text_limit=subject.text_limit,
        **values,
    )


async def switched(visitor: Visit, subject: Subject, switch: Switch, key: object) -> Response:
    """Take a template out of the list, or put it back into it, and show the list."""
    async with visitor.context.database.writing() as session:
        await switch(session, key, actor=visitor.actor, now=visitor.context.clock.now())
    return visitor.go(subject.list)
