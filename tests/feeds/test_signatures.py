"""From a source that must sign, only the signed content is believed, and nothing around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from prometheus_client import REGISTRY
from signxml.algorithms import DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner
from sqlmodel import col, select

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.cap import NAMESPACE, read_alert
from feeds.errors import Unreadable
from feeds.explain import explain
from feeds.models import Item, ItemState
from feeds.reasons import reason
from feeds.signatures import NotProven, signed_part
from tests.support.cap_alerts import SIGNATURE, alert
from tests.support.feed_server import Server
from tests.support.feed_world import FeedWorld, a_city, source

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
DS = "{http://www.w3.org/2000/09/xmldsig#}"
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(key: Key, *, until: datetime = NOW + timedelta(days=365)) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "water.city.example")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )


WATER = certificate(rsa_key("water"))


def signed(
    data: bytes,
    key: Key | None = None,
    cert: x509.Certificate | None = None,
    *,
    method: SignatureMethod = SignatureMethod.RSA_SHA256,
    **values: Any,
) -> bytes:
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=method,
        digest_algorithm=DigestAlgorithm.SHA256,
    )
    key, cert = key or rsa_key("water"), cert or WATER
    return etree.tostring(signer.sign(etree.fromstring(data), key=key, cert=[cert], **values))


def refused(data: bytes, *certificates: x509.Certificate, now: datetime = NOW) -> str:
    with pytest.raises(NotProven) as caught:
        signed_part(data, list(certificates or (WATER,)), now)
    return caught.value.outcome


def test_what_is_signed_is_read_and_its_signature_is_gone() -> None:
    read = read_alert(signed_part(signed(alert()), [WATER], NOW))
    assert (read.headline, read.signed) == ("大穂地区で断水しています", False)
    assert read == read_alert(alert())


def test_any_of_the_sources_certificates_will_do() -> None:
    curve = certificate(ec_key("water"))
    by_curve = signed(alert(), ec_key("water"), curve, method=SignatureMethod.ECDSA_SHA256)
    assert signed_part(by_curve, [WATER, curve], NOW) == signed_part(signed(alert()), [WATER], NOW)


def test_what_is_not_signed_is_refused() -> None:
    assert refused(alert()) == "unsigned"
    assert refused(alert(signature=SIGNATURE)) == "form"


def test_a_strangers_signature_is_refused_though_its_certificate_is_in_the_alert() -> None:
    stranger = certificate(rsa_key("stranger"))
    data = signed(alert(), rsa_key("stranger"), stranger)
    assert b"X509Certificate" in data
    assert refused(data) == "stranger"
    # The right certificate next to a stranger's signature does not make it valid.
    assert refused(signed(alert(), rsa_key("stranger"), WATER)) == "stranger"


def test_a_signature_that_brings_only_a_key_is_refused() -> None:
    signer = XMLSigner()
    data = signer.sign(etree.fromstring(alert()), key=rsa_key("stranger"), cert=None)
    assert refused(etree.tostring(data)) == "stranger"
    hmac = XMLSigner(signature_algorithm=SignatureMethod.HMAC_SHA256)
    public = WATER.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    # The public key, known to everybody, used as if it were a shared secret.
    assert refused(etree.tostring(hmac.sign(etree.fromstring(alert()), key=public))) == "stranger"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace("大穂".encode(), "筑波".encode()),
        lambda data: data.replace(b"Actual", b"Test"),
        lambda data: data.replace(b"<scope>", b"<note>x</note><scope>"),
        lambda data: data.replace(b"</info>", b"</info> ", 1),
    ],
)
def test_what_was_changed_after_it_was_signed_is_refused(
    change: Callable[[bytes], bytes],
) -> None:
    data = etree.tostring(etree.fromstring(signed(alert())), encoding="utf-8")
    changed = change(data)
    assert changed != data
    assert refused(changed) == "changed"


def test_an_expired_certificate_proves_nothing() -> None:
    old = certificate(rsa_key("water"), until=NOW - timedelta(days=1))
    assert refused(signed(alert()), old) == "expired"
    assert refused(signed(alert()), WATER, now=NOW + timedelta(days=400)) == "expired"
    assert signed_part(signed(alert()), [old, WATER], NOW)


def wrapped(move: Callable[[etree._Element, etree._Element], etree._Element]) -> bytes:
    """Hide a signed alert about another place, and show a false one around it."""
    good = etree.fromstring(signed(alert(headline="本物")))
    false = etree.fromstring(alert(headline="にせもの"))
    return etree.tostring(move(false, good))


def beside(false: etree._Element, good: etree._Element) -> etree._Element:
    signature = good.find(f"{DS}Signature")
    assert signature is not None
    false.append(signature)
    signature.append(etree.SubElement(signature, f"{DS}Object"))
    signature[-1].append(good)
    return false


def inside(false: etree._Element, good: etree._Element) -> etree._Element:
    false.append(good)
    return false


def twice(false: etree._Element, good: etree._Element) -> etree._Element:
    signature = good.find(f"{DS}Signature")
    assert signature is not None
    good.insert(0, etree.fromstring(etree.tostring(signature)))
    return good


@pytest.mark.parametrize(
    ("move", "outcome"), [(beside, "changed"), (inside, "form"), (twice, "form")]
)
def test_a_signed_alert_wrapped_into_a_false_one_is_refused(
    move: Callable[[etree._Element, etree._Element], etree._Element], outcome: str
) -> None:
    assert refused(wrapped(move)) == outcome


def test_a_signature_over_a_part_of_the_alert_is_refused() -> None:
    root = etree.fromstring(alert())
    root.find(f"{{{NAMESPACE}}}info").set("Id", "part")  # type: ignore[union-attr]
    assert refused(signed(etree.tostring(root), reference_uri="part")) == "form"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'URI=""', b'URI="http://127.0.0.1:9/alert.xml"'),
        (b'URI=""', b'URI="file:///etc/passwd"'),
        (b'URI=""', b'URI="#xpointer(/)"'),
        (b'URI=""', b""),
        (b"xmldsig#enveloped-signature", b"xmldsig#base64"),
        (b"http://www.w3.org/2000/09/xmldsig#enveloped-signature", b"http://www.w3.org/TR/1999/REC-xslt-19991116"),
        (b"http://www.w3.org/2000/09/xmldsig#enveloped-signature", b"http://www.w3.org/TR/1999/REC-xpath-19991116"),
    ],
)  # fmt: skip
def test_other_documents_and_transforms_are_refused_before_any_key_is_tried(
    old: bytes, new: bytes
) -> None:
    data = signed(alert())
    assert old in data
    assert refused(data.replace(old, new)) == "form"


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (b"xmldsig-more#rsa-sha256", b"xmldsig#rsa-sha1", "stranger"),
        (b"xmlenc#sha256", b"xmldsig#sha1", "stranger"),
        (b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA", "stranger"),
        (b"<ds:SignedInfo>", b"<ds:SignedInfo><x/>", "form"),
        (b"<ds:DigestValue>", b"<ds:DigestValue>%", "stranger"),
    ],
)
def test_whatever_is_in_a_signature_it_is_refused_and_breaks_nothing(
    old: bytes, new: bytes, outcome: str
) -> None:
    data = signed(alert())
    assert old in data
    assert refused(data.replace(old, new)) == outcome


def test_entities_are_refused_before_the_signature_is_looked_at() -> None:
    data = b'<!DOCTYPE a [<!ENTITY x "y">]>' + signed(alert())
    with pytest.raises(Unreadable):
        signed_part(data, [WATER], NOW)


async def test_a_source_that_must_sign_is_told_only_what_it_signed(
    server: Server, database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    feed = source(
        "water",
        "cap",
        server.url + "/cap",
        topic="lifeline",
        decision="send",
        certificates=("water.pem",),
    )
    pem = WATER.public_bytes(serialization.Encoding.PEM).decode()
    world = FeedWorld(a_city(feed, certificates={"water.pem": pem}), database, clock)
    poller = world.poller(http)
    labels = {"source": "water", "outcome": "unsigned"}
    before = REGISTRY.get_sample_value("todoke_alert_signatures_total", labels) or 0
    for data in (
        signed(alert(1)),
        signed(alert(2)),
        alert(3),
        signed(alert(4)).replace(b"Actual", b"Test"),
        signed(alert(5)),
    ):
        server.says("/cap", data)
        await poller.poll("water")
    assert [notice.identity for notice in world.sent] == [
        "cap:water@city.example,W2",
        "cap:water@city.example,W5",
    ]
    assert {notice.decision for notice in world.sent} == {Decision.SEND}
    async with database.reading() as session:
        query = select(col(Item.reason)).where(col(Item.state) == ItemState.SET_ASIDE)
        reasons = list(await session.scalars(query.order_by(col(Item.id))))
    assert reasons == [reason("signature.missing"), reason("signature.changed")]
    assert REGISTRY.get_sample_value("todoke_alert_signatures_total", labels) == before + 1


async def test_staff_are_told_that_a_signature_was_not_checked(
    server: Server, database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    feed = source("water", "cap", server.url + "/cap", topic="lifeline", decision="send")
    world = FeedWorld(a_city(feed), database, clock)
    poller = world.poller(http)
    for number in (1, 2):
        server.says("/cap", signed(alert(number)))
        await poller.poll("water")
    assert len(world.sent) == 1
    async with database.reading() as session:
        item = await session.get_one(Item, world.sent[0].item_id)
    assert item.reason and item.reason.code == "news.signed-unchecked"


def test_explaining_a_file_checks_its_signature(tmp_path: Path) -> None:
    pem = WATER.public_bytes(serialization.Encoding.PEM).decode()
    feed = source("water", "cap", "http://x/", topic="lifeline", certificates=("water.pem",))
    city = a_city(feed, certificates={"water.pem": pem})
    path = tmp_path / "a.cap"
    path.write_bytes(signed(alert(kind="Cancel")))
    [notice] = explain(path, None, city, now=NOW)
    assert (notice.topic, notice.status.value, notice.kind) == ("lifeline", "cancelled", "断水")
    path.write_bytes(alert())
    with pytest.raises(NotProven, match="not signed"):
        explain(path, None, city, now=NOW)
