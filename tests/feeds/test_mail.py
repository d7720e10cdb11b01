"""Mail counts when it is proven to be the police's, and passes on nobody's name."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlmodel import col, select

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds import limits, mail_source
from feeds.errors import Unreadable
from feeds.mail import MailRefused, read_letter, take_letter
from feeds.mailbox import Mailbox, new_letters
from feeds.models import Item, ItemState
from tests.support.feed_world import FeedWorld, a_city
from tests.support.letters import GOOD, POLICE, letter, proof


@pytest.mark.parametrize(
    ("results", "proven"),
    [
        (GOOD, "spf police.example"),
        ("mx.city.example; dkim=pass header.i=@police.example", "dkim police.example"),
        (
            "mx.city.example 1; dmarc=pass (p=reject) header.from=police.example",
            "dmarc police.example",
        ),
        ("mx.city.example; spf=fail smtp.mailfrom=police.example; dkim=none", ""),
        ("mx.city.example; dkim=pass header.d=evil.example", ""),
        ("mx.city.example; spf=pass smtp.mailfrom=x@police.example.evil.example", ""),
        ("mx.city.example; dkim=pass header.d=example", ""),
        ("mx.evil.example; dkim=pass header.d=police.example", ""),
        ("mx.city.example; none", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_our_own_server_s_word_for_that_very_domain_is_a_proof(
    results: str | None, proven: str
) -> None:
    assert proof(letter(results=results)) == proven


def test_what_the_sender_wrote_below_the_first_hop_proves_nothing() -> None:
    assert proof(letter(results=None, below=GOOD)) == ""
    forged = "mx.city.example (dkim=pass header.d=police.example); dkim=fail"
    assert proof(letter(results=forged)) == ""


@pytest.mark.parametrize(
    "sender",
    [
        "anzen@police.example.evil.example",
        "anzen@police.example, boss@evil.example",
        '"anzen@police.example" <boss@evil.example>',
        "",
    ],
)
def test_a_sender_not_on_the_list_is_refused(sender: str) -> None:
    with pytest.raises(MailRefused):
        take_letter(read_letter(letter(sender=sender), trusted=POLICE.hosts), POLICE)


@pytest.mark.parametrize("encoding", ["utf-8", "iso-2022-jp", "shift_jis"])
def test_a_message_is_read_in_any_encoding_and_names_nobody(encoding: str) -> None:
    article = take_letter(read_letter(letter(encoding=encoding), trusted=POLICE.hosts), POLICE)
    assert article.title == "不審者情報（声かけ）"
    assert "下校中の児童が男に声をかけられました" in article.summary
    assert "大穂１丁目付近" in article.summary
    assert "１１０番" in article.summary
    for secret in ("山田", "029-000", "090-1234", "anzen@", "２番３号"):
        assert secret not in article.summary


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"x" * 6_000_000])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_letter(data, trusted=())


async def test_piped_mail_goes_to_child_watch_once_and_forged_mail_is_set_aside(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    world = FeedWorld(a_city(POLICE), database, clock)
    poller = world.poller(http)
    for _ in range(2):
        await poller.take_mail("police", letter())
    forged = await poller.take_mail("police", letter(results=None, number=2))
    await poller.take_mail(
        "police", letter(subject="車上ねらいに注意", body="発生しました", number=3)
    )
    assert [notice.topic for notice in world.sent] == ["child-watch", "crime"]
    assert forged.set_aside == 1
    async with database.reading() as session:
        [aside] = await session.scalars(select(Item).where(col(Item.state) == ItemState.SET_ASIDE))
        kept = await session.scalars(select(Item.payload))
    assert aside.payload == b""
    assert aside.reason and aside.reason.code == "mail.unproven"
    assert not any("山田".encode() in payload for payload in kept)


async def test_a_city_that_wants_to_look_first_gets_it_held(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    careful = POLICE.model_copy(update={"decision": Decision.HOLD})
    world = FeedWorld(a_city(careful), database, clock)
    result = await world.poller(http).take_mail("police", letter())
    assert (len(result.notices), world.sent) == (1, [])


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
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
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
async def post_office(certificate: Path) -> AsyncIterator[PostOffice]:
    office = PostOffice()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(office.serve, "localhost", 0, ssl=context)
    office.port = server.sockets[0].getsockname()[1]
    yield office
    server.close()


async def test_a_mailbox_is_polled_without_being_changed(
    post_office: PostOffice,
    certificate: Path,
    database: Database,
    clock: ManualClock,
    http: aiohttp.ClientSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def trusted_look(mailbox: Mailbox, position: str | None) -> object:
        return await new_letters(mailbox, position, tls=trusting)

    monkeypatch.setattr(mail_source, "new_letters", trusted_look)
    box = POLICE.model_copy(update={"url": f"imaps://city@localhost:{post_office.port}/INBOX"})
    world = FeedWorld(a_city(box), database, clock)
    poller = world.poller(http, secret={"TODOKE_TEST_MAIL": "s3cret"}.get)
    post_office.letters = [letter(number=1)]
    assert (await poller.poll("police")).outcome == "first"
    assert world.sent == []
    post_office.letters += [letter(number=2, body="別の事案です。つきまといがありました。")]
    assert (await poller.poll("police")).new == 1
    assert (await poller.poll("police")).outcome == "unchanged"
    assert [notice.topic for notice in world.sent] == ["child-watch"]
    # Many at once are read in turns, and none is left out.
    monkeypatch.setattr(limits, "MAX_MAIL_A_POLL", 2000)
    post_office.letters += [letter(number=n, body=f"{n}件目のつきまとい。") for n in range(3, 8)]
    while (await poller.poll("police")).outcome == "new":
        pass
    assert len(world.sent) == 6
    assert not any(
        command.startswith(("STORE", "UID STORE", "EXPUNGE", "SELECT"))
        for command in post_office.commands
    )


async def test_a_mail_server_that_is_not_who_it_says_is_a_failed_poll(
    post_office: PostOffice, database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    box = POLICE.model_copy(update={"url": f"imaps://city@localhost:{post_office.port}/INBOX"})
    world = FeedWorld(a_city(box), database, clock)
    result = await world.poller(http, secret={"TODOKE_TEST_MAIL": "x"}.get).poll("police")
    assert result.outcome == "failed"
    assert "certificate" in result.error.lower()
    without = await world.poller(http, secret=lambda _: None).poll("police")
    assert "password" in without.error
