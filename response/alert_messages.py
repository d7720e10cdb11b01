"""Messages about an alert to staff: the question to a colleague, and a test on the desk's phones.

Neither reaches a resident: both go to members of staff only (``response.staff_messages``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from alerts.models import AlertDraft
from core import audit
from core.errors import Refusal
from core.work import Queue
from response.models import StaffMember, StaffWay
from response.staff_messages import (
    MOST_TEXT,
    MOST_TITLE,
    Outcome,
    Told,
    Words,
    outcomes,
    tell,
)

ASKED_FOR = timedelta(minutes=30)
"""How long the question to a colleague is tried: as long as their confirmation would hold."""
TESTED_FOR = timedelta(minutes=10)
TEST_MARK = {"ja": "【送信試験・本番ではありません】", "en": "[TEST, NOT AN ALERT]"}


def about_question(draft_id: int | None) -> str:
    return f"alert_question:{draft_id}"


def about_test(draft_id: int | None) -> str:
    return f"alert_test:{draft_id}"


async def ask(
    session: AsyncSession,
    queue: Queue,
    draft: AlertDraft,
    members: Sequence[StaffMember],
    words: Callable[[StaffMember], Words],
    *,
    actor: str,
    now: datetime,
) -> Told:
    """Ask colleagues to confirm a version of a draft; each is asked once for a version.

    Raises
    ------
    Refusal
        Nobody was chosen, or none of them can be reached.
    """
    if not members:
        raise Refusal("Choose whom to ask.")
    return await _told(
        session,
        queue,
        draft,
        members,
        words,
        now,
        about=about_question(draft.id),
        occasion=f"{draft.version}",
        kept_trying=ASKED_FOR,
        actor=actor,
        action="alert.asked",
        said="asked",
    )


async def send_test(
    session: AsyncSession,
    queue: Queue,
    draft: AlertDraft,
    members: Sequence[StaffMember],
    words: Words,
    *,
    actor: str,
    now: datetime,
) -> Told:
    """Send what residents would read to members of staff, marked as a test; to nobody else.

    Raises
    ------
    Refusal
        Nobody was chosen, or none of them can be reached.
    """
    if not members:
        raise Refusal("Choose whose phones it is tried on.")
    return await _told(
        session,
        queue,
        draft,
        members,
        lambda member: marked(words, member.language),
        now,
        about=about_test(draft.id),
        occasion=f"{draft.version}:{int(now.timestamp())}",
        kept_trying=TESTED_FOR,
        actor=actor,
        action="alert.tested",
        said="sent_to",
    )


async def _told(
    session: AsyncSession,
    queue: Queue,
    draft: AlertDraft,
    members: Sequence[StaffMember],
    words: Words | Callable[[StaffMember], Words],
    now: datetime,
    *,
    about: str,
    occasion: str,
    kept_trying: timedelta,
    actor: str,
    action: str,
    said: str,
) -> Told:
    """Tell members of staff about a draft, and write down to whom it went."""
    told = await tell(
        session,
        queue,
        members,
        words,
        now,
        occasion=f"{about}:{occasion}",
        about=about,
        drill=draft.drill is True,
        kept_trying=kept_trying,
    )
    if not told.reachable:
        raise Refusal("None of them can be reached by LINE or mail.")
    await audit.record(
        session,
        now,
        actor=actor,
        action=action,
        subject=f"draft:{draft.id}",
        version=draft.version,
        **{said: [member.account for member in members]},
    )
    return told


def marked(words: Words, language: str) -> Words:
    """Return words that say in their title and at their beginning that they are a test."""
    mark = TEST_MARK["ja" if language.startswith("ja") else "en"]
    return replace(
        words,
        title=f"{mark} {words.title}"[: MOST_TITLE - 20],
        text=f"{mark}\n{words.text}"[: MOST_TEXT - 20],
    )


async def asked(session: AsyncSession, draft_id: int | None) -> dict[int, dict[StaffWay, Outcome]]:
    """Return the questions about a draft, by member and way."""
    return await outcomes(session, about_question(draft_id))


async def tested(session: AsyncSession, draft_id: int | None) -> dict[int, dict[StaffWay, Outcome]]:
    """Return the newest tests of a draft, by member and way."""
    return await outcomes(session, about_test(draft_id))
