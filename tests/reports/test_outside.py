"""No address of a stranger leads inside, however it is written."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from feeds.fetch import FetchRefused
from reports.outside import PublicHosts, ask, internal_of, outside_session

INSIDE = (
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "127.0.0.1."),
    *(
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ),
    *("localhost", "LOCALHOST.", "a.localhost", "ip6-localhost", "ｌｏｃａｌｈｏｓｔ"),
    *("１２７.０.０.１", "127。0。0。1", "①②⑦.⓪.⓪.①", "127．0．0．1", "127.0.0.1%2e"),
)
"""As digits of other widths, other full stops, whole numbers, and addresses in addresses."""


class Inside:
    """A server on this machine that notes whether somebody came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    found = Inside(0)

    async def answer(request: web.Request) -> web.Response:
        found.asked.append(str(request.url))
        return web.Response(text="of the city's own network")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


@pytest.mark.parametrize("host", INSIDE)
async def test_no_spelling_of_this_machine_is_asked(inside: Inside, host: str) -> None:
    async with outside_session() as http:
        with pytest.raises(FetchRefused):
            await ask(http, "GET", f"http://{host}:{inside.port}/", PublicHosts(), seconds=5)
    assert inside.asked == []


async def test_of_a_host_inside_only_the_named_port_is_asked(inside: Inside) -> None:
    """The operator named one service of it, and not its database."""
    name = socket.gethostname()
    for named, answers in ((inside.port, True), (inside.port + 1, False)):
        internal = internal_of((f"{name}:{named}",))
        async with outside_session(internal) as http:
            asking = ask(
                http, "GET", f"http://{name}:{inside.port}/", PublicHosts(internal=internal)
            )
            if answers:
                assert (await asking).status == 200
            else:
                with pytest.raises(FetchRefused):
                    await asking
    assert len(inside.asked) == 1
