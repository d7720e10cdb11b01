"""A machine's words for languages that are missing or older than the Japanese, to begin from.

The translator and its checks of numbers, names and length are those of articles. What fails a check
is not put in. Nothing is saved before somebody has looked at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerts.machine import PROBLEMS
from city.word_parts import Cells, Column, Part
from console.web import Visit
from core.languages import reads_japanese
from feeds.translate import FAILED, ArticleTranslations, article_translations


@dataclass(frozen=True)
class Drafted:
    """A row with a machine's words in it, and why languages have none."""

    cells: Cells
    languages: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict)
    """Messages of the catalogue, by language."""


def has_machine(visitor: Visit) -> bool:
    """Whether a translator is set up."""
    return visitor.context.settings.translator is not None


async def drafted(visitor: Visit, part: Part, cells: Cells, languages: Sequence[str]) -> Drafted:
    """Return the row with a draft of its texts in these languages."""
    context = visitor.context
    machine = article_translations(
        context.settings.translator, context.http, context.city, context.database, context.clock
    )
    if machine is None:
        return Drafted(cells, problems=dict.fromkeys(languages, PROBLEMS[FAILED]))
    return await _into(machine, part, cells, [one for one in languages if not reads_japanese(one)])


async def _into(
    machine: ArticleTranslations, part: Part, cells: Cells, languages: Sequence[str]
) -> Drafted:
    japanese = {
        one.text: cells[one.name]
        for one in part.columns
        if one.language == "ja" and cells.get(one.name)
    }
    lines = [line for text in japanese.values() for line in text.split("\n") if line.strip()]
    made, done, problems = dict(cells), [], {}
    for language, found in (await machine.words(list(dict.fromkeys(lines)), languages)).items():
        if found.problem:
            problems[language] = PROBLEMS[found.problem]
            continue
        done.append(language)
        for column in _columns(part, language):
            if text := japanese.get(column.text):
                said = (found.texts[line] if line.strip() else "" for line in text.split("\n"))
                made[column.name] = "\n".join(said)[: column.longest]
    return Drafted(made, tuple(done), problems)


def _columns(part: Part, language: str) -> list[Column]:
    return [one for one in part.columns if one.language == language]
