"""The rules for passwords, and how they are hashed (Argon2id, RFC 9106).

Length makes a password hard to guess, so there are no rules about digits and signs. Passwords that
attackers try first are refused: common passwords, rows of the keyboard, repeats, sequences, and
public facts about the account (NIST SP 800-63B, section 5.1.1.2). ``zxcvbn`` counts how many
guesses a password is worth.

The same characters typed on another keyboard are the same password: both are converted to NFKC.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from console.hashing import KNOWN, HashingLane
from console.models import HANDED_OVER
from core.errors import Refusal
from core.languages import mark

MINIMUM = 12
ADVISED = 15
"""Characters that the page asks for (NIST SP 800-63B, revision 4)."""
MAXIMUM = 256
"""A longer one costs a hash of a longer text and protects no better."""
LEAST_SCORE = 3
"""On zxcvbn's scale of 0 to 4: at least 100 million guesses, each of which takes a tenth of a
second.
"""
MOST_LOOKED_AT = 72
"""Characters that zxcvbn checks: more take much longer, and these are enough."""
OWN_LETTERS = 8
"""Characters that a password must have in addition to words that anybody knows about the account.
"""

COMMON = mark("Too many people use this password, or one much like it. Choose another.")
REPEATS = mark("This password repeats itself. Choose one that does not.")
SEQUENCE = mark("This password is a sequence or a row of the keyboard. Choose another.")
KNOWN_WORDS = mark(
    "This password says little more than the name or address of the account or of the city. "
    "Choose another."
)
EASY = mark("This password is easy to guess. Choose a longer one, of several words for example.")

_hasher = PasswordHasher()


@dataclass(frozen=True)
class Password:
    """A hashed password. ``shown`` is the password itself if it was generated."""

    hashed: str = field(repr=False)
    shown: str = field(default="", repr=False)


def normalised_password(password: str) -> str:
    """Return a password in the form for hashing: width of characters does not matter."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, about: Iterable[str] = ()) -> None:
    """Refuse a password that is too short, too long, or easy to guess.

    Takes some milliseconds.

    Parameters
    ----------
    about
        Public facts: the account's address and name, names of the city.

    Raises
    ------
    Refusal
        It says why, and what to do.
    """
    given = normalised_password(password)
    if len(given) < MINIMUM:
        raise Refusal("A password has at least {n} characters.", n=MINIMUM)
    if len(given) > MAXIMUM or len(password) > MAXIMUM:
        raise Refusal("A password has at most {n} characters.", n=MAXIMUM)
    known = _words(about)
    if len(set(given.casefold())) < 4:
        raise Refusal(REPEATS)
    if len(_without(given, known)) < min(OWN_LETTERS, len(given) - 1):
        raise Refusal(KNOWN_WORDS)
    # Imported here: its lists of words take memory that only this needs.
    from zxcvbn import zxcvbn

    found = zxcvbn(given[:MOST_LOOKED_AT], user_inputs=known)
    if found["score"] < LEAST_SCORE:
        raise Refusal(_why([part["pattern"] for part in found["sequence"]]))


async def chosen(
    password: str, about: Iterable[str] = (), *, lane: HashingLane = KNOWN
) -> Password:
    """Return the chosen password, checked and hashed; raises like :func:`check`.

    Takes a tenth of a second, so it is never done within a transaction.
    """
    words = list(about)
    await lane.run(check, password, words)
    return Password(await lane.run(_hasher.hash, normalised_password(password)))


async def made_up() -> Password:
    """Return a generated password, with a hash that requires a change."""
    password = secrets.token_urlsafe(15)
    return Password(HANDED_OVER + await KNOWN.run(_hasher.hash, password), shown=password)


@cache
def nobodys() -> str:
    """Return the hash to check if there is no account, so that it takes the same time."""
    return _hasher.hash(secrets.token_urlsafe(15))


def fits(hashed: str, password: str) -> bool:
    """Whether this is the password; one that is too long is cut off and does not match."""
    given = password[: MAXIMUM + 1]
    # A password set before they were normalised was hashed as it was typed.
    for form in dict.fromkeys((normalised_password(given)[: MAXIMUM + 1], given)):
        try:
            if _hasher.verify(hashed.removeprefix(HANDED_OVER), form):
                return True
        except (VerificationError, InvalidHashError):
            continue
    return False


def _words(about: Iterable[str]) -> list[str]:
    """Return the known words, the longest first; a name in Japanese has two letters."""
    found = set()
    for text in about:
        folded = normalised_password(text).casefold()
        parts = "".join(c if c.isalnum() else " " for c in folded).split()
        found |= {folded, *parts, "".join(parts)}
    found.add("todoke")
    return sorted(
        (word for word in found if len(word) > (3 if word.isascii() else 1)),
        key=len,
        reverse=True,
    )


def _without(password: str, words: Iterable[str]) -> str:
    left = password.casefold()
    for word in words:
        left = left.replace(word, "")
    return left


def _why(patterns: list[str]) -> str:
    """Return zxcvbn's findings about the parts of a password."""
    if "repeat" in patterns:
        return REPEATS
    if set(patterns) & {"sequence", "spatial"}:
        return SEQUENCE
    return COMMON if "dictionary" in patterns else EASY
