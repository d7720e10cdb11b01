"""No mail stops the others: it is read, or kept from residents with a reason."""

from __future__ import annotations

import asyncio
import base64
import quopri

import aiohttp
import pytest
from sqlmodel import col, select

from core.clock import ManualClock
from core.database import Database
from feeds.health import states
from feeds.mail import read_letter
from feeds.mail_source import sift
from feeds.models import Item, ItemState
from feeds.retention import forget
from tests.support.feed_world import FeedWorld, a_city
from tests.support.letters import GOOD, POLICE, letter, proof

WORDS = "不審者情報①㈱髙﨑"
HEAD = (
    f"Received: from mail.police.example by mx.city.example; Mon, 15 Jun 2026\n"
    f"Authentication-Results: {GOOD}\n"
    "From: anzen@police.example\nMessage-ID: <1@police.example>\n"
).encode()


def said(rest: bytes, head: bytes = HEAD) -> tuple[str, str]:
    """Title and text of a letter, or why there is none."""
    sifted = sift(POLICE, head + rest)
    if sifted.article is None:
        return "", str(sifted.refusal)
    return sifted.article.title, sifted.article.summary


def part(kind: str, body: bytes, encoding: str = "8bit") -> bytes:
    head = f"Subject: s\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode() + body


def mixed(*parts: bytes) -> bytes:
    inner = b"".join(b"--x\n" + each + b"\n" for each in parts)
    return b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n" + inner + b"--x--\n"


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        (part("text/plain; charset=shift_jis", WORDS.encode("cp932")), WORDS),
        (part("text/plain; charset=us-ascii", WORDS.encode("cp932")), WORDS),
        (part("text/plain; charset=iso-2022-jp", WORDS.encode()), WORDS),
        (part("text/plain", "不審者情報です".encode("euc_jp")), "不審者情報です"),
        (part('text/plain; charset="\x00nonsense"', WORDS.encode()), WORDS),
        (part("text/plain; charset*=utf-8''x; charset*0*=y", WORDS.encode()), WORDS),
        (
            part(
                "text/plain; charset=shift_jis",
                quopri.encodestring(WORDS.encode("cp932")),
                "quoted-printable",
            ),
            WORDS,
        ),
        (
            part(
                "text/plain; charset=iso-2022-jp",
                base64.encodebytes("不審者です。".encode("iso2022_jp")) + b"-- \nmailing list\n",
                "base64",
            ),
            "不審者です。",
        ),
        (part("text/plain", "平文です。".encode(), "base64"), "平文です。"),
        (
            part("text/html; charset=utf-8", "<p>一行<br>二行<style>x</style>".encode()),
            "一行\n二行",
        ),
        (mixed(b"Content-Type: text/plain\n\n \n", b"Content-Type: text/html\n\n<p>html"), "html"),
        (
            mixed(b"Content-Type: message/rfc822\n\nSubject: y\n\ninner", b"\nouter"),
            "outer",
        ),
        (
            mixed(b"Content-Disposition: attachment\n\n" + b"A" * 6_000_000, b"\nouter"),
            "",
        ),
        (mixed(b"\nouter", b"Content-Disposition: attachment\n\n" + b"A" * 6_000_000), "outer"),
    ],
)
def test_a_letter_is_read_for_what_it_says(letter: bytes, text: str) -> None:
    assert said(letter) == ("s", text)


def test_a_subject_cut_in_the_middle_of_a_character_is_whole() -> None:
    one, two = "不審".encode("iso2022_jp") + b"\x1b$B<", b"T>pJs\x1b(B"
    words = [f"=?iso-2022-jp?b?{base64.b64encode(word).decode()}?=" for word in (one, two)]
    assert said(f"Subject: {words[0]}\n {words[1]}\n\nx".encode())[0] == "不審者情報"
    assert said(b"Subject: " + "不審者情報".encode("cp932") + b"\n\nx")[0] == "不審者情報"


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        (b"Content-Type: multipart/mixed; boundary=x" + b";a=b" * 5_000 + b"\n\nx", "endless"),
        (b"Subject: s\nX: " + b"a\n " * 300_000 + b"\n\nx", "head"),
        (mixed(*[b"\nx"] * 10_000), "parts"),
        (
            b"".join(
                b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(199)
            ),
            "empty",
        ),
        (b"\n\n", "empty"),
    ],
)
def test_a_letter_made_to_hurt_is_refused_with_its_reason(letter: bytes, reason: str) -> None:
    title, why = said(letter)
    assert title == ""
    assert reason in why


@pytest.mark.parametrize(
    "sender",
    [
        "anzen@police.example <boss@evil.example>",
        "<anzen@police.example><boss@evil.example>",
        "boss@evil.example (anzen@police.example)",
        "=?utf-8?b?PGFuemVuQHBvbGljZS5leGFtcGxlPg==?= <boss@evil.example>",
        "(" * 3900 + " anzen@police.example",
        "anzen@police.example\nFrom: boss@evil.example",
    ],
)
def test_a_from_that_can_be_read_in_two_ways_is_nobodys(sender: str) -> None:
    head = HEAD.replace(b"anzen@police.example\n", sender.encode() + b"\n")
    assert said(b"Subject: s\n\nx", head)[0] == ""


def test_a_name_in_raw_japanese_does_not_hide_the_address() -> None:
    name = "県警安心メール".encode("iso2022_jp")
    head = HEAD.replace(b"anzen@police.example\n", name + b" <anzen@police.example>\n")
    assert said(b"Subject: s\n\nx", head) == ("s", "x")


@pytest.mark.parametrize(
    "results",
    [
        # What the sender said, repeated in a comment or in quotes.
        "mx.city.example; dkim=fail (a (b) dkim=pass header.d=police.example)",
        'mx.city.example; spf=fail smtp.mailfrom="x; dkim=pass header.d=police.example"',
        "mx.city.example; dkim=pass header.d=evil.example header.i=@police.example",
        "mx.city.example; dkim=pass header.d=police.example header.d=evil.example",
        "mx.city.example; dkim=pass header.d=police.example; dmarc=fail header.from=police.example",
        "mx.city.example; spf=pass smtp.mailfrom=bounce@evil.example",
        "mx.city.example; spf=pass smtp.helo=police.example",
        "(mx.city.example) mx.evil.example; dkim=pass header.d=police.example",
    ],
)
def test_results_that_a_sender_could_have_brought_about_prove_nothing(results: str) -> None:
    assert proof(letter(results=results)) == ""


def test_only_the_topmost_word_of_our_server_counts() -> None:
    forged = f"Authentication-Results: {GOOD}\r\n".encode()
    honest = b"Authentication-Results: mx.city.example; dkim=none; spf=none\r\n"
    received = b"Received: from x by mx.city.example; Mon, 15 Jun 2026\r\n"
    rest = letter(results=None).partition(b"\r\n")[2]
    assert proof(received + honest + forged + rest) == ""
    # Servers further in, which sign nothing, do not hide it.
    inner = b"Received: from mx.city.example by store.city.example; Mon, 15 Jun 2026\r\n"
    assert proof(inner + received + forged + rest) == "spf police.example"
    assert proof(received + received + forged + rest) == ""


async def test_a_forged_letter_does_not_keep_the_real_one_with_its_number_out(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    world = FeedWorld(a_city(POLICE), database, clock)
    poller = world.poller(http)
    assert (await poller.take_mail("police", letter(results=None))).set_aside == 1
    await poller.take_mail("police", letter())
    await poller.take_mail("police", letter())
    assert [notice.topic for notice in world.sent] == ["child-watch"]
    for broken in (b"\xff" * 100, b"From: " + b"(" * 3000 + b"\n\nx", b""):
        assert (await poller.take_mail("police", broken)).set_aside == 1
    async with database.reading() as session:
        aside = await session.scalars(select(Item).where(col(Item.state) == ItemState.SET_ASIDE))
        assert all(item.reason and not item.payload for item in aside)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("【訓練】不審者情報", "声かけがありました。"),
        ("不審者情報", "これは訓練です。声かけがありました。"),
        ("［テスト配信］", "届きましたか。"),
    ],
)
async def test_promise_5_a_drill_by_mail_is_never_sent_as_real(
    database: Database,
    clock: ManualClock,
    http: aiohttp.ClientSession,
    subject: str,
    body: str,
) -> None:
    world = FeedWorld(a_city(POLICE), database, clock)
    result = await world.poller(http).take_mail("police", letter(subject=subject, body=body))
    assert (len(result.notices), world.sent) == (1, [])


@pytest.mark.parametrize(
    ("subject", "body", "topic"),
    [
        ("子供（声かけ等）", "児童が声をかけられました。", "child-watch"),
        ("【解決】不審者情報", "６月１４日の声かけ事案の男を検挙しました。", "child-watch"),
        ("事案の発生", "女子生徒が男に後をつけられました。", "child-watch"),
        ("車上ねらいの発生", "施錠をお願いします。", "crime"),
        ("防犯訓練のお知らせ", "市民会館で行います。", "crime"),
    ],
)
async def test_what_concerns_children_is_put_on_their_topic(
    database: Database,
    clock: ManualClock,
    http: aiohttp.ClientSession,
    subject: str,
    body: str,
    topic: str,
) -> None:
    world = FeedWorld(a_city(POLICE), database, clock)
    await world.poller(http).take_mail("police", letter(subject=subject, body=body))
    assert [notice.topic for notice in world.sent] == [topic]


async def test_a_source_to_which_mail_is_piped_is_neither_polled_nor_ever_stale(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    piped = POLICE.model_copy(update={"url": ""})
    world = FeedWorld(a_city(piped), database, clock)
    poller = world.poller(http)
    assert poller.polled() == []
    # The same message, handed over by two of the mail server's processes.
    await asyncio.gather(*(world.poller(http).take_mail("police", letter()) for _ in range(4)))
    assert len(world.sent) == 1
    await clock.advance(7 * 86400)
    async with database.reading() as session:
        assert [state.stale for state in await states(session, world.city, clock.now())] == [False]


async def test_promise_9_an_old_mail_is_emptied_and_still_known(
    database: Database, clock: ManualClock, http: aiohttp.ClientSession
) -> None:
    world = FeedWorld(a_city(POLICE), database, clock)
    poller = world.poller(http)
    await poller.take_mail("police", letter())
    await clock.advance(31 * 86400)
    assert await forget(database, clock.now()) == 1
    await poller.take_mail("police", letter())
    await poller.take_mail("police", letter(body="同じ番号の別の声かけ。"))
    assert len(world.sent) == 1


def test_a_letter_without_a_head_is_none() -> None:
    assert "no message" in said(b"", b"\n\nx")[1]
    assert read_letter(HEAD + b"Date: " + b"9" * 5_000 + b"\n\nx", trusted=()).sent_at is None
