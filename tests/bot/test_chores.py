"""What the feeds send: a warning put right goes first to whoever heard the wrong one."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from bot.chores import publisher
from channels.models import Delivery, DeliveryKind, DeliveryState, Priority
from core.city_folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice, Status
from tests.channels.house import make_notice
from tests.conftest import PROJECT


@pytest.mark.parametrize(
    ("topic", "level", "kind"),
    [("weather", 4, DeliveryKind.CORRECTION), ("city-news", 0, DeliveryKind.NOTICE)],
)
async def test_only_a_warning_put_right_overtakes_everything(
    database: Database, clock: ManualClock, topic: str, level: int, kind: DeliveryKind
) -> None:
    publish = publisher(NoWorkers(), load_city(PROJECT / "deploy/city"), clock)
    async with database.writing() as session:
        wrong = make_notice(topic, level=level, now=clock.now(), languages=("ja",))
        session.add(wrong)
        await session.flush()
        await publish(session, wrong)
        right = make_notice(topic, level=level, now=clock.now(), languages=("ja",))
        right.status, right.replaces_id = Status.CORRECTED, wrong.id
        session.add(right)
        await session.flush()
        await publish(session, right)
    first = await _delivery(database, wrong)
    second = await _delivery(database, right)
    assert second.kind is kind
    assert (second.corrects_id == first.id) is (kind is DeliveryKind.CORRECTION)
    assert (second.priority == Priority.CORRECTION) is (kind is DeliveryKind.CORRECTION)
    assert first.state is DeliveryState.STOPPED


async def _delivery(database: Database, notice: Notice) -> Delivery:
    async with database.reading() as session:
        found = await session.scalars(select(Delivery).where(col(Delivery.notice_id) == notice.id))
        return found.one()
