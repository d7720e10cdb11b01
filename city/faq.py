"""``faq/*.md``: questions residents ask, one to a file, with their answers.

A file is named ``<name>.<language>.md``; its first line is the question (``# …``), the rest
the answer, in plain text or the simplest Markdown. ``<name>.asked.txt`` has other sentences that
ask the same, in any language, one a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from city.faults import FolderFault, leaving_out, read_text, suggestion
from city.reasons import reason
from core.languages import LANGUAGES

MAX_BYTES = 20_000
MAX_ANSWER = 4_500
"""Characters; with the question it fits into one LINE text message (5,000 UTF-16 units)."""
MAX_QUESTION = 100
MAX_NAME = 60
"""Characters of a name's letters A to Z, digits and hyphens: it goes through LINE with a button."""
ASKED = ".asked.txt"
MOST_ASKED, LONGEST_ASKED = 200, 100
"""Sentences of a question, and characters of one."""
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME}}}")


@dataclass(frozen=True)
class FaqEntry:
    """One question and its answer in one language."""

    name: str
    language: str
    question: str
    text: str
    asked: tuple[str, ...] = ()
    """Other sentences that ask it, in any language."""


def read_faq(folder: Path, faults: list[FolderFault]) -> tuple[FaqEntry, ...]:
    """Return the answers of a city that has some; a file with a mistake is left out."""
    wrong: list[FolderFault] = []
    answers = _answers(folder, wrong)
    faults += leaving_out(wrong, reason("part.question"))
    return tuple(answers)


def _answers(folder: Path, faults: list[FolderFault]) -> list[FaqEntry]:
    answers = []
    asked = _asked(folder, faults)
    for path in sorted(folder.glob("*.md")) if folder.is_dir() else ():
        name, _, language = path.stem.partition(".")
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES) or reason("hint.such-as", name="name.ja.md")
            faults.append(FolderFault(path, None, reason("faq.name-language", hint=hint)))
            continue
        if _NAME.fullmatch(name) is None:
            faults.append(FolderFault(path, None, reason("faq.name", most=MAX_NAME)))
            continue
        text = read_text(path, faults, limit=MAX_BYTES)
        if text is None:
            continue
        first, _, rest = text.strip().partition("\n")
        if not first.startswith("# ") or not first[2:].strip():
            faults.append(FolderFault(path, 1, reason("faq.no-question")))
        elif len(first[2:].strip()) > MAX_QUESTION:
            faults.append(FolderFault(path, 1, reason("faq.long-question", most=MAX_QUESTION)))
        elif not rest.strip():
            faults.append(FolderFault(path, 2, reason("faq.no-answer")))
        elif len(rest) > MAX_ANSWER:
            faults.append(FolderFault(path, 2, reason("faq.long-answer", most=MAX_ANSWER)))
        else:
            others = asked.get(name, ())
            answers.append(FaqEntry(name, language, first[2:].strip(), rest.strip(), others))
    return answers


def _asked(folder: Path, faults: list[FolderFault]) -> dict[str, tuple[str, ...]]:
    """Return the sentences that ask each question; a file with too many or too long ones is left
    out.
    """
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob(f"*{ASKED}")) if folder.is_dir() else ():
        text = read_text(path, faults, limit=MAX_BYTES)
        if text is None:
            continue
        lines = tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        longest = next((n for n, one in enumerate(lines, 1) if len(one) > LONGEST_ASKED), None)
        if longest or len(lines) > MOST_ASKED:
            why = reason("faq.asked", most=MOST_ASKED, longest=LONGEST_ASKED)
            faults.append(FolderFault(path, longest, why))
        else:
            found[path.name.removesuffix(ASKED)] = lines
    return found
