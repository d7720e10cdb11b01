"""An OIDC provider for tests: metadata, keys, authorization, token, userinfo, end of session.

It does what OpenID Connect Core 1.0, RFC 6749 and RFC 7636 ask of a provider: an exact redirect
address, a code that works once and for one client, PKCE, the nonce in a signed ID token. ``faults``
make it an attacker's or a broken one.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT = "todoke"
SECRET = "a secret: of the client/"


@dataclass
class Grant:
    """What a code stands for."""

    user: str
    redirect_uri: str
    challenge: str
    nonce: str


@dataclass
class OidcProvider:
    """The state of a running provider.

    Parameters
    ----------
    faults
        Claims that replace the right ones in the ID token; ``None`` leaves a claim out.
    """

    clock: Callable[[], datetime]
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, Any] = field(default_factory=dict)
    userinfo_faults: dict[str, Any] = field(default_factory=dict)
    metadata_faults: dict[str, Any] = field(default_factory=dict)
    signed_by: str = "provider"
    """``provider``, ``nobody`` (alg none), ``client`` (HS256 with the client's secret), ``other``
    (a key that only looks like the provider's), ``public`` (HS256 with the public key)."""
    in_token: tuple[str, ...] = ("sub",)
    """Claims about the person in the ID token; the others are in userinfo only."""
    url: str = ""
    redirects: set[str] = field(default_factory=set)
    codes: dict[str, Grant] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    status: int = 200
    hangs: asyncio.Event | None = None
    """While it is not set, nothing is answered."""
    key: RSAKey | ECKey = field(default_factory=lambda: new_key())

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish only that."""
        self.key = new_key()

    async def metadata(self, request: web.Request) -> web.Response:
        return self._answer(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "userinfo_endpoint": f"{self.url}/userinfo",
                "jwks_uri": f"{self.url}/keys",
                "end_session_endpoint": f"{self.url}/end",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "authorization_response_iss_parameter_supported": True,
                **self.metadata_faults,
            }
        )

    async def keys(self, request: web.Request) -> web.Response:
        return self._answer({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: web.Request) -> web.Response:
        """Show who can sign in; with ``user``, send the browser back with a code."""
        query = request.query
        known = query.get("client_id") == CLIENT and query.get("redirect_uri") in self.redirects
        right = query.get("response_type") == "code" and "openid" in query.get("scope", "").split()
        pkce = query.get("code_challenge_method") == "S256" and query.get("code_challenge")
        if not (known and right and pkce and query.get("state") and query.get("nonce")):
            return web.Response(status=400, text="invalid_request")
        if "user" not in query:
            links = "".join(
                f'<p><a href="?{urlencode({**query, "user": name})}">{name}</a></p>'
                for name in self.users
            )
            return web.Response(text=f"<h1>市の認証</h1>{links}", content_type="text/html")
        if query["user"] not in self.users:
            return self._back(query, error="access_denied")
        code = secrets.token_urlsafe(24)
        self.codes[code] = Grant(
            query["user"], query["redirect_uri"], query["code_challenge"], query["nonce"]
        )
        return self._back(query, code=code)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        pair = ":".join((CLIENT, "a%20secret%3A%20of%20the%20client%2F"))
        if request.headers.get("Authorization") != f"Basic {_plain64(pair)}":
            return self._answer({"error": "invalid_client"}, 401)
        code = str(form.get("code", ""))
        grant = self.codes.pop(code, None)
        if grant is None or code in self.used or form.get("grant_type") != "authorization_code":
            return self._answer({"error": "invalid_grant"}, 400)
        self.used.add(code)
        verifier = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        if form.get("redirect_uri") != grant.redirect_uri or _url64(verifier) != grant.challenge:
            return self._answer({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe(24)
        self.tokens[access] = grant.user
        token = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        return self._answer({**token, "id_token": self._id_token(grant, access)})

    async def userinfo(self, request: web.Request) -> web.Response:
        access = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if access not in self.tokens:
            return self._answer({"error": "invalid_token"}, 401)
        return self._answer({**self._about(self.tokens[access]), **self.userinfo_faults})

    async def end(self, request: web.Request) -> web.Response:
        return web.Response(text="signed out")

    def logout_token(self, user: str, **faults: Any) -> str:
        """Return what it posts to its clients when it has signed somebody out."""
        now = int(self.clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(16),
            "sub": user,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            **faults,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"typ": "logout+jwt", "alg": "RS256", "kid": self.key.kid}
        return jwt.encode(header, claims, new_key() if self.signed_by == "other" else self.key)

    def _about(self, user: str) -> dict[str, Any]:
        return {"sub": user, **self.users[user]}

    def _id_token(self, grant: Grant, access: str) -> str:
        now = int(self.clock().timestamp())
        algorithm = "ES256" if isinstance(self.key, ECKey) else "RS256"
        about = self._about(grant.user)
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.nonce,
            "at_hash": _url64(hashlib.sha256(access.encode()).digest()[:16]),
            **{name: about[name] for name in self.in_token if name in about},
            **self.faults,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header: dict[str, Any] = {"alg": algorithm, "kid": self.key.kid}
        if self.signed_by == "nobody":
            parts = ({"alg": "none"}, claims)
            return ".".join(_url64(json.dumps(part).encode()) for part in parts) + "."
        if self.signed_by in ("client", "public"):
            shared = SECRET.encode() if self.signed_by == "client" else self.key.as_pem(False)
            parts = ({**header, "alg": "HS256"}, claims)
            signed = ".".join(_url64(json.dumps(part).encode()) for part in parts)
            return f"{signed}.{_url64(hmac.digest(shared, signed.encode(), 'sha256'))}"
        return jwt.encode(header, claims, new_key() if self.signed_by == "other" else self.key)

    def _back(self, query: Any, **answer: str) -> web.Response:
        answer = {**answer, "state": query["state"], "iss": self.url}
        raise web.HTTPFound(f"{query['redirect_uri']}?{urlencode(answer)}")

    def _answer(self, content: dict[str, Any], status: int = 200) -> web.Response:
        return web.json_response(content, status=status if self.status == 200 else self.status)


def new_key(kind: str = "RSA") -> RSAKey | ECKey:
    """Return a new key with a name of its own."""
    options: Any = {"use": "sig", "kid": secrets.token_hex(4)}
    if kind == "EC":
        return ECKey.generate_key("P-256", options)
    return RSAKey.generate_key(2048, options)


@asynccontextmanager
async def running_provider(
    clock: Callable[[], datetime], redirect_uri: str
) -> AsyncIterator[OidcProvider]:
    """Run a provider on a free port; its client may come back to ``redirect_uri``."""
    provider = OidcProvider(clock, redirects={redirect_uri})

    @web.middleware
    async def note(request: web.Request, handler: Any) -> web.StreamResponse:
        provider.asked.append(request.path)
        if provider.hangs is not None:
            await provider.hangs.wait()
        answer: web.StreamResponse = await handler(request)
        return answer

    app = web.Application(middlewares=[note])
    app.router.add_get("/.well-known/openid-configuration", provider.metadata)
    app.router.add_get("/keys", provider.keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/userinfo", provider.userinfo)
    app.router.add_get("/end", provider.end)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    provider.url = f"http://127.0.0.1:{port}"
    try:
        yield provider
    finally:
        await runner.cleanup()


def _url64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _plain64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
