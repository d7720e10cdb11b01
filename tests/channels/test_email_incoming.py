"""Mail that comes in: bounces that are ours, forged ones, people, and programs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.email.bounces import Bounce
from channels.email.incoming import Ignored, Incoming, Returned, Stop, Wish, read_mail
from channels.email.tokens import MailTokens, Purpose
from tests.support.mail_world import BOX, NOON, TOKENS, bounce, complaint, written

TARO = "taro@home.example"


def returned_to(address: str, tokens: MailTokens = TOKENS) -> str:
    return BOX.plus(tokens.return_detail(address, NOON))


def reading(data: bytes, days: float = 1) -> Incoming:
    return read_mail(data, BOX, TOKENS, NOON + timedelta(days=days))


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        ("5.1.1", "smtp; 550 5.1.1 User unknown", Bounce.HARD),
        ("5.1.2", "smtp; 550", Bounce.HARD),
        ("5.2.1", "smtp; 550", Bounce.HARD),
        ("5.0.0", "smtp; 550 unknown user", Bounce.HARD),
        ("5.0.0", "smtp; 554 spam", Bounce.SOFT),
        ("5.2.2", "smtp; 552 full", Bounce.SOFT),
        ("4.2.2", "smtp; 452 full", Bounce.SOFT),
        ("4.4.7", "expired", Bounce.SOFT),
        ("5.7.1", "smtp; 550 blocked", Bounce.SOFT),
        ("", "", Bounce.SOFT),
    ],
)
def test_a_bounce_of_a_mail_of_ours(status: str, diagnostic: str, kind: Bounce) -> None:
    data = bounce(TARO, to=returned_to(TARO), status=status, diagnostic=diagnostic)
    assert reading(data) == Returned(TARO, kind)


def test_the_return_address_may_come_back_in_capitals() -> None:
    assert reading(bounce(TARO, to=returned_to(TARO).upper())) == Returned(TARO, Bounce.HARD)


def test_a_mail_that_was_forwarded_is_found_by_the_mail_that_came_back() -> None:
    data = bounce(TARO, to=returned_to(TARO), final="other@elsewhere.example")
    assert reading(data) == Returned(TARO, Bounce.HARD)


@pytest.mark.parametrize(
    "to",
    [
        BOX.address,
        BOX.plus("bounce"),
        BOX.plus("b"),
        BOX.plus("b0000aaaaaaaaaaaaaaaa"),
        returned_to("hanako@home.example"),
        returned_to(TARO, MailTokens("a key of somebody else")),
        f"{BOX.plus(TOKENS.return_detail(TARO, NOON))}.evil.example",
    ],
)
def test_a_forged_bounce_ends_nothing(to: str) -> None:
    assert isinstance(reading(bounce(TARO, to=to)), Ignored)


def test_a_return_address_is_believed_for_a_month() -> None:
    data = bounce(TARO, to=returned_to(TARO))
    assert isinstance(reading(data, days=29), Returned)
    assert isinstance(reading(data, days=32), Ignored)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", ""])
def test_a_report_of_no_failure_is_none(action: str) -> None:
    assert isinstance(reading(bounce(TARO, to=returned_to(TARO), action=action)), Ignored)


def test_a_complaint_counts_if_it_is_about_a_mail_of_ours() -> None:
    assert reading(complaint(TARO, to=returned_to(TARO))) == Returned(TARO, Bounce.COMPLAINT)
    assert isinstance(reading(complaint(TARO, to=BOX.address)), Ignored)
    assert isinstance(reading(complaint(TARO, to=returned_to("x@home.example"))), Ignored)


def test_an_empty_mail_is_a_wish_to_follow() -> None:
    found = reading(written(f"太郎 <{TARO}>"))
    assert found == Wish(TARO, "ja", "<1@phone.example>")
    english = reading(written(TARO, to=BOX.plus("subscribe"), Accept_Language="en-US"))
    assert english == Wish(TARO, "en", "<1@phone.example>")


@pytest.mark.parametrize("charset", ["utf-8", "iso-2022-jp", "shift_jis"])
@pytest.mark.parametrize("words", ["解除", "配信停止"])
def test_who_writes_to_stop_is_understood_in_the_encodings_of_phones(
    charset: str, words: str
) -> None:
    by_subject = reading(written(TARO, subject=words, charset=charset))
    by_body = reading(written(TARO, body=f"{words}\n", charset=charset))
    for found in (by_subject, by_body):
        assert isinstance(found, Wish)
        assert found.stop
    other = reading(written(TARO, subject="お知らせ希望", body="よろしく", charset=charset))
    assert isinstance(other, Wish) and not other.stop


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (holiday)"},
        {"Precedence": "bulk"},
        {"Precedence": "List"},
        {"List_Id": "<x.example>"},
        {"List_Unsubscribe": "<mailto:x@y.example>"},
        {"X_Autoreply": "yes"},
        {"X_Auto_Response_Suppress": "All"},
        {"Return_Path": "<>"},
    ],
)
def test_a_program_is_never_answered(headers: dict[str, str]) -> None:
    assert isinstance(reading(written(TARO, **headers)), Ignored)


@pytest.mark.parametrize(
    "sender",
    [
        "MAILER-DAEMON@home.example",
        "postmaster@home.example",
        "no-reply@home.example",
        "noreply+x@home.example",
        "news-request@home.example",
        "owner-news@home.example",
        BOX.address,
        returned_to(TARO),
        "not an address",
        f"{TARO}, hanako@home.example",
    ],
)
def test_a_sender_that_is_nobody_is_never_answered(sender: str) -> None:
    data = f"From: {sender}\r\nTo: {BOX.address}\r\nSubject: x\r\n\r\n".encode()
    assert isinstance(reading(data), Ignored)


def test_a_mail_that_does_not_name_us_is_not_answered() -> None:
    assert isinstance(reading(written(TARO, to="everybody@elsewhere.example")), Ignored)


def test_the_button_of_a_mail_program_ends_the_mails_of_its_own_address_only() -> None:
    to = BOX.plus(TOKENS.stop_detail(TARO))
    assert reading(written(TARO, to=to, subject="stop"), days=900) == Stop(TARO)
    assert isinstance(reading(written("hanako@home.example", to=to)), Ignored)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 1000,
        b"From: a\r\n" * 10_000,
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts",
        b"Content-Type: multipart/report; report-type*0*=x''%ff; boundary=\r\n\r\n--\r\n",
        b"From: =?iso-2022-jp?B?GyRC?= <a@b.example>\r\n\r\n",
    ],
)
def test_what_is_no_mail_is_ignored(data: bytes) -> None:
    assert isinstance(reading(data), Ignored)


def test_a_link_opens_for_its_purpose_and_its_time_only() -> None:
    token = TOKENS.link(Purpose.CONFIRM, TARO, NOON, "my")
    assert TOKENS.read_link(Purpose.CONFIRM, token, NOON) == (TARO, "my")
    assert TOKENS.read_link(Purpose.SETTINGS, token, NOON) is None
    assert TOKENS.read_link(Purpose.UNSUBSCRIBE, token, NOON) is None
    assert TOKENS.read_link(Purpose.CONFIRM, token, NOON + timedelta(hours=25)) is None
    assert TOKENS.read_link(Purpose.CONFIRM, token[:-2] + "AA", NOON) is None
    assert TOKENS.read_link(Purpose.CONFIRM, token + "=", NOON) is None
    assert TARO not in token
    old = MailTokens("a new key", ("a-secret-key",))
    assert old.read_link(Purpose.CONFIRM, token, NOON) == (TARO, "my")
    stop = TOKENS.link(Purpose.UNSUBSCRIBE, TARO, NOON)
    assert TOKENS.read_link(Purpose.UNSUBSCRIBE, stop, NOON + timedelta(days=3000)) == (TARO, "")


def test_the_return_address_is_no_longer_than_mail_takes() -> None:
    detail = TOKENS.return_detail("x" * 60 + "@home.example", NOON)
    assert len(BOX.plus(detail).partition("@")[0]) <= 64
