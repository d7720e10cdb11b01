"""Mail addresses as people type them, and as mails and servers need them."""

from __future__ import annotations

import re
import unicodedata

from core.mail_settings import MAIL_ADDRESS
from core.text import clean

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
MOST_TYPED = 320


def normalised(typed: str) -> str | None:
    """Return an address in the one form that is stored, or None if it is none.

    Full-width letters become plain ones, as Japanese keyboards write them, and capitals small ones.
    Dots may stand anywhere before the @: old phone addresses have two in a row or one at the end.
    """
    if len(typed) > MOST_TYPED:
        return None
    plain = unicodedata.normalize("NFKC", clean(typed, line=True)).strip().lower()
    plain = plain.removeprefix("mailto:")
    if MAIL_ADDRESS.fullmatch(plain) is None or "." not in plain.rpartition("@")[2]:
        return None
    return plain


def in_header(address: str) -> str:
    """Return an address for a header: in quotes what RFC 5322 takes only in quotes."""
    local, _, domain = address.rpartition("@")
    if _PLAIN_LOCAL.fullmatch(local):
        return address
    return f'"{local}"@{domain}'
