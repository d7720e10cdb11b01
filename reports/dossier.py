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
from html import escape
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from city.city import City, name_in
from core.audit import AuditEntry
from core.clock import in_japan
from reports.kinds import city_now
from reports.models import Forward, Photo, Report, ReportUpdate, Team, Verdict
from reports.photos import photo_path
from reports.work import joined

LEFT_OUT = frozenset({"resident_id", "origin", "cell", "key", "words_message"})
"""Columns that name a resident, or say nothing to a reader."""
MOST_BYTES = 500 * 1024 * 1024


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
    """The file, and its SHA-256 in hexadecimal."""

    content: bytes
    sha256: str
    photos: int
    missing: int
    """Photos whose files are gone."""


async def facts(session: AsyncSession, city: City, leading: Report) -> Facts:
    """Read a case, by the report that leads it."""
    reports = (leading, *await joined(session, leading))
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


def written(found: Facts, media: Path, *, by: str, why: str, now: datetime) -> Dossier:
    """Return the file. It reads photos from disk, so it runs in a thread."""
    number = found.leading.number
    head = {"case": number, "asked_by": by, "reason": why, "at": in_japan(now).isoformat()}
    output = io.BytesIO()
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
    content = output.getvalue()
    return Dossier(content, hashlib.sha256(content).hexdigest(), there, gone)


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
    """Return a page without script; every word of it is escaped."""
    kinds = {kind.code: name_in(kind.names, "ja") for kind in found.city.report_categories}
    departments = {one.code: name_in(one.names, "ja") for one in found.city.departments}
    parts = [
        "<!doctype html><html lang='ja'><meta charset='utf-8'>",
        f"<title>{escape(head['case'])}</title><style>body{{font-family:sans-serif;max-width:50rem;"
        "margin:auto;line-height:1.5}table{border-collapse:collapse;width:100%}td,th{border:1px "
        "solid #999;padding:.2rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
        "img{max-width:100%}section{break-inside:avoid}</style>",
        f"<h1>{escape(head['case'])}</h1>",
        _table([("出力者", head["asked_by"]), ("理由", head["reason"]), ("出力日時", head["at"])]),
    ]
    for report in found.reports:
        parts += [
            f"<section><h2>{escape(report.number)} "
            f"{escape(kinds.get(report.category, report.category))}</h2>",
            _table(
                [
                    ("状態", report.state.staff_name("ja")),
                    ("担当課", departments.get(report.department, report.department)),
                    ("場所", report.address),
                    ("緯度・経度", f"{report.latitude}, {report.longitude}"),
                    ("内容", report.description),
                    ("日本語訳", report.japanese),
                    ("受付", in_japan(report.created_at).isoformat(timespec="seconds")),
                ]
            ),
            "</section><h3>経過</h3>",
            _steps(found.updates[report.number]),
        ]
        parts += [
            f"<p><img src='photos/{escape(report.number)}-{photo.id}.jpg' "
            f"alt='{escape(photo.role.value)}'></p>"
            for photo in found.photos[report.number]
        ]
    return "\n".join([*parts, "</html>"])


def _table(rows: list[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(said)}</td></tr>" for name, said in rows
    )
    return f"<table>{cells}</table>"


def _steps(updates: list[ReportUpdate]) -> str:
    rows = []
    for one in updates:
        state = one.state.staff_name("ja") if one.state else ""
        why = one.state.reason_name(one.reason, "ja") if one.state and one.reason else one.reason
        cells = (
            in_japan(one.created_at).isoformat(timespec="seconds"),
            one.by,
            f"{state} {why} {one.added}{one.withdrawn}".strip(),
            one.answer,
            one.note,
        )
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "".join(f"<th>{name}</th>" for name in ("日時", "誰が", "状態", "回答", "内部メモ"))
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
