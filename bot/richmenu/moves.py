"""Give everybody whom disaster mode concerns the right menu, and the ordinary one afterwards.

What is still to do is in ``menu_moves``. LINE takes 500 residents a request and has no limit of its
own for it (2,000 requests a second, as for most). We send a few at a time, so that messages go
first.

Source: https://developers.line.biz/en/reference/messaging-api/#rate-limits
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from bot.richmenu import RichMenus, kind_of
from bot.richmenu.places import Kind
from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineRefused, TokenRefused
from city.context import Context
from core.errors import Retryable
from response.models import DisasterMode, MenuMove
from response.modes import MOVES_TASK, open_modes
from subscriptions.media import of_medium
from subscriptions.models import LINE_MEDIUM, Resident, ResidentArea, ResidentState
from subscriptions.residents import MENU_TASK

MOST = 500
"""Residents of a request: LINE's limit."""
AT_ONCE = 8
"""Requests under way at the same time."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Somebody:
    number: int
    line_user_id: str
    areas: tuple[str, ...]


class MenuMoves:
    """Works through the moves.

    Parameters
    ----------
    menus
        The menus at LINE.
    """

    def __init__(self, context: Context, line: LineClient, menus: RichMenus) -> None:
        self.context = context
        self.line = line
        self.menus = menus

    def register(self) -> None:
        """Take on the task on the queue; one process does it at a time."""
        self.context.queue.register(MOVES_TASK, self.work, concurrency=1)

    async def ask(self) -> None:
        """Have the work done if there is some."""
        async with self.context.database.reading() as session:
            waiting = await session.scalar(
                select(MenuMove.id).where(col(MenuMove.done_at).is_(None)).limit(1)
            )
        if waiting is not None:
            async with self.context.database.writing() as session:
                await self.context.queue.put(session, MOVES_TASK, "all")

    async def work(self, _key: str) -> None:
        """Move residents until nobody is left.

        Raises
        ------
        Retryable
            LINE cannot do it now, or refuses the access token, which will be corrected.
        """
        try:
            while (move := await self._next()) is not None:
                await self._go_on(move)
        except Forbidden:
            raise
        except TokenRefused as error:
            raise Retryable(str(error)) from error

    async def _next(self) -> MenuMove | None:
        """Return the oldest move; of those asked for together, the one that is least far."""
        query = (
            select(MenuMove)
            .where(col(MenuMove.done_at).is_(None))
            .order_by(col(MenuMove.asked_at), col(MenuMove.moved), col(MenuMove.id))
            .limit(1)
        )
        async with self.context.database.reading() as session:
            return await session.scalar(query)

    async def _go_on(self, move: MenuMove) -> None:
        """Move the next few thousand residents, and note how far it came."""
        async with self.context.database.reading() as session:
            modes = await open_modes(session)
            people = await _next_people(session, move)
        by_kind: dict[Kind, list[str]] = {}
        for one in people:
            by_kind.setdefault(_kind(modes, one.areas), []).append(one.line_user_id)
        requests = [
            (kind, users[start : start + MOST])
            for kind, users in by_kind.items()
            for start in range(0, len(users), MOST)
        ]
        await asyncio.gather(*(self._link(move.language, kind, users) for kind, users in requests))
        whole = len(people) < AT_ONCE * MOST
        now = self.context.clock.now()
        async with self.context.database.writing() as session:
            await session.execute(
                update(MenuMove)
                .where(col(MenuMove.id) == move.id, col(MenuMove.done_at).is_(None))
                .values(
                    through=people[-1].number if people else move.through,
                    moved=MenuMove.moved + len(people),
                    done_at=now if whole else None,
                )
            )
        if whole:
            log.info("menus.moved", language=move.language, residents=move.moved + len(people))

    async def _link(self, language: str, kind: Kind, users: Sequence[str]) -> None:
        menu_id = await self.menus.menu(language, kind)
        if menu_id is None:
            return
        try:
            await self.line.link_rich_menu_to_many(users, menu_id)
        except LineRefused as error:
            if error.status == 404:
                self.menus.forget()
                raise Retryable(str(error)) from error
            # LINE refuses all for one whom it does not know; each is then tried alone.
            log.warning("menus.separated", language=language, residents=len(users))
            async with self.context.database.writing() as session:
                await self.context.queue.put_many(session, MENU_TASK, users)


def _kind(modes: Sequence[DisasterMode], areas: tuple[str, ...]) -> Kind:
    return next((kind_of(mode.drill) for mode in modes if mode.concerns(areas)), Kind.NEWS)


async def _next_people(session: AsyncSession, move: MenuMove) -> list[_Somebody]:
    """Return the next residents whom a move concerns, in the order of their ids."""
    query = (
        select(col(Resident.id), Resident.line_user_id, Resident.area_list)
        .where(
            col(Resident.id) > move.through,
            col(Resident.state) == ResidentState.FOLLOWING,
            col(Resident.language) == move.language,
            *of_medium(LINE_MEDIUM),
        )
        .order_by(col(Resident.id))
        .limit(AT_ONCE * MOST)
    )
    if move.areas:
        there = select(ResidentArea.resident_id).where(
            col(ResidentArea.resident_id) == col(Resident.id),
            col(ResidentArea.area).in_(move.areas),
        )
        concerned: ColumnElement[bool] = there.exists()
        if move.without_area:
            concerned = (col(Resident.area_list) == "") | concerned
        query = query.where(concerned)
    return [
        _Somebody(number, user, tuple(code for code in areas.split(",") if code))
        for number, user, areas in await session.execute(query)
        if number is not None and user is not None
    ]
