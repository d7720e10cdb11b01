"""A test of news for the person who writes it: by LINE and mail, to themselves alone."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.news.models import News
from alerts.news.writing import trail
from core.errors import Refusal
from core.work import Queue
from response.alert_messages import TESTED_FOR, marked
from response.models import StaffWay
from response.staff import members_of_accounts
from response.staff_messages import Outcome, Words, outcomes, tell


def about_test(news_id: int | None) -> str:
    return f"news_test:{news_id}"


async def send_test(
    session: AsyncSession, queue: Queue, news: News, words: Words, *, actor: str, now: datetime
) -> None:
    """Send what residents would read to the person who asks, marked as a test; to nobody else.

    Raises
    ------
    Refusal
        They are not in the register of staff, or have neither LINE nor mail there.
    """
    found = await members_of_accounts(session, [actor])
    if not found:
        raise Refusal("Your account is not in the list of staff, so no test can be sent to you.")
    [member] = found.values()
    about = about_test(news.id)
    told = await tell(
        session,
        queue,
        [member],
        marked(words, member.language),
        now,
        occasion=f"{about}:{news.version}:{int(now.timestamp())}",
        about=about,
        drill=False,
        urgent=False,
        kept_trying=TESTED_FOR,
    )
    if not told.reachable:
        raise Refusal("You have neither LINE nor mail in the list of staff.")
    await trail(session, news, actor, now, "news.tested", version=news.version)


async def tested(session: AsyncSession, news_id: int | None) -> list[tuple[StaffWay, Outcome]]:
    """Return how the newest test went, by way."""
    ways = await outcomes(session, about_test(news_id))
    return [pair for one in ways.values() for pair in one.items()]
