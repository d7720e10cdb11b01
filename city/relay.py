"""Which events of the LINE account also concern another vendor's service (``[relay]``)."""

from __future__ import annotations

import unicodedata
from typing import Literal

from pydantic import field_validator

from city.parts import Part

OWN_POSTBACKS = "do="
"""How the data of each of our own buttons begins."""
FOREIGN = "foreign"
LEAST_KEYWORD = 2


class Relay(Part):
    """What goes to the service at ``TODOKE_RELAY_URL`` (docs/relay.md).

    Parameters
    ----------
    postbacks
        Beginnings of the data of its buttons; ``foreign``: every button that is not ours.
    keywords
        Beginnings of what residents type for it.
    types
        Types of events, such as ``accountLink``. Those that Todoke acts on too, such as ``follow``,
        go as a copy.
    """

    postbacks: Literal["foreign"] | tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    @field_validator("postbacks")
    @classmethod
    def _not_our_own(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for start in value if isinstance(value, tuple) else ():
            if not start or start.startswith(OWN_POSTBACKS) or OWN_POSTBACKS.startswith(start):
                raise ValueError(f"{start!r} would be the beginning of our own buttons")
        return value

    @field_validator("keywords")
    @classmethod
    def _long_enough(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for word in value:
            if len(folded(word)) < LEAST_KEYWORD:
                raise ValueError(f"{word!r} is shorter than {LEAST_KEYWORD} letters")
        return value

    @field_validator("types")
    @classmethod
    def _no_conversation(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for kind in value:
            if kind in ("message", "postback"):
                raise ValueError(f"{kind!r} events are chosen by keywords and postbacks")
        return value

    @property
    def wants_any(self) -> bool:
        return bool(self.postbacks or self.keywords or self.types)

    def wants_postback(self, data: str) -> bool:
        """Whether a button with this data is the other service's."""
        if self.postbacks == FOREIGN:
            return bool(data) and not data.startswith(OWN_POSTBACKS)
        return data.startswith(tuple(self.postbacks))

    def wants_text(self, text: str) -> bool:
        """Whether what somebody typed begins with a word for the other service."""
        return folded(text).startswith(tuple(map(folded, self.keywords)))


def folded(text: str) -> str:
    """Return a text for comparison: width, case and outer spaces do not matter."""
    return unicodedata.normalize("NFKC", text).strip().casefold()
