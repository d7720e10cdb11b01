"""A software authenticator, as a phone or a key does it: keys, counters, signatures (WebAuthn).

It is written from the specification (WebAuthn Level 2, sections 5.8.1, 6.1 and 6.5) and shares no
code with what is tested but the encoding of CBOR. ``faults`` make it an attacker's.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """One key for one account at one site."""

    origin: str
    faults: dict[str, Any] = field(default_factory=dict)
    count: int = 0
    user: bytes = b""
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: str) -> str:
        """Answer ``navigator.credentials.create``."""
        asked = json.loads(options)
        assert any(one["alg"] == -7 for one in asked["pubKeyCredParams"])
        self.user = _bytes(asked["user"]["id"])
        data = self._data(PRESENT | VERIFIED | ATTESTED, self._attested())
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": client, "attestationObject": attestation})

    def get(self, options: str) -> str:
        """Answer ``navigator.credentials.get``."""
        asked = json.loads(options)
        self.count += 1
        data = self._data(self.faults.get("flags", PRESENT | VERIFIED))
        client = self._client(self.faults.get("type", "webauthn.get"), asked["challenge"])
        signed = data + hashlib.sha256(client).digest()
        signature = self.faults.get("signature", self.key.sign(signed, ec.ECDSA(SHA256())))
        return self._answer(
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": signature,
                "userHandle": self.faults.get("user", self.user),
            }
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps(
            {
                "type": kind,
                "challenge": self.faults.get("challenge", challenge),
                "origin": self.faults.get("origin", self.origin),
                "crossOrigin": False,
            }
        ).encode()

    def _data(self, flags: int, attested: bytes = b"") -> bytes:
        rp_id = str(self.faults.get("rp_id", urlsplit(self.origin).hostname))
        return (
            hashlib.sha256(rp_id.encode()).digest()
            + bytes([flags])
            + struct.pack(">I", self.count)
            + attested
        )

    def _attested(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        x, y = (number.to_bytes(32, "big") for number in (numbers.x, numbers.y))
        cose = cbor.encode({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = struct.pack(">H", len(self.credential_id))
        return bytes(16) + length + self.credential_id + cose

    def _answer(self, response: dict[str, bytes]) -> str:
        name = _text(self.credential_id)
        return json.dumps(
            {
                "id": name,
                "rawId": name,
                "type": "public-key",
                "response": {key: _text(value) for key, value in response.items()},
                "clientExtensionResults": {},
            }
        )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
