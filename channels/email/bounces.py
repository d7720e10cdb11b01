"""When an address that fails gets no more mail.

A hard bounce says that the address does not exist, a soft one that it takes nothing now. Mail
servers err, above all in a disaster. So one failure ends nothing, and neither do many on one day.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from channels.email.models import MailFailure
from core.database import insert_new
from subscriptions import other_media
from subscriptions.models import Resident

MOST_HARD = 2
HARD_APART = timedelta(days=1)
"""The hard bounces that end an address lie at least so far apart."""
HARD_FORGOTTEN = timedelta(days=60)
MOST_SOFT = 3
SOFT_FOR = timedelta(days=14)
"""For so long an address must have failed before soft bounces end it."""
SOFT_FORGOTTEN = timedelta(days=14)
"""After so long without a bounce an address works again."""

BOUNCES = Counter("todoke_mail_returned_total", "Returned mails, by what they said", ["kind"])
ENDED = Counter("todoke_mail_addresses_ended_total", "Addresses that get no more mail", ["why"])
log = structlog.get_logger(__name__)


class Bounce(StrEnum):
    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    """The reader, or their provider, says that the mail is spam (RFC 5965)."""


async def note_bounce(
    session: AsyncSession, resident_id: int, bounce: Bounce, now: datetime
) -> bool:
    """Note what came back for a resident; return whether their address was ended by it."""
    resident = await session.get(Resident, resident_id)
    if resident is None or resident.address is None:
        return False
    BOUNCES.labels(bounce.value).inc()
    row = await session.get(MailFailure, resident_id, with_for_update=True)
    if row is None:
        # Two mails may come back at the same moment.
        new = insert_new(session, MailFailure, ["resident_id"])
        await session.execute(
            new.values(resident_id=resident_id, hard=0, soft=0, ended_by="", last_at=now)
        )
        row = await session.get_one(MailFailure, resident_id, with_for_update=True)
    _count(row, bounce, now)
    over = bounce is Bounce.COMPLAINT or _is_over(row, bounce, now)
    row.last_at = now
    if over:
        row.ended_by = bounce.value
        row.hard = row.soft = 0
        row.hard_since = row.soft_since = None
    session.add(row)
    await session.flush()
    if over:
        await other_media.unfollow_at(session, resident.medium, resident.address, now)
        ENDED.labels(bounce.value).inc()
        log.warning("mail_address.ended", resident_id=resident_id, reason=bounce.value)
    return over


def _count(row: MailFailure, bounce: Bounce, now: datetime) -> None:
    if bounce is Bounce.HARD:
        if row.hard_since is None or now - row.hard_since > HARD_FORGOTTEN:
            row.hard, row.hard_since = 0, now
        row.hard += 1
    elif bounce is Bounce.SOFT:
        if row.soft_since is None or now - row.last_at > SOFT_FORGOTTEN:
            row.soft, row.soft_since = 0, now
        row.soft += 1


def _is_over(row: MailFailure, bounce: Bounce, now: datetime) -> bool:
    if bounce is Bounce.HARD:
        return (
            row.hard >= MOST_HARD
            and row.hard_since is not None
            and now - row.hard_since >= HARD_APART
        )
    return row.soft >= MOST_SOFT and row.soft_since is not None and now - row.soft_since >= SOFT_FOR
