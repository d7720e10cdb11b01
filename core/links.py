"""Links that open a page on a phone without an account: sealed, ending, revocable.

What is in the address is encrypted and authenticated (AES-SIV, RFC 5297; the key comes from
``TODOKE_SECRET_KEY`` by HKDF, RFC 5869), so that nobody can make one or change another. Each
purpose has a key of its own: the link of one kind of page opens no other.
"""

from __future__ import annotations

import base64
import binascii
import struct
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from core.chunks import rows_of
from core.database import insert_new

MOST_PHONES = 200
"""Browsers of one link that are kept."""
LENGTH = 48
"""Most characters of a token."""
MOST_ID = 2**63 - 1
"""The greatest number of a row."""

L = TypeVar("L", bound=SQLModel)


class Link(Protocol):
    """What the row of every link has."""

    expires_at: datetime
    revoked_at: datetime | None


class Sealer:
    """Makes and reads the secret part of a link's address.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    purpose
        What the links open, such as ``todoke.response.shelter``.
    form
        What is sealed, as :class:`struct.Struct` has it.
    """

    def __init__(self, secret_key: str, purpose: str, form: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=purpose.encode())
        self._cipher = AESSIV(derive.derive(secret_key.encode()))
        self._form = struct.Struct(form)

    def seal(self, *values: int | bool) -> str:
        """Return the token of some values; the same values have one token."""
        plain = self._form.pack(*values)
        return base64.urlsafe_b64encode(self._cipher.encrypt(plain, None)).decode().rstrip("=")

    def open(self, token: str) -> tuple[Any, ...] | None:
        """Return the values of a token; None for what we did not make."""
        if len(token) > LENGTH or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
            values = self._form.unpack(self._cipher.decrypt(sealed, None))
        except (InvalidTag, ValueError, binascii.Error, struct.error):
            return None
        return values if self.seal(*values) == token else None


class Tokens(ABC, Generic[L]):
    """Makes and reads the secret part of the addresses of one kind of links.

    Parameters
    ----------
    secret_key, purpose
        As :class:`Sealer` has them.
    table
        The links'; each has its number as ``id``.
    form
        The form of :meth:`marks`.
    """

    def __init__(self, secret_key: str, purpose: str, table: type[L], form: str) -> None:
        self._sealer = Sealer(secret_key, purpose, f">Q{form}")
        self._table = table

    @abstractmethod
    def marks(self, link: L) -> tuple[int | bool, ...]:
        """Return what tells a link from another that has its number after a restore."""

    def token(self, link: L) -> str:
        """Return the secret part of a link's address; one link has one."""
        row: Any = link
        return self._sealer.seal(row.id or 0, *self.marks(link))

    async def find(self, session: AsyncSession, token: str) -> L | None:
        """Return the link of a token, also one that has ended; None for what we did not make."""
        number, *marks = self._sealer.open(token) or (MOST_ID + 1,)
        if number > MOST_ID:
            return None
        link = await session.get(self._table, number)
        return link if link is not None and self.marks(link) == tuple(marks) else None


def milliseconds(moment: datetime) -> int:
    """Return a moment as a token has it."""
    return round(moment.timestamp() * 1000)


def is_valid(link: Link, now: datetime) -> bool:
    """Whether a link may be used."""
    return link.revoked_at is None and now < link.expires_at


async def opened(
    session: AsyncSession,
    phones: type[SQLModel],
    link_id: int,
    phone: str,
    name: str,
    now: datetime,
) -> None:
    """Note that a link was opened in a browser: several mean that it was passed on.

    Parameters
    ----------
    phones
        The table, with ``link_id``, ``phone``, ``name``, ``first_at``, ``last_at``, ``opened``.
    phone
        A random name that the browser keeps in a cookie.
    name
        What it calls itself: iPhone, Android, a computer.
    """
    table: Any = phones
    here = (col(table.link_id) == link_id, col(table.phone) == phone)
    seen = update(phones).where(*here)
    again = await session.execute(seen.values(last_at=now, opened=table.opened + 1))
    if rows_of(again):
        return
    known = await session.scalar(
        select(func.count()).select_from(phones).where(col(table.link_id) == link_id)
    )
    if (known or 0) >= MOST_PHONES:
        return
    new = insert_new(session, phones, ["link_id", "phone"]).values(
        link_id=link_id, phone=phone, name=name[:20], opened=1, first_at=now, last_at=now
    )
    await session.execute(new)
