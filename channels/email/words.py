"""The words of mails that are not in the notice itself, in all languages."""

from __future__ import annotations

from pathlib import Path

from core.languages import Catalogue, mark

CATALOGUE = Catalogue(Path(__file__).parent / "locales")

WHY = mark("You get this mail because you follow the news of {city}.")
CHANGE = mark("Change what you get")
STOP = mark("Stop these mails")
TRUE = mark("Check that this mail is true")
TELL = mark("Tell the city")
SUMMARY = mark("Summary: {n} notices")
CONFIRM_SUBJECT = mark("Please confirm your mail address")
ASKED = mark(
    "Somebody asked for the news of {city} at this mail address. If it was you, open this page "
    "within 24 hours and press the button."
)
NOT_YOU = mark("If it was not you, do nothing. You will get no more mail.")
ALLOW = mark("If mails do not arrive, allow mail from {address} in the settings of your phone.")
CONFIRM = mark("Confirm")
