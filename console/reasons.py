"""Why something could not be taken in, as staff read it.

The rooms that read telegrams, feeds and mail give over a hundred reasons, in English and exact
enough for whoever mends it. Staff read in their own language what kind of trouble it is and what
it wants of them, with the exact reason behind it.
"""

from __future__ import annotations

import re

from console.words import CATALOGUE, mark

KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        mark("A telegram of a kind that Todoke does not know: read it, and tell residents."),
        re.compile(r"A telegram (?:of the unknown kind|with the unknown title) "),
    ),
    (
        mark("The telegram has a code or word that Todoke does not know: read it, and tell them."),
        re.compile(
            r".{0,80}\b(?:the unknown (?:code|tag|status)|has the code) "
            r"|The telegram (?:gives the intensity|says .{1,40} in ) ?"
        ),
    ),
    (
        mark("The telegram's time cannot be right."),
        re.compile(r"The telegram (?:is dated|says a time|does not say when) ?"),
    ),
    (
        mark("The telegram lacks something that it must have."),
        re.compile(
            r"(?:A tsunami warning|A warning|An intensity flash|A flood forecast) without "
            r"|The telegram (?:is empty|has no|gives a code without|says nothing|names the city)"
        ),
    ),
    (
        mark("This is no telegram of the Meteorological Agency."),
        re.compile(r"The document is not a telegram"),
    ),
    (
        mark("It may harm the machine that reads it, and was not read."),
        re.compile(
            r"The (?:document|feed) (?:brings its own|defines entities)"
            r"|The answer unpacks to over|The message (?:describes one|has parts within|has over)"
        ),
    ),
    (
        mark("It is larger than is taken."),
        re.compile(
            r"(?:The (?:document|feed|body|answer|message's head)|/\S+) is (?:over )?[\d,]+ bytes"
        ),
    ),
    (mark("The document is broken and cannot be read."), re.compile(r"Not well-formed XML")),
    (
        mark("This is no feed; perhaps the site shows a page of error."),
        re.compile(r"This is no RSS or Atom feed|Not an Atom feed"),
    ),
    (mark("The feed breaks off in the middle."), re.compile(r"The feed breaks off")),
    (
        mark("The mail is from nobody on the list of senders."),
        re.compile(r".{1,300} is not on the list of senders"),
    ),
    (
        mark("Nothing proves that the mail is from whom it says."),
        re.compile(r"Neither SPF nor DKIM proves"),
    ),
    (
        mark("The mail cannot be read."),
        re.compile(r"The message is (?:empty|broken)|This is no message"),
    ),
    (
        mark("This cannot be read as an alert in the CAP form."),
        re.compile(r"This is no CAP alert|The CAP alert "),
    ),
    (
        mark("The signature that this source's alerts must have cannot be confirmed."),
        re.compile(
            r"The signature |The alert (?:is not signed|was changed)|An alert has one signature"
            r"|None of the source's certificates"
        ),
    ),
    (
        mark("It leads to an address that the source does not name; it was not fetched."),
        re.compile(
            r"More than \d+ redirects|A redirect |Only http and https|An address with a user name"
            r"|The address is too long|Not a proper address|Port \d+ of "
            r"|.{1,300} (?:is not a host that|leads to a private|is a private address)"
        ),
    ),
    (
        mark("The source's server answers with an error."),
        re.compile(r"The source answered \d+|Content-Encoding |Not proper HTTP"),
    ),
    (
        mark("The source cannot be reached, or its answer broke off."),
        re.compile(
            r"No whole answer|The connection failed|The (?:compressed )?answer (?:broke|is damaged)"
            r"|The mail server (?:takes too long|cannot be reached)"
        ),
    ),
    (
        mark("The mailbox cannot be opened: look at its settings."),
        re.compile(
            r"The mail server refuses|There is no folder "
            r"|[\w-]{1,64}: (?:the mailbox's|a mailbox is)"
        ),
    ),
    (
        mark("Todoke itself made a mistake in reading this: tell those who maintain it."),
        re.compile(r"\w*(?:Error|Exception): "),
    ),
)
"""What staff read, and how the reasons of that kind begin. The first that fits counts."""


def kind_of_trouble(reason: str, language: str) -> str | None:
    """Return a reason in the staff's language, or None when it is of no kind listed here."""
    for message, pattern in KINDS:
        if pattern.match(reason):
            return f"{CATALOGUE.text(language, message)}（{reason.removesuffix('.')}）"
    return None
