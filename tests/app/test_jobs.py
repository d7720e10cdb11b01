"""What the feeds send: a corrected warning goes first to those who heard the wrong one."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from app.jobs import publisher
from channels.models import Delivery, DeliveryKind, DeliveryState, Priority
from city.folder import load_city
from core.clock import ManualClock
from core.database import Database
from core.work import NoWorkers
from feeds.models import Notice, Source, Status
from tests.support.alerts import BY_LINE
from tests.support.engine import make_notice
from tests.support.project import PROJECT


@pytest.mark.parametrize(
    ("topic", "level", "kind"),
    [("weather", 4, DeliveryKind.CORRECTION), ("city-news", 0, DeliveryKind.NOTICE)],
)
async def test_only_a_warning_put_right_overtakes_everything(
    database: Database, clock: ManualClock, topic: str, level: int, kind: DeliveryKind
) -> None:
    publish = publisher(NoWorkers(), load_city(PROJECT / "deploy/city"), clock, BY_LINE)
    async with database.writing() as session:
        session.add(Source(code="elsewhere", kind="rss"))
        await session.flush()
        wrong = make_notice(
            topic, level=level, now=clock.now(), languages=("ja",), source="elsewhere"
        )
        session.add(wrong)
        await session.flush()
        await publish(session, wrong)
        right = make_notice(
            topic, level=level, now=clock.now(), languages=("ja",), source="elsewhere"
        )
        right.status, right.replaces_id = Status.CORRECTED, wrong.id
        session.add(right)
        await session.flush()
        await publish(session, right)
    first = await _delivery(database, wrong)
    second = await _delivery(database, right)
    assert second.kind is kind
    assert second.corrects_id == first.id
    assert (second.priority == Priority.CORRECTION) is (kind is DeliveryKind.CORRECTION)
    assert first.state is DeliveryState.STOPPED


async def _delivery(database: Database, notice: Notice) -> Delivery:
    async with database.reading() as session:
        found = await session.scalars(select(Delivery).where(col(Delivery.notice_id) == notice.id))
        return found.one()
