"""Cases in every state, as the public pages meet them."""

from __future__ import annotations

from typing import Any

from reports.models import Photo, PhotoRole, Report, ReportUpdate
from reports.photos import CONTENT_TYPE, store_photo
from reports.states import ReportState
from tests.support.filed_reports import picture, reported
from tests.support.office import Office


async def case_in(office: Office, state: ReportState, **changes: Any) -> Report:
    """Have something reported that staff have brought to a state; ``changes`` are its columns."""
    made = await reported(office)
    now = office.clock.now()
    async with office.database.writing() as session:
        report = await session.get_one(Report, made.id)
        if state is not report.state:
            session.add(
                ReportUpdate(
                    report_id=report.id or 0,
                    by="road@city.example",
                    state=state,
                    note="a secret note",
                    answer="a secret answer",
                    created_at=now,
                )
            )
        report.state = state
        report.ended_at = None if state.is_open else now
        for name, value in changes.items():
            setattr(report, name, value)
        session.add(report)
    return report


async def photographed(
    office: Office, report: Report, *, released: bool = False, role: PhotoRole = PhotoRole.NEAR
) -> Photo:
    """Give a report a photo."""
    stored = store_photo(office.context.settings.media_dir, picture())
    now = office.clock.now()
    async with office.database.writing() as session:
        photo = Photo(
            report_id=report.id or 0,
            sha256=stored.sha256,
            content_type=CONTENT_TYPE,
            width=stored.width,
            height=stored.height,
            size=stored.size,
            role=role,
            released_at=now if released else None,
            released_by="road@city.example" if released else "",
            created_at=now,
        )
        session.add(photo)
    return photo
