"""Sign mails with DKIM (RFC 6376), for a city whose relay does not.

The headers of RFC 8058 are signed too, because mail programs offer their button only then.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import dkim

from core.errors import BadInput
from core.mail_settings import SmtpSettings

SIGNED = (
    *("from", "to", "subject", "date", "message-id", "in-reply-to", "references"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type"),
)
_NAMES = [name.encode() for name in SIGNED]


@dataclass(frozen=True)
class Signer:
    """Signs for one domain with one key."""

    domain: str
    selector: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: SmtpSettings) -> Signer | None:
        """Return the signer of the settings; None if the relay signs.

        Raises
        ------
        BadInput
            The file has no key, or one that cannot sign.
        """
        if settings.dkim_key is None:
            return None
        made = cls(settings.domain, settings.dkim_selector, _read(settings.dkim_key))
        try:
            made.signature(b"From: a@b.example\r\n\r\n\r\n")
        except (dkim.DKIMException, ValueError) as error:
            raise BadInput(
                f"TODOKE_MAIL_DKIM_KEY: {settings.dkim_key} has no private key (PEM, RSA)."
            ) from error
        return made

    def signature(self, content: bytes) -> bytes:
        """Return the header that goes before a mail."""
        made: bytes = dkim.sign(
            content,
            self.selector.encode(),
            self.domain.encode(),
            self.key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=_NAMES,
        )
        return made

    async def signed(self, content: bytes) -> bytes:
        """Return a mail with its signature; the sum is done beside the event loop."""
        return await asyncio.to_thread(self.signature, content) + content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"TODOKE_MAIL_DKIM_KEY: {path}: {error.strerror or error}.") from error
