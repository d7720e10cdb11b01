"""The distinct messages of a notice: what is stored as a delivery's variants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from channels.medium import Format, compact_json
from city.city import City
from feeds.models import Notice


@dataclass(frozen=True)
class Rendered:
    """One distinct message and the languages that share it."""

    languages: tuple[str, ...]
    messages: bytes
    """The medium's messages as JSON, in UTF-8."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.messages).hexdigest()


def render_all(notice: Notice, city: City, medium: Format) -> list[Rendered]:
    """Return the distinct messages of ``notice`` in all languages of the city.

    Languages whose messages are equal, byte for byte, share one.
    """
    by_messages: dict[bytes, list[str]] = {}
    for language in city.languages:
        messages = compact_json(medium.render(notice, language, city))
        by_messages.setdefault(messages, []).append(language)
    return [Rendered(tuple(shared), messages) for messages, shared in by_messages.items()]
