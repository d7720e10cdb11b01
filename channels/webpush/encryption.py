"""Encrypt a message for one browser (RFC 8291), as one record of ``aes128gcm`` (RFC 8188).

The work is done by http-ece. A message takes about 0.2 ms of CPU. Most of it is the key agreement,
with a key pair that is made for this message alone, as RFC 8291 (section 2) says. So nothing of it
can be kept for the next message.
"""

from __future__ import annotations

import os

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec

RECORD_SIZE = 4096
"""The one record may be as long as a push service must take (RFC 8030, 7.2; RFC 8291, 4)."""
OVERHEAD = 103
"""The header with our public key (86), the delimiter of the record (1) and its tag (16)."""
MOST_BYTES = RECORD_SIZE - OVERHEAD


def encrypt(
    payload: bytes,
    receiver: bytes,
    auth: bytes,
    *,
    salt: bytes | None = None,
    sender: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """Return the body of a push message.

    Parameters
    ----------
    payload
        At most :data:`MOST_BYTES`.
    receiver
        The browser's public key ``p256dh``: an uncompressed point, 65 bytes.
    auth
        The browser's secret, 16 bytes.
    salt, sender
        Only for tests; otherwise new for each message.

    Raises
    ------
    ValueError
        The payload is too long, or the key is not a point of the curve.
    """
    if len(payload) > MOST_BYTES:
        raise ValueError(f"{len(payload)} bytes do not fit into one push message")
    return bytes(
        http_ece.encrypt(
            payload,
            salt=salt or os.urandom(16),
            private_key=sender or ec.generate_private_key(ec.SECP256R1()),
            dh=receiver,
            auth_secret=auth,
            rs=RECORD_SIZE,
        )
    )
