"""Following by mail: ask, be sent a link, confirm (double opt-in), leave.

Nobody is a resident before they opened the link in the mail and pressed the button there. Whether
an address is known is never said: the answer to a wish is always the same. So that nobody can have
strangers flooded with such mails, an address gets few a day, and a network and the whole city have
limits.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import structlog
from prometheus_client import Counter
from sqlalchemy import delete, func, or_, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.email.models import MailFailure, MailSignup, SignupState
from channels.email.tokens import MailTokens, Purpose
from city.city import City
from core.chunks import rows_of
from core.database import Database
from core.errors import Permanent
from core.work import Queue
from subscriptions import other_media
from subscriptions.models import Resident, ResidentState

MEDIUM = "email"
SEND = "email.signup"
"""The task that sends the mail of a wish; the key is its id."""
MOST_TO_ADDRESS = 3
"""Mails of a kind (to follow, to stop) to one address in :data:`ADDRESS_WINDOW`. A phone may refuse
the first one, until its owner allows the city's address and asks again."""
ADDRESS_WINDOW = timedelta(days=1)
ADDRESS_APART = timedelta(minutes=10)
WINDOW = timedelta(hours=1)
MOST_OF_NETWORK = 5
"""Wishes from one network in an hour. A household or a school behind one address is not more."""
MOST_BY_MAIL = 200
"""Wishes by mail in an hour: the network of their writers is not known."""
MOST_IN_ALL = 1_000
BY_MAIL = "mail"
KEPT = timedelta(days=7)

WISHES = Counter(
    "todoke_mail_signups_total", "Wishes to follow by mail, by what became of them", ["outcome"]
)
log = structlog.get_logger(__name__)


class TooMany(Permanent):
    """Too many wishes from this network or in all; it says nothing about the address."""


@dataclass(frozen=True)
class Asked:
    """A wish to follow, or to stop.

    Parameters
    ----------
    address
        In its normal form.
    network
        The asker's IP address, or ``BY_MAIL``.
    answer_to
        The Message-ID of a mail that asked; "" for the page.
    """

    address: str
    language: str
    network: str
    answer_to: str = ""
    stop: bool = False


async def ask(
    session: AsyncSession, queue: Queue, tokens: MailTokens, asked: Asked, now: datetime
) -> None:
    """Have a link sent to an address, unless it got one a moment ago or several today.

    Raises
    ------
    TooMany
        Of the network or in all.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Wishes that come at the same moment are counted one after another.
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext('todoke.signups'))"))
    network = tokens.hashed(network_of(asked.network))
    most = MOST_BY_MAIL if asked.network == BY_MAIL else MOST_OF_NETWORK
    since = col(MailSignup.asked_at) > now - WINDOW
    counted = select(func.count()).select_from(MailSignup).where(since)
    if (await session.scalar(counted) or 0) >= MOST_IN_ALL:
        WISHES.labels("too-many").inc()
        log.error("mail_signups.too_many", limit=MOST_IN_ALL)
        raise TooMany("too many wishes in all")
    of_network = counted.where(col(MailSignup.network_hash) == network)
    if (await session.scalar(of_network) or 0) >= most:
        WISHES.labels("network").inc()
        log.warning("mail_signups.network_limited", limit=most)
        raise TooMany("too many wishes from this network")
    row = MailSignup(
        address_hash=tokens.hashed(asked.address),
        network_hash=network,
        asked_at=now,
        language=asked.language,
        answer_to=asked.answer_to,
        stop=asked.stop,
        retry_key=str(uuid.uuid4()),
        not_before=now,
    )
    if await _asked_lately(session, row, now):
        # Counted against the network too: nobody learns or gains anything by asking again.
        row.state = SignupState.FAILED
        session.add(row)
        WISHES.labels("again").inc()
        return
    row.address = asked.address
    session.add(row)
    await session.flush()
    WISHES.labels("asked").inc()
    await queue.put(session, SEND, str(row.id))


async def _asked_lately(session: AsyncSession, row: MailSignup, now: datetime) -> bool:
    """Whether enough mails of this kind went to the address, or are about to go."""
    asked = await session.scalars(
        select(col(MailSignup.asked_at)).where(
            col(MailSignup.address_hash) == row.address_hash,
            col(MailSignup.stop).is_(row.stop),
            col(MailSignup.asked_at) > now - ADDRESS_WINDOW,
            # Wishes that were left unanswered do not count.
            or_(col(MailSignup.state) != SignupState.FAILED, col(MailSignup.attempts) > 0),
        )
    )
    times = list(asked)
    return len(times) >= MOST_TO_ADDRESS or any(each > now - ADDRESS_APART for each in times)


async def confirm(
    session: AsyncSession, city: City, tokens: MailTokens, token: str, now: datetime
) -> Resident | None:
    """Let the address behind a link follow; None for a link that is forged or too old."""
    opened = tokens.read_link(Purpose.CONFIRM, token, now)
    if opened is None:
        return None
    address, language = opened
    spoken = language if language in city.languages else city.languages[0]
    resident = await other_media.follow_at(session, city, MEDIUM, address, spoken, now)
    await session.execute(delete(MailFailure).where(col(MailFailure.resident_id) == resident.id))
    WISHES.labels("confirmed").inc()
    return resident


async def follower(
    session: AsyncSession, tokens: MailTokens, purpose: Purpose, token: str, now: datetime
) -> Resident | None:
    """Return the resident behind a link in a mail, if they follow; None otherwise."""
    opened = tokens.read_link(purpose, token, now)
    if opened is None:
        return None
    found = await other_media.find_at(session, MEDIUM, opened[0])
    return found if found is not None and found.state is ResidentState.FOLLOWING else None


async def stop(session: AsyncSession, address: str, now: datetime) -> None:
    """End the mails to an address. It may be ended already or be unknown: the end is the same."""
    await other_media.unfollow_at(session, MEDIUM, address, now)


async def forget_signups(database: Database, now: datetime) -> int:
    """Delete wishes older than seven days; return how many."""
    async with database.writing() as session:
        gone = await session.execute(
            delete(MailSignup).where(col(MailSignup.asked_at) < now - KEPT)
        )
    return rows_of(gone)


def network_of(address: str) -> str:
    """Return the network of an address: one connection has a whole /64, and IPv4 is counted by
    single addresses.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ip_network(f"{parsed}/64", strict=False))
    return str(parsed)
