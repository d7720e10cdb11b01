"""``todoke check`` names the faults of a source's certificate."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from city.certificates import certificates_in
from city.folder import check_city, load_city

SAMPLE = Path(__file__).parents[2] / "deploy" / "city"
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pem(key: Key | None = None, *, days: int = 365) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "water.city.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=365))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "a city"))


@pytest.fixture
def check(folder: Path) -> Callable[..., list[str]]:
    """Add a source that relies on a file and say what is wrong, at which lines of it."""

    def run(named: str = "water.pem", data: bytes | None = None, *, kind: str = "cap") -> list[str]:
        if data is not None:
            (folder / "water.pem").write_bytes(data)
        path = folder / "city.toml"
        before = path.read_text("utf-8")
        lines = (
            *("[[sources]]", 'code = "water"', f'kind = "{kind}"', 'names = { ja = "水道" }'),
            *('url = "https://water.city.example/"', f'certificates = ["{named}"]'),
        )
        path.write_text(f"{before}\n" + "\n".join(lines) + "\n", "utf-8")
        last = path.read_text("utf-8").count("\n")
        faults = check_city(folder, NOW)
        assert {(fault.path, fault.line) for fault in faults} <= {(path, last)}
        return [str(fault).partition(f":{last}: ")[2] for fault in faults]

    return run


def test_a_sound_certificate_is_part_of_the_city(
    folder: Path, check: Callable[..., list[str]]
) -> None:
    assert check(data=pem() + pem()) == []
    text = load_city(folder).certificates["water.pem"]
    assert len(certificates_in(text)) == 2


@pytest.mark.parametrize(
    ("named", "data", "says"),
    [
        ("missing.pem", None, "cannot be read: No such file"),
        ("../water.pem", pem(), "not a path within the city's folder"),
        ("/etc/ssl/cert.pem", pem(), "not a path within the city's folder"),
        ("", pem(), "not a path within the city's folder"),
        ("water.pem", b"", "is no certificate in PEM form"),
        ("water.pem", b"\xff\xfe", "is no certificate in PEM form"),
        ("water.pem", pem()[:200], "is no certificate in PEM form"),
        ("water.pem", b"x" * 100_001, "is larger than 100,000 bytes"),
        (
            "water.pem",
            pem() + b"-----BEGIN PRIVATE KEY-----",
            "comes with a private key, which belongs to its owner alone",
        ),
        (
            "water.pem",
            pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "has an RSA key of 1024 bits; 2048 are needed",
        ),
        ("water.pem", pem(ed25519.Ed25519PrivateKey.generate()), "is neither RSA nor"),
        ("water.pem", pem(days=-1), "warning: the certificate 'water.pem' expired on 2026-06-14"),
    ],
)
def test_each_fault_is_named_with_its_line(
    check: Callable[..., list[str]], named: str, data: bytes | None, says: str
) -> None:
    [message] = check(named, data)
    assert says in message


def test_only_alerts_have_signatures(check: Callable[..., list[str]]) -> None:
    assert check(data=pem(), kind="rss") == [
        "only a source of kind 'cap' has signatures to check. Left out: the source 'water'."
    ]


def test_certificates_stand_at_their_source(folder: Path) -> None:
    path = folder / "city.toml"
    path.write_text('certificates = ["a.pem"]\n' + path.read_text("utf-8"), "utf-8")
    assert [fault.line for fault in check_city(folder)] == [1]
