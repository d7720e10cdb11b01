"""Channel access tokens: issued, verified, taken back, and asked for with every request.

Source: LINE's OpenAPI description of the channel access token API. The token of the options is
like a long-lived one; others are issued as LINE issues them. The signature of a client assertion
(a JWT) is not checked, because no key is registered here. Its content is checked.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from simulator.line.answers import Answer, Request, answer_json
from simulator.line.moments import PlatformTime
from simulator.line.routes import Names, Route, Router

STATELESS_SECONDS = 15 * 60
SHORT_LIVED_SECONDS = 30 * 24 * 3600
ID_TOKEN_SECONDS = 3600
_FOR_EVER = float("inf")
# LINE's lifetime of a long-lived token: about a hundred years.
_LONG_SECONDS = 3_138_007_490
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_AUDIENCE = "https://api.line.me/"
_MOST_ASSERTION_SECONDS = 30 * 60
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Token:
    expires: float
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class _IdToken:
    user_id: str
    channel: str
    expires: int


class _Refused(Exception):
    """The request is refused; in the form of OAuth, which is not that of LINE's other answers."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


def _claims(user_id: str, channel: str, expires: int) -> dict[str, str | int]:
    return {
        "iss": "https://access.line.me",
        "sub": user_id,
        "aud": channel,
        "exp": expires,
        "iat": expires - ID_TOKEN_SECONDS,
    }


def _base64url(said: Mapping[str, str | int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()


class Tokens:
    """All tokens of the channel that are valid now."""

    def __init__(
        self, *, time: PlatformTime, channel_id: str, channel_secret: str, access_token: str
    ) -> None:
        self._time = time
        self._channel_id = channel_id
        self._channel_secret = channel_secret
        self._standing = access_token
        self._good: dict[str, _Token] = {}
        self._id_tokens: dict[str, _IdToken] = {}
        self.clear()

    def add_to(self, router: Router) -> None:
        """Add all endpoints; none of them asks for a token itself."""
        for method, path, name, handler in (
            ("POST", "/oauth2/v3/token", "token-stateless", self._issue_stateless),
            ("POST", "/oauth2/v2.1/token", "token-issue", self._issue_by_assertion),
            ("GET", "/oauth2/v2.1/verify", "token-verify", self._verify),
            ("POST", "/oauth2/v2.1/verify", "id-token-verify", self._verify_id_token),
            ("GET", "/oauth2/v2.1/tokens/kid", "token-keys", self._key_ids),
            ("POST", "/oauth2/v2.1/revoke", "token-revoke", self._revoke),
            ("POST", "/v2/oauth/accessToken", "token-issue-short", self._issue_short_lived),
            ("POST", "/v2/oauth/verify", "token-verify-short", self._verify),
            ("POST", "/v2/oauth/revoke", "token-revoke-short", self._revoke),
        ):
            router.add(method, path, Route(name, _answering(handler), needs_token=False))

    def good(self, token: str) -> bool:
        """Whether a request may be made with ``token`` now."""
        known = self._good.get(token)
        return known is not None and known.expires > self._time.seconds()

    def clear(self) -> None:
        """Forget all tokens but that of the options."""
        self._good = {self._standing: _Token(_FOR_EVER)}

    def _issue(self, seconds: int, key_id: str | None = None) -> dict[str, Any]:
        now = self._time.seconds()
        self._good = {token: kept for token, kept in self._good.items() if kept.expires > now}
        token = secrets.token_urlsafe(48)
        self._good[token] = _Token(now + seconds, key_id)
        return {"token_type": "Bearer", "access_token": token, "expires_in": seconds}

    def _issue_stateless(self, form: dict[str, str]) -> Answer:
        _need(form, "grant_type", "client_credentials")
        if "client_assertion" in form:
            self._check_assertion(form)
        else:
            self._check_secret(form)
        return answer_json(self._issue(STATELESS_SECONDS))

    def _issue_short_lived(self, form: dict[str, str]) -> Answer:
        _need(form, "grant_type", "client_credentials")
        self._check_secret(form)
        return answer_json(self._issue(SHORT_LIVED_SECONDS))

    def _issue_by_assertion(self, form: dict[str, str]) -> Answer:
        _need(form, "grant_type", "client_credentials")
        wanted = self._check_assertion(form)
        key_id = secrets.token_urlsafe(16)
        return answer_json({**self._issue(wanted, key_id), "key_id": key_id})

    def _key_ids(self, form: dict[str, str]) -> Answer:
        self._check_assertion(form)
        now = self._time.seconds()
        found = [kept.key_id for kept in self._good.values() if kept.key_id and kept.expires > now]
        return answer_json({"kids": found})

    def _verify(self, form: dict[str, str]) -> Answer:
        token = form.get("access_token", "")
        if not self.good(token):
            raise _Refused("invalid_request", "The access token is invalid or has expired")
        expires = self._good[token].expires
        left = _LONG_SECONDS if expires == _FOR_EVER else int(expires - self._time.seconds())
        return answer_json({"client_id": self._channel_id, "expires_in": left, "scope": "P CM"})

    def id_token(self, user_id: str, channel: str) -> str:
        """Return an ID token such as ``liff.getIDToken()`` gives to a LIFF app of this channel.

        It is a JWT; random octets stand for its signature.
        """
        expires = int(self._time.seconds()) + ID_TOKEN_SECONDS
        said = {**_claims(user_id, channel, expires), "nonce": secrets.token_urlsafe(8)}
        head = {"typ": "JWT", "alg": "HS256"}
        token = f"{_base64url(head)}.{_base64url(said)}.{secrets.token_urlsafe(32)}"
        self._id_tokens[token] = _IdToken(user_id, channel, expires)
        return token

    def _verify_id_token(self, form: dict[str, str]) -> Answer:
        """Check an ID token (LINE Login, "Verify ID token")."""
        known = self._id_tokens.get(_need(form, "id_token"))
        channel = _need(form, "client_id")
        if known is None:
            raise _Refused("invalid_request", "Invalid IdToken.")
        if known.channel != channel:
            raise _Refused("invalid_request", "Invalid IdToken Audience.")
        if known.expires <= self._time.seconds():
            raise _Refused("invalid_request", "IdToken expired.")
        return answer_json(_claims(known.user_id, channel, known.expires))

    def _revoke(self, form: dict[str, str]) -> Answer:
        if "client_id" in form or "client_secret" in form:
            self._check_secret(form)
        # LINE gives the same answer for an unknown token.
        self._good.pop(_need(form, "access_token"), None)
        return Answer(body=b"")

    def _check_secret(self, form: dict[str, str]) -> None:
        identity = (_need(form, "client_id"), _need(form, "client_secret"))
        if identity != (self._channel_id, self._channel_secret):
            raise _Refused("invalid_client", "The channel ID or channel secret is wrong")

    def _check_assertion(self, form: dict[str, str]) -> int:
        """Check an assertion; return the requested lifetime of the token in seconds."""
        _need(form, "client_assertion_type", _ASSERTION_TYPE)
        header, claims = _read_jwt(_need(form, "client_assertion"))
        now = self._time.seconds()
        expires, wanted = claims.get("exp"), claims.get("token_exp", SHORT_LIVED_SECONDS)
        for right, what in (
            (header.get("alg") == "RS256" and isinstance(header.get("kid"), str), "header"),
            (claims.get("iss") == self._channel_id, "iss"),
            (claims.get("sub") == self._channel_id, "sub"),
            (claims.get("aud") == _AUDIENCE, "aud"),
            (type(expires) is int and now < expires <= now + _MOST_ASSERTION_SECONDS, "exp"),
            (type(wanted) is int and 0 < wanted <= SHORT_LIVED_SECONDS, "token_exp"),
        ):
            if not right:
                raise _Refused("invalid_client", f"Invalid {what} of the client assertion")
        assert isinstance(wanted, int)
        return wanted


def _answering(handler: Any) -> Any:
    """Read the form, or the query of a GET, for ``handler``; say no as OAuth does."""

    def answer(request: Request, _names: Names) -> Answer:
        try:
            made: Answer = handler(_read_form(request))
        except _Refused as refused:
            said = {"error": refused.error, "error_description": str(refused)}
            return answer_json(said, 400)
        return made

    return answer


def _read_form(request: Request) -> dict[str, str]:
    if request.method == "GET":
        return dict(request.query)
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != _FORM:
        raise _Refused("invalid_request", f"The content type must be {_FORM}")
    try:
        read = parse_qs(request.body.decode(), max_num_fields=20)
    except ValueError as error:
        raise _Refused("invalid_request", "The request body could not be read") from error
    return {name: values[0] for name, values in read.items()}


def _need(form: dict[str, str], name: str, wanted: str | None = None) -> str:
    value = form.get(name)
    if not value or (wanted is not None and value != wanted):
        raise _Refused("invalid_request", f"{name} is missing or invalid")
    return value


def _read_jwt(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = assertion.split(".")
    try:
        header, claims = (
            json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
            for part in parts[:2]
        )
    except (ValueError, RecursionError) as error:
        raise _Refused("invalid_client", "The client assertion is not a JWT") from error
    if len(parts) != 3 or not parts[2] or type(header) is not dict or type(claims) is not dict:
        raise _Refused("invalid_client", "The client assertion is not a JWT")
    return header, claims
