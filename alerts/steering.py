"""What staff can do with an alert that is being sent, by all its media at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from channels import dispatch
from channels.lists import ENDED, deliveries_of
from channels.models import Delivery, DeliveryState
from core.errors import BadInput, Refusal
from core.work import Queue


class Steer(StrEnum):
    """Pause, resume or stop. Messages that arrived are not taken back."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


async def steer(
    session: AsyncSession,
    queue: Queue,
    notice_id: int,
    act: Steer,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Pause, resume or stop what brings a notice, by all its media, in the caller's writing
    transaction.

    Raises
    ------
    Refusal
        All of it has ended, or somebody did something to it meanwhile.
    """
    deliveries = [
        each for each in await deliveries_of(session, notice_id) if each.state not in ENDED
    ]
    if not deliveries:
        raise Refusal("This delivery has ended.")
    meant = [each for each in deliveries if _is_meant(each, act)]
    if not meant:
        raise Refusal("Somebody paused, resumed or stopped this meanwhile.")
    for delivery in meant:
        await _steer_one(session, queue, delivery, act, actor=actor, now=now)


def _is_meant(delivery: Delivery, act: Steer) -> bool:
    """Whether an act changes a delivery that has not ended."""
    is_paused = delivery.state is DeliveryState.PAUSED
    return act is Steer.STOP or is_paused is (act is Steer.RESUME)


async def _steer_one(
    session: AsyncSession,
    queue: Queue,
    delivery: Delivery,
    act: Steer,
    *,
    actor: str,
    now: datetime,
) -> None:
    assert delivery.id is not None
    try:
        if act is Steer.PAUSE:
            await dispatch.pause(session, delivery.id, actor, now)
        elif act is Steer.RESUME:
            await dispatch.resume(session, queue, delivery.id, actor, now)
        else:
            await dispatch.stop(session, delivery.id, actor, now)
    except BadInput as error:
        raise Refusal("Somebody paused, resumed or stopped this meanwhile.") from error
