"""Templates that staff write: words with blanks in every language, each change a new version.

Alerts have them (``alerts.templates``), and answers to reports (``reports.answer_templates``). What
is the same of both is here: how blanks are written, what is wrong with words, and how versions are
kept. A subject has a table of templates and a table of their versions, which never change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from core import audit
from core.errors import Refusal
from core.faults import FormFault
from core.languages import LANGUAGES, mark
from core.text import clean

NAME_LIMIT = 80
CHANGED = mark("Somebody changed this template meanwhile. Look at it again.")
GONE = mark("This template is no longer there.")
_BRACES = re.compile(r"\{([^{}]*)\}")


def blanks(text: str) -> tuple[str, ...]:
    """Return the blanks of a text, each once, in their order."""
    return tuple(dict.fromkeys(_BRACES.findall(text)))


def normal(text: str, stored: Callable[[str], str]) -> str:
    """Return a template's words in the form in which they are stored.

    Parameters
    ----------
    stored
        Gives the blank for any name that staff may write for it.
    """

    def one(match: re.Match[str]) -> str:
        return f"{{{stored(unicodedata.normalize('NFKC', match[1]).strip().casefold())}}}"

    return _BRACES.sub(one, clean(text).replace("｛", "{").replace("｝", "}"))


def with_names(text: str, named: Callable[[str], str]) -> str:
    """Return a template's words with the names of its blanks for staff, in brackets."""
    return _BRACES.sub(lambda match: f"［{named(match[1])}］", text)


def put_in(text: str, values: Mapping[str, str]) -> str:
    """Fill a text's blanks; a value that ends with a full stop ends the sentence too."""

    def one(match: re.Match[str]) -> str:
        value = values[match[1]]
        return value[:-1] if value.endswith(".") and text[match.end() :][:1] == "." else value

    return _BRACES.sub(one, text)


def faults(
    name: str,
    texts: Mapping[str, str],
    languages: Collection[str],
    *,
    limit: int,
    is_blank: Callable[[str], bool],
) -> list[FormFault]:
    """Return what is wrong with a template, its words in the form :func:`normal` gives them.

    Parameters
    ----------
    languages
        Those of the city.
    limit
        Characters of a text.
    is_blank
        Whether there is such a blank.
    """
    found = []
    if not name:
        found.append(FormFault("name", mark("The template needs a name.")))
    if len(name) > NAME_LIMIT:
        message = mark("A name has at most {n} characters.")
        found.append(FormFault("name", message, (("n", NAME_LIMIT),)))
    if not texts.get("ja"):
        found.append(FormFault("text-ja", mark("The text in Japanese is needed.")))
    wanted = blanks(texts.get("ja", ""))
    for code, text in texts.items():
        about = ("language", LANGUAGES[code].name)
        for message, values in _wrong(code, text, wanted, languages, limit, is_blank):
            found.append(FormFault(f"text-{code}", message, (about, *values)))
    return found


def _wrong(
    code: str,
    text: str,
    wanted: Collection[str],
    languages: Collection[str],
    limit: int,
    is_blank: Callable[[str], bool],
) -> Iterator[tuple[str, tuple[tuple[str, object], ...]]]:
    there = blanks(text)
    unknown = [one for one in there if not is_blank(one)]
    if code not in languages:
        yield mark("The city does not speak {language}."), ()
    if len(text) > limit:
        yield mark("{language}: a text has at most {n} characters."), (("n", limit),)
    if unknown or "{" in _BRACES.sub("", text) or "}" in _BRACES.sub("", text):
        shown = " ".join(f"{{{one}}}" for one in unknown) or "{ }"
        yield mark("{language}: there is no such blank: {blanks}"), (("blanks", shown),)
    elif code != "ja":
        for one in sorted(set(wanted) - set(there)):
            message = mark("{language}: the blank {blank} of the Japanese is missing.")
            yield message, (("blank", f"{{{one}}}"),)
        for one in sorted(set(there) - set(wanted)):
            yield mark("{language}: the Japanese has no blank {blank}."), (("blank", f"{{{one}}}"),)


class Template(Protocol):
    """A row of a subject's templates.

    Parameters
    ----------
    version
        The newest of its versions.
    withdrawn_at
        When it was taken out of the list.
    """

    id: int | None
    version: int
    withdrawn_at: datetime | None


T = TypeVar("T", bound=Template)
V = TypeVar("V")


class Actions(NamedTuple):
    """What the trail calls that a template was kept, withdrawn and restored."""

    kept: str
    withdrawn: str
    restored: str


class Shelf(Generic[T, V]):
    """The templates of one subject, and all versions of them.

    Parameters
    ----------
    templates, versions
        The tables; a version has ``template_id`` and ``version`` as its key.
    action
        The names of the trail's entries about them.
    subject
        Names a template in the trail.
    """

    def __init__(
        self, templates: type[T], versions: type[V], action: Actions, subject: Callable[[T], str]
    ) -> None:
        self._templates: Any = templates
        self._versions: Any = versions
        self._action, self._subject = action, subject

    async def newest(self, session: AsyncSession) -> list[tuple[T, V | None]]:
        """Return each template with its newest version; None while it has none of its own."""
        table, versions = self._templates, self._versions
        same = (versions.template_id == table.id) & (versions.version == table.version)
        rows = await session.execute(
            select(table, versions).outerjoin(versions, same).order_by(table.id)
        )
        return [(template, version) for template, version in rows]

    async def history(self, session: AsyncSession, template_id: int) -> Sequence[V]:
        """Return all versions of a template, the newest first."""
        mine = select(self._versions).where(self._versions.template_id == template_id)
        found = await session.scalars(mine.order_by(self._versions.version.desc()))
        return list(found)

    async def locked(self, session: AsyncSession, template_id: int) -> T:
        """Return a template, locked until the transaction ends.

        Raises
        ------
        Refusal
            There is none.
        """
        found: T | None = await session.get(self._templates, template_id, with_for_update=True)
        if found is None:
            raise Refusal(GONE)
        return found

    async def keep(
        self,
        session: AsyncSession,
        template: T,
        words: Mapping[str, Any],
        *,
        actor: str,
        now: datetime,
        **facts: object,
    ) -> V:
        """Store a template's next version, and an entry of the trail with ``facts``.

        Parameters
        ----------
        template
            Locked, or new.
        words
            The columns of the version apart from its key, its time and its writer.
        """
        template.version += 1
        session.add(template)
        made: V = self._versions(
            template_id=template.id,
            version=template.version,
            written_by=actor,
            written_at=now,
            **words,
        )
        session.add(made)
        await session.flush()
        version = template.version
        kept = self._action.kept
        await self._note(session, template, actor, now, kept, version=version, **facts)
        return made

    async def withdraw(
        self, session: AsyncSession, template: T, *, actor: str, now: datetime
    ) -> None:
        """Take a locked template out of the list; what was made with it stays."""
        if template.withdrawn_at is None:
            template.withdrawn_at = now
            session.add(template)
            await self._note(session, template, actor, now, self._action.withdrawn)

    async def restore(
        self, session: AsyncSession, template: T, *, actor: str, now: datetime
    ) -> None:
        """Put a locked template back into the list."""
        if template.withdrawn_at is not None:
            template.withdrawn_at = None
            session.add(template)
            await self._note(session, template, actor, now, self._action.restored)

    async def _note(
        self,
        session: AsyncSession,
        template: T,
        actor: str,
        now: datetime,
        action: str,
        **facts: object,
    ) -> None:
        subject = self._subject(template)
        await audit.record(session, now, actor=actor, action=action, subject=subject, **facts)


def check_seen(template: Template, seen: int) -> None:
    """Accept a change by somebody who saw the newest version of a template.

    Raises
    ------
    Refusal
        Somebody else changed it meanwhile.
    """
    if template.version != seen:
        raise Refusal(CHANGED)
