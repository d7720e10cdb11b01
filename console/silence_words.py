"""The words by which staff are told that LINE takes nothing."""

from __future__ import annotations

from channels.models import ChannelSilence
from console import words
from response.models import StaffMember
from response.staff_messages import Words


def silence_words(public_url: str, member: StaffMember, silence: ChannelSilence) -> Words:
    """Return what a member reads, in Japanese or English."""
    language = "ja" if member.language.startswith("ja") else "en"
    say = words.CATALOGUE.text
    return Words(
        title=say(language, "LINE takes no messages"),
        text=say(
            language,
            "Since {since} LINE has taken nothing. Todoke goes on trying. Emergencies go out by "
            "every other way that residents have. Use loudspeakers and broadcasters as well.",
            since=words.moment(silence.since, language),
        ),
        url=f"{public_url}/console",
        url_label=say(language, "Look"),
    )
