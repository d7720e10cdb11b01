"""Mail counts when it is proven to be the police's, and passes on nobody's name."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
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
from tests.support.post_office import PostOffice, new_certificate, running_post_office


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


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def post_office(certificate: Path) -> AsyncIterator[PostOffice]:
    async with running_post_office(certificate) as office:
        yield office


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
