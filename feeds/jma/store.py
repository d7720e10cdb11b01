"""Keep a city's hazard board in ``hazard_states``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.jma.state import HazardBoard, Key, Standing
from feeds.models import HazardState


async def load(session: AsyncSession, municipality: str) -> HazardBoard:
    """The board of a municipality as it was stored last."""
    rows = await session.scalars(
        select(HazardState).where(col(HazardState.municipality) == municipality)
    )
    return HazardBoard({Key(row.hazard, row.area, row.event_id): _standing(row) for row in rows})


async def save(session: AsyncSession, municipality: str, board: HazardBoard) -> None:
    """Store what changed since the board was loaded, in the caller's writing transaction.

    The notice that residents were last told is another's to keep: ``notice_id`` stays.
    """
    standings = dict(board.items())
    for key in sorted(board.changed):
        standing = standings[key]
        row = await session.get(HazardState, (municipality, key.hazard, key.area, key.event_id))
        if row is None:
            row = HazardState(
                municipality=municipality,
                hazard=key.hazard,
                area=key.area,
                event_id=key.event_id,
                reported_at=standing.reported_at,
            )
            session.add(row)
        row.level = standing.level
        row.kind = standing.kind
        row.kind_code = standing.kind_code
        row.serial = standing.serial
        row.reported_at = standing.reported_at
        row.detail = _detail(standing)
    for key in sorted(board.gone):
        await session.execute(
            delete(HazardState).where(
                col(HazardState.municipality) == municipality,
                col(HazardState.hazard) == key.hazard,
                col(HazardState.area) == key.area,
                col(HazardState.event_id) == key.event_id,
            )
        )
    await session.flush()
    board.changed.clear()
    board.gone.clear()


def _detail(standing: Standing) -> dict[str, Any]:
    """What has no column of its own, as JSON."""
    detail: dict[str, Any] = {
        "telegram": standing.telegram,
        "published_at": standing.published_at.isoformat(),
        "hazard": standing.hazard,
        "told": standing.told,
        "place": standing.place,
        "own": dict(standing.detail),
    }
    if standing.valid_until is not None:
        detail["valid_until"] = standing.valid_until.isoformat()
    if standing.before is not None:
        before = standing.before
        detail["before"] = {
            "level": before.level,
            "kind": before.kind,
            "kind_code": before.kind_code,
            "serial": before.serial,
            "reported_at": before.reported_at.isoformat(),
            "detail": _detail(before),
        }
    return detail


def _standing(row: HazardState) -> Standing:
    return _from_parts(row.level, row.kind, row.kind_code, row.serial, row.reported_at, row.detail)


def _from_parts(
    level: int,
    kind: str,
    kind_code: str,
    serial: str,
    reported_at: datetime,
    detail: dict[str, Any],
) -> Standing:
    before = detail.get("before")
    valid_until = detail.get("valid_until")
    return Standing(
        level=level,
        kind=kind,
        kind_code=kind_code,
        serial=serial,
        reported_at=reported_at,
        telegram=detail["telegram"],
        published_at=datetime.fromisoformat(detail["published_at"]),
        hazard=detail["hazard"],
        told=detail["told"],
        place=detail["place"],
        valid_until=datetime.fromisoformat(valid_until) if valid_until else None,
        detail=detail["own"],
        before=None
        if before is None
        else _from_parts(
            before["level"],
            before["kind"],
            before["kind_code"],
            before["serial"],
            datetime.fromisoformat(before["reported_at"]),
            before["detail"],
        ),
    )
