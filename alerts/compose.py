"""Make a notice from the words of staff, for the preview and for sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.models import AlertDraft
from channels.chain import ENDS, follows
from city.city import City, Decision
from feeds.models import Notice, Status
from feeds.texts import Texts, alert_texts, drill_mark


@dataclass(frozen=True)
class Composed:
    """A notice of staff, and its texts for residents who hear of it for the first time."""

    notice: Notice
    as_new: Texts | None = None


def composed_of(draft: AlertDraft, city: City, *, actor: str, now: datetime) -> Composed:
    """Return the notice of a draft. Preview and sending both use this function only."""
    areas = [] if draft.whole_city else list(draft.areas)
    texts = _told(draft, city, areas, draft.status, now)
    notice = Notice(
        identity=f"staff:draft:{draft.id}",
        topic=draft.topic,
        kind=texts["ja"]["title"] if "ja" in texts else "",
        level=draft.level,
        status=draft.status,
        areas=areas,
        drill=draft.drill is True,
        emergency=city.is_emergency(draft.topic, draft.level),
        reported_at=now,
        expires_at=now + timedelta(hours=draft.valid_hours),
        texts=texts,
        replaces_id=draft.replaces_id,
        decision=Decision.SEND,
        decided_by=actor,
        created_at=now,
    )
    new = follows(notice) and draft.status not in ENDS
    return Composed(notice, _told(draft, city, areas, Status.ISSUED, now) if new else None)


def _told(draft: AlertDraft, city: City, areas: list[str], status: Status, now: datetime) -> Texts:
    drill = draft.drill is True
    words = {code: own["text"] for code, own in draft.texts.items() if own.get("text")}
    texts = alert_texts(
        draft.topic,
        draft.level,
        words or {"ja": ""},
        city,
        drill=drill,
        at=now,
        areas=areas,
        status=status,
        languages=city.languages,
    )
    for language, own in draft.texts.items():
        if own.get("title") and language in texts:
            mark = f"{drill_mark(language)} " if drill else ""
            texts[language] = {**texts[language], "title": f"{mark}{own['title']}"}
    return texts
