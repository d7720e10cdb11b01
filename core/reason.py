"""A reason: a code with values, in the form in which packages pass and store it.

A package lists its reasons in its ``reasons.py``, each with an English sentence, which is its
message id for gettext. Text is made where a person reads it, in their language
(:meth:`Reason.text`). ``docs/reasons.md`` says how to add one.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any, Union

from core.text import clean

MOST_CHARACTERS = 300
"""Most characters of one value. Values often come from strangers."""
MOST_PARTS = 50
"""Most reasons in one value."""
OTHER = "other"
BETWEEN = "; "
"""The message that joins several reasons."""

PACKAGES = ("core", "city", "feeds", "channels", "response", "reports")
"""Packages whose reasons are stored, by name. Each medium has its own in its package."""

Value = Union[str, int, "Reason", tuple["Reason", ...]]
"""A reason can contain reasons: ``the month's quota cannot be read: no answer from LINE``."""
Say = Callable[..., str]
"""Puts a message and its values into words, such as ``partial(CATALOGUE.text, "ja")``."""


@dataclass(frozen=True)
class Sentence:
    """The words of a reason.

    Parameters
    ----------
    message
        The English sentence, with ``{placeholders}`` for the values.
    kind
        The kind of trouble and what staff should do, as an English sentence; "" if the reason
        itself says enough.
    """

    message: str
    kind: str = ""

    @property
    def placeholders(self) -> frozenset[str]:
        return frozenset(name for _, name, _, _ in Formatter().parse(self.message) if name)


SENTENCES: dict[str, Sentence] = {OTHER: Sentence("{text}")}
"""All reasons of the imported packages, by code. ``other`` is for a text without a code."""


@dataclass(frozen=True)
class Reason:
    """A code and the values of its sentence. ``str`` of it is the English sentence.

    Made by the ``reason`` of a package: ``reason("telegram.unknown-kind", kind="VXXX99")``.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.dumped())

    def __str__(self) -> str:
        return self.text(_in_english)

    @property
    def kind(self) -> str:
        """The English sentence about the kind of trouble; "" if there is none."""
        sentence = SENTENCES.get(self.code)
        return sentence.kind if sentence else ""

    def text(self, say: Say) -> str:
        """Return the reason in words.

        Parameters
        ----------
        say
            Takes the message and its values, and returns it in the reader's language.
        """
        sentence = SENTENCES.get(self.code)
        if sentence is None:  # written by a newer version
            return f"{self.code} {_in_words(tuple(self.values.values()), say)}".strip()
        if self.code == OTHER:
            return str(self.values.get("text", ""))
        # A value may be missing if an older version wrote the row.
        words = dict.fromkeys(sentence.placeholders, "…")
        words |= {name: _in_words(value, say) for name, value in self.values.items()}
        return say(sentence.message, **words)

    def dumped(self) -> str:
        """Return it as JSON, always the same for the same reason."""
        return json.dumps(_plain(self), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def begins_with(code: str) -> str:
    """Return how what :meth:`Reason.dumped` wrote begins for a code."""
    return f'{{"code":{json.dumps(code)}'


class Reasons:
    """The reasons of one package. Calling it with a code and its values makes a reason.

    Parameters
    ----------
    kinds
        English sentences by code, grouped by kind of trouble ("" for none).
    """

    def __init__(self, kinds: Mapping[str, Mapping[str, str]]) -> None:
        self.sentences = {
            code: Sentence(message, kind)
            for kind, messages in kinds.items()
            for code, message in messages.items()
        }
        for code, sentence in self.sentences.items():
            if SENTENCES.setdefault(code, sentence) != sentence:
                raise ValueError(f"two packages have the reason {code!r}")

    def __call__(self, code: str, /, **values: object) -> Reason:
        """Return the reason ``code``.

        Parameters
        ----------
        values
            The values of its sentence. Reasons and numbers stay unchanged; everything else is
            stored as text, on one line and shortened.
        """
        return Reason(code, {name: _kept(value) for name, value in values.items()})


def know_all() -> None:
    """Import the reasons of all packages, so that stored codes can be put into words."""
    for package in PACKAGES:
        importlib.import_module(f"{package}.reasons")
        for folder in importlib.import_module(package).__path__:
            # Looked for as files: importlib would load every package to look into it.
            for inner in sorted(Path(folder).glob("*/reasons.py")):
                importlib.import_module(f"{package}.{inner.parent.name}.reasons")


def other(text: str) -> Reason:
    """Return a text without a code as a reason."""
    return Reason(OTHER, {"text": _kept(text)})


def loaded(stored: str) -> Reason:
    """Return the reason that :meth:`Reason.dumped` wrote; ``other`` for any other text."""
    try:
        return _read(json.loads(stored))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return other(stored)


def _kept(value: object) -> Value:
    if isinstance(value, Reason) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, tuple):
        return tuple(each for each in value if isinstance(each, Reason))[:MOST_PARTS]
    return clean(str(value), line=True)[:MOST_CHARACTERS]


def _in_english(message: str, /, **values: object) -> str:
    return message.format(**values)


def _in_words(value: Value | tuple[Value, ...], say: Say) -> str:
    if isinstance(value, tuple):
        return say(BETWEEN).join(_in_words(each, say) for each in value)
    return value.text(say) if isinstance(value, Reason) else str(value)


def _plain(value: Value) -> Any:
    if isinstance(value, Reason):
        written: dict[str, Any] = {"code": value.code}
        if value.values:
            written["values"] = {name: _plain(each) for name, each in value.values.items()}
        return written
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _read(written: Any) -> Reason:
    code, values = written["code"], written.get("values", {})
    return Reason(str(code), {str(name): _value(each) for name, each in values.items()})


def _value(written: Any) -> Value:
    if isinstance(written, dict):
        return _read(written)
    if isinstance(written, list):
        return tuple(_read(each) for each in written)
    return written if isinstance(written, int) else str(written)
