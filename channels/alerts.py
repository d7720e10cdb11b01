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

from channels.alert_checks import faults, unexplained
from channels.service import Preview, deliver, preview
from core.audit import record
from core.city import City, Decision
from core.database import Database
from core.errors import BadInput
from core.languages import LANGUAGES
from core.typed import clean
from core.work import NoWorkers, Queue
from feeds.models import Notice, Status
from feeds.texts import alert_texts, drill_mark

MOST_LEVEL = 5
VALID_HOURS = 24


@dataclass(frozen=True)
class AlertRequest:
    """What somebody wants to send.

    ``texts`` and ``titles`` by language; a language without words gets the easy Japanese or
    Japanese ones, and is told so. ``actor`` is the name under which it leaves, ``reason`` why
    one person sends it, or a drill in spite of a danger.
    """

    topic: str
    level: int
    texts: Mapping[str, str]
    drill: bool
    actor: str
    areas: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class _Asked:
    """A request as the checks that all alerts pass look at it."""

    topic: str
    level: int
    drill: bool | None
    areas: tuple[str, ...]
    texts: Mapping[str, Mapping[str, str]]
    status: Status = Status.ISSUED
    valid_hours: int = VALID_HOURS

    @property
    def whole_city(self) -> bool:
        return not self.areas

    @classmethod
    def of(cls, request: AlertRequest) -> _Asked:
        languages = dict.fromkeys((*request.texts, *request.titles))
        texts = {
            language: {
                "title": clean(request.titles.get(language, ""), line=True),
                "text": clean(request.texts.get(language, "")),
            }
            for language in languages
        }
        return cls(request.topic, request.level, request.drill, request.areas, texts)


def check_alert(city: City, request: AlertRequest) -> None:
    """Raise BadInput with one clear sentence for the first thing that is wrong.

    What is typed in a shell is named; the rest are the checks of every alert.
    """
    if request.topic not in city.topic_by_code:
        known = ", ".join(city.topic_by_code)
        raise BadInput(f"The city has no topic {request.topic!r}; it has {known}.")
    if not 0 <= request.level <= MOST_LEVEL:
        raise BadInput(f"The level is a number from 0 to {MOST_LEVEL}, not {request.level}.")
    for area in request.areas:
        if area not in city.district_by_code:
            raise BadInput(f"The city has no district {area!r}.")
    asked = _Asked.of(request)
    for language, words in asked.texts.items():
        if language not in LANGUAGES:
            raise BadInput(f"{language!r} is none of the languages ({', '.join(LANGUAGES)}).")
        if language in request.texts and not words["text"]:
            raise BadInput(f"The text in {language} is empty.")
    for fault in faults(asked, city):
        raise BadInput(str(fault))
    if not request.actor.strip():
        raise BadInput("An alert leaves under a person's name.")


async def to_explain(session: AsyncSession, city: City, request: AlertRequest) -> list[str]:
    """Return what of the request asks for a reason that is not given, a sentence each."""
    missing = await unexplained(
        session,
        _Asked.of(request),
        city,
        second_person=None,
        alone_reason=request.reason,
        hazard_reason=request.reason,
    )
    return [str(fault) for fault in missing]


def alert_notice(city: City, request: AlertRequest, now: datetime) -> Notice:
    """Return the notice an alert becomes.

    Raises
    ------
    BadInput
        Something is wrong with the request.
    """
    check_alert(city, request)
    words = _Asked.of(request).texts
    texts = alert_texts(
        request.topic,
        request.level,
        {language: each["text"] for language, each in words.items() if each["text"]},
        city,
        drill=request.drill,
        at=now,
        areas=request.areas,
        languages=city.languages,
    )
    for language, each in words.items():
        if each["title"] and language in texts:
            mark = f"{drill_mark(language)} " if request.drill else ""
            texts[language] = {**texts[language], "title": f"{mark}{each['title']}"}
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
        expires_at=now + timedelta(hours=VALID_HOURS),
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
        Something is wrong with the request, or a reason is missing.
    """
    notice = alert_notice(city, request, now)
    async with database.writing() as session:
        for sentence in await to_explain(session, city, request):
            raise BadInput(sentence)
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
            reason=request.reason,
        )
        assert delivery.id is not None
        return delivery.id
