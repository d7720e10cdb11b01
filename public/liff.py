"""The settings page as a LIFF app: LINE says who has opened it.

The page's script asks LINE for an ID token. LINE's own endpoint checks it
(https://developers.line.biz/en/reference/line-login/#verify-id-token).
"""

from __future__ import annotations

import json

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from city.context import Context
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

log = structlog.get_logger(__name__)


async def resident_of(session: AsyncSession, context: Context, id_token: str) -> Resident | None:
    """Return the follower whom LINE names for an ID token; None if LINE does not accept it."""
    user = await _verified(context, id_token)
    resident = await residents.find(session, user) if user else None
    if resident is None or resident.state is not ResidentState.FOLLOWING:
        return None
    return resident


async def _verified(context: Context, id_token: str) -> str | None:
    channel = context.city.liff_id.partition("-")[0]
    if not id_token or len(id_token) > LONGEST_TOKEN:
        return None
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
    expires, user = said.get("exp"), said.get("sub")
    if not isinstance(expires, int) or expires < context.clock.now().timestamp():
        return None
    return user if isinstance(user, str) else None
