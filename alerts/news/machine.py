"""Draft the languages of news that have no words yet by machine, if what it says can be trusted.

The machine and its checks of numbers, names and length are those of alerts (``alerts.machine``).
What fails a check is not used: the language stays without words of its own, and staff read why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerts.machine import PROBLEMS
from alerts.news.checks import ALT_LIMIT, MOST_LABEL, TEXT_LIMIT, TITLE_LIMIT
from alerts.news.writing import Written
from core.languages import reads_japanese
from feeds.translate import ArticleTranslations

__all__ = ["PROBLEMS", "Drafted", "drafted"]


@dataclass(frozen=True)
class Drafted:
    """What was written, with a machine's words.

    ``problems`` are slugs of :data:`PROBLEMS` by language.
    """

    written: Written
    languages: tuple[str, ...]
    problems: dict[str, str]


async def drafted(
    machine: ArticleTranslations, written: Written, languages: Sequence[str]
) -> Drafted:
    """Translate the Japanese title, text, alternative text and names of links."""
    title, text = written.texts.get("ja", ("", ""))
    alt = written.alts.get("ja", "")
    labels = [names.get("ja", "") for _, names in written.links]
    wanted = [
        code
        for code in languages
        if not reads_japanese(code) and not written.texts.get(code, ("", ""))[1].strip()
    ]
    lines = [line for line in (title, *text.split("\n"), alt, *labels) if line.strip()]
    texts, alts, links = dict(written.texts), dict(written.alts), list(written.links)
    problems: dict[str, str] = {}
    done = []
    for code, found in (await machine.words(list(dict.fromkeys(lines)), wanted)).items():
        if found.problem:
            problems[code] = found.problem
            continue
        said = {"": "", **found.texts}
        there = "\n".join(said[line] if line.strip() else "" for line in text.split("\n"))
        short = (said[title], said[alt] if alt.strip() else "")
        names = [said[label] if label.strip() else "" for label in labels]
        limits = (len(short[0]) > TITLE_LIMIT, len(short[1]) > ALT_LIMIT, len(there) > TEXT_LIMIT)
        if any(limits) or any(len(name) > MOST_LABEL for name in names):
            problems[code] = "length"
            continue
        texts[code] = (short[0], there)
        if short[1]:
            alts[code] = short[1]
        links = [
            (url, {**known, code: name} if name else known)
            for (url, known), name in zip(links, names, strict=True)
        ]
        done.append(code)
    engines = {**written.engines, **dict.fromkeys(done, machine.engine)}
    made = replace(written, texts=texts, alts=alts, links=tuple(links), engines=engines)
    return Drafted(made, tuple(done), problems)
