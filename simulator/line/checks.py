"""Small compiled checks out of which the description of LINE's requests is built.

A check is a function of a JSON value that returns ``None`` when the value is right and a list of
faults when it is not. Nothing is allocated for a right value, so a message of usual size is
checked within some ten microseconds. Every check carries the constraints it was made from in
``spec``, in the words of JSON Schema, so that a test can compare them with LINE's own
description.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from simulator.line.measure import grapheme_clusters, utf16_units

Unit = Literal["utf16", "graphemes"]
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One thing wrong with a request.

    Parameters
    ----------
    path
        Names and indices from the checked value to the wrong one.
    message
        What is wrong, in LINE's words.
    """

    path: tuple[str | int, ...]
    message: str


Faults = list[RequestFault] | None


@dataclass(frozen=True, slots=True)
class Check:
    """A compiled check and its constraints."""

    test: Callable[[Any], Faults]
    spec: Spec = field(default_factory=dict)

    def __call__(self, value: Any) -> Faults:
        return self.test(value)


def _fault(message: str) -> list[RequestFault]:
    return [RequestFault((), message)]


def _below(key: str | int, faults: list[RequestFault]) -> list[RequestFault]:
    return [RequestFault((key, *fault.path), fault.message) for fault in faults]


def text(
    *,
    least: int = 0,
    most: int | None = None,
    unit: Unit = "utf16",
    pattern: str | None = None,
    choices: Sequence[str] | None = None,
    also: Callable[[str], str | None] | None = None,
) -> Check:
    """A string; lengths in ``unit``; ``also`` returns a sentence when it finds a fault."""
    spec: Spec = {"type": "string"}
    if least:
        spec["minLength"] = least
    if most is not None:
        spec["maxLength"] = most
    if pattern is not None:
        spec["pattern"] = pattern
    if choices is not None:
        spec["enum"] = list(choices)
    compiled = re.compile(pattern) if pattern is not None else None
    allowed = frozenset(choices) if choices is not None else None
    count = utf16_units if unit == "utf16" else grapheme_clusters
    ceiling = most if most is not None else 1_000_000
    length_fault = f"Length must be between {least} and {ceiling}"

    def test(value: Any) -> Faults:
        if type(value) is not str:
            return _fault("must be a string")
        if allowed is not None and value not in allowed:
            return _fault(f"Must be one of the following values: [{', '.join(choices or ())}]")
        if least and not value:
            return _fault("May not be empty")
        length = len(value)
        # Never more clusters than characters, never more than two units for one.
        if (length < least or length * 2 > ceiling) and not least <= count(value) <= ceiling:
            return _fault(length_fault)
        if compiled is not None and compiled.fullmatch(value) is None:
            return _fault(f"Must match {pattern}")
        if also is not None:
            sentence = also(value)
            if sentence is not None:
                return _fault(sentence)
        return None

    return Check(test, spec)


def integer(least: int | None = None, most: int | None = None, step: int = 1) -> Check:
    """A whole number between ``least`` and ``most``, a multiple of ``step``."""
    spec: Spec = {"type": "integer"}
    if least is not None:
        spec["minimum"] = least
    if most is not None:
        spec["maximum"] = most

    def test(value: Any) -> Faults:
        if type(value) is not int:
            return _fault("must be an integer")
        if (least is not None and value < least) or (most is not None and value > most):
            return _fault(f"Must be between {least} and {most}")
        if value % step:
            return _fault(f"Must be a multiple of {step}")
        return None

    return Check(test, spec)


def number(least: float, most: float) -> Check:
    """A number between ``least`` and ``most``."""

    def test(value: Any) -> Faults:
        if type(value) not in (int, float):
            return _fault("must be a number")
        if not least <= value <= most:
            return _fault(f"Must be between {least} and {most}")
        return None

    return Check(test, {"type": "number", "minimum": least, "maximum": most})


def boolean() -> Check:
    """``true`` or ``false``."""

    def test(value: Any) -> Faults:
        return None if type(value) is bool else _fault("must be a boolean")

    return Check(test, {"type": "boolean"})


def array(
    item: Check,
    *,
    least: int = 0,
    most: int | None = None,
    also: Callable[[list[Any]], str | None] | None = None,
) -> Check:
    """A list of ``item``, ``least`` to ``most`` of them."""
    spec: Spec = {"type": "array", "items": item.spec}
    if least:
        spec["minItems"] = least
    if most is not None:
        spec["maxItems"] = most
    ceiling = most if most is not None else 100_000
    one = item.test

    def test(value: Any) -> Faults:
        if type(value) is not list:
            return _fault("must be an array")
        if not least <= len(value) <= ceiling:
            return _fault(f"Size must be between {least} and {ceiling}")
        found: list[RequestFault] = []
        for index, element in enumerate(value):
            faults = one(element)
            if faults is not None:
                found += _below(index, faults)
        if not found and also is not None:
            sentence = also(value)
            if sentence is not None:
                return _fault(sentence)
        return found or None

    return Check(test, spec)


def record(
    properties: Mapping[str, Check],
    *,
    required: Sequence[str] = (),
    also: Callable[[dict[str, Any]], str | None] | None = None,
) -> Check:
    """An object with ``properties``; unknown names are faults, so that a slip is seen."""
    spec: Spec = {
        "type": "object",
        "required": list(required),
        "properties": {name: check.spec for name, check in properties.items()},
    }
    tests = {name: check.test for name, check in properties.items()}
    needed = tuple(required)

    def test(value: Any) -> Faults:
        if type(value) is not dict:
            return _fault("must be an object")
        found: list[RequestFault] = []
        for name in needed:
            if name not in value:
                found.append(RequestFault((name,), "May not be null"))
        for name, element in value.items():
            one = tests.get(name)
            if one is None:
                found.append(RequestFault((name,), "unknown field"))
                continue
            faults = one(element)
            if faults is not None:
                found += _below(name, faults)
        if not found and also is not None:
            sentence = also(value)
            if sentence is not None:
                return _fault(sentence)
        return found or None

    return Check(test, spec)


def mapping(value_check: Check, *, most: int) -> Check:
    """An object used as a dictionary: any names, at most ``most``, each a ``value_check``."""
    one = value_check.test

    def test(value: Any) -> Faults:
        if type(value) is not dict:
            return _fault("must be an object")
        if len(value) > most:
            return _fault(f"Size must be between 0 and {most}")
        found: list[RequestFault] = []
        for name, element in value.items():
            faults = one(element)
            if faults is not None:
                found += _below(name, faults)
        return found or None

    return Check(test, {"type": "object", "additionalProperties": value_check.spec})


def one_of(variants: Mapping[str, Check], *, tag: str = "type") -> Check:
    """An object whose ``tag`` names which of ``variants`` it is."""
    tests = {name: check.test for name, check in variants.items()}
    wrong = f"Must be one of the following values: [{', '.join(sorted(variants))}]"

    def test(value: Any) -> Faults:
        if type(value) is not dict:
            return _fault("must be an object")
        kind = value.get(tag)
        one = tests.get(kind) if type(kind) is str else None
        if one is None:
            return [RequestFault((tag,), "May not be null" if kind is None else wrong)]
        return one(value)

    return Check(test, {"variants": {name: check.spec for name, check in variants.items()}})


def later(find: Callable[[], Check]) -> Check:
    """A check that refers to one made further down, for shapes that contain themselves."""

    def test(value: Any) -> Faults:
        return find().test(value)

    return Check(test, {"recursive": True})


def size_limited(check: Check, limit_bytes: int, what: str) -> Check:
    """``check`` for a value whose JSON is at most ``limit_bytes`` long in UTF-8."""

    def test(value: Any) -> Faults:
        size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
        if size > limit_bytes:
            return _fault(f"the size of the {what} must be at most {limit_bytes} bytes")
        return check.test(value)

    return Check(test, check.spec)


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def https_url(most: int = 2000) -> Check:
    """An https URL of at most ``most`` characters.

    Plain http is allowed for this machine's own addresses, so that a trial without certificates can
    show its pictures. LINE itself refuses it.
    """

    def also(value: str) -> str | None:
        try:
            parts = urlsplit(value)
        except ValueError:
            return "invalid uri"
        if parts.scheme == "https" and parts.hostname:
            return None
        if parts.scheme == "http" and parts.hostname in _LOOPBACK:
            return None
        return "invalid uri scheme"

    return text(least=1, most=most, also=also)


_LINK_SCHEMES = frozenset({"http", "https", "line", "tel"})


def link_uri(most: int = 1000) -> Check:
    """A URI that LINE opens: http, https, line or tel."""

    def also(value: str) -> str | None:
        try:
            scheme = urlsplit(value).scheme
        except ValueError:
            return "invalid uri"
        return None if scheme in _LINK_SCHEMES else "invalid uri scheme"

    return text(least=1, most=most, also=also)
