"""The signature of a webhook's messages, in the form of Standard Webhooks.

``webhook-id`` names the message, ``webhook-timestamp`` is seconds since 1970, ``webhook-signature``
is ``v1,`` and the HMAC-SHA256 of ``id.timestamp.body`` in base64; several stand beside each other
with spaces between them while keys are being replaced.
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"


def new_salt() -> str:
    """Return what makes a new webhook's secret different from all others."""
    return secrets.token_hex(16)


def secret_of(secret_key: str, salt: str) -> bytes:
    """Return a webhook's secret: derived, so that no table and no backup has it."""
    purpose = f"todoke.reports.webhook:{salt}".encode()
    return hmac.digest(secret_key.encode(), purpose, hashlib.sha256)


def written(secret: bytes) -> str:
    """Return a secret as the receiver keeps it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers(
    message_id: str, at: datetime, body: bytes, secrets_of: Iterable[bytes]
) -> dict[str, str]:
    """Return the headers that prove who sent ``body``, and when.

    Parameters
    ----------
    secrets_of
        Of the key in force and of earlier ones; each makes a signature.
    """
    timestamp = str(int(at.timestamp()))
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = (
        "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
        for secret in secrets_of
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
