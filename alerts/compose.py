"""Make a notice from the words of staff, for the preview and for sending."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.event_fields import WrongDay, event_of
from alerts.levels import by_level, status_of
from alerts.models import AlertDraft
from alerts.origins import machine_languages
from channels.chain import ENDS, follows
from channels.level_parts import LowerLevel
from city.city import City, Decision
from feeds.models import Notice, Status
from feeds.texts import Texts, alert_texts, drill_mark


@dataclass(frozen=True)
class Composed:
    """A notice of staff, and its texts for residents who hear of it for the first time."""

    notice: Notice
    as_new: Texts | None = None
    lower: tuple[LowerLevel, ...] = ()
    """The notices for districts with lower levels, the graver first."""


def composed_of(draft: AlertDraft, city: City, *, actor: str, now: datetime) -> Composed:
    """Return the notice of a draft. Preview and sending both use this function only."""
    levels = by_level(draft, city)
    made = [_notice(draft, city, level, actor=actor, now=now) for level in levels]
    first, *lower = made
    return Composed(first.notice, first.as_new, tuple(lower))


def _notice(draft: AlertDraft, city: City, level: int, *, actor: str, now: datetime) -> LowerLevel:
    """Return the notice of one level of a draft."""
    levels = by_level(draft, city)
    areas, status = list(levels[level]), status_of(draft, level)
    texts = _told(draft, city, level, areas, status, now)
    is_first = level == next(iter(levels))
    notice = Notice(
        identity=f"staff:draft:{draft.id}" + ("" if is_first else f":{level}"),
        topic=draft.topic,
        kind=texts["ja"]["title"] if "ja" in texts else "",
        level=level,
        status=status,
        areas=areas,
        drill=draft.drill is True,
        emergency=city.is_emergency(draft.topic, level),
        reported_at=now,
        expires_at=now + timedelta(hours=draft.valid_hours),
        texts=texts,
        replaces_id=draft.replaces_id,
        decision=Decision.SEND,
        decided_by=actor,
        created_at=now,
    )
    if draft.status not in ENDS:
        with suppress(WrongDay):  # the checks say so, and nothing is sent
            notice.set_event(event_of(draft.event))
    new = follows(notice) and draft.status not in ENDS
    return LowerLevel(notice, _told(draft, city, level, areas, Status.ISSUED, now) if new else None)


def _told(
    draft: AlertDraft, city: City, level: int, areas: list[str], status: Status, now: datetime
) -> Texts:
    drill = draft.drill is True
    words = {code: own["text"] for code, own in draft.texts.items() if own.get("text")}
    texts = alert_texts(
        draft.topic,
        level,
        words or {"ja": ""},
        city,
        drill=drill,
        at=now,
        areas=areas,
        status=status,
        languages=city.languages,
        machine=machine_languages(draft),
    )
    for language, own in draft.texts.items():
        if own.get("title") and language in texts:
            mark = f"{drill_mark(language)} " if drill else ""
            texts[language] = {**texts[language], "title": f"{mark}{own['title']}"}
    return texts
