"""E-mail as a medium of the engine: one mail a recipient.

A mail server does not recognise a repeat, as all mail is handed on at least once (RFC 5321, 6.1).
So the Message-ID is fixed before the first attempt, from the notice and its reader: mail programs
and many servers show two mails with one Message-ID as one. If the server took a mail and did not
answer, the mail is tried once more, and never a third time. If a process is killed, mails under way
are tried once more by whoever goes on. The engine counts both (``todoke_maybe_twice_total``).
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from channels.addresses import Addresses
from channels.email.bounces import Bounce, note_bounce
from channels.email.compose import Letter, mail_bytes
from channels.email.dkim import Signer
from channels.email.reasons import reason
from channels.email.render import (
    SAFETY_LINK,
    SETTINGS_LINK,
    STOP_LINK,
    render,
    render_digest,
    render_note,
)
from channels.email.tokens import MailTokens, Purpose
from channels.guard import ChannelGuard
from channels.limiter import Limiter
from channels.medium import Messages, Note, PlainMedium, Readable
from channels.responses import About, Accepted, Busy, Later, Refused, Unavailable
from city.city import City
from core.clock import Clock
from core.mail_settings import MAIL_ADDRESS, MailBoxSettings, SmtpSettings
from core.reason import Reason
from core.work import Queue
from feeds.models import Notice

NAME = "email"
KEPT_VARIANTS = 256
KEPT_KEYS = 100_000
LATER_HOURS = 4
"""For how long a server may say 'not now' to one mail."""
SETTINGS_PATH, STOP_PATH, SAFETY_PATH = "/follow/settings", "/follow/stop", "/follow/safe"

MAILS = Counter("todoke_mails_total", "Attempts of mails to residents, by the answer", ["answer"])
log = structlog.get_logger(__name__)


class Outgoing(Protocol):
    """What takes a mail: :class:`channels.email.smtp.Relay`."""

    async def send(self, sender: str, recipient: str, content: bytes) -> str:
        """Give a mail to the server; return what it says."""

    async def check(self, sender: str) -> None:
        """See whether the server would take mail from us."""

    async def close(self) -> None:
        """Leave no connection open."""


@dataclass(frozen=True)
class Sending:
    """Who sends, and the addresses that belong to it."""

    smtp: SmtpSettings
    box: MailBoxSettings | None
    tokens: MailTokens
    public_url: str

    def return_address(self, to: str, now: datetime) -> str:
        """Return the address to which a mail comes back that cannot be delivered."""
        if self.box is None:
            return self.smtp.address
        return self.box.plus(self.tokens.return_detail(to, now))

    def settings_link(self, to: str, now: datetime) -> str:
        return f"{self.public_url}{SETTINGS_PATH}/{self.tokens.link(Purpose.SETTINGS, to, now)}"

    def stop_link(self, to: str, now: datetime) -> str:
        token = self.tokens.link(Purpose.UNSUBSCRIBE, to, now)
        return f"{self.public_url}{STOP_PATH}/{token}"

    def safety_link(self, to: str, now: datetime) -> str:
        return f"{self.public_url}{SAFETY_PATH}/{self.tokens.link(Purpose.SAFETY, to, now)}"

    def message_id(self, name: str) -> str:
        return f"<{name}@{self.smtp.domain}>"


class EmailFormat(PlainMedium):
    """What a delivery by mail looks like, for code that writes one and does not send it."""

    name = NAME
    addresses = Addresses("address")
    batch_size = 1
    key_life = timedelta(days=1)
    recognises_repeats = False
    of_some = frozenset({"email.later", "email.full"})

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        return render(notice, language, city)

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        return render_digest(notices, language, city)

    def note(self, note: Note, language: str, city: City) -> Messages:
        return render_note(note.title, note.text, language, city)

    def as_read(self, messages: Messages) -> Readable:
        """Return the subject and the plain text; each reader's own links are left out."""
        text = "\n\n".join(str(one["plain"]) for one in messages)
        own = str.maketrans({SETTINGS_LINK: "…", STOP_LINK: "…", SAFETY_LINK: "…"})
        title = " · ".join(str(one["title"]) for one in messages)
        return Readable(title, text.translate(own).removeprefix(f"{title}\n").strip())


EMAIL = EmailFormat()


class EmailMedium(EmailFormat):
    """E-mail within one process.

    Parameters
    ----------
    limiter
        The relay's pace.
    also
        Registers other work that needs the relay.
    """

    def __init__(
        self,
        clock: Clock,
        sending: Sending,
        outgoing: Outgoing,
        limiter: Limiter,
        *,
        signer: Signer | None = None,
        also: Callable[[], None] | None = None,
    ) -> None:
        self._also = also
        self._clock = clock
        self._sending = sending
        self._outgoing = outgoing
        self._signer = signer
        self.limiter = limiter
        # Whoever waits for a connection waits by priority.
        limiter.lane(self.name).most_in_flight = sending.smtp.connections
        self._variants: OrderedDict[bytes, dict[str, object]] = OrderedDict()
        self._unanswered: OrderedDict[str, None] = OrderedDict()
        self._put_off: OrderedDict[str, float] = OrderedDict()

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        """Return the address and the messages; the mail is written when its turn has come."""
        return addresses.encode() + b"\n" + messages

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        address, _, messages = request.partition(b"\n")
        to = address.decode()
        if not self.is_address(to):
            raise Refused(reason("email.no-address"), About.BATCH)
        now = self._clock.now()
        content = self._written(to, messages, key, now)
        if self._signer is not None:
            content = await self._signer.signed(content)
        if key in self._unanswered:
            log.warning("mail.repeated", key=key)
        try:
            said = await self._outgoing.send(self._sending.return_address(to, now), to, content)
        except Unavailable as error:
            MAILS.labels("none").inc()
            self._no_answer(key, error)
            raise
        except Busy as error:
            MAILS.labels("busy").inc()
            self.limiter.slow_down(endpoint, error.retry_after)
            raise
        except Later as error:
            MAILS.labels("later").inc()
            self._later(key, error)
            raise
        except Exception as error:
            MAILS.labels(type(error).__name__.lower()).inc()
            raise
        MAILS.labels("taken").inc()
        self._unanswered.pop(key, None)
        self._put_off.pop(key, None)
        self.limiter.went_well(endpoint)
        return Accepted(said[:120])

    def is_address(self, to: str) -> bool:
        """Whether a mail can be addressed to it."""
        return MAIL_ADDRESS.fullmatch(to) is not None

    async def check(self) -> None:
        await self._outgoing.check(self._sending.smtp.address)

    async def gone(self, session: AsyncSession, resident_id: int) -> None:
        await note_bounce(session, resident_id, Bounce.HARD, self._clock.now())

    def register(self, queue: Queue, guard: ChannelGuard) -> None:
        if self._also is not None:
            self._also()

    async def close(self) -> None:
        await self._outgoing.close()
        await self.limiter.close()

    def _written(self, to: str, messages: bytes, key: str, now: datetime) -> bytes:
        said = self._said(messages)
        sending = self._sending
        settings, stop = sending.settings_link(to, now), sending.stop_link(to, now)
        links = {SETTINGS_LINK: settings, STOP_LINK: stop}
        if SAFETY_LINK in str(said["plain"]):
            links[SAFETY_LINK] = sending.safety_link(to, now)
        earlier = said["replaces"]
        box = self._sending.box
        return mail_bytes(
            Letter(
                mail_from=self._sending.smtp.mail_from,
                to=to,
                subject=str(said["title"]),
                plain=_filled(str(said["plain"]), links),
                html=_filled(str(said["html"]), links),
                language=str(said["language"]),
                message_id=self._message_id(said["notice"], to, key),
                at=now,
                thread=() if earlier is None else (self._message_id(earlier, to, key),),
                list_id=f"news.{self._sending.smtp.domain}",
                stop_link=stop,
                stop_mail="" if box is None else box.plus(self._sending.tokens.stop_detail(to)),
                urgent=bool(said["urgent"]),
            )
        )

    def _message_id(self, notice: object, to: str, key: str) -> str:
        """Return the Message-ID: of a notice and its reader, so that a correction can name it.

        It is known before the first attempt and is the same for every repeat. A mail without a
        notice has its retry key.
        """
        name = key if notice is None else f"n{notice}.{self._sending.tokens.hashed(to)[:20]}"
        return self._sending.message_id(name)

    def _said(self, messages: bytes) -> dict[str, object]:
        found = self._variants.get(messages)
        if found is None:
            (found,) = json.loads(messages)
            assert found is not None
            self._variants[messages] = found
            if len(self._variants) > KEPT_VARIANTS:
                self._variants.popitem(last=False)
        return found

    def _no_answer(self, key: str, error: Unavailable) -> None:
        """Count a mail that may have been taken; end it when that happened twice."""
        if not error.may_have_acted:
            return
        if key in self._unanswered:
            del self._unanswered[key]
            log.error("mail.unanswered_twice", key=key)
            raise Refused(reason("email.fate-unknown"), About.BATCH) from error
        _keep(self._unanswered, key, None)

    def _later(self, key: str, error: Later) -> None:
        """End a mail that the server puts off again and again."""
        now = self._clock.monotonic()
        first = self._put_off.get(key)
        if first is None:
            _keep(self._put_off, key, now)
        elif now - first > LATER_HOURS * 3600:
            del self._put_off[key]
            raise Refused(_too_late(error.reason), About.BATCH) from error


def _too_late(why: Reason) -> Reason:
    values = dict(why.values)
    return reason(
        "email.too-late",
        hours=LATER_HOURS,
        code=values.get("code", ""),
        words=values.get("words", ""),
    )


def _filled(text: str, links: Mapping[str, str]) -> str:
    for mark, link in links.items():
        text = text.replace(mark, link)
    return text


def _keep(kept: OrderedDict[str, Any], key: str, value: object) -> None:
    kept[key] = value
    if len(kept) > KEPT_KEYS:
        kept.popitem(last=False)
