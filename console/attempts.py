"""Limits for sign-in attempts, and what is stored about failed ones.

A stranger is counted by account and by address: IPv6 by its /64, because whoever has one address of
it has all. A browser that has signed in to the account before is counted separately, so that other
people's tries do not lock its owner out. The address of a trusted proxy does not identify anybody,
so nothing is counted by it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from prometheus_client import Counter
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from console.models import SignInAttempts, Staff
from core import audit
from core.database import insert_new
from core.errors import Refusal
from core.languages import mark

WINDOW = timedelta(minutes=15)
LIMIT_PAIR = 5
"""Failures of one address, or of one known browser, on one account in a window."""
LIMIT_ADDRESS = 30
LIMIT_ACCOUNT = 60
"""Of one account by strangers from anywhere."""
MOST_ROWS = 50
"""Failed tries that get a row in the trail in one window; further ones are only counted."""

FAILED = Counter("todoke_sign_ins_failed_total", "Tries to sign in that were wrong")


class TooManyAttempts(Refusal):
    """Signing in is closed for this address and account until the window has passed."""

    def __init__(self) -> None:
        super().__init__(mark("Too many failed sign-ins. Please wait 15 minutes."))


@dataclass(frozen=True)
class Origin:
    """Where a try comes from.

    Parameters
    ----------
    address
        The client's address, from the trusted proxy or from the connection.
    is_proxy
        Whether it is the trusted proxy's own address: then the proxy does not name the client.
    device
        The id of the browser, if it has our mark that somebody has signed in with it.
    staff_ids
        The accounts that signed in with it.
    """

    address: str
    is_proxy: bool = False
    device: str = ""
    staff_ids: tuple[int, ...] = ()

    @property
    def network(self) -> str:
        """The network that is counted: an IPv4 address, or the /64 of an IPv6 address."""
        try:
            parsed = ip_address(self.address.partition("%")[0])
        except ValueError:
            return self.address
        if not isinstance(parsed, IPv6Address):
            return str(parsed)
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, 64), strict=False))

    def knows(self, staff: Staff | None) -> bool:
        """Whether somebody signed in to this account with this browser before."""
        return staff is not None and bool(self.device) and staff.id in self.staff_ids


def key(*parts: str) -> str:
    """Return the key for counting something; the key does not reveal it."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Limits:
    """The counters of a try. ``own`` is deleted after a successful one."""

    most: dict[str, int]
    own: str

    @classmethod
    def of(cls, origin: Origin, email: str, staff: Staff | None) -> Limits:
        if origin.knows(staff):
            own = key("device", origin.device, email)
            return cls({own: LIMIT_PAIR}, own)
        account = {key("account", email): LIMIT_ACCOUNT}
        if origin.is_proxy:
            return cls(account, "")
        own = key("pair", email, origin.network)
        address = key("address", origin.network)
        return cls({own: LIMIT_PAIR, address: LIMIT_ADDRESS, **account}, own)

    @classmethod
    def of_address(cls, origin: Origin) -> Limits:
        """The counters of a try that names no account: of its address, unless it is our proxy's."""
        if origin.is_proxy:
            return cls({}, "")
        return cls({key("address", origin.network): LIMIT_ADDRESS}, "")

    async def check(self, session: AsyncSession, now: datetime) -> None:
        """Refuse too frequent tries, without writing anything.

        Raises
        ------
        TooManyAttempts
            One of the limits is reached.
        """
        for name, most in self.most.items():
            found = await session.get(SignInAttempts, name)
            if found is not None and found.since >= now - WINDOW and found.count >= most:
                raise TooManyAttempts

    async def count(self, session: AsyncSession, now: datetime) -> None:
        """Count one more try, and delete old windows; raises like :meth:`check`."""
        await session.execute(
            delete(SignInAttempts).where(col(SignInAttempts.since) < now - WINDOW)
        )
        for name in sorted(self.most):
            if await _raised(session, name, now, self.most[name]) is None:
                raise TooManyAttempts
        await session.flush()

    async def uncount(self, session: AsyncSession) -> None:
        """Take back a try that was right: many people sign in from behind one address."""
        for name in sorted(self.most):
            attempts = await session.get(SignInAttempts, name, with_for_update=True)
            if attempts is None:
                continue
            attempts.count -= 1
            if name == self.own or attempts.count <= 0:
                await session.delete(attempts)
            else:
                session.add(attempts)


async def note_failure(session: AsyncSession, origin: Origin, now: datetime) -> None:
    """Write a failed try into the trail, unless its address or the window has had its rows."""
    FAILED.inc()
    if await _raised(session, key("trail", origin.network), now, LIMIT_PAIR) is None:
        return
    rows = await _raised(session, key("trail"), now, MOST_ROWS)
    if rows is None:
        return
    more = {"further_ones": "only counted"} if rows == MOST_ROWS else {}
    await audit.record(
        session,
        now,
        actor="nobody",
        action="session.refused",
        subject=f"address:{origin.address or 'unknown'}",
        **more,
    )


async def _raised(session: AsyncSession, name: str, now: datetime, most: int) -> int | None:
    """Count one more under ``name``; None, and nothing counted, if there were ``most``."""
    attempts = await session.get(SignInAttempts, name, with_for_update=True)
    if attempts is None:
        # Two first tries at the same moment count in one row.
        new = insert_new(session, SignInAttempts, ["key"])
        await session.execute(new.values(key=name, count=0, since=now))
        attempts = await session.get_one(SignInAttempts, name, with_for_update=True)
    if attempts.count >= most:
        return None
    attempts.count += 1
    session.add(attempts)
    await session.flush()
    return attempts.count
