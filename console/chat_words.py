"""The words by which staff are told that a resident waits in the chat."""

from __future__ import annotations

from datetime import datetime

from alerts.chat.models import ChatThread
from console import words
from response.models import StaffMember
from response.staff_messages import Words


def waiting_words(public_url: str, thread: ChatThread, now: datetime, member: StaffMember) -> Words:
    """Return what a member reads, in Japanese or English."""
    language = "ja" if member.language.startswith("ja") else "en"
    say = words.CATALOGUE.text
    waited = now - (thread.waiting_since or now)
    return Words(
        title=say(language, "A resident waits in the chat"),
        text=say(
            language,
            "Somebody has been waiting for an answer for {n} minutes.",
            n=int(waited.total_seconds() // 60),
        ),
        url=f"{public_url}/console/chat/{thread.id}",
        url_label=say(language, "Open the chat"),
    )
