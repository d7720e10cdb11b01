"""Who is signed in: a signed cookie that ends after half an hour without an act.

The cookie holds no secret of the person; it is signed with the service's key, HttpOnly and
SameSite=Lax. The token against forged forms is derived from it and the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "todoke_staff"
VISITOR_COOKIE = "todoke_visitor"
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
"""A session ends after a shift even when somebody is always busy."""


@dataclass(frozen=True)
class SignedIn:
    """What the cookie says. Moments are whole seconds since 1970."""

    staff_id: int
    version: int
    nonce: str
    started: int
    seen: int


class Sessions:
    """Reads and writes the cookies of one installation.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    secure
        Whether the console is reached by https, so that the cookie must never go by http.
    """

    def __init__(self, secret_key: str, *, secure: bool) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="todoke.console.session")
        self._key = hashlib.sha256(f"todoke.console.forms\n{secret_key}".encode()).digest()
        self._secure = secure

    def start(self, staff_id: int, version: int, now: datetime) -> SignedIn:
        """Return a new session; its name cannot be guessed nor brought along."""
        moment = int(now.timestamp())
        return SignedIn(staff_id, version, secrets.token_urlsafe(16), moment, moment)

    def read(self, request: Request, now: datetime) -> SignedIn | None:
        """Return the session of a request, or None when it has none that still holds."""
        value = request.cookies.get(COOKIE, "")
        if not value or len(value) > 1024:
            return None
        try:
            session = SignedIn(**self._serializer.loads(value))
        except (BadSignature, TypeError):
            return None
        seen = datetime.fromtimestamp(session.seen, UTC)
        started = datetime.fromtimestamp(session.started, UTC)
        return session if now - seen <= IDLE and now - started <= LONGEST else None

    def write(self, response: Response, session: SignedIn, now: datetime) -> None:
        """Put the session on ``response`` as seen just now."""
        content = {**asdict(session), "seen": int(now.timestamp())}
        self._set(response, COOKIE, str(self._serializer.dumps(content)))

    def end(self, response: Response) -> None:
        response.delete_cookie(
            COOKIE, path="/console", secure=self._secure, httponly=True, samesite="lax"
        )

    def visitor(self, request: Request) -> str:
        """Return the name of a browser that has not signed in, for the sign-in form's token."""
        value = request.cookies.get(VISITOR_COOKIE, "")
        return value if 20 <= len(value) <= 64 and value.isascii() else secrets.token_urlsafe(16)

    def write_visitor(self, response: Response, visitor: str) -> None:
        self._set(response, VISITOR_COOKIE, visitor)

    def form_token(self, nonce: str) -> str:
        """Return the token that every form of this session must bring back."""
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()

    def token_fits(self, nonce: str, token: str) -> bool:
        return hmac.compare_digest(self.form_token(nonce).encode(), token.encode())

    def _set(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            name, value, path="/console", secure=self._secure, httponly=True, samesite="lax"
        )
