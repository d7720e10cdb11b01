"""What routine news of staff has besides words: its form, its picture, and whom it is for.

It is stored with the notice (``Notice.news``), so that every medium can show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.languages import EASY_JAPANESE
from feeds.models import Notice
from subscriptions.segments import EVERYBODY, Segment

SURVEY_PRESS = "survey"
"""What pressing the button of a survey does in the conversation."""
PICTURES = "/pictures"
"""Under this path the service shows pictures of news to everybody."""


@dataclass(frozen=True)
class NewsPicture:
    """A picture of news. ``alts`` says by language what it shows, for who does not see it."""

    code: str
    width: int
    height: int
    alts: Mapping[str, str] = field(default_factory=dict)

    def alt(self, language: str) -> str:
        """Return what it shows, in the reader's language or the nearest that there is."""
        order = (language, EASY_JAPANESE, "ja", *self.alts)
        return next((self.alts[code] for code in order if self.alts.get(code)), "")

    @property
    def path(self) -> str:
        """Where it is within this service."""
        return f"{PICTURES}/{self.code}.jpg"

    def address(self, public_url: str) -> str:
        """Return where everybody finds it; "" for a service without an address."""
        return f"{public_url}{self.path}" if public_url else ""


@dataclass(frozen=True)
class NewsForm:
    """The form of news.

    Parameters
    ----------
    as_text
        Whether LINE shows plain messages instead of a card.
    segment
        Who is meant among the residents of its topic and districts.
    survey
        The number of the survey that it asks; 0 for none.
    """

    as_text: bool = False
    picture: NewsPicture | None = None
    segment: Segment = EVERYBODY
    survey: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it in the form of ``Notice.news``."""
        found: dict[str, Any] = {"as_text": self.as_text}
        if self.picture is not None:
            found["picture"] = {
                "code": self.picture.code,
                "width": self.picture.width,
                "height": self.picture.height,
                "alts": dict(self.picture.alts),
            }
        if self.segment:
            found["segment"] = self.segment.to_json()
        if self.survey:
            found["survey"] = self.survey
        return found


PLAIN = NewsForm()


def form_of(notice: Notice) -> NewsForm:
    """Return the form of a notice; what is no news of staff has a plain one."""
    stored = notice.news
    if not stored:
        return PLAIN
    picture = stored.get("picture")
    return NewsForm(
        stored.get("as_text") is True,
        None if picture is None else NewsPicture(**picture),
        Segment.from_json(stored.get("segment", {})),
        stored.get("survey", 0),
    )
