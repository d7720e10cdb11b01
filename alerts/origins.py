"""Where the words of each language come from: a template, ready words, a machine or a person.

A draft stores it beside the texts, and a sent alert keeps it. Whoever changes a machine's words
makes them their own. The words of a template that somebody changed still name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.models import AlertDraft, draft_of_notice

ORIGINS = "origins"
"""The key in ``AlertDraft.detail``: the origin of the words by language."""
NOTICE = "notice"
"""The code in ``Origin.ready`` of words of a notice that staff did not write."""
Texts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Origin:
    """Where the words of one language come from. Several may be true of one text.

    Parameters
    ----------
    templates
        The city's templates in them: id and version, in their order.
    ready
        The codes of ready words in them (``alerts.ready_words``).
    machine
        The translator that wrote them; "" if none did, or somebody changed them since.
    person
        Who wrote or changed them; "" if nobody did, or it is not known.
    """

    templates: tuple[tuple[int, int], ...] = ()
    ready: tuple[str, ...] = ()
    machine: str = ""
    person: str = ""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Origin:
        return cls(
            tuple((int(number), int(version)) for number, version in stored.get("templates", ())),
            tuple(stored.get("ready", ())),
            stored.get("machine", ""),
            stored.get("person", ""),
        )

    def stored(self) -> dict[str, Any]:
        """Return it in the form of ``AlertDraft.detail``."""
        found: dict[str, Any] = {
            "templates": [list(one) for one in self.templates],
            "ready": list(self.ready),
            "machine": self.machine,
            "person": self.person,
        }
        return {name: value for name, value in found.items() if value}

    def changed_by(self, person: str) -> Origin:
        """Return the origin once a person has changed the words."""
        return replace(self, machine="", person=person)

    def followed_by(self, added: Origin) -> Origin:
        """Return the origin of these words with others after them."""
        return Origin(
            tuple(dict.fromkeys((*self.templates, *added.templates))),
            tuple(dict.fromkeys((*self.ready, *added.ready))),
            self.machine or added.machine,
            self.person or added.person,
        )


def origins(draft: AlertDraft) -> dict[str, Origin]:
    """Return the origin of each language that has words.

    Words of a draft from before this was stored count as a person's.
    """
    known = draft.detail.get(ORIGINS, {})
    return {code: Origin.of(known.get(code, {})) for code in _written(draft.texts)}


def machine_languages(draft: AlertDraft) -> list[str]:
    """Return the languages whose words a machine translated and nobody changed."""
    return [code for code, origin in origins(draft).items() if origin.machine]


def templates_used(draft: AlertDraft) -> list[tuple[int, int]]:
    """Return id and version of the templates in any language, each once."""
    used = (one for origin in origins(draft).values() for one in origin.templates)
    return list(dict.fromkeys(used))


def with_origins(
    draft: AlertDraft, texts: Texts, given: Mapping[str, Origin], person: str
) -> dict[str, Any]:
    """Return the ``detail`` of ``draft`` with the new words ``texts``.

    Parameters
    ----------
    given
        The origin of words that nobody typed, by language.
    person
        Who typed the other words that differ from those of the draft.
    """
    before = origins(draft)
    found = {}
    for code in _written(texts):
        if code in given:
            origin = given[code]
        elif dict(texts[code]) == dict(draft.texts.get(code, {})):
            origin = before.get(code, Origin())
        else:
            origin = before.get(code, Origin()).changed_by(person)
        found[code] = origin.stored()
    return {**draft.detail, ORIGINS: found}


async def as_begun(session: AsyncSession, draft: AlertDraft) -> dict[str, Any]:
    """Return the ``detail`` of a draft that begins with words of an earlier alert."""
    known = dict(draft.detail.get(ORIGINS, {}))
    source = draft.replaces_id or draft.detail.get("from_notice")
    earlier = None if source is None else await draft_of_notice(session, source)
    if earlier is not None:
        there = earlier.detail.get(ORIGINS, {})
        for code in _written(draft.texts):
            if draft.texts[code] == earlier.texts.get(code) and code in there:
                known[code] = there[code]
    elif source is not None:
        for code in _written(draft.texts):
            known.setdefault(code, Origin(ready=(NOTICE,)).stored())
    return {**draft.detail, ORIGINS: known}


def _written(texts: Texts) -> list[str]:
    return [code for code in texts if texts[code].get("text")]
