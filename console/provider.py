"""Sign-in by the city's OIDC provider: OpenID Connect Core 1.0, the code flow with PKCE.

Authlib checks the claims of the ID token, and joserfc (of the same authors) its signature. Keys are
fetched again when a token names one that is not known. Nothing of the provider is believed before
its signature, issuer, audience, nonce and times are right.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from itsdangerous import BadSignature, URLSafeSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.errors import Refusal
from core.languages import mark
from core.sign_in_settings import ProviderSettings, is_safe_address

ALGORITHMS = ("RS256", "PS256", "ES256", "RS384", "PS384", "ES384", "RS512", "PS512", "ES512")
"""Signatures by a key that only the provider has; never ``none``, never a shared secret."""
TIMEOUT = aiohttp.ClientTimeout(total=8, connect=4)
MOST_BYTES = 1_000_000
LEEWAY = 60
"""Seconds by which the provider's clock may differ from ours."""
KNOWN_FOR = timedelta(hours=1)
NEW_KEYS_AFTER = timedelta(seconds=10)
"""How soon keys are fetched again for a token whose key is not known."""
PENDING_HOLDS = timedelta(minutes=10)
MOST_GROUPS = 1000
SIGNED_OUT = "http://schemas.openid.net/event/backchannel-logout"
LOGOUT_HOLDS = timedelta(minutes=2)
"""How long a logout token is taken after it was made."""

log = structlog.get_logger(__name__)


class ProviderSilent(Refusal):
    """The provider does not answer, or not as OpenID Connect says."""

    def __init__(self) -> None:
        super().__init__(
            mark(
                "The city's sign-in does not answer. Sign in with your password or a passkey if "
                "you have one here, or try again later."
            )
        )


class ProviderRefused(Refusal):
    """The provider, or what it said, lets nobody in."""

    def __init__(self) -> None:
        super().__init__(mark("The city's sign-in did not let you in. Please try again."))


@dataclass(frozen=True)
class Pending:
    """A sign-in that was begun in one browser. ``at`` is whole seconds since 1970."""

    state: str
    nonce: str
    verifier: str
    back: str
    at: int

    @classmethod
    def fresh(cls, back: str, now: datetime) -> Pending:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, back, int(now.timestamp()))

    def seal(self, secret_key: str) -> str:
        content = [self.state, self.nonce, self.verifier, self.back, self.at]
        return str(_serializer(secret_key).dumps(content))

    @classmethod
    def unseal(cls, sealed: str, secret_key: str, now: datetime) -> Pending | None:
        """Return the pending sign-in of a cookie, or None if it is not ours or too old."""
        try:
            found = cls(*_serializer(secret_key).loads(sealed))
            age = now.timestamp() - found.at
        except (BadSignature, TypeError, ValueError):
            return None
        return found if 0 <= age + 1 <= PENDING_HOLDS.total_seconds() else None


@dataclass(frozen=True)
class ProviderPerson:
    """Who signed in, as the provider says."""

    subject: str
    """Issuer and subject: together they are one person for ever."""
    email: str
    email_verified: bool
    name: str
    groups: frozenset[str]


@dataclass(frozen=True)
class SignedOut:
    """Whom the provider has signed out, and the name of the token that says so."""

    subject: str
    token_id: str


@dataclass(frozen=True)
class _Metadata:
    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str
    names_issuer: bool
    basic: bool
    read_at: datetime


class Provider:
    """The city's provider as one client of it."""

    def __init__(self, settings: ProviderSettings, http: aiohttp.ClientSession) -> None:
        self.settings = settings
        self._http = http
        self._metadata: _Metadata | None = None
        self._keys: KeySet | None = None
        self._keys_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def address(self, pending: Pending, redirect_uri: str, now: datetime) -> str:
        """Return where the browser goes to sign in.

        Raises
        ------
        ProviderSilent
        """
        known = await self._known(now)
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": self.settings.scope,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": create_s256_code_challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        joined = "&" if "?" in known.authorization else "?"
        return f"{known.authorization}{joined}{urlencode(query)}"

    async def sign_out_address(self, back: str, now: datetime) -> str:
        """Return where the browser signs out at the provider too; "" if it has no such place."""
        try:
            known = await self._known(now)
        except ProviderSilent:
            return ""
        if not known.end_session:
            return ""
        joined = "&" if "?" in known.end_session else "?"
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return f"{known.end_session}{joined}{urlencode(query)}"

    async def person(
        self, pending: Pending, answer: Mapping[str, str], redirect_uri: str, now: datetime
    ) -> ProviderPerson:
        """Return who came back with a code.

        Raises
        ------
        ProviderRefused
            The answer is not for this sign-in, or a check of the ID token fails.
        ProviderSilent
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), pending.state.encode()):
            raise self._refused("state")
        known = await self._known(now)
        # RFC 9207: the answer is of this provider and not of another one.
        named = answer.get("iss", self.settings.issuer if not known.names_issuer else "")
        if named != self.settings.issuer:
            raise self._refused("iss of the answer")
        if answer.get("error") or not answer.get("code"):
            raise self._refused(f"error {answer.get('error', '')[:60]}")
        token = await self._exchange(known, answer["code"], pending.verifier, redirect_uri)
        access = token.get("access_token")
        claims = await self._claims(known, token.get("id_token"), pending.nonce, access, now)
        about: dict[str, Any] = dict(claims)
        if known.userinfo and isinstance(access, str) and self._is_short(about):
            about = {**await self._userinfo(known, access, claims["sub"]), **about}
        return self._person(about)

    async def signed_out(self, token: str, now: datetime) -> SignedOut:
        """Return whom the provider has signed out, by its logout token.

        Source: OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6. A token that names a
        session and no person is refused: sessions have no name of the provider's here.

        Raises
        ------
        ProviderRefused
            A check of the token fails.
        ProviderSilent
            Its keys cannot be read.
        """
        known = await self._known(now)
        if len(token) > MOST_BYTES:
            raise self._refused("logout token: too long")
        try:
            claims = (await self._decoded(known, token, now)).claims
            jwt.JWTClaimsRegistry(
                now=int(now.timestamp()),
                leeway=LEEWAY,
                iss={"essential": True, "value": self.settings.issuer},
                aud={"essential": True, "value": self.settings.client_id},
                iat={"essential": True},
                jti={"essential": True},
            ).validate(claims)
            age = now.timestamp() - claims["iat"]
            events, subject, jti = (claims.get(name) for name in ("events", "sub", "jti"))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._refused(f"logout token: {type(error).__name__} {error}") from error
        if not isinstance(events, dict) or not isinstance(events.get(SIGNED_OUT), dict):
            raise self._refused("logout token: events")
        if "nonce" in claims or age > LOGOUT_HOLDS.total_seconds() + LEEWAY:
            raise self._refused("logout token: an ID token, or old")
        if not isinstance(subject, str) or not subject or not isinstance(jti, str):
            raise self._refused("logout token: sub or jti")
        return SignedOut(f"{self.settings.issuer} {subject}", jti)

    def _is_short(self, about: Mapping[str, Any]) -> bool:
        return self.settings.groups_claim not in about or "email" not in about

    def _person(self, about: Mapping[str, Any]) -> ProviderPerson:
        groups = about.get(self.settings.groups_claim, ())
        groups = [groups] if isinstance(groups, str) else groups
        if not isinstance(groups, list | tuple):
            groups = ()
        email, name = about.get("email", ""), about.get("name", "")
        return ProviderPerson(
            subject=f"{self.settings.issuer} {about['sub']}",
            email=email if isinstance(email, str) else "",
            email_verified=about.get("email_verified") is True,
            name=name if isinstance(name, str) else "",
            groups=frozenset(one for one in groups[:MOST_GROUPS] if isinstance(one, str)),
        )

    async def _exchange(
        self, known: _Metadata, code: str, verifier: str, redirect_uri: str
    ) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Accept": "application/json"}
        if known.basic:
            # RFC 6749, section 2.3.1: both parts are form-encoded first.
            pair = (self.settings.client_id, self.settings.client_secret)
            joined = ":".join(quote(one, safe="") for one in pair)
            headers["Authorization"] = f"Basic {base64.b64encode(joined.encode()).decode()}"
        else:
            form["client_id"] = self.settings.client_id
            form["client_secret"] = self.settings.client_secret
        status, found = await self._asked("POST", known.token, data=form, headers=headers)
        if status >= 500:
            raise ProviderSilent
        if status != 200:
            raise self._refused(f"token {status} {str(found.get('error', ''))[:60]}")
        return found

    async def _claims(
        self, known: _Metadata, token: object, nonce: str, access: object, now: datetime
    ) -> CodeIDToken:
        if not isinstance(token, str) or len(token) > MOST_BYTES:
            raise self._refused("no ID token")
        try:
            decoded = await self._decoded(known, token, now)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                options={
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                },
                params={
                    "nonce": nonce,
                    "client_id": self.settings.client_id,
                    "access_token": access if isinstance(access, str) else None,
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._refused(f"ID token: {type(error).__name__} {error}") from error
        if not isinstance(claims.get("sub"), str) or not 0 < len(claims["sub"]) <= 255:
            raise self._refused("sub")
        return claims

    async def _decoded(self, known: _Metadata, token: str, now: datetime) -> jwt.Token:
        """Check the signature; with new keys if the provider has changed them."""
        keys = await self._key_set(known, now)
        try:
            return jwt.decode(token, keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            again = await self._key_set(known, now, renewed=True)
            if again is keys:
                raise
            return jwt.decode(token, again, algorithms=list(ALGORITHMS))

    async def _key_set(self, known: _Metadata, now: datetime, *, renewed: bool = False) -> KeySet:
        async with self._lock:
            age = None if self._keys_at is None else now - self._keys_at
            fresh = age is not None and age < (NEW_KEYS_AFTER if renewed else KNOWN_FOR)
            if self._keys is None or not fresh:
                status, found = await self._asked("GET", known.jwks)
                if status != 200:
                    raise ProviderSilent
                try:
                    self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError) as error:
                    log.warning("provider.keys_unreadable", reason=str(error)[:200])
                    raise ProviderSilent from error
                self._keys_at = now
            return self._keys

    async def _userinfo(self, known: _Metadata, access: str, subject: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        status, found = await self._asked("GET", known.userinfo, headers=headers)
        if status != 200:
            raise ProviderSilent
        if found.get("sub") != subject:
            # OpenID Connect Core, section 5.3.2: it may be about somebody else.
            raise self._refused("sub of userinfo")
        return found

    async def _known(self, now: datetime) -> _Metadata:
        known = self._metadata
        if known is not None and timedelta() <= now - known.read_at < KNOWN_FOR:
            return known
        address = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, found = await self._asked("GET", address)
        if status != 200:
            raise ProviderSilent
        self._metadata = self._read(found, now)
        return self._metadata

    def _read(self, found: Mapping[str, Any], now: datetime) -> _Metadata:
        if found.get("issuer") != self.settings.issuer:
            log.warning("provider.other_issuer", issuer=str(found.get("issuer"))[:200])
            raise ProviderSilent
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        if not all(is_safe_address(found.get(name)) for name in needed):
            log.warning("provider.metadata_unusable", reason="an endpoint is missing or not https")
            raise ProviderSilent
        optional = {
            name: found[name] if is_safe_address(found.get(name)) else ""
            for name in ("userinfo_endpoint", "end_session_endpoint")
        }
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return _Metadata(
            authorization=found["authorization_endpoint"],
            token=found["token_endpoint"],
            userinfo=optional["userinfo_endpoint"],
            jwks=found["jwks_uri"],
            end_session=optional["end_session_endpoint"],
            names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
            basic="client_secret_basic" in methods,
            read_at=now,
        )

    async def _asked(self, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Return status and JSON object of an answer; a redirect is not followed."""
        try:
            async with self._http.request(
                method, address, timeout=TIMEOUT, allow_redirects=False, **more
            ) as answer:
                body = await answer.content.read(MOST_BYTES + 1)
                status = answer.status
                while len(body) <= MOST_BYTES and (rest := await answer.content.read(MOST_BYTES)):
                    body += rest
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("provider.silent", address=address, reason=type(error).__name__)
            raise ProviderSilent from error
        if len(body) > MOST_BYTES:
            raise ProviderSilent
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            if status < 400:
                raise ProviderSilent
            found = {}
        return status, found

    def _refused(self, why: str) -> ProviderRefused:
        log.warning("provider.refused", reason=why[:300])
        return ProviderRefused()


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="todoke.console.provider")
