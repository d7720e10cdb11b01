"""The other vendor's service that gets webhooks which Todoke does not answer, from the environment.

Which events those are is said in the city's folder (``city.relay``); the address and the secret
are the installation's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import BadInput

MOST_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class RelaySettings:
    """Where webhooks are relayed to.

    Parameters
    ----------
    secret
        Signs each body (``x-line-signature``): the channel's own, unless the other service has one
        of its own.
    seconds
        The longest that one request may take.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    seconds: float = 5.0


def relay(env: Mapping[str, str]) -> RelaySettings | None:
    """``TODOKE_RELAY_URL``, ``TODOKE_RELAY_SECRET``, ``TODOKE_RELAY_SECONDS``; None without a URL.

    Raises
    ------
    BadInput
        One of them is not what it should be. The message does not have the address, which may
        carry a token.
    """
    url = env.get("TODOKE_RELAY_URL", "").strip()
    if not url:
        return None
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # an invalid port
        right = False
    if not right or not url.isascii() or " " in url:
        raise BadInput("TODOKE_RELAY_URL must be an address that begins with https://.")
    seconds = env.get("TODOKE_RELAY_SECONDS", "").strip() or "5"
    if not (seconds.isascii() and seconds.isdecimal()) or not 1 <= int(seconds) <= MOST_SECONDS:
        raise BadInput(
            f"TODOKE_RELAY_SECONDS is a whole number from 1 to {MOST_SECONDS}, not {seconds!r}."
        )
    secret = env.get("TODOKE_RELAY_SECRET", "").strip()
    return RelaySettings(
        url=url,
        secret=secret or env.get("TODOKE_LINE_CHANNEL_SECRET", "").strip(),
        seconds=float(seconds),
    )
