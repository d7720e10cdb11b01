"""What the city's own mail server proved about a message's sender (Authentication-Results, RFC
8601).

Servers write their headers above those of a message, which its sender may have forged. So only the
topmost header in our server's name counts, and only if our server added it.
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
"""The property that each mechanism proves; the first one given counts."""
_TAKEN_BY = re.compile(r"\sby\s+([\w.-]{1,255})")


def proof(headers: Sequence[tuple[str, str]], domain: str, trusted: Iterable[str]) -> str:
    """Return which mechanism proved ``domain``, and what it proved: ``dkim police.example``.

    Parameters
    ----------
    headers
        Names in lower case and values, from the top.
    domain
        The domain of the one address in From.
    trusted
        Names under which our own server writes the header.

    Returns
    ------- Empty if nothing proves the domain.
    """
    own = {name.lower() for name in trusted}
    if not domain:
        return ""
    hops = [_taken_by(value) in own for name, value in headers if name == "received"]
    # Inner servers may write no such header; outer headers come from the sender.
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

    Comments, which may be nested, are left out, and a quoted part is one word: both repeat the
    sender's words.
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
            # Given twice, it is not clear which is meant.
            continue
        stated = (properties[name] for name in _PROPERTIES.get(method, ()) if name in properties)
        proven = next(stated, "").rpartition("@")[2]
        if proven and _aligned(proven, domain):
            found = found or f"{method} {proven}"
    return found


def _aligned(proven: str, domain: str) -> bool:
    """Whether a proven domain is the From domain or a parent domain of it, never a public suffix.

    ``jp`` and ``lg.jp`` prove nothing; a proven domain must be somebody's own.
    """
    if proven == domain:
        return True
    return proven.count(".") >= 2 and domain.endswith("." + proven)
