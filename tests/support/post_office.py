"""An IMAP server with one mailbox, and a certificate for a server on this machine."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class PostOffice:
    """An IMAP server with one mailbox, as much of it as is used."""

    def __init__(self) -> None:
        self.letters: list[bytes] = []
        self.port = 0
        self.commands: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK ready\r\n")
        try:
            while line := await reader.readline():
                tag, _, command = line.decode().strip().partition(" ")
                self.commands.append(command.partition(" ")[0] + " " + command.partition(" ")[2])
                writer.write(self.answer(command))
                writer.write(f"{tag} OK done\r\n".encode())
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def answer(self, command: str) -> bytes:
        word, _, rest = command.upper().partition(" ")
        if word == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n"
        if word == "EXAMINE":
            return f"* {len(self.letters)} EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n".encode()
        if rest.startswith("SEARCH"):
            first = int(rest.split("UID ")[1].split(":")[0])
            uids = [n for n in range(1, len(self.letters) + 1) if n >= first]
            uids = uids or list(range(len(self.letters), len(self.letters) + 1))
            return f"* SEARCH {' '.join(map(str, uids))}\r\n".encode()
        if rest.startswith("FETCH"):
            uid = int(rest.split()[1])
            data = self.letters[uid - 1]
            data = data[: int(rest.rpartition(".")[2].rstrip(">)"))]
            head = f"* {uid} FETCH (UID {uid} BODY[]<0> {{{len(data)}}}\r\n".encode()
            return head + data + b")\r\n"
        return b""


@asynccontextmanager
async def running_post_office(certificate: Path) -> AsyncIterator[PostOffice]:
    """Run one until the end of the block."""
    office = PostOffice()
    server = await asyncio.start_server(office.serve, "localhost", 0, ssl=server_tls(certificate))
    office.port = server.sockets[0].getsockname()[1]
    yield office
    server.close()


def server_tls(certificate: Path) -> ssl.SSLContext:
    """Return what a server with this certificate needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def new_certificate(folder: Path) -> Path:
    """Write a certificate for ``localhost`` with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
