"""The reports with which the demo begins: a newcomer finds a list, a map and figures."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from app.demo_reports import EARLIER, MORNING, PAIRS, UNDER_WAY, add_reports
from city.folder import load_folder
from core.audit_check import check_whole
from core.clock import ManualClock, in_japan
from core.database import Database
from reports.counts import counts
from reports.models import OrderItem, Photo, Report
from reports.states import ReportState
from subscriptions.generate import generate
from tests.support.project import SAMPLE_CITY

ROADS = "roads@demo.example"


@pytest.mark.parametrize("hour", [0, 15])
async def test_the_demo_begins_with_a_morning_of_reports(
    database: Database, tmp_path: Path, hour: int
) -> None:
    """At any time of the day: nothing lies in the future, and every state is there."""
    clock = ManualClock(datetime(2026, 11, 30, hour, 30, tzinfo=UTC))
    folder = load_folder(SAMPLE_CITY)
    await generate(database, folder.city, 60, seed=1, now=clock.now())
    context: Any = SimpleNamespace(
        settings=SimpleNamespace(media_dir=tmp_path),
        city=folder.city,
        database=database,
        clock=clock,
    )
    await add_reports(context, folder, ROADS)
    async with database.reading() as session:
        found = list(await session.scalars(select(Report)))
        photos = list(await session.scalars(select(Photo)))
        on_order = list(await session.scalars(select(OrderItem)))
        there = await counts(session, in_japan(clock.now()).date())
    states = Counter(report.state for report in found)
    assert states[ReportState.NEW] == MORNING
    assert states[ReportState.DUPLICATE] == PAIRS
    assert there.cases.number == len(found) - PAIRS == MORNING + UNDER_WAY + EARLIER
    for state in (ReportState.ACCEPTED, ReportState.IN_PROGRESS, ReportState.DONE):
        assert states[state] > 3
    assert states[ReportState.DECLINED] and states[ReportState.REFERRED]
    assert 0 < there.overdue.number < UNDER_WAY
    assert len({report.language for report in found}) > 5
    assert all(report.created_at <= report.updated_at <= clock.now() for report in found)
    assert all(report.area and report.address for report in found)
    assert [r.number for r in sorted(found, key=lambda r: r.created_at)] == sorted(
        report.number for report in found
    )
    assert any(photo.released_at for photo in photos)
    assert on_order
    assert (await check_whole(database, clock)).broken is None
