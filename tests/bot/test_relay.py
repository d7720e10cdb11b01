"""Another vendor's service on the same channel: it gets its events, signed, and holds up nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select, update

from app.restored import hold_back
from bot.dialogues.buttons import standard_understanding
from bot.dialogues.kinds import DialogueState, Incoming, Pressed, Said
from bot.models import RelayBody, RelayEvent, RelayState
from bot.relay import Way, way_of
from bot.relay_sender import (
    CLOSES_AFTER,
    MOST_TRIES,
    TRIED_FOR,
    Body,
    RelaySender,
    ready,
)
from city.folder import CityFolder
from city.relay import Relay
from core.relay_settings import RelaySettings
from core.settings import Settings
from reports.outside import internal_of, outside_session
from tests.support.chats import aboard
from tests.support.receiver import Receiver
from tests.support.town import SECRET, Town, words_in
from tests.support.webhook_calls import Caller, body_of, event, signature

RULES = Relay(postbacks=("booking:", "pay="), keywords=("予約", "ﾌﾞｯｷﾝｸﾞ"), types=("accountLink",))
SLOT = {"data": "booking:open&room=３"}


@pytest.fixture
async def vendor() -> AsyncIterator[Receiver]:
    async with Receiver() as vendor:
        yield vendor


@pytest.fixture
def sample(sample: CityFolder) -> CityFolder:
    return replace(sample, city=sample.city.model_copy(update={"relay": RULES}))


@pytest.fixture
def settings(settings: Settings, vendor: Receiver) -> Settings:
    return replace(
        settings,
        internal_hosts=(f"127.0.0.1:{vendor.port}",),
        relay=RelaySettings(url=vendor.url, secret=SECRET, seconds=2.0),
    )


@pytest.fixture
async def town(make_town: Callable[..., Any]) -> AsyncIterator[Town]:
    made: Town = await make_town()
    async with outside_session(internal_of(made.context.settings.internal_hosts)) as http:
        RelaySender(made.context, http, seed=1).register()
        yield made


async def post(town: Town, *events: dict[str, Any], raw: bytes | None = None) -> None:
    async with aiohttp.ClientSession() as http:
        assert await Caller(town, http).post(raw or body_of(*events)) == 200
    await town.queue.drained()


async def waiting(town: Town) -> list[RelayBody]:
    async with town.database.reading() as session:
        return list(await session.scalars(select(RelayBody)))


async def state(town: Town) -> RelayState:
    async with town.database.reading() as session:
        return await session.get_one(RelayState, 1)


async def again(town: Town) -> None:
    """Let the waits of bodies and of the service pass."""
    async with town.database.writing() as session:
        await session.execute(update(RelayBody).values(not_before=None))
        await session.execute(update(RelayState).values(resting_until=None))
        await town.queue.put(session, "bot.relay", "all")
    await town.queue.drained()


def pressed(number: int, user: str, data: str = SLOT["data"], **more: Any) -> dict[str, Any]:
    made = event(number, type="postback", source={"type": "user", "userId": user}, **more)
    del made["message"]
    return {**made, "postback": {"data": data}}


def typed(number: int, user: str, text: str) -> dict[str, Any]:
    message = {"type": "text", "id": str(number), "text": text, "quoteToken": "q"}
    return event(number, source={"type": "user", "userId": user}, message=message)


async def test_a_body_goes_with_the_very_bytes_and_the_signature_of_line(
    town: Town, vendor: Receiver
) -> None:
    user = await aboard(town)
    raw = (
        b'{ "destination" : "U%s",\n "events": [' % (b"0" * 32)
        + json.dumps(
            pressed(1, user, deliveryContext={"isRedelivery": True}), ensure_ascii=False, indent=1
        ).encode()
        + b" ] }\n"
    )
    await post(town, raw=raw)
    [got] = vendor.taken
    assert got.body == raw
    assert got.headers["x-line-signature"] == signature(SECRET, raw)
    assert got.said["events"][0]["deliveryContext"] == {"isRedelivery": True}
    assert await town.news(user) == []
    assert await waiting(town) == [] and (await state(town)).sent == 1


async def test_of_a_mixed_body_only_its_part_goes_signed_anew(town: Town, vendor: Receiver) -> None:
    user, other = await aboard(town), await aboard(town)
    await post(town, typed(1, other, "避難所"), pressed(2, user), typed(3, user, "ありがとう"))
    [got] = vendor.taken
    assert got.headers["x-line-signature"] == signature(SECRET, got.body)
    assert [each["webhookEventId"] for each in got.said["events"]] == [
        pressed(2, user)["webhookEventId"]
    ]
    assert got.said["destination"] == "U" + "0" * 32


async def test_a_secret_of_its_own_signs(
    make_town: Callable[..., Any], settings: Settings, vendor: Receiver
) -> None:
    assert settings.relay is not None
    town: Town = await make_town()
    ours = replace(town.context.settings, relay=replace(settings.relay, secret="theirs"))
    object.__setattr__(town.context, "settings", ours)
    async with outside_session(internal_of(ours.internal_hosts)) as http:
        RelaySender(town.context, http).register()
        await post(town, pressed(1, await aboard(town)))
    # The follow of the newcomer went as a copy before.
    got = vendor.taken[-1]
    assert got.headers["x-line-signature"] == signature("theirs", got.body)


@pytest.mark.parametrize("text", ["予約したい", "　予約", "ブッキング３番", "ぶっきんぐ"])
async def test_keywords_go_by_how_they_begin(town: Town, vendor: Receiver, text: str) -> None:
    user = await aboard(town)
    town.simulator.phones.send_text(user, text)
    said = await town.news(user)
    if text == "ぶっきんぐ":
        assert not vendor.taken and said
    else:
        assert [one.said["events"][0]["message"]["text"] for one in vendor.taken] == [text]
        assert said == []


async def test_a_cry_for_help_stays_and_is_answered(town: Town, vendor: Receiver) -> None:
    user = await aboard(town)
    town.simulator.phones.send_text(user, "予約どころじゃない、助けて！")
    said = words_in(await town.news(user))
    assert "119" in said
    assert not vendor.heard and await waiting(town) == []


async def test_in_the_middle_of_a_report_words_stay_and_buttons_go_as_a_copy(
    town: Town, vendor: Receiver
) -> None:
    user = await aboard(town)
    await town.says(user, "道路に穴")
    before = await town.dialogue(user)
    assert before.name == "report"
    town.simulator.phones.send_text(user, "予約の看板の前です")
    assert await town.news(user)
    assert vendor.taken == []
    town.simulator.phones.tap(user, {"type": "postback", "data": SLOT["data"]})
    assert await town.news(user), "Todoke repeats its question"
    assert [one.said["events"][0]["postback"]["data"] for one in vendor.taken] == [SLOT["data"]]


async def test_our_own_buttons_and_unnamed_ones_are_never_relayed(
    town: Town, vendor: Receiver
) -> None:
    user = await aboard(town)
    await post(town, pressed(1, user, "do=menu"), pressed(2, user, "other=1"))
    assert vendor.taken == [] and await waiting(town) == []


async def test_types_go_at_once_and_a_follow_as_a_copy(town: Town, vendor: Receiver) -> None:
    rules = RULES.model_copy(update={"types": ("accountLink", "follow")})
    city = town.city.model_copy(update={"relay": rules})
    object.__setattr__(town.context, "city", city)
    user = town.newcomer("ja")
    assert await town.follows(user), "Todoke greets"
    linked = event(9, type="accountLink", source={"type": "user", "userId": user})
    del linked["message"]
    await post(town, {**linked, "link": {"result": "ok", "nonce": "n"}})
    kinds = [one.said["events"][0]["type"] for one in vendor.taken]
    assert kinds == ["follow", "accountLink"]


async def test_an_event_that_line_delivers_again_goes_once(town: Town, vendor: Receiver) -> None:
    user = await aboard(town)
    for redelivered in (False, True, True):
        context = {"isRedelivery": redelivered}
        await post(town, pressed(1, user, deliveryContext=context))
    assert len(vendor.taken) == 1


async def test_what_fails_comes_again_in_order_and_others_overtake(
    town: Town, vendor: Receiver
) -> None:
    user, other = await aboard(town), await aboard(town)
    vendor.status = 500
    await post(town, pressed(1, user, "booking:1"))
    await post(town, pressed(2, user, "booking:2"))
    vendor.status = 200
    await post(town, pressed(3, other, "booking:3"))
    datas = [one.said["events"][0]["postback"]["data"] for one in vendor.taken]
    assert datas == ["booking:3"]
    await again(town)
    datas = [one.said["events"][0]["postback"]["data"] for one in vendor.taken]
    assert datas == ["booking:3", "booking:1", "booking:2"]
    assert (await state(town)).failing_since is None


async def test_our_answers_do_not_wait_for_a_vendor_that_hangs(
    town: Town, vendor: Receiver
) -> None:
    user, other = await aboard(town), await aboard(town)
    vendor.drops = 10_000
    async with aiohttp.ClientSession() as http:
        assert await Caller(town, http).post(body_of(pressed(1, user))) == 200
    assert await town.says(other, "避難所")
    assert [row.attempts for row in await waiting(town)] == [1]


async def test_after_failures_it_rests_and_one_tries_whether_it_is_back(
    town: Town, vendor: Receiver
) -> None:
    users = [await aboard(town) for _ in range(CLOSES_AFTER + 3)]
    vendor.status = 503
    await post(town, *(pressed(n, user) for n, user in enumerate(users[:CLOSES_AFTER])))
    for number, user in enumerate(users[:CLOSES_AFTER]):
        await post(town, pressed(100 + number, user))
    for _ in range(CLOSES_AFTER):
        await again(town)
    found = await state(town)
    assert found.failures >= CLOSES_AFTER and found.resting_until is not None
    heard = len(vendor.heard)
    await post(town, pressed(50, users[-1]))
    assert len(vendor.heard) == heard, "it rests"
    vendor.headers, before = {"Retry-After": "2"}, len(vendor.heard)
    await again(town)
    assert len(vendor.heard) == before + 1, "one alone tries"
    vendor.status = 200
    await again(town)
    assert await waiting(town) == [] and (await state(town)).failures == 0


async def test_what_it_refuses_is_dropped_and_holds_up_nothing(
    town: Town, vendor: Receiver
) -> None:
    user = await aboard(town)
    vendor.status = 422
    await post(town, pressed(1, user))
    assert await waiting(town) == []
    found = await state(town)
    assert (found.lost, found.failures) == (1, 0)


async def test_tries_end(town: Town, vendor: Receiver) -> None:
    user = await aboard(town)
    vendor.status = 500
    await post(town, pressed(1, user))
    for _ in range(MOST_TRIES + 2):
        await again(town)
    assert len(vendor.heard) == MOST_TRIES
    assert await waiting(town) == [] and (await state(town)).lost == 1


async def test_what_waited_too_long_is_dropped(town: Town, vendor: Receiver) -> None:
    user = await aboard(town)
    vendor.status = 500
    await post(town, pressed(1, user))
    vendor.status, heard = 200, len(vendor.heard)
    async with town.database.writing() as session:
        long_ago = town.context.clock.now() - TRIED_FOR - timedelta(minutes=1)
        await session.execute(update(RelayBody).values(received_at=long_ago))
    await again(town)
    assert len(vendor.heard) == heard and await waiting(town) == []


async def test_a_process_that_died_after_storing_loses_nothing(
    make_town: Callable[..., Any], vendor: Receiver
) -> None:
    asleep: Town = await make_town(awake=False)
    async with aiohttp.ClientSession() as http:
        linked = event(1, type="accountLink", link={"result": "ok", "nonce": "n"})
        assert await Caller(asleep, http).post(body_of(linked)) == 200
    assert len(await waiting(asleep)) == 1 and vendor.heard == []
    # Another process on the same database, with an empty queue.
    awake: Town = await make_town()
    async with outside_session(internal_of(awake.context.settings.internal_hosts)) as http:
        RelaySender(awake.context, http).register()
        await again(awake)
    assert len(vendor.taken) == 1 and await waiting(awake) == []


async def test_who_is_erased_takes_back_what_waits(town: Town, vendor: Receiver) -> None:
    user, other = await aboard(town), await aboard(town)
    vendor.status = 500
    await post(town, pressed(1, user), pressed(2, other))
    for data in ("do=erase", "do=erase-yes"):
        town.simulator.phones.tap(user, {"type": "postback", "data": data})
        await town.settle()
    vendor.status = 200
    vendor.taken.clear()
    await again(town)
    senders = [e["source"]["userId"] for one in vendor.taken for e in one.said["events"]]
    assert senders == [other]


async def test_after_a_restore_nothing_that_waited_is_sent(town: Town, vendor: Receiver) -> None:
    user = await aboard(town)
    vendor.status = 500
    await post(town, pressed(1, user))
    async with town.database.writing() as session:
        now = town.context.clock.now()
        await hold_back(session, now, now)
    assert await waiting(town) == []
    async with town.database.reading() as session:
        assert (await session.scalars(select(col(RelayEvent.event_id)))).all() == []


async def test_an_address_inside_is_never_asked(
    make_town: Callable[..., Any], settings: Settings, vendor: Receiver
) -> None:
    town: Town = await make_town()
    ours = replace(town.context.settings, internal_hosts=())
    object.__setattr__(town.context, "settings", ours)
    async with outside_session() as http:
        RelaySender(town.context, http).register()
        await post(town, pressed(1, await aboard(town)))
    assert vendor.heard == []
    assert (await state(town)).error == "FetchRefused"


async def test_another_accounts_and_old_webhooks_are_not_relayed(
    town: Town, vendor: Receiver
) -> None:
    user = await aboard(town)
    old = town.context.clock.now() - timedelta(days=30)
    await post(town, pressed(1, user, timestamp=int(old.timestamp() * 1000)))
    await post(town, pressed(2, user, mode="standby"))
    assert vendor.taken == [] and await waiting(town) == []


async def test_a_newcomer_who_begins_with_their_button_is_not_greeted_then(
    town: Town, vendor: Receiver
) -> None:
    user = town.newcomer("vi")
    town.simulator.users.set_standing(user, "friend")
    await post(town, pressed(1, user))
    assert len(vendor.taken) == 1 and await town.news(user) == []
    assert await town.says(user, "xin chào"), "greeted with their first words"


def test_who_talks_with_a_person_of_the_city_s_is_not_sent_away() -> None:
    meaning = standard_understanding()

    def decided(incoming: Incoming, *, talking: bool) -> Way:
        return way_of(
            DialogueState(),
            incoming,
            lambda text: meaning.meaning(text, "ja", date(2026, 6, 15)),
            talking=talking,
        )

    assert decided(Said("予約はどこですか"), talking=False) is Way.THEIRS
    assert decided(Said("予約はどこですか"), talking=True) is Way.OURS
    assert decided(Pressed("", {"booking:open": ""}), talking=True) is Way.BOTH


def test_of_one_sender_none_goes_before_an_earlier_one() -> None:
    now = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)

    def body(number: int, *senders: str, undecided: bool = False) -> Body:
        events = tuple(
            RelayEvent(event_id=f"{number}-{n}", body_id=number, position=n, sender=s, theirs=True)
            for n, s in enumerate(senders)
        )
        marked = frozenset({events[0].event_id}) if undecided else frozenset()
        return Body(RelayBody(id=number, body="", received_at=now), events, marked)

    bodies = [body(1, "a", undecided=True), body(2, "b"), body(3, "b", "a"), body(4, "c")]
    assert [one.row.id for one in ready(bodies, now)] == [2, 4]


@pytest.mark.parametrize(
    "wrong",
    [
        {"postbacks": ["do=menu"]},
        {"postbacks": ["d"]},
        {"keywords": ["予"]},
        {"types": ["message"]},
    ],
)
def test_rules_that_would_take_our_own_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"our own|shorter|chosen by"):
        Relay.model_validate(wrong)
