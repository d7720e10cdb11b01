"""Keep a city's hazard board in ``hazard_states``.

Other packages read these rows to see what is in force. So only warnings that a telegram will lift
have a level there. A single event (an earthquake, a record rain) is stored at level 0, with its own
level in ``detail``, so that it can be updated or taken back. Drills have their own rows, under an
invalid municipality code (``d08220``), so that nobody takes them for real.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from feeds.facts import Fact
from feeds.jma.levels import ALL_GROUPS, SCALES
from feeds.jma.rivers import GROUP as RIVER_GROUP
from feeds.jma.state import DRILL_PREFIX, HazardBoard, Key, LatestWarning
from feeds.models import HazardState, Notice

KEPT = timedelta(days=30)
"""How long an ended state is kept, counted from the newest telegram: long enough for any late
correction or cancellation.
"""


LIFTED_BY_TELEGRAM = ALL_GROUPS | {RIVER_GROUP, "tsunami", "volcano"}
LEAST_TSUNAMI = 3
"""A forecast of slight changes of the sea (1) ends without a telegram."""


async def load(session: AsyncSession, municipality: str) -> HazardBoard:
    """The board of a municipality as it was stored last, drills included."""
    rows = await session.scalars(
        select(HazardState).where(
            col(HazardState.municipality).in_((municipality, _drills_of(municipality)))
        )
    )
    return HazardBoard({_key(row, municipality): _standing(row) for row in rows})


async def save(session: AsyncSession, municipality: str, board: HazardBoard) -> None:
    """Store the changes since the board was loaded, in the caller's transaction.

    ``notice_id`` is set by :func:`remember_notice` and stays.
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
    """Store ``notice_id`` as the last notice to residents on the subject of ``fact``."""
    await session.execute(
        update(HazardState)
        .where(*_about(municipality, fact))
        .values(notice_id=notice_id)
        .execution_options(synchronize_session=False)
    )


async def remember_sent(session: AsyncSession, municipality: str, notice: Notice) -> None:
    """Store a notice that staff sent later, so that its changes and its end are told as well."""
    if notice.standing is None or notice.drill:
        return
    groups = {SCALES.get(notice.hazard, notice.hazard)}
    if notice.hazard == "flood":
        groups.add(RIVER_GROUP)
    await session.execute(
        update(HazardState)
        .where(
            col(HazardState.municipality) == municipality,
            or_(
                col(HazardState.hazard).in_(groups),
                and_(col(HazardState.kind) == notice.kind, col(HazardState.kind) != ""),
            ),
            col(HazardState.area).in_(notice.standing),
            col(HazardState.event_id).in_(("", notice.event_id)),
        )
        .values(notice_id=notice.id)
        .execution_options(synchronize_session=False)
    )


async def last_told(session: AsyncSession, municipality: str, fact: Fact) -> int | None:
    """The id of the last notice to residents on the subject of ``fact``, if any."""
    return await session.scalar(
        select(HazardState.notice_id)
        .where(*_about(municipality, fact), col(HazardState.notice_id).is_not(None))
        .order_by(col(HazardState.notice_id).desc())
        .limit(1)
    )


def _about(municipality: str, fact: Fact) -> tuple[ColumnElement[bool], ...]:
    """The rows of a fact: its scale, its areas, and its event if it has one.

    If the board stores it under other areas than the telegram names (an earthquake's region, a
    forecast area), ``Fact.standing`` has them.
    """
    return (
        col(HazardState.municipality) == (_drills_of(municipality) if fact.drill else municipality),
        col(HazardState.hazard).in_(_groups_of(fact)),
        col(HazardState.area).in_(fact.areas if fact.standing is None else fact.standing),
        col(HazardState.event_id).in_(("", fact.event_id)),
    )


def _groups_of(fact: Fact) -> list[str]:
    """The scales of a fact's hazards: a gale is on the storm's."""
    if fact.river:
        return [RIVER_GROUP]
    return [SCALES.get(hazard, hazard) for hazard in (fact.hazard, *fact.also)]


def _drills_of(municipality: str) -> str:
    """The code under which drills are stored; at most seven characters, and no digit first."""
    return f"d{municipality[:5]}"


def _primary(key: Key, municipality: str) -> tuple[str, str, str, str]:
    hazard = key.hazard.removeprefix(DRILL_PREFIX)
    owner = municipality if hazard == key.hazard else _drills_of(municipality)
    return owner, hazard, key.area, key.event_id


def _key(row: HazardState, municipality: str) -> Key:
    prefix = "" if row.municipality == municipality else DRILL_PREFIX
    return Key(prefix + row.hazard, row.area, row.event_id)


def _level_in_force(hazard: str, standing: LatestWarning) -> int:
    if hazard not in LIFTED_BY_TELEGRAM:
        return 0
    if hazard == "tsunami" and standing.level < LEAST_TSUNAMI:
        return 0
    return standing.level


def _detail(standing: LatestWarning) -> dict[str, Any]:
    """Values without a column, as JSON."""
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


def _standing(row: HazardState) -> LatestWarning:
    return _from_parts(row.kind, row.kind_code, row.serial, row.reported_at, row.detail)


def _from_parts(
    kind: str,
    kind_code: str,
    serial: str,
    reported_at: datetime,
    detail: dict[str, Any],
) -> LatestWarning:
    before = detail.get("before")
    valid_until = detail.get("valid_until")
    return LatestWarning(
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
