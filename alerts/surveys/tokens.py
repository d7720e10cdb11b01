"""The token under which a resident's answers are stored: one way, and another one a survey.

It is an HMAC of the resident's number under a key of the survey and the service's secret. Without
both nobody finds the resident of a token, or the tokens of a resident. The secret is not in the
database; the survey's key is thrown away when it closes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

KEY_BYTES = 32
TOKEN_LETTERS = 40


def new_key() -> bytes:
    """Return a key for a survey."""
    return secrets.token_bytes(KEY_BYTES)


def token_of(secret: str, key: bytes, resident_id: int) -> str:
    """Return the token of a resident in the survey with this key."""
    own = hmac.new(secret.encode(), b"survey\0" + key, hashlib.sha256).digest()
    return hmac.new(own, str(resident_id).encode(), hashlib.sha256).hexdigest()[:TOKEN_LETTERS]


def message_token(secret: str, key: bytes, message_id: str) -> str:
    """Return the token of the message that said an answer, by which it can be taken back."""
    own = hmac.new(secret.encode(), b"message\0" + key, hashlib.sha256).digest()
    return hmac.new(own, message_id.encode(), hashlib.sha256).hexdigest()[:TOKEN_LETTERS]


def tokens_of(all_secrets: Sequence[str], key: bytes, resident_id: int) -> list[str]:
    """Return the tokens by the secret of now and by those before it, this one first."""
    return [token_of(secret, key, resident_id) for secret in all_secrets]
