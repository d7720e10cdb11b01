"""One-time codes (TOTP, RFC 6238): a second factor in addition to the password.

A key is sealed into the form that sets it up. It is stored only after a right code, so that nobody
locks themselves out with an app that does not have the key.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from itsdangerous import BadSignature, URLSafeSerializer

from core.errors import Refusal

ISSUER = "Todoke"
OFFER_HOLDS = timedelta(minutes=15)
_STEPS = (-1, 0, 1)
"""Half-minutes a phone's clock may be wrong by."""


@dataclass(frozen=True)
class Offer:
    """A key for one person's app that is not in use yet. ``at`` is whole seconds since 1970."""

    staff_id: int
    secret: str
    at: int

    @classmethod
    def fresh(cls, staff_id: int, now: datetime) -> Offer:
        return cls(staff_id, pyotp.random_base32(), int(now.timestamp()))

    @property
    def in_fours(self) -> str:
        """The key as a person types it into an app."""
        return " ".join(self.secret[n : n + 4] for n in range(0, len(self.secret), 4))

    def address(self, email: str) -> str:
        """Return the ``otpauth`` address that an app on the same device opens."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=email, issuer_name=ISSUER)

    def seal(self, secret_key: str) -> str:
        content = [self.staff_id, self.secret, self.at]
        return str(_serializer(secret_key).dumps(content))

    @classmethod
    def unseal(cls, sealed: str, secret_key: str, *, staff_id: int, now: datetime) -> Offer:
        """Read a sealed offer.

        Raises
        ------
        Refusal
            It is not ours, not this person's, or too old.
        """
        try:
            offer = cls(*_serializer(secret_key).loads(sealed))
        except (BadSignature, TypeError) as error:
            raise Refusal("The page was too old. Please try again.") from error
        if offer.staff_id != staff_id or now.timestamp() - offer.at > OFFER_HOLDS.total_seconds():
            raise Refusal("The page was too old. Please try again.")
        return offer


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the half-minute of a code, or None if it fits none near ``now``."""
    totp = pyotp.TOTP(secret)
    # A Japanese keyboard may give full-width digits.
    digits = "".join(unicodedata.normalize("NFKC", code).split())
    if not (digits.isascii() and digits.isdecimal()):
        return None
    for offset in _STEPS:
        at = now + timedelta(seconds=offset * totp.interval)
        if totp.verify(digits, for_time=at):
            return totp.timecode(at)
    return None


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="todoke.console.one-time")
