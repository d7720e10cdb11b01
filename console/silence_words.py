"""The words by which staff are told that a medium takes nothing: by message and on every page."""

from __future__ import annotations

from channels.models import ChannelSilence
from console import words
from response.models import StaffMember
from response.staff_messages import Words
from subscriptions.models import LINE_MEDIUM


def silence_said(silence: ChannelSilence, language: str) -> tuple[str, str]:
    """Return the title and the text that say it, in Japanese or English."""
    say, since = words.CATALOGUE.text, words.moment(silence.since, language)
    if silence.channel == LINE_MEDIUM:
        return say(language, "LINE takes no messages"), say(
            language,
            "Since {since} LINE has taken nothing. Todoke goes on trying. Emergencies go out by "
            "every other way that residents have. Use loudspeakers and broadcasters as well.",
            since=since,
        )
    way = words.medium_name(silence.channel, language)
    return say(language, "{way}: no message is taken", way=way), say(
        language,
        "Since {since} no message was taken by this way: {way}. Todoke goes on trying. "
        "Whoever follows only there hears nothing until then. The page of the delivery "
        "says what was answered.",
        since=since,
        way=way,
    )


def silence_words(public_url: str, member: StaffMember, silence: ChannelSilence) -> Words:
    """Return what a member of staff reads."""
    language = "ja" if member.language.startswith("ja") else "en"
    title, text = silence_said(silence, language)
    look = words.CATALOGUE.text(language, "Look")
    return Words(title, text, url=f"{public_url}/console", url_label=look)
