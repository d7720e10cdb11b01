"""Addresses of single photos for LINE, which fetches pictures from where everybody can.

An address says which photo it is, and until when, encrypted: nobody can guess one. The key comes
from ``TODOKE_SECRET_KEY`` (HKDF, RFC 5869). The cipher is AES-SIV (RFC 5297).
"""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.settings import THIS_MACHINE, Settings

PATH = "/sent-photo"
VALID = timedelta(days=60)
"""A phone fetches a picture when somebody scrolls to it, so it must stay for a while."""
LONGEST_NAME = 64
_FORM = struct.Struct(">QI")


class PhotoLinks:
    """Makes and opens the addresses; without ``base`` there are none, and answers have no photo."""

    def __init__(self, base: str, secret_key: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"todoke.reports.sent-photo")
        self._cipher = AESSIV(derive.derive(secret_key.encode()))
        self._base = base

    def address(self, photo_id: int, now: datetime, *, small: bool = False) -> str:
        """Return the address of a photo; "" where LINE could not show it."""
        if not self._base:
            return ""
        # To the day: the same photo of one day has one address.
        until = int((now + VALID).timestamp()) // 86_400
        sealed = self._cipher.encrypt(_FORM.pack(photo_id, until), [b"photo"])
        name = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
        return f"{self._base}{PATH}/{'s-' if small else ''}{name}.jpg"

    def photo(self, name: str, now: datetime) -> int | None:
        """Return which photo an address means; None if it is not ours, or too old."""
        if len(name) > LONGEST_NAME or not name.isascii():
            return None
        try:
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            if base64.urlsafe_b64encode(sealed).decode().rstrip("=") != name:
                return None  # the same photo, written in another way
            photo_id, until = _FORM.unpack(self._cipher.decrypt(sealed, [b"photo"]))
        except (InvalidTag, ValueError, binascii.Error, struct.error):
            return None
        last = datetime.fromtimestamp((int(until) + 1) * 86_400, UTC)
        return int(photo_id) if now < last else None


def photo_links(settings: Settings) -> PhotoLinks:
    """Return the addresses of this service's photos.

    LINE shows pictures from https alone, and refuses a whole message with another one. Only the
    simulator on this machine takes plain http.
    """
    ours, line = urlsplit(settings.public_url), urlsplit(settings.line_api_url)
    trial = ours.hostname in THIS_MACHINE and line.hostname in THIS_MACHINE
    usable = ours.scheme == "https" or trial
    return PhotoLinks(settings.public_url if usable else "", settings.secret_key)
