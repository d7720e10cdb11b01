"""What a mail looks like when another program reads it (RFC 5322, 2047, 2919, 8058)."""

from __future__ import annotations

import base64
import json
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import html as html_tree

from channels.email.addresses import in_header, normalised
from channels.email.compose import Letter, encoded_words, mail_bytes
from channels.email.dkim import SIGNED, Signer
from channels.email.medium import EMAIL
from channels.email.smtp import Relay
from channels.email.tokens import Purpose
from channels.medium import compact_json
from core.clock import ManualClock
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from tests.support.engine import make_notice, small_city
from tests.support.mail_reader import mail_reader
from tests.support.mail_world import NOON, TOKENS, medium

LONG = (
    "【重要】レベル４避難指示：大雨と河川の氾濫のおそれにより、市内の全域に"
    "避難指示を出しました。危険な場所から全員避難してください"
)
KEY = "0c3f9f0e-6d0f-4f6b-9d39-1f0f8d0a1a55"


def letter(**changes: object) -> Letter:
    values: dict[str, object] = {
        "mail_from": "試験市 <todoke@city.example>",
        "to": "a@home.example",
        "subject": "Title",
        "plain": "Text\n",
        "html": "<p>Text</p>",
        "language": "ja",
        "message_id": "<1@city.example>",
        "at": NOON,
    }
    return Letter(**values | changes)  # type: ignore[arg-type]


def read(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=default)


async def sent(notice: Notice, language: str, to: str = "a@home.example") -> EmailMessage:
    """Send a notice over a server that is not ours, and read what it took."""
    clock = ManualClock(NOON)
    async with mail_reader() as reader:
        relay = Relay(reader.settings(), clock)
        by_mail = medium(clock, relay, reader.settings())
        messages = compact_json(by_mail.render(notice, language, small_city()))
        request = by_mail.request("email", to, messages, silent=False)
        await by_mail.attempt("email", request, KEY)
        await relay.close()
    (taken,) = reader.taken
    assert taken.recipients == [to]
    assert taken.sender.startswith("kurashi+b")
    assert not taken.mail.defects
    assert all(len(line) <= 998 for line in taken.content.split(b"\r\n"))
    return taken.mail


def tree_of(html: str) -> Any:
    """Return the document."""
    return html_tree.fromstring(html)


def notice(**changes: object) -> Notice:
    made = make_notice(now=NOON, languages=tuple(LANGUAGES), **changes)  # type: ignore[arg-type]
    made.id = 41
    return made


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_notice_arrives_as_text_and_as_html_in_the_readers_language(language: str) -> None:
    made = notice()
    mail = await sent(made, language)
    assert mail["Subject"] == made.texts[language]["title"]
    assert mail["From"].addresses[0].display_name == "試験市"
    assert mail["To"] == "a@home.example"
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content() for part in mail.iter_parts())
    assert made.texts[language]["text"].split("\n")[0] in plain
    tree = tree_of(html)
    assert tree.get("lang") == LANGUAGES[language].tag
    assert tree.get("dir") == LANGUAGES[language].script.direction
    assert made.texts[language]["text"].split("\n")[0] in tree.text_content()
    assert mail["Content-Language"] == LANGUAGES[language].tag
    for link in tree.xpath("//a/@href"):
        assert link in plain


async def test_mail_programs_find_what_they_need_in_the_head() -> None:
    mail = await sent(notice(), "ja")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "list"
    assert mail["List-Id"] == "<news.city.example>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.match(
        r"<(https://[^>]+)>,\s*<mailto:(kurashi\+s\w+@city\.example)", str(mail["List-Unsubscribe"])
    )
    assert found is not None
    token = found[1].rpartition("/")[2]
    assert TOKENS.read_link(Purpose.UNSUBSCRIBE, token, NOON) == ("a@home.example", "")
    assert mail["Date"].datetime == NOON
    assert mail["Importance"] == "high"


async def test_a_correction_stands_below_the_mail_that_it_corrects() -> None:
    first = await sent(notice(), "ja")
    other = await sent(notice(), "ja", to="b@home.example")
    correction = notice(status=Status.CORRECTED, replaces_id=41)
    correction.id = 42
    second = await sent(correction, "ja")
    assert second["In-Reply-To"] == first["Message-ID"] != other["Message-ID"]
    assert second["References"] == first["Message-ID"]
    assert second["Message-ID"] != first["Message-ID"]


async def test_a_repeat_has_the_same_message_id() -> None:
    made = notice()
    assert (await sent(made, "ja"))["Message-ID"] == (await sent(made, "ja"))["Message-ID"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_drill_begins_with_its_mark_everywhere(language: str) -> None:
    mail = await sent(notice(drill=True), language)
    plain, html = (part.get_content() for part in mail.iter_parts())
    mark = drill_mark(language)
    assert mail["Subject"].startswith(mark)
    assert plain.startswith(mark)
    assert tree_of(html).xpath("string(//h1)").startswith(mark)
    assert mail["Importance"] is None


def test_several_notices_are_one_mail_with_a_mark_for_each_drill() -> None:
    real, drill = notice(), notice(drill=True)
    (said,) = EMAIL.digest([real, drill], "en", small_city())
    assert said["title"].startswith("Summary: 2 notices")
    assert real.texts["en"]["title"] in said["plain"]
    assert f"■ {drill.texts['en']['title']}" in said["plain"]
    (only,) = EMAIL.digest([drill, drill], "ja", small_city())
    assert only["title"].startswith(drill_mark("ja"))
    assert only["plain"].startswith(drill_mark("ja"))


@pytest.mark.parametrize(
    "title", [LONG, LONG * 3, "မိုးကြီး" * 30, "🌊" * 80, "plain ASCII " * 20, "=?utf-8?B?x?="]
)
def test_a_long_subject_is_cut_between_characters_and_comes_back_whole(title: str) -> None:
    content = mail_bytes(letter(subject=title))
    head = content.partition(b"\r\n\r\n")[0]
    assert read(content)["Subject"] == " ".join(title.split())
    assert head.isascii()
    for line in head.split(b"\r\n"):
        assert len(line) <= 78
    for word in re.findall(rb"=\?UTF-8\?B\?([^?]*)\?=", head):
        base64.b64decode(word, validate=True).decode("utf-8")


@pytest.mark.parametrize(
    "evil",
    [
        "Hello\r\nBcc: everybody@home.example",
        "Hello\nContent-Type: text/html",
        "Hello\r\n\r\n<script>",
        "Hello\x00\x0b\x0c\u2028Bcc: x@home.example",
        "Hello\r\n .\r\nQUIT",
    ],
)
def test_nothing_can_be_slipped_into_the_head(evil: str) -> None:
    names = read(mail_bytes(letter())).keys()
    for content in (
        mail_bytes(letter(subject=evil)),
        mail_bytes(letter(mail_from=f"{evil} <todoke@city.example>")),
    ):
        mail = read(content)
        assert mail.keys() == names
        assert mail["Bcc"] is None
        assert [part.get_content_type() for part in mail.iter_parts()] == [
            "text/plain",
            "text/html",
        ]


async def test_html_of_a_notice_is_text() -> None:
    evil = notice()
    evil.texts["en"]["text"] = '<script>alert(1)</script>\nhttps://a.example/?a=1&b="x'
    mail = await sent(evil, "en")
    tree = tree_of(mail.get_body(("html",)).get_content())  # type: ignore[union-attr]
    assert not tree.xpath("//script")
    assert "<script>alert(1)</script>" in tree.text_content()
    assert "https://a.example/?a=1&b=" in tree.xpath("//a/@href")


async def test_a_line_of_one_dot_does_not_end_a_mail() -> None:
    dotted = notice()
    dotted.texts["en"]["text"] = "Before\n.\n..\nafter"
    mail = await sent(dotted, "en")
    assert "Before\n.\n..\nafter" in mail.get_body(("plain",)).get_content().replace("\r\n", "\n")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("Taro@Example.JP", "taro@example.jp"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "taro@example.jp"),
        (" taro@example.jp ", "taro@example.jp"),
        ("taro..x.@docomo.ne.jp", "taro..x.@docomo.ne.jp"),
        ("taro", None),
        ("taro@localhost", None),
        ("taro@example.jp\r\nRCPT TO:<x@y.jp>", None),
        ("<taro@example.jp>", None),
        ("a@b@example.jp", None),
        ('"a b"@example.jp', None),
        ("taro@example.jp>", None),
        ("太郎@example.jp", None),
        ("t" * 65 + "@example.jp", None),
        ("t@" + "e" * 320 + ".jp", None),
    ],
)
def test_an_address_has_one_form_or_none(typed: str, address: str | None) -> None:
    assert normalised(typed) == address


def test_an_old_phone_address_stands_in_quotes_in_the_head() -> None:
    assert in_header("taro..x.@docomo.ne.jp") == '"taro..x."@docomo.ne.jp'
    mail = read(mail_bytes(letter(to="taro..x.@docomo.ne.jp")))
    assert mail["To"].addresses[0].username == "taro..x."


def test_short_ascii_stays_as_it_is() -> None:
    assert encoded_words("Level 4") == "Level 4"


async def test_a_signature_is_valid_and_covers_what_ends_the_mails() -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    signer = Signer("city.example", "todoke2026", pem)
    content = mail_bytes(
        letter(subject=LONG, list_id="news.city.example", stop_link="https://x.example/1")
    )
    signed = await signer.signed(content)

    def dns(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"todoke2026._domainkey.city.example."
        return record

    assert dkim.verify(signed, dnsfunc=dns)
    assert not dkim.verify(signed.replace(b"x.example/1", b"y.example/1"), dnsfunc=dns)
    said = str(read(signed)["DKIM-Signature"])
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(SIGNED)
    assert "list-unsubscribe-post" in said.replace(" ", "")


def test_the_messages_of_a_variant_are_json() -> None:
    (said,) = EMAIL.render(notice(), "ja", small_city())
    assert json.loads(compact_json(said)) == said
