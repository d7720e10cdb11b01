"""Say to a push service who we are: a signed token in each request (RFC 8292, "VAPID").

A browser's subscription is bound to our public key. Whoever finds the address of a subscription can
send nothing to it without the private key. A new key makes all subscriptions useless.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.clock import Clock
from core.errors import BadInput

LIFE = timedelta(hours=12)
"""RFC 8292 allows 24 hours; some push services refuse a token when clocks differ a little."""
RENEWED = timedelta(hours=6)
"""How long before its end a token is made again."""
MOST_ORIGINS = 1_000
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def base64url(value: bytes) -> str:
    """Return ``value`` in the base64 of URLs, without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes of :func:`base64url`.

    Raises
    ------
    ValueError
        It is not written so.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error


def new_key() -> str:
    """Make a private key, for ``TODOKE_VAPID_PRIVATE_KEY``."""
    return base64url((secrets.randbelow(_ORDER - 1) + 1).to_bytes(32, "big"))


def read_key(text: str) -> ec.EllipticCurvePrivateKey:
    """Read a private key: 32 bytes in base64url, as other software for web push writes it.

    Raises
    ------
    BadInput
        It is no such key; the message does not have it.
    """
    try:
        value = from_base64url(text.rstrip("="))
    except ValueError:
        value = b""
    number = int.from_bytes(value, "big")
    if len(value) != 32 or not 0 < number < _ORDER:
        raise BadInput(
            "TODOKE_VAPID_PRIVATE_KEY must be 32 bytes in base64url; 'todoke vapid-key' makes one."
        )
    return ec.derive_private_key(number, ec.SECP256R1())


class Vapid:
    """Signs the tokens; one for each push service, used until it is half as old as it may be.

    Parameters
    ----------
    key
        The private key, see :func:`read_key`.
    subject
        ``mailto:`` or ``https:``: where the people of a push service reach those who run this.
    """

    def __init__(self, key: str, subject: str, clock: Clock) -> None:
        self._private = read_key(key)
        self._subject = subject
        self._clock = clock
        point = self._private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self.public_key = base64url(point)
        """What a browser needs to subscribe (``applicationServerKey``)."""
        self._tokens: OrderedDict[str, tuple[datetime, str]] = OrderedDict()

    def authorization(self, origin: str) -> str:
        """Return the header ``Authorization`` for requests to ``origin``."""
        now = self._clock.now()
        known = self._tokens.get(origin)
        # A clock that was set back makes a token look too long; so it is bounded on both sides.
        if known is not None and RENEWED < known[0] - now <= LIFE:
            return known[1]
        until = now + LIFE
        header = f"vapid t={self.token(origin, until)}, k={self.public_key}"
        self._tokens[origin] = (until, header)
        self._tokens.move_to_end(origin)
        if len(self._tokens) > MOST_ORIGINS:
            self._tokens.popitem(last=False)
        return header

    def forget(self, origin: str) -> None:
        """Make the next token anew, as after a push service refused this one."""
        self._tokens.pop(origin, None)

    def token(self, origin: str, until: datetime) -> str:
        """Return a JWT signed with ES256 (RFC 7515, RFC 7518)."""
        claims = {"aud": origin, "exp": int(until.timestamp()), "sub": self._subject}
        signed = ".".join(
            base64url(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        first, second = decode_dss_signature(
            self._private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        )
        return f"{signed}.{base64url(first.to_bytes(32, 'big') + second.to_bytes(32, 'big'))}"
