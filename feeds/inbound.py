"""Messages from other systems of the city: signed JSON, accepted once.

``X-Todoke-Timestamp`` is the sender's clock in seconds since 1970; ``X-Todoke-Signature`` is
``v1=`` and the hexadecimal HMAC-SHA256, under the shared secret, of the timestamp, a full stop and
the raw body. A message is refused if its clock is minutes off or its ``id`` came before, so a
recorded message cannot be replayed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from city.city import City, Decision, SourceConfig
from core.errors import BadInput, Permanent
from feeds import freshness, limits
from feeds.fetch import AllowedHosts
from feeds.metrics import ITEMS
from feeds.models import Item, ItemState, Notice, Source, Status
from feeds.notices import Publish, submit_notice
from feeds.overlay import OTHERS, Overlay, about_article, overlay_in_force
from feeds.policy import ARTICLE_EXPIRES, Ruling, is_marked_drill, rule_on_level
from feeds.poll_session import FeedContext
from feeds.rss import safe_link
from feeds.texts import article_texts
from feeds.wording import plain_text

log = structlog.get_logger(__name__)

SIGNATURE = "X-Todoke-Signature"
TIMESTAMP = "X-Todoke-Timestamp"

Title = Annotated[str, StringConstraints(min_length=1, max_length=limits.MAX_TITLE_CHARACTERS)]
Text = Annotated[str, StringConstraints(max_length=limits.MAX_SUMMARY_CHARACTERS)]


class NotSigned(Permanent):
    """The signature is missing, wrong or of another time. Answer 401."""


class InboundMessage(BaseModel):
    """A message of another system. ``drill`` has no default on purpose (promise 5)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]
    topic: str | None = None
    level: int = Field(default=0, ge=0, le=5)
    areas: tuple[str, ...] = Field(default=(), max_length=200)
    drill: bool
    title: dict[str, Title]
    text: dict[str, Text] = Field(default_factory=dict)
    url: Annotated[str, StringConstraints(max_length=1000)] = ""
    reported_at: datetime | None = None
    replaces: str | None = None
    """``id`` of the message that this one corrects."""


@dataclass(frozen=True, kw_only=True)
class InboundOutcome:
    """The result of a message. ``repeated`` if its ``id`` came before."""

    notice_id: int | None
    decision: Decision | None
    repeated: bool = False


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body, for the systems that send."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1={mac.hexdigest()}"


def check_signature(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Check who sent ``body``, and when.

    Raises
    ------
    NotSigned
        It was not signed under ``secret``, or not within five minutes of ``now``.
    """
    stated = headers.get(TIMESTAMP, "")
    if not (stated.isascii() and stated.isdecimal() and len(stated) <= 12):
        raise NotSigned(f"{TIMESTAMP} is missing or no number.")
    if abs(now.timestamp() - int(stated)) > limits.INBOUND_CLOCK_SKEW:
        raise NotSigned(f"{TIMESTAMP} is over {limits.INBOUND_CLOCK_SKEW} s off.")
    given = headers.get(SIGNATURE, "").encode("ascii", "replace")
    if not hmac.compare_digest(given, sign(secret, int(stated), body).encode()):
        raise NotSigned(f"{SIGNATURE} does not fit the body.")


def read_message(body: bytes, source: SourceConfig, city: City) -> InboundMessage:
    """Return the parsed body, checked against the city.

    Raises
    ------
    BadInput
        It is too long, no JSON, or names something that the city does not have.
    """
    if len(body) > limits.MAX_INBOUND_BODY:
        raise BadInput(f"The body is over {limits.MAX_INBOUND_BODY:,} bytes long.")
    try:
        message = InboundMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadInput(f"{where}: {first['msg']}.") from error
    topic = message.topic or source.topic
    if topic not in city.topic_by_code:
        raise BadInput(f"topic: the city has no topic {topic!r}.")
    unknown = [area for area in message.areas if area not in city.district_by_code]
    if unknown:
        raise BadInput(f"areas: the city has no district {unknown[0]!r}.")
    if "ja" not in message.title:
        raise BadInput("title.ja: a title in Japanese is needed.")
    for language in (*message.title, *message.text):
        if language not in city.languages:
            raise BadInput(f"title, text: {language!r} is no language of the city.")
    if message.url and not safe_link(message.url, ""):
        raise BadInput("url: not an http or https address.")
    if message.reported_at is not None and message.reported_at.tzinfo is None:
        raise BadInput("reported_at: the time says no zone.")
    return message


async def receive(
    context: FeedContext,
    source: SourceConfig,
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    publish: Publish,
) -> InboundOutcome:
    """Accept one message: check it, store it, and make its notice, all or nothing.

    Raises
    ------
    NotSigned, BadInput
        It is not accepted; the message says why.
    """
    now = context.clock.now()
    if len(body) > limits.MAX_INBOUND_BODY:
        raise BadInput(f"The body is over {limits.MAX_INBOUND_BODY:,} bytes long.")
    check_signature(secret, headers, body, now)
    message = read_message(body, source, context.city)
    try:
        async with context.database.writing() as session:
            if await session.get(Source, source.code) is None:
                session.add(Source(code=source.code, kind=source.kind, initialised_at=now))
                await session.flush()
            known = await session.scalar(
                select(Item.id).where(
                    col(Item.source) == source.code, col(Item.identity) == message.id
                )
            )
            if known is not None:
                return InboundOutcome(notice_id=None, decision=None, repeated=True)
            item = Item(
                source=source.code,
                identity=message.id,
                kind="webhook",
                title=message.title["ja"],
                fetched_at=now,
                published_at=message.reported_at,
                content_hash=hashlib.sha256(body).hexdigest(),
                payload=body,
                state=ItemState.DONE,
            )
            session.add(item)
            await session.flush()
            overlay = await overlay_in_force(session)
            notice = _notice(message, source, context.city, now, overlay)
            notice.item_id = item.id
            if message.replaces is not None:
                replaced = await session.scalar(
                    select(Notice.id).where(
                        col(Notice.identity) == f"{source.code}:{message.replaces}"
                    )
                )
                if replaced is None:
                    raise BadInput(f"replaces: no message {message.replaces!r} came before.")
                notice.replaces_id, notice.status = replaced, Status.CORRECTED
            stored, _ = await submit_notice(session, notice, publish)
            row = await session.get_one(Source, source.code)
            row.last_succeeded_at = row.last_new_at = now
            for name, value in freshness.noted(row, now, now).items():
                setattr(row, name, value)
    except IntegrityError:
        # The same message at the same moment: the other one is it.
        return InboundOutcome(notice_id=None, decision=None, repeated=True)
    ITEMS.labels(source.code, "read").inc()
    log.info("message.accepted", source=source.code, notice_id=stored.id, drill=stored.drill)
    return InboundOutcome(notice_id=stored.id, decision=stored.decision)


def _notice(
    message: InboundMessage, source: SourceConfig, city: City, now: datetime, overlay: Overlay
) -> Notice:
    topic = message.topic or source.topic or ""
    # A text that says that it is a drill is one, whatever the system says.
    drill = message.drill or is_marked_drill(message.title["ja"], message.text.get("ja", ""))
    emergency = not drill and city.is_emergency(topic, message.level)
    laid = overlay.decisions.get(about_article(source.code, OTHERS))
    decision, decided_by = source.decision, f"rule:{source.code}"
    if laid is not None:
        decision, decided_by = laid, f"rule:{overlay.rule}"
    if drill:
        decision, decided_by = Decision.HOLD, "rule:drill"
    elif message.url and not _own(message.url, source):
        decision, decided_by = Decision.HOLD, "rule:foreign-link"
    elif emergency and decision is Decision.DIGEST:
        decision, decided_by = Decision.SEND, "rule:emergency"
    title = {language: plain_text(text, 200) for language, text in message.title.items()}
    text = {language: plain_text(words, 2000) for language, words in message.text.items()}
    reported_at = message.reported_at or now
    if abs(now - reported_at) > timedelta(hours=limits.NEWS_AGE_LIMIT_HOURS["webhook"]):
        decision, decided_by = Decision.HOLD, "rule:too-old"
    ruling = rule_on_level(Ruling(decision, ""), topic, message.level, city)
    if ruling.decision is not decision:
        decision, decided_by = ruling.decision, ruling.decided_by
    return Notice(
        identity=f"{source.code}:{message.id}",
        topic=topic,
        level=message.level,
        urgency=message.level,
        status=Status.ISSUED,
        areas=list(message.areas),
        drill=drill,
        emergency=emergency,
        reported_at=reported_at,
        expires_at=now + ARTICLE_EXPIRES,
        url=message.url,
        texts=article_texts(
            title["ja"],
            text.get("ja", ""),
            topic,
            message.url,
            source.names,
            city=city,
            languages=city.languages,
            translations={
                language: (title[language], text.get(language, ""))
                for language in title
                if language != "ja"
            },
            drill=drill,
        ),
        source=source.code,
        decision=decision,
        decided_by=decided_by,
        created_at=now,
    )


def _own(url: str, source: SourceConfig) -> bool:
    """Whether a link leads to a host that the source names; without hosts, no link is allowed."""
    try:
        AllowedHosts.of(source).check(url)
    except Permanent:
        return False
    return True
