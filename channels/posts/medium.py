"""Posts by the city's other accounts as a medium of the engine: one account a request.

No network recognises a repeat. So a post that may be there already is not posted again, except that
of an emergency, or the correction of one: it is tried once more, and the engine counts that
(``todoke_maybe_twice_total``). The same holds after a process was killed.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from channels.addresses import Addresses
from channels.limiter import Limiter
from channels.medium import Messages, PlainMedium, Readable, compact_json
from channels.models import Delivery, Priority, Variant, Wording
from channels.posts.accounts import NAME, name_of
from channels.posts.ladder import MEASURES, PostWords, post_words
from channels.posts.reasons import reason
from channels.responses import About, Accepted, Busy, ChannelRefused, Later, Refused, Unavailable
from channels.variants import Rendered
from city.city import City, PostAccount, name_in
from core.clock import Clock, in_japan
from core.errors import BadInput, Permanent
from core.languages import LANGUAGES
from core.work import Queue
from feeds.models import Notice
from feeds.short_address import short_address
from feeds.texts import CATALOGUE
from feeds.texts.messages import SEVERAL_FROM

A_SECOND = 5
"""Posts that begin in a second, by one process."""
BUSY_SECONDS = 60.0
"""For how long an account rests whose network says that we are too fast."""
KEPT_KEYS = 1_000
TOLD_NOTHING = (Wording.NEW, Wording.UNHEARD)
"""Wordings for those who have no earlier post that could be named."""

Post = Callable[[str, str, str], Awaitable[Accepted]]
"""Posts a text, given the account's name and secret address: :func:`channels.posts.network.post`.
"""
POSTS = Counter(
    "todoke_posts_total", "Attempts of posts, by account and answer", ["name", "answer"]
)
log = structlog.get_logger(__name__)


class PostsFormat(PlainMedium):
    """What a delivery by posts looks like; see :class:`channels.medium.Format`.

    A message has the words for accounts of any length. Which of them fit is decided for each
    account when it is posted.
    """

    name = NAME
    addresses = Addresses("address")
    batch_size = 1
    key_life = timedelta(hours=1)
    recognises_repeats = False

    def key_life_of(self, priority: int) -> timedelta:
        """Return how long a post may be repeated: not at all if it is no emergency."""
        return self.key_life if priority <= Priority.EMERGENCY else timedelta(0)

    def render(self, notice: Notice, language: str, city: City) -> Messages:
        return [post_words(notice, language, short_address(city.public_url, notice)).to_json()]

    def digest(self, notices: Sequence[Notice], language: str, city: City) -> Messages:
        """Return one post with the titles, the newest first. No digest has drills."""
        if len(notices) == 1:
            return self.render(notices[0], language, city)
        known = language if language in LANGUAGES else "ja"
        found = [post_words(notice, known, "") for notice in reversed(notices)]
        city_name = name_in(city.name, known)
        title = CATALOGUE.text(known, SEVERAL_FROM, count=len(found), city=city_name)
        body = "\n".join(f"・{words.title}" for words in found)
        mark = next((words.mark for words in found if words.mark), "")
        if mark:
            title = f"{mark} {title}"
        page = f"{city.public_url}/" if city.public_url else ""
        return [PostWords(title, body, page, mark).to_json()]

    def as_read(self, messages: Messages) -> Readable:
        """Return the whole post; an account of a short network gets a shorter form."""
        posts = [PostWords.from_json(one).fitting(None) for one in messages]
        return Readable("", "\n\n".join(posts))

    async def follow_up(
        self,
        session: AsyncSession,
        queue: Queue,
        delivery: Delivery,
        notice: Notice,
        city: City,
        now: datetime,
        *,
        actor: str,
    ) -> None:
        """Name in a follow-up the post that it follows, by its time and short address."""
        if delivery.corrects_id is None:
            return
        before = await session.get_one(Delivery, delivery.corrects_id)
        told = None if before.notice_id is None else await session.get(Notice, before.notice_id)
        if told is None:
            return
        time = f"{in_japan(before.created_at):%Y-%m-%d %H:%M}"
        address = short_address(city.public_url, told)
        variants = await session.scalars(
            select(Variant).where(
                col(Variant.delivery_id) == delivery.id,
                col(Variant.wording).not_in(TOLD_NOTHING),
            )
        )
        for variant in variants:
            [message] = json.loads(variant.messages)
            named = PostWords.from_json(message).following(time, address)
            variant.messages = compact_json([named.to_json()])
            variant.digest = Rendered((), variant.messages).digest
        await session.flush()


BY_POSTS = PostsFormat()
"""For code that writes a delivery and does not send it."""


class PostsMedium(PostsFormat):
    """Posts within one process.

    Parameters
    ----------
    accounts
        The city's, by name.
    addresses
        The secret address of each, by its variable (:attr:`city.city.PostAccount.setting`).
    """

    def __init__(
        self,
        clock: Clock,
        accounts: Mapping[str, PostAccount],
        secrets: Mapping[str, str],
        post: Post,
        rate: int | None = A_SECOND,
    ) -> None:
        self.limiter = Limiter(clock, {self.name: rate})
        self._accounts = accounts
        self._secrets = secrets
        self._post = post
        self._unanswered: OrderedDict[str, None] = OrderedDict()

    def request(
        self, endpoint: str, addresses: str, messages: bytes, *, silent: bool, unit: str = ""
    ) -> bytes:
        return addresses.encode() + b"\n" + messages

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        address, _, messages = request.partition(b"\n")
        name = name_of(address.decode())
        [message] = json.loads(messages)
        secret, text = self._what(name, PostWords.from_json(message))
        try:
            accepted = await self._post(name, secret, text)
        except Unavailable as error:
            self._count(name, "none")
            self._no_answer(key, error)
            raise
        except Busy as error:
            # Only this account rests; the networks of the others are not too busy.
            self._count(name, "busy")
            wait = error.retry_after or BUSY_SECONDS
            raise Later(error.reason, retry_after=wait) from error
        except ChannelRefused as error:
            self._count(name, "token")
            raise self._not_let_in(name, error) from error
        except Permanent:
            self._count(name, "refused")
            raise
        self._count(name, "taken")
        self._unanswered.pop(key, None)
        return accepted

    async def close(self) -> None:
        await self.limiter.close()

    def _what(self, name: str, words: PostWords) -> tuple[str, str]:
        """Return an account's secret address, and the text that fits there.

        Raises
        ------
        Refused
            It must not or cannot be posted there; other accounts are not concerned.
        """
        account = self._accounts.get(name)
        if account is None:
            raise Refused(reason("posts.unknown", name=name), About.BATCH)
        if words.is_drill and not account.drills:
            # It is not in the audience of a drill. But what was planned before the city changed its
            # mind must not go out either (promise 5).
            log.error("post.drill_kept_back", account=name)
            raise Refused(reason("posts.no-drills", name=name), About.BATCH)
        secret = self._secrets.get(account.setting, "")
        if not secret:
            raise Refused(reason("posts.no-address", name=name, key=account.setting), About.BATCH)
        try:
            return secret, words.fitting(account.length, MEASURES[account.counts])
        except BadInput as error:
            log.error("post.too_long", account=name, reason=str(error))
            raise Refused(error.reason, About.BATCH) from error

    def _not_let_in(self, name: str, error: ChannelRefused) -> Permanent:
        """Return what an expired token means: this account has no post, and the others have."""
        log.error("post.token_refused", account=name, reason=str(error))
        return Refused(error.reason, About.BATCH)

    def _no_answer(self, key: str, error: Unavailable) -> None:
        """End a post that may be there after two attempts."""
        if not error.may_have_acted:
            return
        if key in self._unanswered:
            del self._unanswered[key]
            log.error("post.unanswered_twice", key=key)
            raise Refused(reason("posts.fate-unknown"), About.BATCH) from error
        self._unanswered[key] = None
        if len(self._unanswered) > KEPT_KEYS:
            self._unanswered.popitem(last=False)

    def _count(self, name: str, answer: str) -> None:
        POSTS.labels(name, answer).inc()
