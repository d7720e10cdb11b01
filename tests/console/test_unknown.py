"""Friends nobody knows: counted on the first page, and asked about before an order leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from channels.line.friend_counts import count_friends
from channels.line.models import FriendCount
from channels.models import UnknownSend
from channels.unknown_sends import OPEN
from city.city import UnknownFriends
from city.folder import CityFolder, load_folder
from console.models import Role
from feeds.models import Status
from simulator.line import FaultPlan
from tests.support.console_alerts import delivery_of, sent, written
from tests.support.office import Office
from tests.support.project import SAMPLE_CITY

FRIENDS = 80
ALONE = {"alone_reason": "夜間のため一人で送ります"}


@pytest.fixture(scope="session")
def sample() -> CityFolder:
    """The sample city, with the rule that orders of level 5 may go to friends nobody knows."""
    folder = load_folder(SAMPLE_CITY)
    rule = UnknownFriends(level=5, drills=False)
    return replace(folder, city=folder.city.model_copy(update={"unknown_friends": rule}))


async def unknown_part(office: Office, delivery: int) -> UnknownSend:
    async with asyncio.timeout(20):
        while True:
            async with office.database.reading() as session:
                found = await session.get_one(UnknownSend, delivery)
            if found.state not in OPEN:
                return found
            await asyncio.sleep(0.05)


async def test_the_first_page_says_how_many_friends_are_told_nothing(office: Office) -> None:
    office.simulator.users.add_friends(FRIENDS)
    await office.resident("ja")
    admin = await office.at_desk(Role.ADMIN, "sato")
    page = await admin.get("/console/")
    assert not page.tree.xpath('//*[@data-testid="friends"]')
    clock, line = office.context.clock, office.app.state.line
    await count_friends(office.database, clock, line)
    asked = len(office.simulator.limiter.moments("insight-followers"))
    page = await admin.get("/console/")
    assert "LINEが数える友だちは81人" in page.words
    assert "把握しているのは1人" in page.words
    assert "約80人の友だちには" in page.words
    assert len(office.simulator.limiter.moments("insight-followers")) == asked

    # LINE's silence is said, and the last number stays.
    async with office.database.writing() as session:
        row = await session.get_one(FriendCount, 1)
        row.asked_at = row.asked_at.replace(year=2025)
    office.simulator.faults = FaultPlan.parse("5xx-before=100%,only=insight-followers")
    await count_friends(office.database, clock, line)
    page = await admin.get("/console/")
    assert "81人" in page.words and "取得できませんでした" in page.words
    # Not asked again at once.
    before = len(office.simulator.limiter.moments("insight-followers"))
    await count_friends(office.database, clock, line)
    assert len(office.simulator.limiter.moments("insight-followers")) == before


@pytest.mark.slow
async def test_an_order_of_the_highest_level_waits_for_the_answer(office: Office) -> None:
    office.simulator.users.add_friends(FRIENDS)
    known = await office.resident("en")
    admin = await office.at_desk(Role.ADMIN, "sato")
    number, page = await written(admin, "real", level="5")
    assert "とどけが把握していない友だちにも送りますか" in page.words
    assert "1人には2回届きます" in page.words  # too few for an audience: by broadcast
    refused = await sent(admin, number, page, **ALONE)
    assert "選んでください" in refused.words
    assert await office.deliveries() == []
    refused = await sent(admin, number, refused, to_unknown="yes-narrowcast", **ALONE)
    assert "送り方が" in refused.words
    page = await sent(admin, number, refused, to_unknown="yes-broadcast", **ALONE)
    delivery = delivery_of(page)
    await office.done(delivery)
    await unknown_part(office, delivery)
    assert office.receivers()[known] == 2
    assert len(office.receivers()) == FRIENDS + 1
    page = await admin.get(f"/console/deliveries/{delivery}")
    assert "とどけが把握していない友だち" in page.words
    assert "ブロードキャストで全員に" in page.words
    trail = {entry.action for entry in await office.audit()}
    assert {"alert.sent", "alert.sent_to_unknown"} <= trail

    # All clear: the same people, without a question.
    notice = (await office.notices())[0]
    await admin.post(
        f"/console/notices/{notice.id}/take-back",
        {**page.form(f"/console/notices/{notice.id}/take-back"), "status": "lifted"},
    )
    draft = (await office.drafts())[-1]
    page = await admin.get(f"/console/alerts/{draft.id}/check")
    assert "元の配信が届いた" in page.words
    assert "送りますか" not in page.words
    page = await sent(admin, draft.id or 0, page, **ALONE)
    lifted = delivery_of(page)
    await office.done(lifted)
    await unknown_part(office, lifted)
    assert (await office.notices())[-1].status is Status.LIFTED
    assert office.receivers()[known] == 4
    assert sorted(set(office.receivers().values())) == [2, 4]


async def test_no_sends_it_to_residents_alone(office: Office) -> None:
    office.simulator.users.add_friends(FRIENDS)
    known = await office.resident("en")
    admin = await office.at_desk(Role.ADMIN, "sato")
    number, page = await written(admin, "real", level="5")
    page = await sent(admin, number, page, to_unknown="no", **ALONE)
    await office.done(delivery_of(page))
    assert office.receivers() == {known: 1}


@pytest.mark.parametrize(("kind", "level"), [("drill", "5"), ("real", "4"), ("real", "2")])
async def test_what_the_rule_does_not_name_is_not_asked_about(
    office: Office, kind: str, level: str
) -> None:
    office.simulator.users.add_friends(FRIENDS)
    known = await office.resident("en")
    admin = await office.at_desk(Role.ADMIN, "sato")
    number, page = await written(admin, kind, level=level)
    assert "送りますか" not in page.words
    fields = {} if kind == "drill" or level == "2" else ALONE
    page = await sent(admin, number, page, to_unknown="yes-broadcast", **fields)
    await office.done(delivery_of(page))
    assert office.receivers() == {known: 1}
