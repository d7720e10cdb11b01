"""Which cases everybody may see: one rule, whether the case is at hand or looked for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from sqlmodel import col, select

from city.city import City
from city.folder import CityFolder
from core.database import Database
from reports import published
from reports.models import Report
from reports.states import ReportState

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
OPEN_KIND, SECRET_KIND = "pothole", "sign"
SEEN = {
    ReportState.ACCEPTED,
    ReportState.IN_PROGRESS,
    ReportState.DONE,
    ReportState.REFERRED,
}


@pytest.fixture
def city(sample: CityFolder) -> City:
    kinds = [
        kind.model_copy(update={"published": kind.code != SECRET_KIND})
        for kind in sample.city.report_categories
    ]
    return sample.city.model_copy(update={"publish_reports": True}).with_kinds(kinds)


async def test_a_case_is_public_by_state_kind_and_what_staff_hide(
    database: Database, city: City
) -> None:
    facts = list(product(ReportState, (OPEN_KIND, SECRET_KIND), (False, True)))
    async with database.writing() as session:
        for n, (state, kind, hidden) in enumerate(facts):
            session.add(
                Report(
                    number=f"2026-{n:06}",
                    origin=str(n),
                    category=kind,
                    department="roads",
                    language="ja",
                    state=state,
                    hidden=hidden,
                    created_at=NOW,
                    updated_at=NOW,
                )
            )
        leader = await session.scalar(select(Report).where(col(Report.number) == "2026-000000"))
        assert leader is not None
        session.add(
            Report(
                number="2026-000999",
                origin="joined",
                category=OPEN_KIND,
                department="roads",
                language="ja",
                state=ReportState.ACCEPTED,
                case_id=leader.id,
                created_at=NOW,
                updated_at=NOW,
            )
        )
    expected = {
        f"2026-{n:06}"
        for n, (state, kind, hidden) in enumerate(facts)
        if state in SEEN and kind == OPEN_KIND and not hidden
    }
    async with database.reading() as session:
        found = await session.scalars(select(Report).where(*published.conditions(city)))
        every = list(await session.scalars(select(Report)))
        assert {one.number for one in found} == expected
    assert {one.number for one in every if published.may_be_seen(one, city)} == expected
    silent = city.model_copy(update={"publish_reports": False})
    assert not any(published.may_be_seen(one, silent) for one in every)
