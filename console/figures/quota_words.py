"""The words by which staff are told that the month's messages will run out."""

from __future__ import annotations

from console import words
from console.figures.projection import Projection
from response.models import StaffMember
from response.staff_messages import Words


def quota_words(public_url: str, found: Projection, member: StaffMember) -> Words:
    """Return what a member reads, in Japanese or English."""
    language = "ja" if member.language.startswith("ja") else "en"
    say = words.CATALOGUE.text
    return Words(
        title=say(language, "LINE's messages of this month will run out"),
        text=say(
            language,
            "{used} of {most} are used. As things go, they run out on the {day}. Emergencies then "
            "no longer reach LINE. Choose a larger plan in LINE's manager, or send less.",
            used=f"{found.used:,}",
            most=f"{found.most or 0:,}",
            day=words.day_of(found.runs_out, language) if found.runs_out else "",
        ),
        url=f"{public_url}/console/figures",
        url_label=say(language, "Look"),
    )
