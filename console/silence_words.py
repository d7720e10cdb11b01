"""The words by which staff are told that a medium takes nothing."""

from __future__ import annotations

from channels.models import ChannelSilence
from console import words
from response.models import StaffMember
from response.staff_messages import Words
from subscriptions.models import LINE_MEDIUM


def silence_words(public_url: str, member: StaffMember, silence: ChannelSilence) -> Words:
    """Return what a member reads, in Japanese or English."""
    language = "ja" if member.language.startswith("ja") else "en"
    say = words.CATALOGUE.text
    if silence.channel != LINE_MEDIUM:
        way = words.medium_name(silence.channel, language)
        return Words(
            title=say(language, "{way}: no message is taken", way=way),
            text=say(
                language,
                "Since {since} no message was taken by this way: {way}. Todoke goes on trying. "
                "Whoever follows only there hears nothing until then. The page of the delivery "
                "says what was answered.",
                since=words.moment(silence.since, language),
                way=way,
            ),
            url=f"{public_url}/console",
            url_label=say(language, "Look"),
        )
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
