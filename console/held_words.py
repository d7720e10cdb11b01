"""The words by which staff are told that a warning is held."""

from __future__ import annotations

from console import words
from feeds.held import HeldItem
from response.models import StaffMember
from response.staff_messages import Words


def held_words(public_url: str, member: StaffMember, item: HeldItem) -> Words:
    """Return what a member reads, in Japanese or English."""
    language = "ja" if member.language.startswith("ja") else "en"
    title = words.title_of(item.notice, language)
    until = words.moment(item.until, language) if item.until else "–"
    say = words.CATALOGUE.text
    return Words(
        title=say(language, "Held, decide: {title}", title=title)[:100],
        text=say(
            language,
            "Since {since} this warning is held. It reaches nobody until somebody decides. "
            "It is of use until {until}.",
            since=words.moment(item.since, language),
            until=until,
        ),
        url=f"{public_url}/console/held/{item.notice.id}",
        url_label=say(language, "Look and decide"),
    )
