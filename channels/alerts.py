"""An alert from the shell: the same checks, the same words and the same path as any other.

Nothing is real or a drill by default, nothing leaves without a name on it, and what was done
stands in the audit trail (promises 5 and 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from channels.drill_words import says_drill, says_not_drill
from channels.service import Preview, deliver, preview
from core.audit import record
from core.city import City, Decision
from core.database import Database
from core.errors import BadInput
from core.languages import LANGUAGES
from core.work import NoWorkers, Queue
from feeds.models import Notice, Status
from feeds.texts import alert_texts, drill_mark

MOST_LEVEL = 5
MOST_TITLE = 100
MOST_TEXT = 2000
LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class AlertRequest:
    """What somebody wants to send.

    ``texts`` and ``titles`` by language; a language without words gets the easy Japanese or
    Japanese ones, and is told so. ``actor`` is the name under which it leaves.
    """

    topic: str
    level: int
    texts: Mapping[str, str]
    drill: bool
    actor: str
    areas: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)


def check_alert(city: City, request: AlertRequest) -> None:
    """Raise BadInput with one clear sentence for the first thing that is wrong."""
    if request.topic not in city.topic_by_code:
        known = ", ".join(city.topic_by_code)
        raise BadInput(f"The city has no topic {request.topic!r}; it has {known}.")
    if not 0 <= request.level <= MOST_LEVEL:
        raise BadInput(f"The level is a number from 0 to {MOST_LEVEL}, not {request.level}.")
    for area in request.areas:
        if area not in city.district_by_code:
            raise BadInput(f"The city has no district {area!r}.")
    if "ja" not in request.texts:
        raise BadInput("The alert needs a text in Japanese (ja).")
    for name, words, most in (
        ("text", request.texts, MOST_TEXT),
        ("title", request.titles, MOST_TITLE),
    ):
        for language, said in words.items():
            _check_words(name, language, said, most, drill=request.drill)
    if not request.actor.strip():
        raise BadInput("An alert leaves under a person's name.")


def _check_words(name: str, language: str, said: str, most: int, *, drill: bool) -> None:
    if language not in LANGUAGES:
        raise BadInput(f"{language!r} is none of the languages ({', '.join(LANGUAGES)}).")
    if not said.strip():
        raise BadInput(f"The {name} in {language} is empty.")
    if len(said) > most:
        raise BadInput(f"The {name} in {language} has {len(said)} characters; {most} are allowed.")
    if not drill and says_drill(said, language):
        raise BadInput(f"The {name} in {language} says it is a drill, but the alert is real.")
    if drill and says_not_drill(said):
        raise BadInput(f"The {name} in {language} says it is no drill, but the alert is one.")


def alert_notice(city: City, request: AlertRequest, now: datetime) -> Notice:
    """Return the notice an alert becomes.

    Raises
    ------
    BadInput
        Something is wrong with the request.
    """
    check_alert(city, request)
    texts = alert_texts(
        request.topic,
        request.level,
        dict(request.texts),
        city,
        drill=request.drill,
        at=now,
        areas=request.areas,
        languages=city.languages,
    )
    for language, title in request.titles.items():
        if language in texts:
            mark = f"{drill_mark(language)} " if request.drill else ""
            texts[language] = {**texts[language], "title": f"{mark}{title}"}
    return Notice(
        identity=f"alert:{uuid4()}",
        topic=request.topic,
        kind=texts["ja"]["title"] if "ja" in texts else "",
        level=request.level,
        status=Status.ISSUED,
        areas=list(request.areas),
        drill=request.drill,
        emergency=city.is_emergency(request.topic, request.level),
        reported_at=now,
        expires_at=now + LIFE,
        texts=texts,
        decision=Decision.SEND,
        decided_by=request.actor,
        created_at=now,
    )


async def preview_alert(
    session: AsyncSession, city: City, request: AlertRequest, now: datetime
) -> Preview:
    """Return who would get what, without sending anything."""
    return await preview(session, alert_notice(city, request, now), city, now)


async def send_alert(
    database: Database,
    city: City,
    request: AlertRequest,
    now: datetime,
    *,
    queue: Queue | None = None,
) -> int:
    """Send an alert in one transaction with its trace; returns its delivery's id.

    Parameters
    ----------
    queue
        Without one, the service that runs finds the delivery by itself within half a second.

    Raises
    ------
    BadInput
        Something is wrong with the request.
    """
    notice = alert_notice(city, request, now)
    async with database.writing() as session:
        session.add(notice)
        await session.flush()
        delivery = await deliver(
            session, queue or NoWorkers(), notice, city, now, created_by=request.actor
        )
        await record(
            session,
            now,
            actor=request.actor,
            action="alert.sent",
            subject=f"notice {notice.id}",
            delivery=delivery.id,
            topic=notice.topic,
            level=notice.level,
            areas=notice.areas,
            drill=notice.drill,
        )
        assert delivery.id is not None
        return delivery.id
