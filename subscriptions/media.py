"""The conditions by which residents of one medium are found."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, not_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from subscriptions.audience_query import Standby
from subscriptions.models import HAS_ADDRESS, LINE_MEDIUM, Resident, ResidentState


def of_medium(medium: str, standby: Standby = Standby.LEFT_OUT) -> list[Any]:
    """Return the conditions that a row of ``residents`` is of a medium, following or not."""
    if medium == LINE_MEDIUM:
        return [col(Resident.medium) == medium]
    # The second one lets both databases use the index of the other media.
    conditions: list[Any] = [col(Resident.medium) == medium, HAS_ADDRESS]
    if standby is Standby.LEFT_OUT:
        conditions.append(not_(stands_by()))
    elif standby is Standby.ALONE:
        conditions.append(stands_by())
    return conditions


def stands_by() -> Any:
    """Return the condition that a resident wants messages only when LINE fails, and follows
    there.
    """
    at_line = aliased(Resident)
    state = select(col(at_line.state)).where(col(at_line.id) == col(Resident.linked_id))
    # Of EXISTS, PostgreSQL may read all residents who follow at LINE at once. A value is looked up
    # for each row that asks for it.
    follows = state.scalar_subquery().is_not_distinct_from(ResidentState.FOLLOWING)
    return and_(col(Resident.only_if_line_fails), follows)
