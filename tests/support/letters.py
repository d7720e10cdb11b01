"""Letters from the police, as a mail server passes them on."""

from __future__ import annotations

from email.message import EmailMessage

from feeds.mail import read_letter
from tests.support.feed_world import source

POLICE = source(
    "police",
    "mail",
    "imaps://city@mail.city.example/INBOX",
    senders=("anzen@police.example",),
    hosts=("mx.city.example",),
    secret_setting="TODOKE_TEST_MAIL",
    topic="crime",
    decision="send",
)
GOOD = (
    "mx.city.example; spf=pass smtp.mailfrom=anzen@police.example;"
    " dkim=pass header.d=police.example"
)
BODY = """６月１５日午後３時ごろ、大穂１丁目２番３号付近で、下校中の児童が男に声をかけられました。
氏名：山田太郎
連絡先：029-000-0000
山田花子さんが目撃しました。
詳しくは anzen@police.example か 090-1234-5678 へ。不審者を見たら１１０番してください。"""


def letter(
    *,
    results: str | None = GOOD,
    sender: str = "県警 <anzen@police.example>",
    subject: str = "不審者情報（声かけ）",
    body: str = BODY,
    number: int = 1,
    encoding: str = "utf-8",
    below: str | None = None,
) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = sender
    message["To"] = "city@mail.city.example"
    message["Date"] = "Mon, 15 Jun 2026 11:55:00 +0900"
    message["Message-ID"] = f"<{number}@police.example>"
    message.set_content(body, charset=encoding)
    trace = ["Received: from mail.police.example by mx.city.example; Mon, 15 Jun 2026"]
    if results is not None:
        trace.append(f"Authentication-Results: {results}")
    if below is not None:
        trace.append("Received: from evil.example by mail.police.example; Mon, 15 Jun 2026")
        trace.append(f"Authentication-Results: {below}")
    return ("\r\n".join(trace) + "\r\n").encode() + message.as_bytes()


def proof(data: bytes) -> str:
    return read_letter(data, trusted=POLICE.hosts).proven_by
