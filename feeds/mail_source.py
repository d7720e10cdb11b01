"""Taking in mail: from a mailbox that is polled, or from a message piped to us."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

import structlog
from sqlmodel import col, select

from city.city import SourceConfig
from core.errors import BadInput, Permanent
from core.reason import Reason
from feeds.mail import for_child_watch, read_letter, take_letter
from feeds.mailbox import Mailbox, new_letters
from feeds.metrics import SET_ASIDE
from feeds.models import Item, ItemState, Source
from feeds.poll_session import PollSession, Tally
from feeds.reasons import reason
from feeds.rss import Article

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sifted:
    """A mail's article, or why there is none."""

    article: Article | None = None
    refusal: Reason | None = None


async def poll(desk: PollSession, source: SourceConfig, state: Source, first: bool) -> Tally | None:
    """Read the mailbox; the first time only the position is stored."""
    password = desk.secret(source.secret_setting) if source.secret_setting else None
    if not password:
        raise BadInput(reason("mailbox.no-password", source=source.code))
    post = await new_letters(Mailbox.of(source, password), None if first else state.etag)
    row = {"etag": post.position, "last_modified": None}
    if not post.letters:
        await desk.note(source, {**desk.succeeded(source, state, news=False), **row})
        return None
    tally = Tally()
    for data in post.letters:
        await _take(desk, source, state, data, tally)
    await desk.note(source, {**desk.succeeded(source, state, news=tally.new > 0), **row})
    return tally


async def take_piped(desk: PollSession, source: SourceConfig, data: bytes) -> Tally:
    """Accept one message from the mail server (``todoke feeds mail``).

    Raises
    ------
    BadInput
        The source takes no mail.
    """
    if source.kind != "mail":
        raise BadInput(f"{source.code} is no source of mail.")
    async with desk.context.database.writing() as session:
        state = await session.get(Source, source.code)
        if state is None:
            state = Source(code=source.code, kind=source.kind, url=source.url)
            session.add(state)
    tally = Tally()
    await _take(desk, source, state, data, tally)
    return tally


def sift(source: SourceConfig, data: bytes) -> Sifted:
    """Return what a message becomes; a refusal stores the reason and none of its words."""
    try:
        return Sifted(article=take_letter(read_letter(data, trusted=source.hosts), source))
    except Permanent as error:
        return Sifted(refusal=error.reason)
    except Exception as error:
        # A mail that breaks the library must not block the ones behind it. Its words are private,
        # so nothing of them is logged.
        return Sifted(refusal=reason("mail.broken", error=type(error).__name__))


async def _take(
    desk: PollSession, source: SourceConfig, state: Source, data: bytes, tally: Tally
) -> None:
    # A hostile mail takes half a second, and the event loop must stay free for emergencies.
    sifted = await asyncio.to_thread(sift, source, data)
    if sifted.article is None:
        await _set_aside(desk, source, data, sifted, tally)
        return
    policy = for_child_watch(sifted.article, source, desk.context.city)
    taken = await desk.take_articles(
        policy,
        state,
        [sifted.article],
        first=False,
        row={"etag": state.etag, "last_modified": state.last_modified},
        stated=(sifted.article.published_at,),
    )
    tally.new += taken.new
    tally.edited += taken.edited
    tally.notices += taken.notices


async def _set_aside(
    desk: PollSession, source: SourceConfig, data: bytes, sifted: Sifted, tally: Tally
) -> None:
    """Store that a message was refused and why, without the stranger's words."""
    # Not under its Message-ID: anybody could write one, and so block the real mail.
    identity = f"refused:{hashlib.sha256(data).hexdigest()}"
    now = desk.context.clock.now()
    async with desk.context.database.writing() as session:
        known = await session.scalar(
            select(Item.id).where(col(Item.source) == source.code, col(Item.identity) == identity)
        )
        if known is not None:
            return
        session.add(
            Item(
                source=source.code,
                identity=identity,
                kind="mail",
                fetched_at=now,
                state=ItemState.SET_ASIDE,
                reason=sifted.refusal,
            )
        )
    tally.new += 1
    tally.set_aside += 1
    SET_ASIDE.labels(source.code, "mail").inc()
    log.warning("mail.set_aside", source=source.code, reason=str(sifted.refusal))
