"""Tell the administrators of something by mail."""

from __future__ import annotations

import hashlib
from datetime import datetime

import structlog
from sqlmodel import col, select

from city.context import Context
from console.access import has_role
from console.models import Role, Staff
from core import mail
from core.errors import TodokeError

log = structlog.get_logger(__name__)


async def mail_administrators(
    context: Context, *, subject: str, text: str, key: str, now: datetime
) -> bool:
    """Send a mail to each administrator; return whether there is nothing more to try.

    ``key`` and ``now`` are the same in every try, so a repeat is the same mail.
    """
    smtp = context.settings.smtp
    if smtp is None:
        return True
    async with context.database.reading() as session:
        found = await session.scalars(
            select(col(Staff.email)).where(has_role(Role.ADMIN), col(Staff.active))
        )
        addresses = list(found)
    for address in addresses:
        made = mail.message(
            smtp,
            to=address,
            subject=subject,
            text=text,
            key=f"{key}-{_short(address)}",
            now=now,
        )
        try:
            await mail.send(smtp, made)
        except mail.MailRefused:
            continue
        except TodokeError as error:
            log.warning("administrators.untold", key=key, reason=str(error))
            return False
    return True


def _short(address: str) -> str:
    """Return what tells one recipient's mail from another's without naming them."""
    return hashlib.sha256(address.encode()).hexdigest()[:8]
