"""Keep a city's hazard board in ``hazard_states``.

Other rooms read these rows to say what is in force, so only that stands there with a level:
warnings that a telegram will lift. A single event (an earthquake, a record rain) is kept at
level 0, its own level in ``detail``, to be updated or taken back. Drills have rows of their own
under a municipality code that is none (``d08220``), where nobody takes them for real.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.facts import Fact
from feeds.jma.levels import ALL_GROUPS, WARNINGS
from feeds.jma.rivers import GROUP as RIVER_GROUP
from feeds.jma.state import DRILL_PREFIX, HazardBoard, Key, Standing
from feeds.models import HazardState

KEPT = timedelta(days=30)
"""How long what has ended is remembered, counted from the newest telegram: long enough for
any late correction or cancellation."""


LIFTED_BY_TELEGRAM = ALL_GROUPS | {RIVER_GROUP, "tsunami", "volcano"}
LEAST_TSUNAMI = 3
"""A forecast of slight changes of the sea (1) runs out by itself."""


async def load(session: AsyncSession, municipality: str) -> HazardBoard:
    """The board of a municipality as it was stored last, drills included."""
    rows = await session.scalars(
        select(HazardState).where(
            col(HazardState.municipality).in_((municipality, _drills_of(municipality)))
        )
    )
    return HazardBoard({_key(row, municipality): _standing(row) for row in rows})


async def save(session: AsyncSession, municipality: str, board: HazardBoard) -> None:
    """Store what changed since the board was loaded, in the caller's writing transaction.

    ``notice_id`` is :func:`remember_notice`'s and stays.
    """
    standings = dict(board.items())
    if standings:
        board.forget(max(standing.reported_at for standing in standings.values()) - KEPT)
    for key in sorted(board.changed):
        standing = standings[key]
        primary = _primary(key, municipality)
        row = await session.get(HazardState, primary)
        if row is None:
            row = HazardState(
                municipality=primary[0],
                hazard=primary[1],
                area=primary[2],
                event_id=primary[3],
                reported_at=standing.reported_at,
            )
            session.add(row)
        row.level = _level_in_force(primary[1], standing)
        row.kind = standing.kind
        row.kind_code = standing.kind_code
        row.serial = standing.serial
        row.reported_at = standing.reported_at
        row.detail = _detail(standing)
    for key in sorted(board.gone):
        owner, hazard, area, event_id = _primary(key, municipality)
        await session.execute(
            delete(HazardState).where(
                col(HazardState.municipality) == owner,
                col(HazardState.hazard) == hazard,
                col(HazardState.area) == area,
                col(HazardState.event_id) == event_id,
            )
        )
    await session.flush()
    board.changed.clear()
    board.gone.clear()


async def remember_notice(
    session: AsyncSession, municipality: str, fact: Fact, notice_id: int
) -> None:
    """Note that ``notice_id`` is the last that residents were told of what ``fact`` is about."""
    await session.execute(
        update(HazardState)
        .where(*_about(municipality, fact))
        .values(notice_id=notice_id)
        .execution_options(synchronize_session=False)
    )


async def last_told(session: AsyncSession, municipality: str, fact: Fact) -> int | None:
    """The id of the last notice residents were told of what ``fact`` is about, if any."""
    return await session.scalar(
        select(HazardState.notice_id)
        .where(*_about(municipality, fact), col(HazardState.notice_id).is_not(None))
        .order_by(col(HazardState.notice_id).desc())
        .limit(1)
    )


def _about(municipality: str, fact: Fact) -> tuple[ColumnElement[bool], ...]:
    """The rows a fact speaks of: its scale, its areas, and its event where it has one.

    Where the board keeps it under other areas than the telegram names (an earthquake's region,
    a forecast area), ``Fact.standing`` says under which.
    """
    return (
        col(HazardState.municipality) == (_drills_of(municipality) if fact.drill else municipality),
        col(HazardState.hazard) == _group_of(fact),
        col(HazardState.area).in_(fact.areas if fact.standing is None else fact.standing),
        col(HazardState.event_id).in_(("", fact.event_id)),
    )


def _group_of(fact: Fact) -> str:
    """The scale a fact's hazard stands on: a gale is on the storm's."""
    if fact.river:
        return RIVER_GROUP
    scales = {kind.hazard: kind.group for kind in WARNINGS.values()}
    return scales.get(fact.hazard, fact.hazard)


def _drills_of(municipality: str) -> str:
    """The code under which drills are kept; seven characters at most, and no digit first."""
    return f"d{municipality[:5]}"


def _primary(key: Key, municipality: str) -> tuple[str, str, str, str]:
    hazard = key.hazard.removeprefix(DRILL_PREFIX)
    owner = municipality if hazard == key.hazard else _drills_of(municipality)
    return owner, hazard, key.area, key.event_id


def _key(row: HazardState, municipality: str) -> Key:
    prefix = "" if row.municipality == municipality else DRILL_PREFIX
    return Key(prefix + row.hazard, row.area, row.event_id)


def _level_in_force(hazard: str, standing: Standing) -> int:
    if hazard not in LIFTED_BY_TELEGRAM:
        return 0
    if hazard == "tsunami" and standing.level < LEAST_TSUNAMI:
        return 0
    return standing.level


def _detail(standing: Standing) -> dict[str, Any]:
    """What has no column of its own, as JSON."""
    detail: dict[str, Any] = {
        "level": standing.level,
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
            "kind": before.kind,
            "kind_code": before.kind_code,
            "serial": before.serial,
            "reported_at": before.reported_at.isoformat(),
            "detail": _detail(before),
        }
    return detail


def _standing(row: HazardState) -> Standing:
    return _from_parts(row.kind, row.kind_code, row.serial, row.reported_at, row.detail)


def _from_parts(
    kind: str,
    kind_code: str,
    serial: str,
    reported_at: datetime,
    detail: dict[str, Any],
) -> Standing:
    before = detail.get("before")
    valid_until = detail.get("valid_until")
    return Standing(
        level=detail["level"],
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
            before["kind"],
            before["kind_code"],
            before["serial"],
            datetime.fromisoformat(before["reported_at"]),
            before["detail"],
        ),
    )
