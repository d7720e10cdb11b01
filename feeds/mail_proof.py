"""What the city's own mail server proved of a message's sender (Authentication-Results, RFC 8601).

Servers write their headers on top of what came with a message, which its sender may have made
up. So only the topmost header in our server's name counts, and none from before the message
reached that server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from feeds import limits

_PROPERTIES = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom",),
}
"""What each mechanism is about, the first that is said."""
_TAKEN_BY = re.compile(r"\sby\s+([\w.-]{1,255})")


def proof(headers: Sequence[tuple[str, str]], domain: str, trusted: Iterable[str]) -> str:
    """Return which mechanism proved ``domain``, and what it proved: ``dkim police.example``.

    Parameters
    ----------
    headers
        Names in lower case and values, from the top.
    domain
        That of the one address in From.
    trusted
        Names by which our own server signs.

    Returns
    -------
    Empty when nothing proves the domain.
    """
    own = {name.lower() for name in trusted}
    if not domain:
        return ""
    hops = [_taken_by(value) in own for name, value in headers if name == "received"]
    # Further in there may be servers that sign nothing; further out is the sender's own story.
    border = hops.index(True) + 1 if True in hops else 1
    passed = 0
    for name, value in headers:
        if name == "received":
            passed += 1
            if passed > border:
                return ""
        if name == "authentication-results" and len(value) <= limits.MAX_MAIL_HEAD:
            identity, *results = _statements(value)
            if identity and identity[0].lower() in own:
                return _proven_by(results, domain)
    return ""


def _taken_by(received: str) -> str:
    found = _TAKEN_BY.search(received[: limits.MAX_MAIL_FIELD])
    return found[1].lower() if found else ""


def _statements(value: str) -> list[list[str]]:
    """Cut an Authentication-Results header at its semicolons, and those parts into words.

    Comments, which may be nested, are left out, and what stands in quotes is one word: both
    repeat what the sender said.
    """
    statements: list[list[str]] = [[]]
    word, depth, quoted = "", 0, False
    characters = iter(value)
    for character in characters:
        if character == "\\" and (quoted or depth):
            escaped = next(characters, "")
            word += escaped if quoted else ""
        elif quoted:
            quoted = character != '"'
            word += character if quoted else ""
        elif depth or character == "(":
            depth += (character == "(") - (character == ")")
        elif character == '"':
            quoted = True
        elif character == ";" or character.isspace():
            if word:
                statements[-1].append(word)
            word = ""
            if character == ";":
                statements.append([])
        else:
            word += character
    if word:
        statements[-1].append(word)
    return statements


def _proven_by(results: Iterable[Sequence[str]], domain: str) -> str:
    """Return the first mechanism that passed for ``domain``; nothing where DMARC failed."""
    found = ""
    for result in results:
        method, _, verdict = (result[0] if result else "").lower().partition("=")
        method = method.partition("/")[0]
        if method == "dmarc" and verdict == "fail":
            return ""
        words = [word.partition("=") for word in result[1:]]
        properties = {key.lower(): setting.lower() for key, _, setting in words}
        if verdict != "pass" or len(properties) < len(words):
            # Said twice, it cannot be told which is meant.
            continue
        stated = (properties[name] for name in _PROPERTIES.get(method, ()) if name in properties)
        proven = next(stated, "").rpartition("@")[2]
        if proven and _aligned(proven, domain):
            found = found or f"{method} {proven}"
    return found


def _aligned(proven: str, domain: str) -> bool:
    """Whether a proven domain is the From domain itself or one above it, never a mere ending.

    ``jp`` and ``lg.jp`` prove nothing; a proven domain must have a name of its own.
    """
    if proven == domain:
        return True
    return proven.count(".") >= 2 and domain.endswith("." + proven)
