"""Posts with a world outside that fails as :class:`Recipients` is told to."""

from __future__ import annotations

from collections import defaultdict
from contextvars import ContextVar
from dataclasses import dataclass

from channels.posts.medium import PostsMedium
from channels.responses import Accepted, ChannelRefused
from city.city import PostAccount
from core.clock import Clock
from core.errors import Permanent
from tests.support.listed import ListMedium, Recipients

_KEY: ContextVar[str] = ContextVar("key")
ANY = PostAccount(name="any", languages=("ja",), drills=True)


@dataclass
class PostedRecipients(Recipients):
    """Accounts in other networks; who reads them does not matter here."""

    around: tuple[str, str] = ("r", "/ja")

    async def post(self, name: str, url: str, text: str) -> Accepted:
        """Act as the network. The title is what stands above the first empty line."""
        parts = [part for part in text.split("\n\n") if "↩" not in part]
        return await self.take(_KEY.get(), [f"{name}{self.around[1]}"], [{"title": parts[0]}])


class PostedMedium(PostsMedium, ListMedium):
    """Posts as they are, by any number of accounts.

    They take what everybody gets, like people. So it has another name: of ``posts`` the engine
    knows that an account takes only what the city chose for it (``tests/channels/
    test_posts_medium.py``).
    """

    name = "posted"

    def __init__(self, clock: Clock, recipients: PostedRecipients, rate: int | None = None) -> None:
        self.recipients = recipients
        accounts: dict[str, PostAccount] = _Everyone(lambda: ANY)
        super().__init__(clock, accounts, {ANY.setting: "secret"}, recipients.post, rate)

    async def attempt(self, endpoint: str, request: bytes, key: str) -> Accepted:
        _KEY.set(key)
        return await super().attempt(endpoint, request, key)

    def _not_let_in(self, name: str, error: ChannelRefused) -> Permanent:
        """Here nobody is let in, which no network does to all accounts."""
        return error


class _Everyone(defaultdict[str, PostAccount]):
    """Has an account of every name."""

    def get(self, name: str, default: object = None) -> PostAccount:
        return self[name]
