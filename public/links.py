"""Links to the pages of one resident: signed, encrypted, valid for minutes.

A link says who it is for only to us. It is void when the resident has left or was erased, also if
they have come back since.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.ext.asyncio import AsyncSession

from core.clock import in_japan
from subscriptions.models import Resident, ResidentState

PATH = "/settings"
VALID = timedelta(minutes=20)
LONGEST_TOKEN = 400


@dataclass(frozen=True)
class Opened:
    """A link that is valid: whose it is, and until when."""

    resident: Resident
    until: datetime


class Links:
    """Makes and opens the links of one installation.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    public_url
        ``TODOKE_PUBLIC_URL``.
    """

    def __init__(self, secret_key: str, public_url: str) -> None:
        key = HKDF(SHA256(), length=32, salt=b"todoke", info=b"todoke.public.settings-link")
        self._fernet = Fernet(base64.urlsafe_b64encode(key.derive(secret_key.encode())))
        self._public_url = public_url
        self.calendars = f"{public_url}/calendar"
        self.lifelines = f"{public_url}/lifelines"

    def token(self, resident: Resident, now: datetime) -> str:
        """Return the secret part of a link."""
        said = f"{resident.id}:{_since(resident)}".encode()
        return self._fernet.encrypt_at_time(said, int(now.timestamp())).decode()

    def page(self, resident: Resident, now: datetime) -> str:
        """Return the address of a resident's settings page."""
        return f"{self._public_url}{PATH}/{self.token(resident, now)}"

    async def open(self, session: AsyncSession, token: str, now: datetime) -> Opened | None:
        """Return whose link this is; None if it is forged, too old or void."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            return None
        at = int(now.timestamp())
        try:
            if base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)).decode() != token:
                return None  # the same secret, written in another way
            said = self._fernet.decrypt_at_time(token, int(VALID.total_seconds()), at)
            made = self._fernet.extract_timestamp(token)
        except (InvalidToken, ValueError):
            return None
        number, _, since = said.decode().partition(":")
        resident = await session.get(Resident, int(number))
        if resident is None or resident.state is not ResidentState.FOLLOWING:
            return None
        if str(_since(resident)) != since:
            return None
        return Opened(resident, in_japan(datetime.fromtimestamp(made, now.tzinfo) + VALID))


def _since(resident: Resident) -> int:
    return int(resident.followed_at.timestamp() * 1000)
