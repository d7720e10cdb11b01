"""Passkeys (WebAuthn Level 2): a phone or a key in place of password and one-time code.

The authenticator checks the person (user verification is demanded) and signs a challenge for this
site only. A challenge is sealed for one purpose and one browser, holds some minutes, and is used
once.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from console.attempts import key
from console.models import Passkey, SignInAttempts, Staff
from core import audit
from core.errors import Refusal
from core.languages import mark
from core.text import clean

HOLDS = timedelta(minutes=10)
"""How long somebody has for their finger or their PIN."""
MOST = 10
MOST_NAME = 80
MOST_ANSWER = 20_000
"""Characters of what an authenticator answers."""
REGISTER, SIGN_IN = "register", "sign-in"
WRONG = mark("The passkey was not taken. Please try again.")


@dataclass(frozen=True)
class Asked:
    """What a page hands to the browser, and the seal of its challenge."""

    options: str
    sealed: str


class Passkeys:
    """Registers and checks passkeys of one site.

    Parameters
    ----------
    public_url
        ``TODOKE_PUBLIC_URL``; passkeys belong to its host.
    secret_key
        ``TODOKE_SECRET_KEY``, which seals challenges.
    """

    def __init__(self, public_url: str, secret_key: str, name: str) -> None:
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.hostname or ""
        self._serializer = URLSafeSerializer(secret_key, salt="todoke.console.passkey")
        self._server = Fido2Server(
            PublicKeyCredentialRpEntity(name=name, id=self._host),
            verify_origin=lambda origin: origin == self._origin,
        )

    @property
    def is_possible(self) -> bool:
        """Whether browsers make passkeys for this address: not for a bare number, nor for http."""
        try:
            ip_address(self._host)
        except ValueError:
            return self._origin.startswith("https://") or self._host == "localhost"
        return False

    def ask_for_new(self, staff: Staff, known: list[Passkey], browser: str, now: datetime) -> Asked:
        """Return what ``navigator.credentials.create`` needs."""
        options, state = self._server.register_begin(
            PublicKeyCredentialUserEntity(
                id=_handle(staff), name=staff.email, display_name=staff.name or staff.email
            ),
            [_credential(one) for one in known],
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return self._asked(options, state["challenge"], REGISTER, browser, now)

    def ask_for_sign_in(self, browser: str, now: datetime) -> Asked:
        """Return what ``navigator.credentials.get`` needs; the authenticator says who it is."""
        options, state = self._server.authenticate_begin(
            user_verification=UserVerificationRequirement.REQUIRED
        )
        return self._asked(options, state["challenge"], SIGN_IN, browser, now)

    async def add(
        self,
        session: AsyncSession,
        staff: Staff,
        name: str,
        answer: str,
        sealed: str,
        browser: str,
        now: datetime,
    ) -> Passkey:
        """Register the passkey that a browser made for a locked account.

        Raises
        ------
        Refusal
            It is not what was asked for, there are too many, or it is known already.
        """
        assert staff.id is not None
        state = await self._opened(session, sealed, REGISTER, browser, now)
        try:
            made = self._server.register_complete(state, _parsed(answer)).credential_data
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Refusal(WRONG) from error
        if made is None:
            raise Refusal(WRONG)
        credential_id = websafe_encode(made.credential_id)
        known = await of_account(session, staff.id)
        if len(known) >= MOST:
            raise Refusal("An account has at most {n} passkeys.", n=MOST)
        if await _by_credential(session, credential_id) is not None:
            raise Refusal("This passkey is registered already.")
        passkey = Passkey(
            staff_id=staff.id,
            credential_id=credential_id,
            public_key=websafe_encode(bytes(made)),
            name=clean(name, line=True)[:MOST_NAME].strip() or f"{len(known) + 1}",
            created_at=now,
        )
        session.add(passkey)
        await session.flush()
        await _record(session, staff, passkey, "staff.passkey_added", now)
        return passkey

    async def who(
        self, session: AsyncSession, answer: str, sealed: str, browser: str, now: datetime
    ) -> Staff | None:
        """Return the account whose passkey signed the challenge, or None if anything is wrong.

        Raises
        ------
        Refusal
            The challenge is too old or was used.
        """
        state = await self._opened(session, sealed, SIGN_IN, browser, now)
        try:
            given = AuthenticationResponse.from_dict(_parsed(answer))
            credential_id = websafe_encode(given.raw_id)
            passkey = await _by_credential(session, credential_id, locked=True)
            if passkey is None:
                return None
            self._server.authenticate_complete(state, [_credential(passkey)], given)
            count = given.response.authenticator_data.counter
            named = given.response.user_handle
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
        staff = await session.get(Staff, passkey.staff_id, with_for_update=True)
        if staff is None or not staff.active or (named and named != _handle(staff)):
            return None
        if passkey.sign_count and count <= passkey.sign_count:
            # A copy of the key exists: whoever has the other one has used it since.
            await _record(session, staff, passkey, "staff.passkey_copied", now)
            return None
        passkey.sign_count, passkey.used_at = count, now
        session.add(passkey)
        return staff

    def _asked(
        self, options: Any, challenge: str, purpose: str, browser: str, now: datetime
    ) -> Asked:
        sealed = self._serializer.dumps([challenge, purpose, browser, int(now.timestamp())])
        return Asked(json.dumps(dict(options.public_key)), str(sealed))

    async def _opened(
        self, session: AsyncSession, sealed: str, purpose: str, browser: str, now: datetime
    ) -> dict[str, Any]:
        """Return the state of a challenge, and use it up."""
        try:
            challenge, meant, whose, at = self._serializer.loads(sealed)
            age = now.timestamp() - at
        except (BadSignature, TypeError, ValueError) as error:
            raise Refusal("The page was too old. Please try again.") from error
        right = meant == purpose and secrets.compare_digest(str(whose), browser)
        if not right or not 0 <= age + 1 <= HOLDS.total_seconds():
            raise Refusal("The page was too old. Please try again.")
        used = key("challenge", challenge)
        if await session.get(SignInAttempts, used) is not None:
            raise Refusal("The page was too old. Please try again.")
        session.add(SignInAttempts(key=used, count=1, since=now))
        await session.flush()
        return {"challenge": challenge, "user_verification": UserVerificationRequirement.REQUIRED}


async def of_account(session: AsyncSession, staff_id: int) -> list[Passkey]:
    """Return the passkeys of an account, the oldest first."""
    found = await session.scalars(
        select(Passkey).where(col(Passkey.staff_id) == staff_id).order_by(col(Passkey.id))
    )
    return list(found)


async def rename(
    session: AsyncSession, staff: Staff, passkey_id: int, name: str, now: datetime
) -> None:
    """Give one's own passkey another name; raises :class:`Refusal` if it is not theirs."""
    passkey = await _own(session, staff, passkey_id)
    wanted = clean(name, line=True)[:MOST_NAME].strip()
    if not wanted:
        raise Refusal("Give the passkey a name.")
    before, passkey.name = passkey.name, wanted
    session.add(passkey)
    await audit.record(
        session,
        now,
        actor=staff.email,
        action="staff.passkey_renamed",
        subject=f"staff:{staff.email}",
        before=before,
        after=wanted,
    )


async def remove(session: AsyncSession, staff: Staff, passkey_id: int, now: datetime) -> None:
    """Remove one's own passkey; raises :class:`Refusal` if it is not theirs."""
    passkey = await _own(session, staff, passkey_id)
    await session.delete(passkey)
    await _record(session, staff, passkey, "staff.passkey_removed", now)


async def forget(session: AsyncSession, staff_id: int) -> None:
    """Delete all passkeys of an account."""
    await session.execute(delete(Passkey).where(col(Passkey.staff_id) == staff_id))


async def _own(session: AsyncSession, staff: Staff, passkey_id: int) -> Passkey:
    passkey = await session.get(Passkey, passkey_id, with_for_update=True)
    if passkey is None or passkey.staff_id != staff.id:
        raise Refusal("There is no such passkey.")
    return passkey


async def _by_credential(
    session: AsyncSession, credential_id: str, *, locked: bool = False
) -> Passkey | None:
    query = select(Passkey).where(col(Passkey.credential_id) == credential_id)
    return await session.scalar(query.with_for_update() if locked else query)


async def _record(
    session: AsyncSession, staff: Staff, passkey: Passkey, action: str, now: datetime
) -> None:
    await audit.record(
        session,
        now,
        actor=staff.email,
        action=action,
        subject=f"staff:{staff.email}",
        passkey=passkey.name,
    )


def _credential(passkey: Passkey) -> AttestedCredentialData:
    return AttestedCredentialData(websafe_decode(passkey.public_key))


def _handle(staff: Staff) -> bytes:
    """The user handle: says nothing about the person (WebAuthn, section 14.6.1)."""
    return f"todoke-{staff.id}".encode()


def _parsed(answer: str) -> dict[str, Any]:
    if len(answer) > MOST_ANSWER:
        raise ValueError("too long")
    found = json.loads(answer)
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found
