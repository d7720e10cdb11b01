"""Mail goes encrypted where the server can, and a password never in clear to another machine."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import mail
from core.errors import BadInput
from core.mail_settings import SmtpSettings, smtp
from simulator.mail import Mailbox

NOW = datetime(2026, 9, 1, 3, 0, tzinfo=UTC)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that signed itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailbox")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "mailbox.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def settings_of(box: Mailbox) -> SmtpSettings:
    return SmtpSettings(host="127.0.0.1", port=box.port, tls=False, mail_from="todoke@city.example")


def letter(settings: SmtpSettings) -> EmailMessage:
    return mail.message(
        settings, to="sato@city.example", subject="件名", text="本文", key="k", now=NOW
    )


async def test_starttls_is_used_where_it_is_offered_and_the_certificate_is_checked(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with Mailbox(tls=context, password="secret") as box:
        settings = replace(settings_of(box), user="todoke", password="secret")
        with pytest.raises(mail.MailUnavailable):
            await mail.send(settings, letter(settings))
        assert not box.mails, "a certificate that nobody trusts"
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        await mail.send(settings, letter(settings))
        assert (len(box.mails), box.encrypted) == (1, 1)


async def test_a_password_is_not_sent_in_clear_to_another_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mail, "THIS_MACHINE", frozenset())
    async with Mailbox(password="secret") as box:
        settings = replace(settings_of(box), user="todoke", password="secret")
        with pytest.raises(mail.MailUnavailable) as refused:
            await mail.send(settings, letter(settings))
    assert refused.value.reason.code == "mail.in-clear"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("smtp://relay.example", ("relay.example", 587, False, "", "")),
        ("smtps://u:p%40ss@relay.example", ("relay.example", 465, True, "u", "p@ss")),
        ("smtp://u:p@relay.example:2525", ("relay.example", 2525, False, "u", "p")),
    ],
)
def test_the_servers_address_is_read(url: str, wanted: tuple[object, ...]) -> None:
    found = smtp({"TODOKE_SMTP_URL": url, "TODOKE_MAIL_FROM": "市 <todoke@city.example>"})
    assert found is not None
    assert (found.host, found.port, found.tls, found.user, found.password) == wanted


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("http://relay.example", "todoke@city.example"),
        ("smtp://", "todoke@city.example"),
        ("smtp://relay.example:99999", "todoke@city.example"),
        ("smtp://relay.example", ""),
        ("smtp://relay.example", "nobody"),
        ("smtp://relay.example", "市\nBcc: a@b <todoke@city.example>"),
    ],
)
def test_what_is_no_server_or_no_sender_is_refused_without_the_password(
    url: str, sender: str
) -> None:
    with pytest.raises(BadInput) as refused:
        smtp({"TODOKE_SMTP_URL": url.replace("//", "//u:pw-secret@"), "TODOKE_MAIL_FROM": sender})
    assert "pw-secret" not in str(refused.value)


def test_without_a_server_no_mail_is_sent() -> None:
    assert smtp({}) is None
