"""Addresses of the pictures that the conversation shows: kinds of damage, and maps with a pin.

The address of a map contains its position, encrypted: nobody can guess one, or read from a log
where somebody reported something. The key comes from ``TODOKE_SECRET_KEY`` (HKDF, RFC 5869). The
cipher is AES-SIV (RFC 5297), which needs no nonce, so that one place has one address.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.geo import Position
from core.settings import Settings
from public.month_picture import can_draw

KINDS = Path(__file__).parent / "static" / "kinds"
DRAWN = frozenset(path.stem for path in KINDS.glob("*.png"))
OTHER = "other"
_FORM = struct.Struct(">ii")
_MICRO = 1_000_000
SITE_STATES = ("", "open", "full", "closed")
MOST_SITES = 9
NOWHERE = (0.0, 0.0)
_SITE = _FORM.size + 1
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Pictures:
    """Makes the addresses; without ``base`` there are none, and the conversation is text alone."""

    def __init__(self, base: str = "", secret_key: str = "") -> None:
        self._base = base
        self._maps = MapAddresses(secret_key) if secret_key else None

    def of_kind(self, picture: str) -> str:
        """Return the address of the drawing of a kind of damage."""
        if not self._base:
            return ""
        name = picture if picture in DRAWN else OTHER
        return f"{self._base}/static/public/kinds/{name}.png"

    def of_map(self, longitude: float, latitude: float) -> str:
        """Return the address of a map with a pin at this place."""
        if not self._base or self._maps is None:
            return ""
        return f"{self._base}/map/{self._maps.name((longitude, latitude))}.png"

    def of_sites(self, here: Position | None, sites: Sequence[tuple[Position, str]]) -> str:
        """Return the address of a map with numbered sites, each with its state or "".

        ``here`` is the resident's position, if it is known.
        """
        if not self._base or self._maps is None or not sites:
            return ""
        return f"{self._base}/map/sites-{self._maps.name_of_sites(here, sites)}.png"

    def of_month(self, district: str, month: date, language: str) -> str:
        """Return the address of a month of collection days, where this machine can draw it."""
        if not self._base or not can_draw(language):
            return ""
        return f"{self._base}/calendar/{district}-{month:%Y-%m}.png?lang={language}"


class MapAddresses:
    """Hides a position in the name of a picture, and finds it again."""

    def __init__(self, secret_key: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"todoke.public.map")
        self._cipher = AESSIV(derive.derive(secret_key.encode()))

    def name(self, place: Position) -> str:
        """Return a name of 32 letters; the same place has the same one."""
        plain = _FORM.pack(*(round(degrees * _MICRO) for degrees in place))
        return base64.urlsafe_b64encode(self._cipher.encrypt(plain, None)).decode().rstrip("=")

    def name_of_sites(self, here: Position | None, sites: Sequence[tuple[Position, str]]) -> str:
        """Return a name for a map of sites; of the first :data:`MOST_SITES`."""
        place = here or NOWHERE
        plain = _FORM.pack(*(round(degrees * _MICRO) for degrees in place))
        for position, state in sites[:MOST_SITES]:
            plain += _FORM.pack(*(round(degrees * _MICRO) for degrees in position))
            plain += bytes([SITE_STATES.index(state)])
        sealed = self._cipher.encrypt(plain, [b"sites"])
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def sites(self, name: str) -> tuple[Position | None, list[tuple[Position, str]]] | None:
        """Return the position and the sites of a name that we made, or None."""
        try:
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            plain = self._cipher.decrypt(sealed, [b"sites"])
        except (InvalidTag, ValueError, binascii.Error):
            return None
        numbers = [
            _FORM.unpack_from(plain, at) for at in (0, *range(_FORM.size, len(plain), _SITE))
        ]
        here, *places = [(x / _MICRO, y / _MICRO) for x, y in numbers]
        states = [SITE_STATES[plain[at]] for at in range(2 * _FORM.size, len(plain), _SITE)]
        return (None if here == NOWHERE else here), list(zip(places, states, strict=True))

    def place(self, name: str) -> Position | None:
        """Return the position of a name that we made, or None."""
        try:
            sealed = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4))
            longitude, latitude = _FORM.unpack(self._cipher.decrypt(sealed, None))
        except (InvalidTag, ValueError, binascii.Error, struct.error):
            return None
        return longitude / _MICRO, latitude / _MICRO


def pictures(settings: Settings) -> Pictures:
    """Return the addresses of this service's pictures.

    LINE shows pictures from https alone, and refuses a whole answer with another one. Only the
    simulator on this machine takes plain http.
    """
    ours, line = urlsplit(settings.public_url), urlsplit(settings.line_api_url)
    trial = ours.hostname in _LOOPBACK and line.hostname in _LOOPBACK
    if ours.scheme != "https" and not trial:
        return Pictures()
    return Pictures(settings.public_url, settings.secret_key)
