"""The settings page as a LIFF app: LINE says who has opened it.

The page's script asks LINE for an ID token. LINE's own endpoint checks it
(https://developers.line.biz/en/reference/line-login/#verify-id-token).
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from typing import Any

import aiohttp
import structlog

from city.context import Context
from core.places import PlaceGroup
from subscriptions import residents
from subscriptions.models import Resident, ResidentState

SDK = "https://static.line-scdn.net"
SCRIPT_PATH = "/static/public/liff.js"
LIFF_POLICY = (
    f"default-src 'none'; script-src 'self' {SDK}; style-src 'self'; img-src 'self'; "
    "connect-src https://*.line.me https://*.line-apps.com https://*.line-scdn.net; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ISSUER = "https://access.line.me"
LONGEST_TOKEN = 5_000
MOST_BYTES = 64 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_AT_ONCE = 4
"""Tokens about which LINE is asked at once; nobody waits for a place."""
BASE64URL = re.compile(r"[A-Za-z0-9_-]+")

_asking = PlaceGroup("liff", MOST_AT_ONCE, 0)

log = structlog.get_logger(__name__)


async def resident_of(context: Context, id_token: str) -> Resident | None:
    """Return the follower whom LINE names for an ID token; None if LINE does not accept it.

    No connection to the database is held while LINE is asked.

    Raises
    ------
    Full
        LINE is asked about :data:`MOST_AT_ONCE` tokens already.
    """
    channel = context.city.liff_id.partition("-")[0]
    if not _may_be_good(id_token, channel, context.clock.now()):
        return None
    async with _asking.place():
        user = await _verified(context, id_token, channel)
    if user is None:
        return None
    async with context.database.reading() as session:
        resident = await residents.find(session, user)
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        return None
    return resident


def _may_be_good(id_token: str, channel: str, now: datetime) -> bool:
    """Whether LINE is worth asking: a JWT for our channel that has not expired.

    Its signature is not checked; LINE does that.
    """
    parts = id_token.split(".")
    if len(id_token) > LONGEST_TOKEN or len(parts) != 3:
        return False
    if not all(BASE64URL.fullmatch(part) for part in parts):
        return False
    try:
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and said.get("aud") == channel and _is_ahead(said, now)


def _is_ahead(said: dict[str, Any], now: datetime) -> bool:
    expires = said.get("exp")
    return isinstance(expires, int) and expires >= now.timestamp()


async def _verified(context: Context, id_token: str, channel: str) -> str | None:
    try:
        async with context.http.post(
            f"{context.settings.line_api_url}/oauth2/v2.1/verify",
            data={"id_token": id_token, "client_id": channel},
            headers={"Accept-Encoding": "identity"},
            timeout=TIMEOUT,
            allow_redirects=False,
        ) as answer:
            said = json.loads(await answer.content.read(MOST_BYTES)) if answer.ok else None
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        log.warning("liff.unverified", reason=str(error))
        return None
    if not isinstance(said, dict) or (said.get("iss"), said.get("aud")) != (ISSUER, channel):
        return None
    user = said.get("sub")
    return user if isinstance(user, str) and _is_ahead(said, context.clock.now()) else None
