"""The texts of a follow-up for residents who need other words than the notice's own."""

from __future__ import annotations

from typing import Any

from channels.chain import ENDS, Chain, by_level
from channels.models import Wording
from city.city import City
from feeds.models import Notice, Status
from feeds.texts import Texts
from feeds.texts.apart import elsewhere_texts, still_texts


def wordings(
    notice: Notice, chain: Chain, city: City, *, as_new: Texts | None = None
) -> dict[Wording, Notice]:
    """Return the notice in each other wording that it has.

    Parameters
    ----------
    chain
        The earlier notices, without this one.
    as_new
        The texts for residents who were told nothing; empty if the notice's own are right.
    """
    tip = chain.tip
    if tip is None or notice.status is Status.CANCELLED or _is_article(notice):
        return {}
    found: dict[Wording, Notice] = {}
    if as_new is not None and notice.status not in ENDS:
        found[Wording.NEW] = as_first(notice, as_new)
    # Residents who are not concerned see no evacuation level.
    plain: dict[str, Any] = {"level": 0, "urgency": 0, "intensity": ""}
    if notice.areas:
        texts = elsewhere_texts(notice, (tip.topic, tip.level), city)
        found[Wording.ELSEWHERE] = _copy(notice, **plain, texts=texts)
    standing = chain.standing_beside(notice, city)
    if standing:
        levels = by_level(standing, city)
        texts = still_texts(notice, levels, city, told=True)
        found[Wording.STILL] = _copy(notice, **plain, status=Status.CONTINUED, texts=texts)
        # To them it is news: it looks like the alert that has not reached them.
        alarm = {**plain, "level": max(levels)} if tip.source is None else plain
        texts = still_texts(notice, levels, city, told=False)
        found[Wording.UNHEARD] = _copy(notice, **alarm, status=Status.CONTINUED, texts=texts)
    return found


def as_first(notice: Notice, texts: Texts) -> Notice:
    """Return a follow-up for residents who were told nothing: a new alert."""
    return _copy(notice, status=Status.ISSUED, texts=texts)


def _is_article(notice: Notice) -> bool:
    """Whether it is news, which reads the same for everybody, and no warning.

    A CAP alert has no level either; it names its event.
    """
    return notice.source is not None and notice.reach == 0 and not notice.kind


def _copy(notice: Notice, **changes: Any) -> Notice:
    """Return the notice with changes, to be rendered and never stored."""
    return Notice(**{**notice.model_dump(), **changes})
