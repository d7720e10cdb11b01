"""Sessions: a signed cookie that ends after half an hour without an act.

The cookie holds no secret of the person; it is signed with the service's key, HttpOnly and
SameSite=Lax. The token against forged forms is derived from it and the same key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "todoke_staff"
VISITOR_COOKIE = "todoke_visitor"
DEVICE_COOKIE = "todoke_device"
DEVICE_HOLDS = timedelta(days=400)
"""The longest time for which browsers keep a cookie."""
MOST_ON_A_DEVICE = 8
SKEW = 60
"""Seconds that the clocks of two of our processes may differ."""
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
"""A session ends after a shift even when somebody is always busy."""


@dataclass(frozen=True)
class SignedIn:
    """The content of the cookie. Times are whole seconds since 1970."""

    staff_id: int
    version: int
    nonce: str
    started: int
    seen: int
    way: str = ""
    """How it was begun: a :class:`console.models.SignInWay`."""

    def left(self, now: datetime) -> timedelta:
        """Return how long the session is still valid if nobody does anything."""
        idle = datetime.fromtimestamp(self.seen, UTC) + IDLE
        longest = datetime.fromtimestamp(self.started, UTC) + LONGEST
        return min(idle, longest) - now


@dataclass(frozen=True)
class Device:
    """A browser, and the accounts that have signed in with it. It lets nobody in."""

    name: str
    staff_ids: tuple[int, ...] = ()

    def of(self, staff_id: int) -> Device:
        """Return this browser as one that somebody has now signed in with."""
        others = [known for known in self.staff_ids if known != staff_id]
        return Device(self.name, (*others, staff_id)[-MOST_ON_A_DEVICE:])


class Sessions:
    """Reads and writes the cookies of one installation.

    Parameters
    ----------
    secret_key
        ``TODOKE_SECRET_KEY``.
    secure
        Whether the console uses https, so that the cookie must never be sent by http.
    """

    def __init__(self, secret_key: str, *, secure: bool) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="todoke.console.session")
        self._devices = URLSafeSerializer(secret_key, salt="todoke.console.device")
        self._key = hashlib.sha256(f"todoke.console.forms\n{secret_key}".encode()).digest()
        self._secure = secure

    def start(self, staff_id: int, version: int, now: datetime, way: str = "") -> SignedIn:
        """Return a new session; its id cannot be guessed or chosen."""
        moment = int(now.timestamp())
        return SignedIn(staff_id, version, secrets.token_urlsafe(16), moment, moment, way)

    def read(self, request: Request, now: datetime) -> SignedIn | None:
        """Return the valid session of a request, or None."""
        session = self.read_ended(request)
        if session is None or session.left(now) < timedelta():
            return None
        # A session with a time in the future would be valid until then and half an hour more.
        return session if max(session.seen, session.started) <= now.timestamp() + SKEW else None

    def read_ended(self, request: Request) -> SignedIn | None:
        """Return the session in a request's cookie, valid or not.

        Use it to find whose page a form was on, never to let anybody in.
        """
        value = request.cookies.get(COOKIE, "")
        if not value or len(value) > 1024:
            return None
        try:
            return SignedIn(**self._serializer.loads(value))
        except (BadSignature, TypeError):
            return None

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

    def device(self, request: Request) -> Device:
        """Return the browser of a request; an unknown one gets a new id."""
        value = request.cookies.get(DEVICE_COOKIE, "")
        if value and len(value) <= 1024:
            with suppress(BadSignature, TypeError, ValueError):
                name, staff_ids = self._devices.loads(value)
                return Device(str(name), tuple(int(staff_id) for staff_id in staff_ids))
        return Device(secrets.token_urlsafe(16))

    def write_device(self, response: Response, device: Device) -> None:
        content = [device.name, list(device.staff_ids)]
        value = str(self._devices.dumps(content))
        self._set(response, DEVICE_COOKIE, value, holds=DEVICE_HOLDS)

    def form_token(self, nonce: str) -> str:
        """Return the token that every form of this session must bring back."""
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()

    def token_fits(self, nonce: str, token: str) -> bool:
        return hmac.compare_digest(self.form_token(nonce).encode(), token.encode())

    def _set(
        self, response: Response, name: str, value: str, *, holds: timedelta | None = None
    ) -> None:
        response.set_cookie(
            name,
            value,
            path="/console",
            max_age=int(holds.total_seconds()) if holds else None,
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
