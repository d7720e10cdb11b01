"""Store reasons as codes. Until now they were English sentences.

Revision: 0013
Follows: 0012

An unknown sentence is stored unchanged under the code ``other``. The sentences are those of earlier
versions, so they do not follow ``feeds.reasons`` and ``channels.reasons``.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Written = dict[str, Any]
"""A reason as JSON: its code and values."""

PIECE = 20_000
"""How many different sentences are put into the database at once."""
NUMBERS = frozenset({"hours", "id", "left", "limit", "most", "n", "needed", "number", "status"})
"""Values that are stored as numbers if they are only digits."""
STATUSES = (
    *("issued", "raised", "lowered", "continued", "lifted", "cancelled", "corrected", "none"),
)
RESTORED = "restored from a backup: it may have gone out before"
QUOTA = re.compile(r"the month's quota has (\d+) messages left, this needs (\d+)")
ANSWER = re.compile(r"(?:LINE answered|the answer was) (\d+): (.*)", re.S)
RULES = re.compile(r"rule:[^ ,]+(?:, rule:[^ ,]+)*")
BROKEN = re.compile(r"(\w*(?:Error|Exception)): (.*)", re.S)
FEEDS = {
    "news.drill": "An exercise or test is never sent as news.",
    "news.listed-first": "Listed at the first poll.",
    "news.foreign-link": "Its link leads to a host the source does not name.",
    "news.no-level": "What everybody gets needs a level, and it says none.",
    "news.too-old": "It is over {hours} hours old.",
    "news.from-the-future": "It is dated ahead of our clock.",
    "news.flood": "{n} articles to send in one poll; the web site was rebuilt, perhaps.",
    "news.elsewhere": "It is for places outside the city.",
    "news.not-public": "Not meant for the public.",
    "news.not-concerned": "Nothing in it for this city.",
    "news.same-notice": "The same news as notice {id}.",
    "news.same-item": "The same as item {id} of {source}.",
    "news.listed-twice": "Listed twice in one feed.",
    "news.signed-unchecked": (
        "{why}; it is signed, but the source names no certificate to check it by"
    ),
    "rule.fits": "Rule {number} of {source}: {why}.",
    "rule.other-topic": "No rule fits; everything else of {source} is {topic}.",
    "rule.none": "No rule of {source} fits; somebody has to decide.",
    "telegram.unknown-kind": "A telegram of the unknown kind '{kind}'.",
    "telegram.unknown-title": "A telegram with the unknown title '{title}'.",
    "telegram.unknown-code": "{what} with the unknown code '{code}'.",
    "telegram.unknown-flood-code": "The flood forecast '{name}' has the unknown code '{code}'.",
    "telegram.unknown-tag": "A 気象防災速報 has the unknown tag '{tag}'.",
    "telegram.unknown-grade": "The tsunami grade '{name}' has the unknown code '{code}'.",
    "telegram.unknown-ash-code": "The ash forecast '{name}' has the code '{code}'.",
    "telegram.unknown-volcano-code": "The volcanic warning '{name}' has the unknown code '{code}'.",
    "telegram.unknown-warning-code": "The warning '{name}' has the unknown code '{code}'.",
    "telegram.unknown-status": "A warning has the unknown status '{status}'.",
    "telegram.unknown-intensity": "The telegram gives the intensity '{value}'.",
    "telegram.unknown-word": "The telegram says '{value}' in {where}.",
    "telegram.dated": "The telegram is dated {moment} UTC.",
    "telegram.bad-time": "The telegram says a time that cannot be read: '{value}'.",
    "telegram.no-zone": "The telegram says a time without its zone: '{value}'.",
    "telegram.impossible-time": "The telegram says a time that cannot be: '{value}'.",
    "telegram.no-time": "The telegram does not say when it was issued.",
    "telegram.no-body": "The telegram says nothing: it has no Body, or an empty one.",
    "telegram.no-intensities": "An intensity flash without intensities.",
    "telegram.no-section": "A flood forecast without a section of a river.",
    "telegram.code-without-name": "The telegram gives a code without a name, or an endless one.",
    "telegram.no-head": "The telegram has no Control or no Head part.",
    "telegram.no-coasts": "A tsunami warning without its coasts.",
    "telegram.no-warning": "A warning without a Warning part.",
    "telegram.silent-on-city": "The telegram names the city and says nothing of it.",
    "telegram.empty": "The telegram is empty.",
    "telegram.no-telegram": "The document is not a telegram of the Meteorological Agency.",
    "document.not-xml": "Not well-formed XML: {error}.",
    "document.too-large": "The document is over {limit} bytes long.",
    "document.doctype": "The document brings its own document type definition.",
    "feed.too-large": "The feed is over {limit} bytes long.",
    "feed.entities": "The feed defines entities of its own, which no honest feed does.",
    "feed.doctype": "The feed brings its own document type definition.",
    "feed.too-many-items": "The feed has {items} items, over {limit}.",
    "feed.attributes": "An element has over {limit} attributes.",
    "feed.too-heavy": "The feed takes too much to read: {error}",
    "feed.no-feed": "This is no RSS or Atom feed; is it an error page?",
    "feed.not-atom": "Not an Atom feed but <{name}>.",
    "feed.cut": "The feed breaks off in the middle.",
    "cap.no-alert": "This is no CAP alert.",
    "cap.lacks": "The CAP alert lacks its identifier, sender or time.",
    "cap.unknown-word": "The CAP alert says what the standard does not know: {error}.",
    "cap.too-many-blocks": "The CAP alert has over {limit} blocks.",
    "cap.nothing-public": "The CAP alert says nothing to the public.",
    "signature.none-in-force": "None of the source's certificates is in force today.",
    "signature.stranger": "The signature is by none of the source's certificates.",
    "signature.changed": "The alert was changed after it was signed.",
    "signature.unreadable": "The signature cannot be understood.",
    "signature.missing": "The alert is not signed; this source's alerts must be.",
    "signature.several": "An alert has one signature, directly within it.",
    "signature.partial": "The signature does not cover the whole alert and only that.",
    "signature.of-something-else": (
        "The signature covers something made of the alert, not the alert."
    ),
    "mail.empty": "The message is empty.",
    "mail.head-too-large": "The message's head is over {limit} bytes long.",
    "mail.endless-part": "The message describes one of its parts at endless length.",
    "mail.too-many-parts": "The message has over {limit} parts.",
    "mail.nested": "The message has parts within parts without end.",
    "mail.no-message": "This is no message.",
    "mail.broken": "The message is broken: {error}.",
    "mail.stranger": "'{sender}' is not on the list of senders.",
    "mail.unproven": "Neither SPF nor DKIM proves that this is from {sender}.",
    "mailbox.no-password": "{source}: the mailbox's password is not set.",
    "mailbox.address": "{source}: a mailbox is imaps://user@host/folder.",
    "mailbox.no-folder": "There is no folder '{folder}': {answer}.",
    "mailbox.refused": "The mail server refuses: {error}.",
    "mailbox.slow": "The mail server takes too long.",
    "mailbox.unreached": "The mail server cannot be reached: {error}.",
    "fetch.too-long": "The address is too long.",
    "fetch.no-address": "Not a proper address: '{url}'.",
    "fetch.scheme": "Only http and https are fetched, not '{url}'.",
    "fetch.user-name": "An address with a user name in it is not fetched.",
    "fetch.private-address": "'{host}' is a private address.",
    "fetch.leads-private": "'{host}' leads to a private address.",
    "fetch.host": "'{host}' is not a host that the source names.",
    "fetch.port": "Port {port} of '{host}' is not one the source names.",
    "fetch.redirects": "More than {limit} redirects.",
    "fetch.redirect-nowhere": "A redirect that leads nowhere.",
    "fetch.redirect-no-address": "A redirect to something that is no address.",
    "fetch.downgrade": "A redirect from https down to http.",
    "fetch.timeout": "No whole answer within {seconds} s.",
    "fetch.connection": "The connection failed: {error}.",
    "fetch.broke-off": "The answer broke off: {error}.",
    "fetch.protocol": "Not proper HTTP: {error}.",
    "fetch.status": "The source answered {status}.",
    "fetch.too-large": "The answer is {size} bytes long.",
    "fetch.over-size": "The answer is over {limit} bytes long.",
    "fetch.encoding": "Content-Encoding '{encoding}' was not asked for.",
    "fetch.parts": "The answer has too many parts.",
    "fetch.bomb": "The answer unpacks to over {limit} bytes.",
    "fetch.damaged": "The compressed answer is damaged.",
    "fetch.compressed-cut": "The compressed answer broke off.",
}
CHANNELS = {
    "delivery.paused": "paused by {name}",
    "delivery.stopped": "stopped by {name}",
    "delivery.replaced": "replaced by notice {id}",
    "delivery.corrected": "corrected",
    "delivery.expired": "expired",
    "unknown.followed": "followed by delivery {id}",
    "delivery.quiet-until-end": "quiet hours until it ended",
    "delivery.nobody-left": "nobody follows any more",
    "delivery.fate-unknown": "whether LINE took it was not known within 24 hours",
    "delivery.refused-singly": "LINE refused {n} residents one by one: {error}",
    "quota.unread": "the month's quota cannot be read: {error}",
    "line.token-refused": "LINE refuses the access token",
    "line.encoded": "the answer was {status}, encoded as {encoding}",
    "line.no-answer": "no answer from LINE: {error}",
    "line.endless-answer": "LINE's answer has more than {limit} bytes",
    "line.not-json": "LINE's answer to {call} is not JSON",
    "line.no-object": "LINE's answer to {call} is not an object",
    "line.no-friends-list": "LINE's list of friends has no ids",
    "line.no-audience-number": "LINE made an audience without a number",
    "line.call-limit": "LINE takes {most} of {endpoint} in {length}",
    "narrowcast.failed": "LINE's narrowcast failed ({code}): {words}",
    "narrowcast.silent": "LINE did not say within an hour what became of it",
    "audience.none": "there is no audience",
    "audience.too-few": "LINE uses no audience of fewer than {least} people",
    "audience.not-ready": "the audience of known residents is not ready yet",
    "audience.status": "LINE says that the audience is {status}",
}
CHILD = {
    "child.busy": "It took longer than {seconds} s.",
    "child.processor": "It took more than {seconds} s of the processor.",
    "child.ended": "It ended with {code}.",
    "child.silent": "It said nothing that can be read.",
}


def upgrade() -> None:
    for table, column, read in (
        ("items", "reason", of_a_source),
        ("sources", "last_error", of_a_source),
        ("deliveries", "reason", of_a_delivery),
        ("batches", "error", of_a_delivery),
        ("channel_stops", "reason", of_a_delivery),
        ("friend_counts", "error", of_a_delivery),
        ("audience_troubles", "reason", of_a_delivery),
        ("unknown_sends", "error", of_a_delivery),
        ("unknown_sends", "why_broadcast", of_a_delivery),
    ):
        _rewrite(table, column, read)


def _rewrite(table: str, column: str, read: Callable[[str], Written]) -> None:
    """Replace the sentences of a column; each distinct sentence is read once."""
    connection = op.get_bind()
    key = " PRIMARY KEY" if connection.dialect.name == "sqlite" else ""
    connection.execute(
        sa.text(f"CREATE TEMPORARY TABLE reason_codes (sentence TEXT{key}, code TEXT)")
    )
    insert = sa.text("INSERT INTO reason_codes (sentence, code) VALUES (:sentence, :code)")
    statement = f"SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''"  # noqa: S608
    found = connection.execute(
        sa.text(f"{statement} AND {column} NOT LIKE :written"), {"written": '{"code":%'}
    ).scalars()
    sentences = list(found)
    for start in range(0, len(sentences), PIECE):
        connection.execute(
            insert,
            [
                {"sentence": each, "code": _json(read(each))}
                for each in sentences[start : start + PIECE]
            ],
        )
    if sentences:
        if connection.dialect.name != "sqlite":
            connection.execute(sa.text("ANALYZE reason_codes"))
        connection.execute(
            sa.text(
                f"UPDATE {table} SET {column} = reason_codes.code FROM reason_codes "  # noqa: S608
                f"WHERE {table}.{column} = reason_codes.sentence"
            )
        )
    connection.execute(sa.text("DROP TABLE reason_codes"))


def _json(reason: Written) -> str:
    return json.dumps(reason, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def of_a_source(sentence: str) -> Written:
    """Return the reason of an item's decision, or why a source cannot be read."""
    changes = sentence.split("; ")
    if all(each.partition(": ")[0] in STATUSES and ": " in each for each in changes):
        said = [each.partition(": ") for each in changes]
        listed = [_reason(f"change.{status}", what=what) for status, _, what in said]
        return {"code": "change.all", "values": {"changes": listed}}
    if RULES.fullmatch(sentence):
        return _reason("news.ruled", rules=sentence)
    found = _among(SOURCES, sentence)
    if found is None and (broken := BROKEN.fullmatch(sentence)):
        return _reason("reader.broke", error=broken[1], text=broken[2])
    return found or _other(sentence)


def of_a_delivery(sentence: str) -> Written:
    """Return why a delivery or batch waits or ended, or what LINE answered."""
    if sentence == RESTORED:
        return _reason("restore.held")
    if short := QUOTA.fullmatch(sentence):
        return _reason("quota.short", left=short[1], needed=short[2])
    if answer := ANSWER.fullmatch(sentence):
        return _answer(sentence, int(answer[1]), answer[2])
    return _among(SENDINGS, sentence) or _other(sentence)


def _answer(sentence: str, status: int, said: str) -> Written:
    words, between, details = said.partition("; ")
    values = {"words": words, "details": between + details}
    if not sentence.startswith("LINE"):
        return _reason("line.broken" if status >= 500 else "line.not-line", status=status, **values)
    if status == 429:
        used_up = "monthly limit" in said.lower()
        return _reason("quota.used-up" if used_up else "line.busy", **values)
    return _reason("line.refused", status=status, **values)


def _why_a_rule_fits(said: str) -> Written:
    category, both, word = said.partition(" and word ")
    if both and category.startswith("category "):
        values = {"category": _why_a_rule_fits(category), "word": _why_a_rule_fits("word " + word)}
        return {"code": "rule.both", "values": values}
    for kind in ("word", "category"):
        if said.startswith(f"{kind} "):
            return _reason(f"rule.{kind}", **{kind: said.removeprefix(f"{kind} ")[1:-1]})
    return _reason("rule.everything") if said == "it takes everything" else _other(said)


WITHIN: dict[str, Callable[[str], Written]] = {
    "rule.fits": _why_a_rule_fits,
    "news.signed-unchecked": of_a_source,
    "feed.too-heavy": lambda said: _among(CHILDREN, said) or _other(said),
    "delivery.refused-singly": of_a_delivery,
    "quota.unread": of_a_delivery,
}
"""Sentences within sentences, and how they read."""


class Form:
    """A sentence with placeholders, matched against the stored text."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        self.head = sentence.partition("{")[0].removesuffix("'")
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(sentence))
        # Values were quoted as Python does it.
        self.pattern = re.compile(re.sub(r"'(\(.*?\))'", r"['\"]\1['\"]", pattern), re.S)

    def read(self, sentence: str) -> Written | None:
        if not sentence.startswith(self.head) or not (found := self.pattern.fullmatch(sentence)):
            return None
        within = WITHIN.get(self.code)
        values = found.groupdict()
        made = _reason(self.code, **values)
        if within is not None:
            inner = next(name for name in ("why", "error") if name in values)
            made["values"][inner] = within(values[inner])
        return made


def _forms(sentences: dict[str, str]) -> tuple[Form, ...]:
    return tuple(Form(code, sentence) for code, sentence in sentences.items())


SOURCES: tuple[Form, ...] = _forms(FEEDS)
SENDINGS: tuple[Form, ...] = _forms(CHANNELS)
CHILDREN: tuple[Form, ...] = _forms(CHILD)


def _among(forms: tuple[Form, ...], sentence: str) -> Written | None:
    read: Iterator[Written | None] = (form.read(sentence) for form in forms)
    return next((found for found in read if found is not None), None)


def _reason(code: str, /, **values: object) -> Written:
    kept = {
        name: int(value)
        if name in NUMBERS and isinstance(value, str) and value.isdecimal()
        else value
        for name, value in values.items()
    }
    return {"code": code, "values": kept} if kept else {"code": code}


def _other(sentence: str) -> Written:
    return _reason("other", text=sentence)
