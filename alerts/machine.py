"""Draft the languages that have no words yet by machine, if what it says can be trusted.

The machine, its glossary and its checks of numbers, names and length are those of articles
(``feeds.translate``). Paragraphs are translated one by one, so that each keeps its numbers. What
fails a check is not used: the language stays without words of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts import drafts
from alerts.checks import TEXT_LIMIT, TITLE_LIMIT
from alerts.drafts import Written
from alerts.models import AlertDraft
from alerts.origins import Origin
from city.city import City
from core.languages import mark, reads_japanese
from feeds.translate import ArticleTranslations

PROBLEMS = {
    "failed": mark("The translator did not answer, or refused."),
    "not-able": mark("The translator does not have this language."),
    "number": mark("The translation had other numbers."),
    "name": mark("The translation lost a name."),
    "length": mark("The translation was far too short or too long."),
    "empty": mark("The translation was empty."),
    "japanese": mark("The translation was still Japanese."),
}
"""Why a language was left out, by the slug of ``feeds.translate``."""


@dataclass(frozen=True)
class MachineDraft:
    """Words of a machine.

    Parameters
    ----------
    japanese
        Title and text that were translated.
    texts
        Title and text by language.
    problems
        By language: a slug of :data:`PROBLEMS`.
    """

    japanese: tuple[str, str]
    engine: str
    texts: dict[str, tuple[str, str]]
    problems: dict[str, str]


def missing(draft: AlertDraft, languages: Sequence[str]) -> list[str]:
    """Return the languages without words that a machine could draft."""
    return [
        code
        for code in languages
        if not reads_japanese(code) and not draft.texts.get(code, {}).get("text")
    ]


async def drafted(
    machine: ArticleTranslations, draft: AlertDraft, languages: Sequence[str]
) -> MachineDraft:
    """Translate a draft's Japanese words into the languages that have none."""
    own = draft.texts.get("ja", {})
    title, text = own.get("title", ""), own.get("text", "")
    lines = list(dict.fromkeys(line for line in (title, *text.split("\n")) if line.strip()))
    made = MachineDraft((title, text), machine.engine, {}, {})
    for code, found in (await machine.words(lines, missing(draft, languages))).items():
        if found.problem:
            made.problems[code] = found.problem
            continue
        said = found.texts
        there = "\n".join(said[line] if line.strip() else "" for line in text.split("\n"))
        heading = said[title] if title.strip() else ""
        if len(there) > TEXT_LIMIT or len(heading) > TITLE_LIMIT:
            made.problems[code] = "length"
        else:
            made.texts[code] = (heading, there)
    return made


async def put_in(
    session: AsyncSession,
    draft_id: int,
    made: MachineDraft,
    city: City,
    *,
    actor: str,
    now: datetime,
) -> AlertDraft:
    """Put a machine's words into the languages that still have none.

    Nothing is put in if somebody changed the Japanese meanwhile.

    Raises
    ------
    Refusal
        The draft was sent or thrown away.
    """
    draft = await drafts.open_to_write(session, draft_id)
    own = draft.texts.get("ja", {})
    if (own.get("title", ""), own.get("text", "")) != made.japanese:
        return draft
    wanted = missing(draft, list(made.texts))
    if not wanted:
        return draft
    texts = {
        code: (each.get("title", ""), each.get("text", "")) for code, each in draft.texts.items()
    }
    texts |= {code: made.texts[code] for code in wanted}
    origins = {code: Origin(machine=made.engine) for code in wanted}
    written = Written.of(draft, texts, origins)
    return await drafts.change(session, draft_id, written, city, actor=actor, now=now)
