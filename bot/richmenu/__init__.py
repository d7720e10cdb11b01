"""The rich menus: one picture with six places to tap for each language.

:class:`RichMenus` creates them at LINE once, finds them again by name, and gives each resident the
menu of their language. ``make_images.py`` makes the pictures.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import col, select

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues.onboarding import MENU
from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineRefused, TokenRefused
from city.context import Context
from core.errors import Retryable
from subscriptions.models import Resident

MENU_TASK = "bot.menu"
"""The task that gives a resident (the key is the LINE user id) the menu of their language."""
IMAGES = Path(__file__).parent / "data"
WIDTH, HEIGHT = 2500, 1686
COLUMNS, ROWS = 3, 2
PREFIX = "todoke-"
LEAVING = f"{PREFIX}old-"
"""Prefix of the alias of a menu that residents are leaving; it ends with the first day of the move.
"""
MOVING = timedelta(days=1)
"""How long LINE gets to move everybody from one menu to another."""

log = structlog.get_logger(__name__)


class RichMenus:
    """The menus at LINE.

    Parameters
    ----------
    context, line
        The service's parts and the client for LINE.
    """

    def __init__(self, context: Context, line: LineClient) -> None:
        self.context = context
        self.line = line
        self._ids: dict[str, str] = {}
        self._lock = asyncio.Lock()

    def register(self) -> None:
        """Take on the task on the queue."""
        self.context.queue.register(MENU_TASK, self.give, concurrency=2)

    async def ensure(self) -> dict[str, str]:
        """Create missing menus at LINE; return the menus' ids by language.

        A menu's name contains a hash of its picture and places, so calling this again, or from
        another process, creates nothing twice. Residents move from a menu of an older version to
        its successor. A later call deletes the older one, when LINE has had time to move them.
        """
        async with self._lock:
            if not self._ids:
                self._ids = await self._ensure()
            return self._ids

    async def give(self, line_user_id: str) -> None:
        """Link the menu of the resident's language; unlink that of somebody who is gone.

        Raises
        ------
        Retryable
            LINE cannot do it now, or refuses the access token, which will be corrected.
        """
        try:
            await self._give(line_user_id)
        except Forbidden:
            raise
        except TokenRefused as error:
            raise Retryable(str(error)) from error

    async def _give(self, line_user_id: str) -> None:
        async with self.context.database.reading() as session:
            language = await session.scalar(
                select(Resident.language).where(col(Resident.line_user_id) == line_user_id)
            )
        if language is None:
            await self._take(line_user_id)
            return
        menus = await self.ensure()
        if language not in menus:
            return
        try:
            await self.line.link_rich_menu(line_user_id, menus[language])
        except LineRefused as error:
            if error.status == 404:
                self._ids = {}
            log.warning("menu.failed", language=language, reason=str(error))

    async def _take(self, line_user_id: str) -> None:
        """Leave nothing at LINE about somebody who was erased."""
        try:
            await self.line.unlink_rich_menu(line_user_id)
        except LineRefused as error:
            log.info("menu.absent", reason=error.answer)

    async def _ensure(self) -> dict[str, str]:
        existing = {
            str(menu.get("name", "")): str(menu["richMenuId"])
            for menu in await self.line.list_rich_menus()
        }
        aliases = await self.line.list_rich_menu_aliases()
        made: dict[str, str] = {}
        wanted: set[str] = set()
        for language in self.context.city.languages:
            image = await asyncio.to_thread((IMAGES / f"{language}.png").read_bytes)
            menu = describe(language, image)
            wanted.add(menu["name"])
            menu_id = existing.get(menu["name"])
            alias = f"{PREFIX}{language.lower()}"
            if menu_id is None:
                menu_id = await self.line.create_rich_menu(menu)
                await self.line.upload_rich_menu_image(menu_id, image, "image/png")
                log.info("menu.created", language=language, menu_id=menu_id)
            elif aliases.get(alias) != menu_id:
                await self._complete(menu_id, image)
            made[language] = menu_id
            await self._point(aliases, alias, menu_id)
        await self.line.set_default_rich_menu(made[self.context.city.languages[0]])
        older = {
            name: menu_id
            for name, menu_id in existing.items()
            if name.startswith(PREFIX) and name not in wanted
        }
        await self._retire(older, made, aliases)
        return made

    async def _retire(
        self, older: dict[str, str], made: dict[str, str], aliases: dict[str, str]
    ) -> None:
        """Move residents from menus of older versions, and delete menus without residents.

        If a menu were deleted at once, its residents would get the first language's menu. LINE
        needs time to move them, so an alias stores the day on which the move began.
        """
        now = self.context.clock.now()
        moved_by = f"{now - MOVING:%Y%m%d}"
        since = {alias: alias.rpartition("-")[2] for alias in aliases if alias.startswith(LEAVING)}
        successors: dict[str, str] = {}
        for name, menu_id in older.items():
            language = name.removeprefix(PREFIX).rpartition("-")[0]
            leaving = next((alias for alias in since if aliases[alias] == menu_id), None)
            if leaving is None and language in made:
                successors[menu_id] = made[language]
            elif leaving is None or since[leaving] < moved_by:
                if leaving is not None:
                    await self.line.delete_rich_menu_alias(leaving)
                await self.line.delete_rich_menu(menu_id)
                log.info("menu.removed", menu_id=menu_id)
        if not successors:
            return
        await self.line.replace_rich_menus(successors)
        for name, menu_id in older.items():
            if menu_id in successors:
                alias = f"{LEAVING}{name.rpartition('-')[2][:12]}-{now:%Y%m%d}"
                try:
                    await self.line.create_rich_menu_alias(alias, menu_id)
                except LineRefused as error:
                    log.info("menu.already_removed", menu_id=menu_id, reason=error.answer)
        log.info("menu.replaced", menus=len(successors))

    async def _complete(self, menu_id: str, image: bytes) -> None:
        """Give a menu its picture if a crash kept it from getting one."""
        try:
            await self.line.upload_rich_menu_image(menu_id, image, "image/png")
        except LineRefused as error:
            log.info("menu.image_kept", menu_id=menu_id, reason=error.answer)

    async def _point(self, aliases: dict[str, str], alias: str, menu_id: str) -> None:
        if alias not in aliases:
            try:
                await self.line.create_rich_menu_alias(alias, menu_id)
            except LineRefused as error:
                # Another process created it meanwhile, or an answer was lost; it may refer to
                # another menu.
                log.info("menu.alias_kept", alias=alias, reason=error.answer)
            else:
                return
        if aliases.get(alias) != menu_id:
            await self.line.update_rich_menu_alias(alias, menu_id)


def describe(language: str, image: bytes) -> dict[str, Any]:
    """Return a menu in LINE's form; its name changes when picture or places change."""
    areas = [
        {
            "bounds": {"x": left, "y": top, "width": right - left, "height": bottom - top},
            "action": messages.press(WORDS.text(language, name), do),
        }
        for (do, name), (left, top, right, bottom) in zip(MENU, tap_areas(), strict=True)
    ]
    menu: dict[str, Any] = {
        "size": {"width": WIDTH, "height": HEIGHT},
        "selected": True,
        "chatBarText": WORDS.context_text("chat bar", language, "Menu"),
        "areas": areas,
    }
    content = json.dumps(menu, sort_keys=True).encode() + image
    digest = hashlib.sha256(content).hexdigest()[:12]
    return {**menu, "name": f"{PREFIX}{language}-{digest}"}


def tap_areas() -> list[tuple[int, int, int, int]]:
    """Return the six places as left, top, right, bottom in pixels, row by row."""
    xs = [round(WIDTH * column / COLUMNS) for column in range(COLUMNS + 1)]
    ys = [round(HEIGHT * row / ROWS) for row in range(ROWS + 1)]
    return [
        (xs[column], ys[row], xs[column + 1], ys[row + 1])
        for row in range(ROWS)
        for column in range(COLUMNS)
    ]
