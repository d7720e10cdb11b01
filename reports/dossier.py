"""Everything of one case in a ZIP file, for a court or an auditor.

``case.html`` prints, ``case.json`` is for programs, ``photos/`` has the photos as they are kept,
and ``trail.json`` the entries of the audit trail with their hashes. The file says who asked for it
and why. Who reported is not in it, but for what the office wrote down of a telephone call.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from city.city import City, name_in
from core.audit import AuditEntry
from core.clock import in_japan
from core.web import templates
from reports.kinds import city_now
from reports.members import members_of
from reports.models import Forward, Photo, Report, ReportUpdate, Team, Verdict
from reports.photos import photo_path

LEFT_OUT = frozenset({"resident_id", "origin", "cell", "key", "words_message", "said_message"})
"""Columns that name a resident, or say nothing to a reader."""
MOST_BYTES = 500 * 1024 * 1024
"""Of photos in one file."""
_PAGES = templates(Path(__file__).parent / "templates")


@dataclass(frozen=True)
class Facts:
    """What a case is made of, read in one transaction."""

    city: City
    leading: Report
    reports: tuple[Report, ...]
    updates: dict[str, list[ReportUpdate]]
    photos: dict[str, list[Photo]]
    verdicts: dict[str, list[Verdict]]
    forwards: list[Forward]
    team: str
    trail: list[AuditEntry]


@dataclass(frozen=True)
class Dossier:
    """What was written.

    Parameters
    ----------
    size
        Bytes of the file.
    sha256
        Of the file, in hexadecimal.
    photos, missing
        How many photos are in it, and how many are not: their files are gone, or there are more
        than :data:`MOST_BYTES` of photos.
    """

    size: int
    sha256: str
    photos: int
    missing: int


async def facts(session: AsyncSession, city: City, leading: Report) -> Facts:
    """Read a case, by the report that leads it."""
    reports = tuple(await members_of(session, leading))
    updates, photos, verdicts = {}, {}, {}
    for one in reports:
        updates[one.number] = await _of(session, ReportUpdate, one)
        photos[one.number] = await _of(session, Photo, one)
        verdicts[one.number] = await _of(session, Verdict, one)
    subjects = [f"report:{one.number}" for one in reports]
    trail = await session.scalars(
        select(AuditEntry).where(col(AuditEntry.subject).in_(subjects)).order_by(col(AuditEntry.id))
    )
    team = await session.get(Team, leading.team_id) if leading.team_id else None
    forwards = await _of(session, Forward, leading)
    return Facts(
        await city_now(session, city),
        leading,
        reports,
        updates,
        photos,
        verdicts,
        forwards,
        team.name if team else "",
        list(trail),
    )


async def _of(session: AsyncSession, table: Any, report: Report) -> list[Any]:
    query = select(table).where(table.report_id == report.id).order_by(table.id)
    return list(await session.scalars(query))


def write(
    found: Facts, media: Path, output: io.BufferedRandom, *, by: str, why: str, now: datetime
) -> Dossier:
    """Write the file. It reads photos from disk, so it runs in a thread.

    Raises
    ------
    OSError
        It cannot be written: the disk is full.
    """
    number = found.leading.number
    head = {"case": number, "asked_by": by, "reason": why, "at": in_japan(now).isoformat()}
    there = gone = 0
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("case.html", _page(found, head))
        made.writestr("case.json", _json(head | {"reports": _reports(found)}))
        made.writestr("trail.json", _json([_columns(entry) for entry in found.trail]))
        size = 0
        for of, photos in found.photos.items():
            for photo in photos:
                path = photo_path(media, photo.sha256)
                if not path.is_file() or size > MOST_BYTES:
                    gone += 1
                    continue
                size += photo.size
                made.write(path, f"photos/{of}-{photo.id}.jpg", zipfile.ZIP_STORED)
                there += 1
    size = output.seek(0, io.SEEK_END)
    output.seek(0)
    digest = hashlib.file_digest(output, "sha256").hexdigest()
    output.seek(0)
    return Dossier(size, digest, there, gone)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1, default=str)


def _columns(row: SQLModel) -> dict[str, Any]:
    return {
        name: in_japan(value).isoformat() if isinstance(value, datetime) else value
        for name, value in row.model_dump().items()
        if name not in LEFT_OUT
    }


def _reports(found: Facts) -> list[dict[str, Any]]:
    return [
        _columns(report)
        | {
            "team": found.team if report is found.leading else "",
            "steps": [_columns(one) for one in found.updates[report.number]],
            "photos": [_columns(one) for one in found.photos[report.number]],
            "said_of_the_result": [_columns(one) for one in found.verdicts[report.number]],
            "forwarded": [_columns(one) for one in found.forwards]
            if report is found.leading
            else [],
        }
        for report in found.reports
    ]


def _page(found: Facts, head: dict[str, str]) -> str:
    def department_name(code: str) -> str:
        department = found.city.department(code)
        return name_in(department.names, "ja") if department else code

    return _PAGES.get_template("dossier.html").render(
        head=head,
        city=found.city,
        reports=found.reports,
        updates=found.updates,
        photos=found.photos,
        department_name=department_name,
        at=lambda moment: in_japan(moment).isoformat(timespec="seconds"),
    )
