"""What staff can do with a delivery that is being sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from channels import dispatch
from channels.lists import ENDED
from channels.models import Delivery
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
    delivery: Delivery,
    act: Steer,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Pause, resume or stop a delivery in the caller's writing transaction.

    Raises
    ------
    Refusal
        It has ended, or somebody did something to it meanwhile.
    """
    assert delivery.id is not None
    if delivery.state in ENDED:
        raise Refusal("This delivery has ended.")
    try:
        if act is Steer.PAUSE:
            await dispatch.pause(session, delivery.id, actor, now)
        elif act is Steer.RESUME:
            await dispatch.resume(session, queue, delivery.id, actor, now)
        else:
            await dispatch.stop(session, delivery.id, actor, now)
    except BadInput as error:
        raise Refusal("Somebody paused, resumed or stopped this meanwhile.") from error
