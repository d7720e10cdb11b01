"""A name that nobody can look up delays nobody but those who ask for it."""

from __future__ import annotations

import asyncio

import pytest

from core.names import Names
from tests.support.slow_names import SlowNames


async def test_slow_names_delay_no_other_name(name_server: SlowNames) -> None:
    names = Names()
    slow = [asyncio.create_task(names.resolve(f"slow-{n}.example")) for n in range(40)]
    async with asyncio.timeout(20):
        found = await names.resolve("feed.test", 80)
    assert [(entry["host"], entry["port"]) for entry in found] == [("127.0.0.1", 80)]
    assert not any(task.done() for task in slow)
    name_server.go_on.set()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_the_last_good_address_is_used_while_the_name_server_is_silent(
    name_server: SlowNames,
) -> None:
    names = Names(patience_when_known=0)
    good = await names.resolve("line.test", 443)
    name_server.silent = True
    for _ in range(3):
        assert await names.resolve("line.test", 443) == good
    # Asked once more, and not once for each who wanted to know.
    assert name_server.asked == ["line.test", "line.test"]
    name_server.go_on.set()
    name_server.silent = False


async def test_the_last_good_address_is_used_when_the_name_is_said_to_be_gone(
    name_server: SlowNames,
) -> None:
    names = Names()
    good = await names.resolve("line.test", 443)
    name_server.silent = True
    name_server.go_on.set()
    assert await names.resolve("line.test", 443) == good


async def test_no_more_than_so_many_names_are_looked_up_at_once(name_server: SlowNames) -> None:
    names = Names(most_at_once=3, patience=0)
    for number in range(10):
        with pytest.raises(OSError):
            await names.resolve(f"slow-{number}.example")
    assert len(name_server.asked) <= 3


async def test_a_name_that_does_not_exist_is_an_error(name_server: SlowNames) -> None:
    name_server.go_on.set()
    with pytest.raises(OSError):
        await Names().resolve("slow-no.example")
