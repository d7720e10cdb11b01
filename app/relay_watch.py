"""Watch over what goes to another vendor's service: take up what waits, tell who must know."""

from __future__ import annotations

from app.administrators import mail_administrators
from app.schedule import ScheduledJob
from bot.models import RelayState
from bot.relay_sender import DEAD_AFTER, dead, look_after, waiting_bodies
from city.context import Context

EVERY_SECONDS = 10.0


def relay_jobs(context: Context) -> list[ScheduledJob]:
    """The scheduler's job for relayed webhooks; none where nothing is relayed."""
    if context.settings.relay is None:
        return []

    async def watch() -> None:
        await look_after(context)
        await tell_if_dead(context)

    return [ScheduledJob(name="relayed webhooks", seconds=EVERY_SECONDS, work=watch, at_once=True)]


async def relay_fault(context: Context) -> dict[str, object] | None:
    """Return since when the service does not answer and how many wait, for the first page."""
    if context.settings.relay is None:
        return None
    async with context.database.reading() as session:
        state = await dead(session, context.clock.now())
        if state is None:
            return None
        waiting = await waiting_bodies(session)
    return {"since": state.failing_since, "waiting": waiting, "error": state.error}


async def tell_if_dead(context: Context) -> None:
    """Tell every administrator by mail, once for each time that the service does not answer."""
    now = context.clock.now()
    async with context.database.reading() as session:
        state = await dead(session, now)
        waiting = await waiting_bodies(session) if state else 0
    if state is None or state.told_at is not None or state.failing_since is None:
        return
    minutes = int(DEAD_AFTER.total_seconds() // 60)
    told = await mail_administrators(
        context,
        subject="LINE の転送先が応答しません",
        text=(
            f"LINE の予約・支払いなどを受け持つ転送先が {minutes} 分以上応答していません。\n"
            f"理由：{state.error}\n待っている転送：{waiting} 件\n\n"
            "住民への Todoke の返信は続いています。転送先の会社に連絡してください。"
            "1 時間たっても届かないものは破棄します。\n\n"
            "The service to which LINE webhooks are relayed has not answered for more than "
            f"{minutes} minutes ({state.error}); {waiting} wait. Todoke itself goes on answering.\n"
        ),
        key=f"relay-{int(state.failing_since.timestamp())}",
        now=state.failing_since,
    )
    if told:
        async with context.database.writing() as session:
            row = await session.get(RelayState, 1, with_for_update=True)
            if row is not None and row.failing_since is not None:
                row.told_at = now
