"""Secret parts of links and addresses in mails: only we can make them, and only we can read them.

A link in a mail names its reader by the address, encrypted (AES-SIV, RFC 5297), so that nobody
learns an address from a link, and nobody ends or changes another person's mail. A return address
has a code of the address it was sent to (VERP), so that a forged bounce is recognised.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LONGEST_TOKEN = 600
RETURN_VALID = timedelta(days=30)
"""How long after a mail its return is believed; servers give up after five days."""
_DAY_DIGITS = 4
_CODE_CHARACTERS = 16


class Purpose(StrEnum):
    """What a link is for. A link for one purpose does not open another."""

    CONFIRM = "confirm"
    """To show that a new address is one's own."""
    SETTINGS = "settings"
    UNSUBSCRIBE = "unsubscribe"
    SAFETY = "safety"
    """To tell the city how one is."""


VALID = {
    Purpose.CONFIRM: timedelta(days=1),
    Purpose.SETTINGS: timedelta(days=180),
    Purpose.SAFETY: timedelta(days=7),
}
"""How long a link works. One that ends the mails works for as long as the key."""


class MailTokens:
    """Makes and reads the secret parts of one installation.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    older
        Earlier keys: links in old mails still work.
    """

    def __init__(self, secret_key: str, older: Sequence[str] = ()) -> None:
        self._ciphers = [AESSIV(_key(each, b"mail-link", 32)) for each in (secret_key, *older)]
        self._return_keys = [_key(each, b"mail-return", 32) for each in (secret_key, *older)]
        self._hash_key = _key(secret_key, b"mail-hash", 32)

    def link(self, purpose: Purpose, address: str, now: datetime, extra: str = "") -> str:
        """Return the secret part of a link; ``extra`` is a short word that comes back with it."""
        made = "" if purpose not in VALID else str(int(now.timestamp()))
        said = "\n".join((made, extra, address)).encode()
        sealed = self._ciphers[0].encrypt(said, [purpose.value.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def read_link(self, purpose: Purpose, token: str, now: datetime) -> tuple[str, str] | None:
        """Return the address and the extra word; None for a link that is forged or too old."""
        sealed = _bytes_of(token)
        if sealed is None:
            return None
        for cipher in self._ciphers:
            try:
                said = cipher.decrypt(sealed, [purpose.value.encode()]).decode()
            except (InvalidTag, ValueError):
                continue
            made, extra, address = said.split("\n", 2)
            if purpose in VALID:
                age = now.timestamp() - int(made)
                if not -600 <= age <= VALID[purpose].total_seconds():
                    return None
            return address, extra
        return None

    def return_detail(self, address: str, now: datetime) -> str:
        """Return the detail of a mail's return address: a day, and a code of both.

        It has only small letters and digits, because servers change the case.
        """
        day = _day(now)
        return f"b{day:0{_DAY_DIGITS}x}{_code(self._return_keys[0], day, address)}"

    def is_return_of(self, detail: str, address: str, now: datetime) -> bool:
        """Whether a mail to ``address`` had this detail, not too long ago."""
        detail = detail.lower()
        if len(detail) != 1 + _DAY_DIGITS + _CODE_CHARACTERS or not detail.startswith("b"):
            return False
        try:
            day = int(detail[1 : 1 + _DAY_DIGITS], 16)
        except ValueError:
            return False
        if not -1 <= _day(now) - day <= RETURN_VALID.days:
            return False
        said = detail[1 + _DAY_DIGITS :].encode()
        return any(
            hmac.compare_digest(_code(key, day, address).encode(), said)
            for key in self._return_keys
        )

    def stop_detail(self, address: str) -> str:
        """Return the detail of the address to which a mail ends the mails to ``address``."""
        return f"s{_code(self._return_keys[0], 0, address)}"

    def is_stop_of(self, detail: str, address: str) -> bool:
        """Whether a mail to ``address`` named this detail as the one that ends them."""
        said = detail.lower().encode()
        return any(
            hmac.compare_digest(f"s{_code(key, 0, address)}".encode(), said)
            for key in self._return_keys
        )

    def hashed(self, value: str) -> str:
        """Return a code by which something is recognised again and not read."""
        return hmac.new(self._hash_key, value.encode(), hashlib.sha256).hexdigest()[:40]


def _key(secret: str, purpose: bytes, length: int) -> bytes:
    kdf = HKDF(SHA256(), length=length, salt=b"todoke", info=b"todoke." + purpose)
    return kdf.derive(secret.encode())


def _day(now: datetime) -> int:
    return int(now.timestamp()) // 86400


def _code(key: bytes, day: int, address: str) -> str:
    said = f"{day}:{address.lower()}".encode()
    return base64.b32encode(hmac.digest(key, said, "sha256")[:10]).decode().lower()


def _bytes_of(token: str) -> bytes | None:
    """Return the bytes of a token, or None if it is not exactly what we write."""
    if not token or len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != token:
        return None
    return sealed
