"""The report of a rehearsal: who was told when, in minutes.

For each piece of news: when it arrived, when and by whom it was decided, the first and the last
message, when residents wrote back; by language and by district. All lengths are real time, not the
day's: people and machines do not become faster with the day.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import col, select

from app.rehearsal_crowd import Act
from bot.models import WebhookEvent
from channels.members import unpack
from channels.models import Batch, BatchState, Delivery
from city.city import City, name_in
from core.audit import AuditEntry
from core.clock import in_japan
from core.database import Database
from core.languages import LANGUAGES
from core.web import templates
from feeds.models import Item, Notice
from subscriptions.models import Resident

COLUMNS = (
    *("notice", "title", "level", "status", "drill", "decision", "decided_by"),
    *("group", "name", "recipients"),
    *("arrived_at", "to_decision_min", "to_first_min", "to_last_min"),
    *("answers", "to_first_answer_min"),
)
NOT_SPOKEN = "-"


async def made_report(
    database: Database,
    city: City,
    *,
    began_at: datetime,
    ended_at: datetime,
    acts: Sequence[Act],
    plan: dict[str, Any],
) -> dict[str, Any]:
    """Read a shadow's database; return the report as JSON."""
    async with database.reading() as session:
        notices = list(
            await session.scalars(
                select(Notice).where(col(Notice.created_at) >= began_at).order_by(col(Notice.id))
            )
        )
        deliveries = {
            each.notice_id: each
            for each in await session.scalars(
                select(Delivery).where(col(Delivery.notice_id).is_not(None))
            )
        }
        batches = list(
            await session.scalars(select(Batch).where(col(Batch.state) == BatchState.SENT))
        )
        items = {
            item.id: item.fetched_at
            for item in await session.scalars(
                select(Item).where(col(Item.id).in_([n.item_id for n in notices]))
            )
        }
        decided = {
            entry.subject: entry.at
            for entry in await session.scalars(
                select(AuditEntry).where(
                    col(AuditEntry.action).in_(
                        ["notice.sent", "notice.published", "notice.dropped", "alert.sent"]
                    )
                )
            )
        }
        people = {
            row[0]: (row[1], row[2])
            for row in (
                await session.execute(select(Resident.id, Resident.language, Resident.area_list))
            ).all()
        }
        events = len((await session.scalars(select(WebhookEvent.id))).all())
    sent: dict[int, list[Batch]] = {}
    for batch in batches:
        sent.setdefault(batch.delivery_id, []).append(batch)
    wrote: dict[int, list[datetime]] = {}
    for act in acts:
        wrote.setdefault(act.delivery, []).append(act.at)
    rows = [
        _row(notice, deliveries.get(notice.id), sent, items, decided, people, wrote, city)
        for notice in notices
    ]
    return {
        **plan,
        "city": city.name,
        "began_at": began_at.isoformat(),
        "ended_at": ended_at.isoformat(),
        "minutes": _minutes(began_at, ended_at),
        "news": rows,
        "residents": len(people),
        "events": events,
        "acts": {
            kind: sum(act.kind == kind for act in acts)
            for kind in dict.fromkeys(act.kind for act in acts)
        },
    }


def _row(
    notice: Notice,
    delivery: Delivery | None,
    sent: dict[int, list[Batch]],
    items: dict[int | None, datetime],
    decided: dict[str, datetime],
    people: dict[int | None, tuple[str, str]],
    wrote: dict[int, list[datetime]],
    city: City,
) -> dict[str, Any]:
    arrived = items.get(notice.item_id, notice.created_at)
    decision_at: datetime | None = decided.get(f"notice:{notice.id}", notice.created_at)
    if notice.decision.value == "hold":
        decision_at = None
    number = delivery.id if delivery is not None else None
    told: list[tuple[datetime, int]] = [
        (batch.sent_at, resident)
        for batch in sent.get(number or 0, [])
        if batch.sent_at is not None
        for resident in unpack(batch.members)
    ]
    languages: dict[str, list[datetime]] = {}
    districts: dict[str, list[datetime]] = {}
    for at, resident in told:
        language, areas = people.get(resident, ("", ""))
        languages.setdefault(language, []).append(at)
        for area in areas.strip(",").split(",") if areas.strip(",") else [NOT_SPOKEN]:
            districts.setdefault(area, []).append(at)
    moments = [at for at, _ in told]
    answers = wrote.get(number or 0, [])
    return {
        "notice": notice.id,
        "title": notice.texts.get("ja", {}).get("title", "") or notice.kind,
        "level": notice.level,
        "intensity": notice.intensity,
        "urgency": notice.urgency,
        "status": notice.status.value,
        "drill": notice.drill,
        "decision": notice.decision.value,
        "decided_by": notice.decided_by,
        "arrived_at": arrived.isoformat(),
        "recipients": len(told),
        "to_decision": _minutes(arrived, decision_at),
        "to_first": _minutes(arrived, min(moments, default=None)),
        "to_last": _minutes(arrived, max(moments, default=None)),
        "answers": len(answers),
        "to_first_answer": _minutes(arrived, min(answers, default=None)),
        "languages": [
            {"code": code, **_times(arrived, found)} for code, found in sorted(languages.items())
        ],
        "districts": [
            {"code": code, "name": _district(code, city), **_times(arrived, found)}
            for code, found in sorted(districts.items())
        ],
    }


def _district(code: str, city: City) -> str:
    known = city.district_by_code.get(code)
    return name_in(known.names, "ja") if known is not None else ""


def _times(arrived: datetime, moments: Sequence[datetime]) -> dict[str, Any]:
    return {
        "recipients": len(moments),
        "to_first": _minutes(arrived, min(moments)),
        "to_last": _minutes(arrived, max(moments)),
    }


def _minutes(since: datetime, until: datetime | None) -> float | None:
    """Return minutes with two decimals; None while it has not happened."""
    if until is None:
        return None
    return round((until - since) / timedelta(minutes=1), 2)


def as_csv(report: dict[str, Any]) -> str:
    """Return a report as CSV: a line for each piece of news, then for each language and district.

    Cells that a spreadsheet would take for a formula begin with an apostrophe.
    """
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(COLUMNS)
    for row in report["news"]:
        head = [row[name] for name in COLUMNS[:7]]
        writer.writerow(
            [
                *map(_cell, head),
                *("all", "", row["recipients"], row["arrived_at"]),
                *(row["to_decision"], row["to_first"], row["to_last"]),
                *(row["answers"], row["to_first_answer"]),
            ]
        )
        for group in ("languages", "districts"):
            for part in row[group]:
                writer.writerow(
                    [
                        *map(_cell, head),
                        *(group.removesuffix("s"), _cell(part.get("name") or part["code"])),
                        *(part["recipients"], row["arrived_at"], ""),
                        *(part["to_first"], part["to_last"], "", ""),
                    ]
                )
    return made.getvalue()


def _cell(value: object) -> object:
    text = str(value)
    return f"'{text}" if text[:1] in "=+-@\t\r" and not isinstance(value, int | float) else value


def as_html(report: dict[str, Any]) -> str:
    """Return a report as a page that needs nothing beside it, in Japanese and English."""
    environment = templates(Path(__file__).parent / "templates")
    return environment.get_template("rehearsal_report.html").render(
        report=report,
        began=in_japan(datetime.fromisoformat(report["began_at"])),
        languages={code: known.japanese for code, known in LANGUAGES.items()},
        shown=_shown,
        at=lambda moment: f"{in_japan(datetime.fromisoformat(moment)):%H:%M:%S}",
    )


def _shown(minutes: float | None) -> str:
    return "–" if minutes is None else f"{minutes:.1f}"


def headline(report: dict[str, Any]) -> str:
    """Return one line about a report, for the shell."""
    sent = [row for row in report["news"] if row["recipients"]]
    waited = _most(row["to_last"] for row in sent)
    return (
        f"{report['day']} at {report['speed']:g}x: {len(report['news'])} pieces of news, "
        f"{len(sent)} sent to residents, everybody told within {_shown(waited)} minutes; "
        f"{sum(report['acts'].values())} messages from residents."
    )


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
