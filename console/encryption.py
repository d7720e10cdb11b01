"""Encrypt the keys of one-time codes in the database (TOTP, RFC 6238).

Nobody can make codes from a stolen database or backup. The key comes from ``TODOKE_SECRET_KEY``
(HKDF, RFC 5869); ``TODOKE_SECRET_KEY_OLD`` names earlier ones while they are being replaced. An
encrypted key contains its account, so it cannot be used for another one.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import CursorResult, update
from sqlmodel import col, select

from console.models import Staff
from core import audit
from core.database import Database
from core.errors import Refusal
from core.languages import mark
from core.settings import Settings

PREFIX = "fernet:"
"""The prefix of an encrypted key; a key without it was stored before encryption was introduced."""


class WrongKey(Refusal):
    """The stored value was encrypted with a key that is not in the settings."""

    def __init__(self) -> None:
        super().__init__(
            mark(
                "Your password is right, but your one-time code cannot be checked: "
                "TODOKE_SECRET_KEY is not the key that it was set up with. Whoever runs Todoke "
                "names that key in TODOKE_SECRET_KEY_OLD, or resets your account."
            )
        )


class Encryption:
    """Encrypts with one key, and decrypts with it or an earlier one."""

    def __init__(self, key: str, old: Sequence[str] = ()) -> None:
        self._current = _fernet(key)
        self._all = MultiFernet([self._current, *map(_fernet, old)])

    @classmethod
    def of(cls, settings: Settings) -> Encryption:
        return cls(settings.secret_key, settings.secret_keys_old)

    def encrypt(self, staff_id: int, secret: str) -> str:
        """Return the encrypted form of an account's key."""
        return PREFIX + self._current.encrypt(f"{staff_id}:{secret}".encode()).decode()

    def decrypt(self, staff_id: int, stored: str) -> str:
        """Return an account's key.

        Raises
        ------
        WrongKey
            It was encrypted with another key, for another account, or was changed.
        """
        return _opened(self._all, staff_id, stored)

    def is_current(self, staff_id: int, stored: str) -> bool:
        """Whether ``stored`` is encrypted with the current key."""
        try:
            return stored.startswith(PREFIX) and bool(_opened(self._current, staff_id, stored))
        except WrongKey:
            return False


@dataclass(frozen=True)
class Renewed:
    """How many keys were encrypted again, and whose cannot be read."""

    changed: int
    unreadable: tuple[str, ...]


async def unreadable(database: Database, encryption: Encryption) -> list[str]:
    """Return the addresses of the accounts whose one-time codes cannot be checked."""
    people = await _with_codes(database)
    return [email for number, email, kept in people if not _reads(encryption, number, kept)]


async def renew(
    database: Database, encryption: Encryption, now: datetime, *, actor: str
) -> Renewed:
    """Encrypt every stored key with the current key: those in clear text and those of earlier keys.

    Nobody is signed out. Unreadable values stay as they are. Two processes at once, or somebody who
    sets up codes meanwhile, do not disturb each other: a row is changed only if it is still as it
    was read.
    """
    people = await _with_codes(database)
    lost = [email for number, email, kept in people if not _reads(encryption, number, kept)]
    old = [
        (number, kept)
        for number, email, kept in people
        if email not in lost and not encryption.is_current(number, kept)
    ]
    if not old:
        return Renewed(0, tuple(lost))
    changed = 0
    async with database.writing() as session:
        for number, kept in old:
            secret = encryption.encrypt(number, encryption.decrypt(number, kept))
            done = await session.execute(
                update(Staff)
                .where(col(Staff.id) == number, col(Staff.totp_secret) == kept)
                .values(totp_secret=secret)
                .execution_options(synchronize_session=False)
            )
            changed += cast("CursorResult[Any]", done).rowcount
        await audit.record(
            session,
            now,
            actor=actor,
            action="staff.codes_encrypted",
            subject="staff:all",
            keys=changed,
        )
    return Renewed(changed, tuple(lost))


async def _with_codes(database: Database) -> list[tuple[int, str, str]]:
    """Return id, address and stored key of the accounts that have one."""
    async with database.reading() as session:
        people = await session.scalars(
            select(Staff).where(col(Staff.totp_secret).is_not(None)).order_by(col(Staff.email))
        )
        return [(each.id or 0, each.email, each.totp_secret or "") for each in people]


def _reads(encryption: Encryption, staff_id: int, stored: str) -> bool:
    try:
        encryption.decrypt(staff_id, stored)
    except WrongKey:
        return False
    return True


def _opened(key: Fernet | MultiFernet, staff_id: int, stored: str) -> str:
    if not stored.startswith(PREFIX):
        return stored
    try:
        owner, _, secret = key.decrypt(stored.removeprefix(PREFIX)).decode().partition(":")
    except (InvalidToken, ValueError) as error:
        raise WrongKey from error
    if owner != str(staff_id):
        raise WrongKey
    return secret


def _fernet(key: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=b"todoke", info=b"todoke.console.one-time-code")
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
