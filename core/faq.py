"""``faq/*.md``: questions residents ask, one to a file, with their answers.

A file is named ``<name>.<language>.md``; its first line is the question (``# …``), the rest
the answer, in plain text or the simplest Markdown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from core.faults import Fault, read_text, suggestion
from core.languages import LANGUAGES

MAX_BYTES = 20_000
MAX_ANSWER = 4_500
"""Characters; with the question it fits into one LINE text message (5,000 UTF-16 units)."""
MAX_QUESTION = 100
MAX_NAME = 60
"""Characters of a name's letters A to Z, digits and hyphens: it goes through LINE with a button."""
_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_NAME}}}")


@dataclass(frozen=True)
class Answer:
    """One question and its answer in one language."""

    name: str
    language: str
    question: str
    text: str


def read_faq(folder: Path, faults: list[Fault]) -> tuple[Answer, ...]:
    """Return the answers of a city that has some; each mistake becomes a fault."""
    answers = []
    for path in sorted(folder.glob("*.md")) if folder.is_dir() else ():
        name, _, language = path.stem.partition(".")
        if language not in LANGUAGES:
            hint = suggestion(language, LANGUAGES) or " (such as name.ja.md)"
            faults.append(Fault(path, None, f"must be named with one of our languages{hint}."))
            continue
        if _NAME.fullmatch(name) is None:
            faults.append(
                Fault(path, None, f"must be named with at most {MAX_NAME} of A-Z, 0-9 and '-'.")
            )
            continue
        text = read_text(path, faults, limit=MAX_BYTES)
        if text is None:
            continue
        first, _, rest = text.strip().partition("\n")
        if not first.startswith("# ") or not first[2:].strip():
            faults.append(Fault(path, 1, "must begin with the question: '# …'."))
        elif len(first[2:].strip()) > MAX_QUESTION:
            faults.append(Fault(path, 1, f"the question is longer than {MAX_QUESTION} characters."))
        elif not rest.strip():
            faults.append(Fault(path, 2, "has a question but no answer."))
        elif len(rest) > MAX_ANSWER:
            faults.append(Fault(path, 2, f"the answer is longer than {MAX_ANSWER} characters."))
        else:
            answers.append(Answer(name, language, first[2:].strip(), rest.strip()))
    return tuple(answers)
