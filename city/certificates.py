"""Certificates in the city's folder; a source's messages must be signed with one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from city.faults import FolderFault
from city.reasons import reason
from core.errors import BadInput
from core.reason import Reason

MAX_BYTES = 100_000
RSA_BITS = 2048
"""Shorter RSA keys prove nothing (CRYPTREC, 暗号強度要件)."""


def certificates_in(pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text that :func:`read_certificates` accepted."""
    return x509.load_pem_x509_certificates(pem.encode("ascii"))


def read_certificates(
    folder: Path, names: Sequence[tuple[str, int]], faults: list[FolderFault], now: datetime | None
) -> dict[str, str]:
    """Return the PEM text of each file that ``city.toml`` names.

    Parameters
    ----------
    folder
        The city's folder; a name is a path within it.
    names
        Each with the line of ``city.toml`` that names it.
    faults
        Faults of a file are added here, at that line.
    now
        The time for checking the dates, with a warning; None does not check them.
    """
    found: dict[str, str] = {}
    for name, line in names:
        if name in found:
            continue
        try:
            found[name] = pem = _pem(folder, name)
            warning = _out_of_date(name, certificates_in(pem), now) if now else None
        except BadInput as error:
            faults.append(FolderFault(folder / "city.toml", line, error.reason))
            continue
        if warning:
            faults.append(FolderFault(folder / "city.toml", line, warning, warning=True))
    return found


def _pem(folder: Path, name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or not name.strip():
        raise BadInput(reason("certificate.outside", name=name))
    try:
        data = (folder / path).read_bytes()
    except OSError as error:
        raise BadInput(
            reason("certificate.unreadable", name=name, error=error.strerror or error)
        ) from error
    if len(data) > MAX_BYTES:
        raise BadInput(reason("certificate.too-large", name=name, limit=f"{MAX_BYTES:,}"))
    if b"PRIVATE KEY" in data:
        raise BadInput(reason("certificate.private-key", name=name))
    try:
        pem = data.decode("ascii")
        keys = [certificate.public_key() for certificate in certificates_in(pem)]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(reason("certificate.no-pem", name=name)) from error
    for key in keys:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS:
            raise BadInput(
                reason("certificate.short-key", name=name, bits=key.key_size, least=RSA_BITS)
            )
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise BadInput(reason("certificate.odd-key", name=name))
    return pem


def _out_of_date(
    name: str, certificates: Sequence[x509.Certificate], now: datetime
) -> Reason | None:
    """Return what is wrong with the dates if no certificate is valid now."""
    if any(c.not_valid_before_utc <= now <= c.not_valid_after_utc for c in certificates):
        return None
    last = max(certificates, key=lambda certificate: certificate.not_valid_after_utc)
    if now > last.not_valid_after_utc:
        return reason("certificate.expired", name=name, day=f"{last.not_valid_after_utc:%Y-%m-%d}")
    return reason("certificate.not-yet", name=name, day=f"{last.not_valid_before_utc:%Y-%m-%d}")
