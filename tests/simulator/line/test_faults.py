"""Faults can be turned on, describe themselves, and work."""

from __future__ import annotations

import asyncio
import gzip
import time
import uuid

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from simulator.line.faults import FaultPlan, Faults
from tests.support.line_account import TEXT, Line

WHOLE = (
    "latency=20ms..80ms,5xx-before=1%,5xx-after=2.5%,drop-before=3%,drop-after=4%,429=5%,"
    "hang-before=6%,hang-after=7%,bomb-before=8%,bomb-after=9%,proxy=302/10%,proxy-after=200/5%,"
    "webhook-twice=10%,429-storm=2s/10s,retry-after=3s,unauthorized=on,slow-content=50KB/s,"
    "only=multicast+push,seed=7"
)


def test_a_plan_is_read_and_said_again() -> None:
    plan = FaultPlan.parse(WHOLE)
    assert (plan.latency, plan.latency_most) == (0.02, 0.08)
    assert (plan.error_before, plan.error_after) == (0.01, 0.025)
    assert (plan.storm_length, plan.storm_period, plan.retry_after) == (2, 10, 3)
    assert plan.content_bytes_per_second == 50_000
    assert plan.only == {"multicast", "push"}
    assert FaultPlan.parse(str(plan)) == plan
    assert FaultPlan.parse("drop=1%") == FaultPlan(drop_before=0.005, drop_after=0.005)
    assert FaultPlan.parse("hang=2%") == FaultPlan(hang_before=0.01, hang_after=0.01)
    assert FaultPlan.parse("bomb=2%") == FaultPlan(bomb_before=0.01, bomb_after=0.01)
    assert FaultPlan.parse("proxy=404") == FaultPlan(proxy=404, proxy_share=1.0)
    assert str(FaultPlan.parse("proxy=404,proxy-after=200/5%")) == "proxy=404,proxy-after=200/5%"


@pytest.mark.parametrize("nothing", ["", "none", "  "])
def test_no_faults_are_none(nothing: str) -> None:
    plan = FaultPlan.parse(nothing)
    assert plan.quiet
    assert str(plan) == "none"
    assert Faults(plan).fate("multicast", 0).before == "act"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("latency", "'latency' is not of the form name=value"),
        ("latency=fast", "needs a time such as 50ms or 2s"),
        ("latency=80ms..20ms", "runs from more to less"),
        ("5xx-after=1", "needs a share from 0% to 100%"),
        ("5xx-after=101%", "needs a share from 0% to 100%"),
        ("429-storm=1%", "must be LENGTH/PERIOD"),
        ("429-storm=20s/10s", "must be no longer than its period"),
        ("unauthorized=maybe", "must be on or off"),
        ("slow-content=slowly", "must be a speed such as 50KB/s"),
        ("proxy=99", "must be a status from 200 to 599"),
        ("proxy-after=200/many", "needs a share from 0% to 100%"),
        ("seed=-1", "must be a whole number"),
        ("fire=1%", "there is no fault 'fire'"),
    ],
)
def test_a_plan_that_cannot_be_read_is_one_clear_sentence(spec: str, said: str) -> None:
    with pytest.raises(BadInput, match="--faults: ") as refused:
        FaultPlan.parse(spec)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.integers(0, 2**32))
def test_the_same_seed_chooses_the_same(seed: int) -> None:
    plan = FaultPlan(error_before=0.3, drop_after=0.3, latency_most=1.0, seed=seed)
    first, second = Faults(plan), Faults(plan)
    fates = [first.fate("push", 0.0) for _ in range(20)]
    assert fates == [second.fate("push", 0.0) for _ in range(20)]


def test_shares_are_kept_to() -> None:
    faults = Faults(FaultPlan(error_after=0.1, seed=3))
    failed = sum(faults.fate("push", 0).after == "error" for _ in range(10_000))
    assert 850 < failed < 1150


async def test_an_error_before_acting_did_nothing_and_one_after_did(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan(error_before=1)
    key = str(uuid.uuid4())
    assert (await line.push(friend, key=key)).status == 500
    assert not line.simulator.ledger.entries
    line.simulator.faults = FaultPlan(error_after=1)
    assert (await line.push(friend, key=key)).status == 500
    assert len(line.simulator.ledger.entries) == 1
    line.simulator.faults = FaultPlan()
    assert (await line.push(friend, key=key)).status == 409
    assert line.simulator.ledger.recipients() == {friend: 1}


@pytest.mark.parametrize(("when", "delivered"), [("drop-before", 0), ("drop-after", 1)])
async def test_a_dropped_connection_may_have_acted_or_not(
    line: Line, when: str, delivered: int
) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan.parse(f"{when}=100%")
    with pytest.raises((aiohttp.ClientConnectionError, aiohttp.ClientPayloadError)):
        await line.push(friend, key=str(uuid.uuid4()))
    assert len(line.simulator.ledger.entries) == delivered


@pytest.mark.parametrize(("when", "delivered"), [("hang-before", 0), ("hang-after", 1)])
async def test_an_answer_that_never_comes_may_have_acted_or_not(
    line: Line, when: str, delivered: int
) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan.parse(f"{when}=100%")
    asked = asyncio.create_task(line.push(friend, key=str(uuid.uuid4())))
    came = line.simulator.limiter.moments
    await line.simulator.wait_until(lambda: len(came("push")) == 1)
    assert len(line.simulator.ledger.entries) == delivered
    assert not asked.done()
    asked.cancel()


@pytest.mark.parametrize(("when", "delivered"), [("bomb-before", 0), ("bomb-after", 1)])
async def test_a_bomb_is_small_on_the_way_and_has_line_s_headers(
    line: Line, when: str, delivered: int
) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan.parse(f"{when}=100%")
    url = f"{line.simulator.url}/v2/bot/message/push"
    body = {"to": friend, "messages": TEXT}
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        headers = {"Authorization": "Bearer t"}
        async with session.post(url, json=body, headers=headers) as answer:
            packed = await answer.read()
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert answer.headers["x-line-request-id"]
    assert len(packed) < 1_000_000 < 64 * 1024 * 1024 < len(gzip.decompress(packed))
    assert len(line.simulator.ledger.entries) == delivered


async def test_a_proxy_answers_for_line_before_or_after_it_acted(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    line.simulator.faults = FaultPlan.parse("proxy=302")
    async with line.session.post(
        f"{line.simulator.url}/v2/bot/message/push", data=b"{}", allow_redirects=False
    ) as answer:
        assert (answer.status, "location" in answer.headers) == (302, True)
        assert "x-line-request-id" not in answer.headers
    assert not line.simulator.ledger.entries
    line.simulator.faults = FaultPlan.parse("proxy-after=200")
    said = await line.push(friend, key=key)
    assert (said.status, said.headers["content-type"]) == (200, "text/html")
    assert "x-line-request-id" not in said.headers
    assert line.simulator.ledger.recipients() == {friend: 1}
    line.simulator.faults = FaultPlan.parse("stripped=on")
    again = await line.push(friend, key=key)
    assert (again.status, "x-line-accepted-request-id" in again.headers) == (409, False)
    line.simulator.faults = FaultPlan.parse("proxy=404/50%,seed=3")
    statuses = {(await line.push(friend)).status for _ in range(20)}
    assert statuses == {200, 404}


async def test_a_storm_passes_by_itself(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan.parse("429-storm=2s/10s,retry-after=2s")
    caught = await line.push(friend)
    assert (caught.status, caught.headers["retry-after"]) == (429, "2")
    line.simulator.time.advance(3)
    assert (await line.push(friend)).status == 200
    line.simulator.time.advance(8)
    assert (await line.push(friend)).status == 429
    line.simulator.faults = FaultPlan(too_many=1)
    assert "retry-after" not in (await line.push(friend)).headers


async def test_a_withdrawn_token_is_401_for_as_long_as_it_is_withdrawn(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan(unauthorized=True)
    assert (await line.push(friend)).status == 401
    line.simulator.faults = FaultPlan()
    assert (await line.push(friend)).status == 200


@pytest.mark.timed
async def test_latency_holds_back_the_answer_and_only_where_asked(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    line.simulator.faults = FaultPlan.parse("latency=60ms,only=push")
    start = time.monotonic()
    await line.push(friend)
    assert time.monotonic() - start >= 0.06
    assert line.simulator.faults.only == {"push"}
    start = time.monotonic()
    await line.get("/v2/bot/info")
    assert time.monotonic() - start < 0.06
