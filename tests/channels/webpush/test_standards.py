"""Messages and tokens are those of the standards: the examples of RFC 8291 and RFC 8292."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import http_ece
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from channels.webpush.encryption import MOST_BYTES, OVERHEAD, encrypt
from channels.webpush.vapid import Vapid, base64url, from_base64url, new_key, read_key
from core.clock import ManualClock
from core.errors import BadInput

# RFC 8291, section 5 and appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
RECEIVER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS"
    "6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qu"
    "lcy4a-fN"
)
# RFC 8292, section 2.4.
TOKEN_HEAD = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9"
TOKEN_CLAIMS = (
    "eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNo"
    "QGV4YW1wbGUuY29tIn0"
)
TOKEN_SIGNATURE = (
    "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
TOKEN_KEY = (
    "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"
)
NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)


def test_a_message_is_encrypted_as_in_the_example_of_rfc_8291() -> None:
    made = encrypt(
        PLAINTEXT,
        from_base64url(RECEIVER_PUBLIC),
        from_base64url(AUTH),
        salt=from_base64url(SALT),
        sender=read_key(SENDER),
    )
    assert base64url(made) == BODY


def test_the_simulators_way_to_decrypt_reads_the_example_of_rfc_8291() -> None:
    found = http_ece.decrypt(
        from_base64url(BODY), private_key=read_key(RECEIVER), auth_secret=from_base64url(AUTH)
    )
    assert found == PLAINTEXT


def test_each_message_has_a_key_and_a_salt_of_its_own() -> None:
    receiver, auth = from_base64url(RECEIVER_PUBLIC), from_base64url(AUTH)
    bodies = [encrypt(PLAINTEXT, receiver, auth) for _ in range(20)]
    assert len({body[:16] for body in bodies}) == 20  # RFC 8188, 2.1: the salt
    assert len({body[21:86] for body in bodies}) == 20  # and the sender's public key


@pytest.mark.parametrize("size", [1, MOST_BYTES - 1, MOST_BYTES])
def test_a_message_is_one_record_of_at_most_4096_bytes(size: int) -> None:
    receiver, auth = from_base64url(RECEIVER_PUBLIC), from_base64url(AUTH)
    body = encrypt(b"x" * size, receiver, auth)
    assert len(body) == size + OVERHEAD <= 4096
    assert int.from_bytes(body[16:20], "big") == 4096
    private = read_key(RECEIVER)
    assert http_ece.decrypt(body, private_key=private, auth_secret=auth) == b"x" * size


def test_a_longer_message_is_refused() -> None:
    receiver, auth = from_base64url(RECEIVER_PUBLIC), from_base64url(AUTH)
    with pytest.raises(ValueError, match="do not fit"):
        encrypt(b"x" * (MOST_BYTES + 1), receiver, auth)


def test_the_signed_part_of_a_token_is_that_of_the_example_of_rfc_8292() -> None:
    vapid = Vapid(new_key(), "mailto:push@example.com", ManualClock(NOON))
    until = datetime.fromtimestamp(1453523768, UTC)
    token = vapid.token("https://push.example.net", until)
    assert token.rpartition(".")[0] == f"{TOKEN_HEAD}.{TOKEN_CLAIMS}"


def test_signatures_are_read_as_the_one_of_rfc_8292_is() -> None:
    _verify(f"{TOKEN_HEAD}.{TOKEN_CLAIMS}.{TOKEN_SIGNATURE}", TOKEN_KEY)
    vapid = Vapid(new_key(), "mailto:push@example.com", ManualClock(NOON))
    _verify(vapid.token("https://push.example.net", NOON), vapid.public_key)


def _verify(token: str, key: str) -> None:
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    assert len(raw) == 64
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(key))
    halves = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    point.verify(encode_dss_signature(*halves), signed.encode(), ec.ECDSA(hashes.SHA256()))


def test_a_token_is_for_one_service_lasts_less_than_a_day_and_is_used_again() -> None:
    clock = ManualClock(NOON)
    vapid = Vapid(new_key(), "https://city.example", clock)
    first = vapid.authorization("https://one.example")
    assert vapid.authorization("https://one.example") == first
    assert vapid.authorization("https://two.example") != first
    claims = _claims(first)
    assert claims["aud"] == "https://one.example"
    assert claims["sub"] == "https://city.example"
    lasts = claims["exp"] - int(NOON.timestamp())
    assert 0 < lasts < timedelta(days=1).total_seconds()
    assert first.endswith(f", k={vapid.public_key}")


async def test_a_token_is_made_again_before_it_ends_and_after_a_refusal() -> None:
    clock = ManualClock(NOON)
    vapid = Vapid(new_key(), "https://city.example", clock)
    first = vapid.authorization("https://one.example")
    await clock.advance(5 * 3600)
    assert vapid.authorization("https://one.example") == first
    await clock.advance(2 * 3600)
    second = vapid.authorization("https://one.example")
    assert _claims(second)["exp"] > _claims(first)["exp"]
    vapid.forget("https://one.example")
    assert vapid.authorization("https://one.example") != second


def _claims(header: str) -> dict[str, Any]:
    part = header.removeprefix("vapid t=").split(".")[1]
    found: dict[str, Any] = json.loads(from_base64url(part))
    return found


def test_a_new_key_is_read_and_differs_each_time() -> None:
    keys = {new_key() for _ in range(10)}
    assert len(keys) == 10
    for key in keys:
        assert len(from_base64url(key)) == 32
        read_key(key)


@pytest.mark.parametrize(
    "bad", ["", "abc", "!" * 43, base64url(bytes(32)), base64url(b"\xff" * 32)]
)
def test_a_key_that_is_none_is_refused_without_being_named(bad: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_key(bad)
    assert "vapid-key" in str(caught.value)
    assert len(bad) < 4 or bad not in str(caught.value)
