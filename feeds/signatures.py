"""Whether an XML document is signed by whom a source trusts (XML Signature, enveloped).

CAP 1.2, 3.3.2.1, knows one form: the signature is a child of the alert and covers all the rest
of it. Only that form is taken. What a signature could otherwise be made to mean (parts of the
document, other documents, transforms that select) is refused before any key is tried, and the
caller gets the signed bytes alone, so that nothing beside them can be read.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from core.certificates import certificates_in
from core.city import City, SourceConfig
from core.errors import Permanent
from feeds import limits
from feeds.xml import read_xml

log = structlog.get_logger(__name__)

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_TRANSFORMS = frozenset({_ENVELOPED, *(method.value for method in CanonicalizationMethod)})
_METHODS = frozenset(
    {
        *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
        *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384),
        *(SignatureMethod.ECDSA_SHA512, SignatureMethod.SHA256_RSA_MGF1),
        *(SignatureMethod.SHA384_RSA_MGF1, SignatureMethod.SHA512_RSA_MGF1),
    }
)
_DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


class NotProven(Permanent):
    """Nothing proves who wrote a document.

    Parameters
    ----------
    outcome
        A fixed slug for counters: unsigned, form, stranger, changed, expired.
    """

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def trusted_by(source: SourceConfig, city: City) -> list[Certificate]:
    """Return the certificates one of which must have signed what comes from ``source``."""
    return [
        certificate
        for name in source.certificates
        for certificate in certificates_in(city.certificates[name])
    ]


def signed_part(data: bytes, certificates: list[Certificate], now: datetime) -> bytes:
    """Return what is signed of a document, in canonical form and without its signature.

    Parameters
    ----------
    certificates
        Those whose signature counts. What certificate or key the signature itself brings along
        is not trusted.
    now
        At which the certificate must be in force.

    Raises
    ------
    Unreadable
        It is no safe XML document.
    NotProven
        It is not signed, not in the one form that is taken, or not by one of ``certificates``.
    """
    root = read_xml(data, limit=limits.MAX_TELEGRAM)
    _check_form(root)
    in_force = [c for c in certificates if c.not_valid_before_utc <= now <= c.not_valid_after_utc]
    if not in_force:
        raise NotProven("expired", "None of the source's certificates is in force today.")
    refusal = NotProven("stranger", "The signature is by none of the source's certificates.")
    for certificate in in_force:
        try:
            return _verify(data, certificate, now).signed_data
        except InvalidDigest:
            raise NotProven("changed", "The alert was changed after it was signed.") from None
        except SignXMLException as error:
            log.info("a certificate does not fit a signature", why=str(error))
        except Exception as error:
            # Whatever somebody puts into a signature must not stop the alerts that follow.
            log.warning("a signature cannot be checked", why=f"{type(error).__name__}: {error}")
            refusal = NotProven("form", "The signature cannot be understood.")
    raise refusal


def _check_form(root: etree._Element) -> None:
    """Refuse a signature that covers anything but the whole document around it."""
    signatures = list(root.iter(f"{_DS}Signature"))
    if not signatures:
        raise NotProven("unsigned", "The alert is not signed; this source's alerts must be.")
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise NotProven("form", "An alert has one signature, directly within it.")
    references = list(signatures[0].iter(f"{_DS}Reference"))
    if len(references) != 1 or references[0].get("URI") != "":
        raise NotProven("form", "The signature does not cover the whole alert and only that.")
    transforms = [each.get("Algorithm") for each in references[0].iter(f"{_DS}Transform")]
    if transforms.count(_ENVELOPED) != 1 or not _TRANSFORMS.issuperset(transforms):
        raise NotProven("form", "The signature covers something made of the alert, not the alert.")


def _verify(data: bytes, certificate: Certificate, now: datetime) -> VerifyResult:
    result = XMLVerifier().verify(
        data,
        x509_cert=certificate,
        parser=etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False),
        expect_config=SignatureConfiguration(
            location="./",
            expect_references=1,
            signature_methods=_METHODS,
            digest_algorithms=_DIGESTS,
            # Keys that the signature brings along are not looked at, so they need not fit.
            ignore_ambiguous_key_info=True,
            verification_time=now,
        ),
    )
    assert isinstance(result, VerifyResult)
    return result
