"""Sign CAP messages with the city's key (XML Signature, enveloped: CAP 1.2, 3.3.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import Certificate, load_pem_x509_certificates
from lxml import etree

from city.certificates import RSA_BITS
from core.errors import BadInput

MAX_BYTES = 100_000
CURVE_BITS = 256
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, and its certificate before those that signed it."""

    key: Key
    certificates: Sequence[Certificate]


def read_key(path: Path) -> SigningKey:
    """Return the key and the certificates of one PEM file (``TODOKE_CAP_KEY``).

    Raises
    ------
    BadInput
        The file cannot be read, or is not what it should be.
    """
    try:
        data = path.read_bytes()[:MAX_BYTES]
        key = serialization.load_pem_private_key(data, None)
        certificates = load_pem_x509_certificates(data)
    except OSError as error:
        raise BadInput(f"TODOKE_CAP_KEY: {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadInput(
            f"TODOKE_CAP_KEY: {path} must have a private key without a password, and its "
            "certificate, both as PEM."
        ) from error
    if not isinstance(key, Key) or key.key_size < (
        RSA_BITS if isinstance(key, rsa.RSAPrivateKey) else CURVE_BITS
    ):
        raise BadInput(
            f"TODOKE_CAP_KEY: {path} must have an RSA key of at least {RSA_BITS} bits, or one of a "
            f"curve of at least {CURVE_BITS}."
        )
    if certificates[0].public_key() != key.public_key():
        raise BadInput(f"TODOKE_CAP_KEY: the first certificate of {path} is not of its key.")
    return SigningKey(key, tuple(certificates))


def signed(alert: etree._Element, signing: SigningKey) -> etree._Element:
    """Return the message with a signature over all of it as its last part."""
    # Slow to import, and few cities sign.
    from signxml.algorithms import (
        CanonicalizationMethod,
        DigestAlgorithm,
        SignatureConstructionMethod,
        SignatureMethod,
    )
    from signxml.signer import XMLSigner

    by_rsa = isinstance(signing.key, rsa.RSAPrivateKey)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=SignatureMethod.RSA_SHA256 if by_rsa else SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    made: etree._Element = signer.sign(alert, key=signing.key, cert=list(signing.certificates))
    return made
