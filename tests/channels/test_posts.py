"""Posts: whole at any length, a drill always marked, and each answer of a network understood.

The networks are stand-ins on this machine. Apprise's own plugins speak to them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from channels.posts.ladder import Measure, PostWords, graphemes, post_words, sentences, weighted
from channels.posts.network import Account, post
from channels.responses import Busy, ChannelRefused, Refused, Unavailable
from city.city import Decision
from core.errors import BadInput, TodokeError
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import drill_mark

NOON = datetime(2026, 6, 15, 3, tzinfo=UTC)
FIRST = "川の水があふれるおそれがあります。"
SECOND = "危険な場所にいる人は、全員避難してください。"
ADDRESS = "https://todoke.city.example/n/k3m9"


def notice(*, drill: bool = False, language: str = "ja") -> Notice:
    words = {language: {"title": "避難指示（中央）", "text": FIRST + SECOND}}
    return Notice(
        identity="n",
        topic="evacuation",
        level=4,
        status=Status.ISSUED,
        drill=drill,
        emergency=True,
        reported_at=NOON,
        texts=words,
        decision=Decision.SEND,
        decided_by="staff@city.example",
        created_at=NOON,
    )


def post_text(
    notice: Notice,
    language: str,
    limit: int,
    *,
    short_address: str,
    corrects: str = "",
    measure: Measure = graphemes,
) -> str:
    """Return the post of a notice in an account's length."""
    words = post_words(notice, language, short_address).following(corrects, "")
    return PostWords.from_json(words.to_json()).fitting(limit, measure)


@pytest.mark.parametrize("measure", [graphemes, weighted])
@pytest.mark.parametrize("drill", [False, True])
@pytest.mark.parametrize("limit", range(44, 300, 7))
def test_every_length_has_whole_sentences_and_the_address(
    limit: int, drill: bool, measure: Callable[[str], int]
) -> None:
    try:
        text = post_text(notice(drill=drill), "ja", limit, short_address=ADDRESS, measure=measure)
    except BadInput:
        assert limit < 90
        return
    assert measure(text) <= limit
    assert text.endswith(ADDRESS) and "避難指示（中央）" in text
    said = text.removesuffix(ADDRESS).partition("避難指示（中央）")[2].replace("【訓練】", "")
    assert "".join(said.split()) in ("", FIRST, FIRST + SECOND)
    assert text.startswith("【訓練】") is drill


def test_x_counts_japanese_letters_twice() -> None:
    """https://docs.x.com/fundamentals/counting-characters"""
    assert (weighted("避難 now"), graphemes("避難 now")) == (8, 6)
    # Half-width katakana and Khmer count two as well, Thai and Burmese one.
    assert [weighted(letter) for letter in "ｱកกက"] == [2, 2, 1, 1]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("水位は3.5mです。逃げてください。", ["水位は3.5mです。", "逃げてください。"]),
        ("「すぐに逃げて。」と伝えます。", ["「すぐに逃げて。」と伝えます。"]),
        ("See https://a.example/?q=1.2 now. Leave.", ["See https://a.example/?q=1.2 now. Leave."]),
        ("Mt. Fuji erupted. Leave now.", ["Mt. Fuji erupted.", "Leave now."]),
        ("Rain of 10. 5 mm", ["Rain of 10. 5 mm"]),
        ("ထွက်ပါ။ သွားပါ။", ["ထွက်ပါ။", "သွားပါ။"]),
        ("一行目\n二行目", ["一行目", "二行目"]),
    ],
)
def test_only_a_sure_end_of_a_sentence_divides(text: str, found: list[str]) -> None:
    assert sentences(text) == found


def test_a_correction_names_the_earlier_post_as_long_as_that_fits() -> None:
    words = post_words(notice(), "ja", ADDRESS).following("2026-06-15 12:00", ADDRESS + "0")
    long = words.fitting(500)
    assert long.startswith(f"↩ 2026-06-15 12:00 {ADDRESS}0\n\n避難指示（中央）")
    short = words.fitting(len("↩ 2026-06-15 12:00\n\n避難指示（中央）\n\n") + len(ADDRESS))
    assert short == f"↩ 2026-06-15 12:00\n\n避難指示（中央）\n\n{ADDRESS}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_promise_5_a_drill_has_its_mark_on_every_step(language: str) -> None:
    for limit in (90, 120, 500):
        for corrects in ("", "12:00"):
            text = post_text(
                notice(drill=True, language=language),
                language,
                limit,
                short_address=ADDRESS,
                corrects=corrects,
            )
            assert text.startswith(drill_mark(language))
            assert corrects in text


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def network(answer: Answer) -> AsyncIterator[str]:
    """A network on this machine that answers every request so; yields HOST:PORT."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def mastodon(place: str) -> Account:
    return Account("mastodon", f"mastodon://secret-token@{place}")


def ntfy(place: str) -> Account:
    return Account("ntfy", f"ntfy://{place}/city")


async def test_mastodon_and_ntfy_get_the_whole_text_once() -> None:
    taken: list[tuple[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        taken.append((request.path, await request.json()))
        return web.json_response({"id": "1", "account": {"id": "2"}})

    text = post_text(notice(), "ja", 500, short_address=ADDRESS)
    async with network(answer) as place:
        await post(mastodon(place), text)
        await post(ntfy(place), text)
    [(path, status), (_, message)] = taken
    assert path == "/api/v1/statuses"
    assert status["status"].strip() == text
    assert message["message"].strip() == text and message["topic"] == "city"


@pytest.mark.parametrize(
    ("status", "raised"),
    [(401, ChannelRefused), (429, Busy), (503, Unavailable), (422, Refused)],
)
@pytest.mark.parametrize("account", [mastodon, ntfy])
async def test_each_answer_is_understood(
    status: int, raised: type[TodokeError], account: Callable[[str], Account]
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": "no"}, status=status)

    async with network(answer) as place:
        with pytest.raises(raised) as error:
            await post(account(place), "text")
    assert "secret" not in str(error.value)


async def test_a_network_that_hangs_or_is_gone_is_unavailable() -> None:
    over = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async with network(answer) as place:
        with pytest.raises(Unavailable):
            await post(ntfy(place), "text", patience=0.3)
        over.set()
    with pytest.raises(Unavailable):
        await post(ntfy(place), "text")


async def test_an_address_that_is_none_is_refused_without_its_secret() -> None:
    with pytest.raises(Refused) as error:
        await post(Account("x", "nonsense://secret"), "text")
    assert "secret" not in f"{error.value}{Account('x', 'nonsense://secret')!r}"
