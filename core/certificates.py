"""Certificates in the city's folder: whose signatures a source's messages must carry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from core.faults import Fault

MAX_BYTES = 100_000
RSA_BITS = 2048
"""Shorter RSA keys prove nothing (CRYPTREC, 暗号強度要件)."""


def certificates_in(pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text that :func:`read_certificates` accepted."""
    return x509.load_pem_x509_certificates(pem.encode("ascii"))


def read_certificates(
    folder: Path, names: Sequence[tuple[str, int]], faults: list[Fault], now: datetime | None
) -> dict[str, str]:
    """Return the PEM text of each file that ``city.toml`` names.

    Parameters
    ----------
    folder
        The city's; a name is a path within it.
    names
        Each with the line of ``city.toml`` that names it.
    faults
        What is wrong with a file is added here, at that line.
    now
        Against which the dates are checked, with a warning; None leaves them alone.
    """
    found: dict[str, str] = {}
    for name, line in names:
        if name in found:
            continue
        try:
            found[name] = pem = _pem(folder, name)
            warning = now and _out_of_date(certificates_in(pem), now)
        except ValueError as error:
            faults.append(Fault(folder / "city.toml", line, f"the certificate {name!r} {error}."))
            continue
        if warning:
            message = f"the certificate {name!r} {warning}; what it signed is set aside."
            faults.append(Fault(folder / "city.toml", line, message, warning=True))
    return found


def _pem(folder: Path, name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not name.strip():
        raise ValueError("is not a path within the city's folder")
    try:
        data = (folder / path).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES:,} bytes")
    if b"PRIVATE KEY" in data:
        raise ValueError("comes with a private key, which belongs to its owner alone")
    try:
        pem = data.decode("ascii")
        keys = [certificate.public_key() for certificate in certificates_in(pem)]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("is no certificate in PEM form (-----BEGIN CERTIFICATE-----)") from error
    for key in keys:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS:
            raise ValueError(f"has an RSA key of {key.key_size} bits; {RSA_BITS} are needed")
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise ValueError("has a key that is neither RSA nor of an elliptic curve")
    return pem


def _out_of_date(certificates: Sequence[x509.Certificate], now: datetime) -> str:
    """Return what is wrong with the dates when none of the certificates is in force."""
    if any(c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in certificates):
        return ""
    last = max(certificates, key=lambda certificate: certificate.not_valid_after_utc)
    if now > last.not_valid_after_utc:
        return f"expired on {last.not_valid_after_utc:%Y-%m-%d}"
    return f"is valid from {last.not_valid_before_utc:%Y-%m-%d} only"
