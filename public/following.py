"""How somebody follows one case: the message that LINE opens with, and how it is understood."""

from __future__ import annotations

import unicodedata
from functools import cache
from urllib.parse import quote

from city.city import City
from core.languages import LANGUAGES, mark
from public.words import CATALOGUE
from reports.published import number_in

FOLLOW = mark("Follow {number}")


def message(number: str, language: str) -> str:
    """Return what a resident sends to the account, in their language."""
    return CATALOGUE.text(language, FOLLOW, number=number)


def link(city: City, number: str, language: str) -> str:
    """Return the address that opens the chat with that message; "" if the account has no id.

    Source: https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
    """
    if not city.line_id:
        return ""
    account, said = quote(city.line_id, safe=""), quote(message(number, language), safe="")
    return f"https://line.me/R/oaMessage/{account}/?{said}"


def asked_to_follow(text: str) -> str | None:
    """Return the number of the case that a message asks to follow, in any language, or None."""
    number = number_in(text, whole=True)
    if number is None:
        return None
    return number if _words(text) in _follow_words() else None


def asks_of_a_case(text: str) -> bool:
    """Whether a message is the number of a case, alone or with the words to follow it."""
    has_number = number_in(text, whole=True) is not None
    return has_number and (not _words(text) or _words(text) in _follow_words())


def _words(text: str) -> str:
    """Return a text's letters without its number, as people may type them."""
    plain = unicodedata.normalize("NFKC", text[:200]).casefold()
    return "".join(one for one in plain if unicodedata.category(one)[0] in "LM")


@cache
def _follow_words() -> frozenset[str]:
    said = (CATALOGUE.text(language, FOLLOW, number="") for language in LANGUAGES)
    return frozenset(map(_words, said)) | {"follow", "フォロー", "フォローする"}
