"""Read the city's mailbox: returned mails end addresses, wishes to follow get a link."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from channels.email import signups
from channels.email.bounces import note_bounce
from channels.email.incoming import Ignored, Incoming, Returned, Stop, Wish, read_mail
from channels.email.models import MailBoxPosition
from channels.email.tokens import MailTokens
from city.city import City
from core.clock import Clock
from core.database import Database
from core.errors import Retryable
from core.mail_settings import MailBoxSettings
from core.work import Queue
from feeds.mailbox import Mailbox, new_letters
from subscriptions import other_media

READ = Counter("todoke_mail_box_total", "Mails in the city's mailbox, by what they were", ["kind"])
log = structlog.get_logger(__name__)


@dataclass
class BoxReader:
    """Reads one mailbox, and remembers how far.

    Parameters
    ----------
    tls
        Which certificates are trusted; None for those that the machine trusts.
    """

    database: Database
    clock: Clock
    queue: Queue
    city: City
    box: MailBoxSettings
    tokens: MailTokens
    tls: ssl.SSLContext | None = None
    _mailbox: Mailbox = field(init=False)

    def __post_init__(self) -> None:
        self._mailbox = Mailbox(
            host=self.box.host,
            port=self.box.port,
            user=self.box.user,
            folder=self.box.folder,
            password=self.box.password,
        )

    async def look(self) -> int:
        """Read what is new; return how many mails. The first time only the position is stored."""
        async with self.database.reading() as session:
            row = await session.get(MailBoxPosition, self.box.address)
        try:
            post = await new_letters(
                self._mailbox, row.position if row is not None else None, tls=self.tls
            )
        except Retryable as error:
            log.warning("mail_box.unread", reason=str(error))
            return 0
        for data in post.letters:
            await self.take(data)
        if row is None or post.letters:
            async with self.database.writing() as session:
                await session.merge(
                    MailBoxPosition(
                        address=self.box.address, position=post.position, read_at=self.clock.now()
                    )
                )
        return len(post.letters)

    async def take(self, data: bytes) -> Incoming:
        """Act on one mail."""
        now = self.clock.now()
        # A hostile mail takes half a second, and the event loop must stay free for emergencies.
        said = await asyncio.to_thread(read_mail, data, self.box, self.tokens, now)
        kind = said.why if isinstance(said, Ignored) else type(said).__name__.lower()
        READ.labels(kind).inc()
        log.info("mail.read", kind=kind)
        if not isinstance(said, Ignored):
            async with self.database.writing() as session:
                await self._act(session, said)
        return said

    async def _act(self, session: AsyncSession, said: Returned | Stop | Wish) -> None:
        now = self.clock.now()
        if isinstance(said, Stop):
            await signups.stop(session, said.address, now)
        elif isinstance(said, Returned):
            found = await other_media.find_at(session, signups.MEDIUM, said.address)
            if found is not None and found.id is not None:
                await note_bounce(session, found.id, said.bounce, now)
        else:
            await self._wished(session, said)

    async def _wished(self, session: AsyncSession, said: Wish) -> None:
        """Have a link sent, to follow or to stop.

        Anybody can write in another's name. So nothing is done before the link is opened.
        """
        language = said.language if said.language in self.city.languages else "ja"
        asked = signups.Asked(said.address, language, signups.BY_MAIL, said.message_id, said.stop)
        try:
            await signups.ask(session, self.queue, self.tokens, asked, self.clock.now())
        except signups.TooMany:
            log.warning("mail_signup.refused")
