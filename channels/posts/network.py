"""One post by Apprise, and what the answer means.

Apprise waits for the network in the calling thread and answers yes or no. So each post has a thread
of its own, and the network's status is read from what Apprise logs in that thread.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from dataclasses import dataclass, field

import apprise

from channels.posts.reasons import reason
from channels.responses import (
    About,
    Accepted,
    Busy,
    ChannelRefused,
    Refused,
    Unavailable,
)

PATIENCE = 30.0
"""Seconds after which nobody waits for a network any more."""
_STATUS = re.compile(r"error=(\d{3})")
_NO_LINE = re.compile(r"connection error", re.IGNORECASE)


@dataclass(frozen=True)
class Account:
    """An account of the city's.

    Parameters
    ----------
    name
        As in the settings; it is in messages to staff.
    url
        Apprise's address of the account. It has the token in it.
    """

    name: str
    url: str = field(repr=False)


def is_address(url: str) -> bool:
    """Whether Apprise can read the address of an account."""
    return apprise.Apprise.instantiate(url) is not None


async def post_by(name: str, url: str, text: str) -> Accepted:
    """Post a text, given an account's name and address; see :func:`post`."""
    return await post(Account(name, url), text)


async def post(account: Account, text: str, *, patience: float = PATIENCE) -> Accepted:
    """Post a text, whole or not at all.

    Raises
    ------
    Unavailable, Busy
        There was no answer, or a fault of the network's; the post may be there.
    ChannelRefused
        The token has expired or is wrong. It is about this account only.
    Refused
        The network does not take this text. Another network may.
    """
    sender = apprise.Apprise.instantiate(account.url)
    if sender is None:
        raise Refused(reason("posts.no-account", name=account.name), About.BATCH)
    # Our own words fit; Apprise must neither cut nor split them.
    sender.overflow_mode = apprise.OverflowMode.UPSTREAM
    loop = asyncio.get_running_loop()
    done: asyncio.Future[tuple[bool, list[str]]] = loop.create_future()

    def settle(result: tuple[bool, list[str]]) -> None:
        if not done.done():
            done.set_result(result)

    def work() -> None:
        with _Heard() as heard:
            try:
                sent = bool(sender.notify(body=text, body_format=apprise.NotifyFormat.TEXT))
            except Exception as error:  # a plugin can break on any answer
                sent, heard.lines = False, [*heard.lines, f"connection error: {error!r}"]
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, (sent, heard.lines))

    threading.Thread(target=work, name=f"post-{account.name}", daemon=True).start()
    try:
        async with asyncio.timeout(patience):
            sent, lines = await done
    except TimeoutError as error:
        raise Unavailable(reason("posts.no-answer", name=account.name)) from error
    if sent:
        return Accepted("")
    raise _failure(account, "\n".join(lines))


def _failure(account: Account, said: str) -> Exception:
    name, found = account.name, _STATUS.search(said)
    code = int(found[1]) if found else 0
    if code in (401, 403):
        return ChannelRefused(reason("posts.token", name=name, code=code))
    if code == 429:
        return Busy(reason("posts.busy", name=name))
    if code >= 500:
        return Unavailable(reason("posts.unavailable", name=name, code=code))
    if code == 0 or _NO_LINE.search(said):
        return Unavailable(reason("posts.no-answer", name=name))
    return Refused(reason("posts.refused", name=name, code=code), About.BATCH)


class _Heard(logging.Handler):
    """Keeps what Apprise logs in this thread; it never reaches our log, as it can name tokens."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def __enter__(self) -> _Heard:
        logger = logging.getLogger("apprise")
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())
