"""Check that somebody whom a source trusts signed an XML document (XML Signature, enveloped).

CAP 1.2, 3.3.2.1, allows one form: the signature is a child of the alert and covers the rest of it.
Only that form is accepted. Other references (parts of the document, other documents, selecting
transforms) are refused before any key is tried. The caller gets only the signed bytes, so that
nothing else can be read.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.exceptions import InvalidDigest, SignXMLException
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from city.certificates import certificates_in
from city.city import City, SourceConfig
from core.errors import Permanent
from core.reason import Reason
from feeds import limits
from feeds.reasons import reason
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
    """There is no proof of a document's author.

    Parameters
    ----------
    outcome
        A fixed slug for counters: unsigned, form, stranger, changed, expired.
    """

    def __init__(self, outcome: str, message: Reason) -> None:
        super().__init__(message)
        self.outcome = outcome


def trusted_by(source: SourceConfig, city: City) -> list[Certificate]:
    """Return the certificates of ``source``; one of them must have signed each message."""
    return [
        certificate
        for name in source.certificates
        for certificate in certificates_in(city.certificates[name])
    ]


def signed_part(data: bytes, certificates: list[Certificate], now: datetime) -> bytes:
    """Return the signed part of a document, in canonical form and without its signature.

    Parameters
    ----------
    certificates
        The trusted certificates. Certificates and keys inside the signature are not trusted.
    now
        The time at which the certificate must be valid.

    Raises
    ------
    Unreadable
        It is no safe XML document.
    NotProven
        It is not signed, not in the accepted form, or not by one of ``certificates``.
    """
    root = read_xml(data, limit=limits.MAX_TELEGRAM)
    _check_form(root)
    in_force = [c for c in certificates if c.not_valid_before_utc <= now <= c.not_valid_after_utc]
    if not in_force:
        raise NotProven("expired", reason("signature.none-in-force"))
    refusal = NotProven("stranger", reason("signature.stranger"))
    for certificate in in_force:
        try:
            return _verify(data, certificate, now).signed_data
        except InvalidDigest:
            raise NotProven("changed", reason("signature.changed")) from None
        except SignXMLException as error:
            log.info("signature.unmatched", reason=str(error))
        except Exception as error:
            # Whatever somebody puts into a signature must not stop the alerts that follow.
            log.warning("signature.unchecked", reason=f"{type(error).__name__}: {error}")
            refusal = NotProven("form", reason("signature.unreadable"))
    raise refusal


def _check_form(root: etree._Element) -> None:
    """Refuse a signature that covers anything but the whole document around it."""
    signatures = list(root.iter(f"{_DS}Signature"))
    if not signatures:
        raise NotProven("unsigned", reason("signature.missing"))
    if len(signatures) > 1 or signatures[0].getparent() is not root:
        raise NotProven("form", reason("signature.several"))
    references = list(signatures[0].iter(f"{_DS}Reference"))
    if len(references) != 1 or references[0].get("URI") != "":
        raise NotProven("form", reason("signature.partial"))
    transforms = [each.get("Algorithm") for each in references[0].iter(f"{_DS}Transform")]
    if transforms.count(_ENVELOPED) != 1 or not _TRANSFORMS.issuperset(transforms):
        raise NotProven("form", reason("signature.of-something-else"))


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
