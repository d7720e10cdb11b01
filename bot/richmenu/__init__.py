"""The rich menus: tabs for ordinary days and a menu for a disaster, in each language.

:class:`RichMenus` creates them at LINE once, finds them again by name, and gives each resident the
menu of their language, or that of the disaster in their districts. ``places.py`` says what stands
where, ``make_images.py`` makes the pictures, ``moves.py`` moves everybody.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import col, select

from bot import messages
from bot.catalogue import WORDS
from bot.richmenu.own import Shown, own_menus
from bot.richmenu.places import (
    AT_ONCE,
    HEIGHT,
    PLACES,
    TABS,
    TITLES,
    WIDTH,
    Box,
    Kind,
    Place,
    tab_areas,
    tap_areas,
)
from channels.line.client import LineClient
from channels.line.errors import Forbidden, LineRefused, TokenRefused
from city.context import Context
from core.errors import Retryable
from core.languages import LANGUAGES
from feeds.texts import drill_mark
from response.modes import open_modes
from subscriptions.models import Resident, ResidentArea
from subscriptions.residents import MENU_TASK

IMAGES = Path(__file__).parent / "data"
PREFIX = "todoke-"
READING = re.compile("（[^）]*）")
"""How easy Japanese says a word is read; a label has no room for it."""
MAX_BAR = 14
"""LINE's limit for the text of the chat bar."""
LOOK_SECONDS = 5.0
"""How often it is looked whether the city's own pictures changed."""
LEAVING = f"{PREFIX}old-"
"""Prefix of the alias of a menu that residents are leaving; it ends with the first day of the move.
"""
MOVING = timedelta(days=1)
"""How long LINE gets to move everybody from one menu to another."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Picture:
    """A menu in LINE's form, with its picture."""

    menu: dict[str, Any]
    image: bytes
    content_type: str


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
        self._own: dict[str, Shown] = {}
        self._looked = float("-inf")
        self._lock = asyncio.Lock()

    async def keep(self) -> None:
        """Make the menus anew if the city took a picture of its own, or gave it back."""
        if await self._own_now() != self._own:
            self.forget()
            await self.ensure()

    async def _look(self) -> None:
        """Forget the menus if another process changed the city's own pictures."""
        clock = self.context.clock
        if self._ids and clock.monotonic() >= self._looked + LOOK_SECONDS:
            self._looked = clock.monotonic()
            if await self._own_now() != self._own:
                self.forget()

    async def _own_now(self) -> dict[str, Shown]:
        settings, clock = self.context.settings, self.context.clock
        async with self.context.database.reading() as session:
            return await own_menus(session, settings.media_dir, clock.now())

    def register(self) -> None:
        """Take on the task on the queue."""
        self.context.queue.register(MENU_TASK, self.give, concurrency=2)

    async def ensure(self, *, drill: bool = False) -> dict[str, str]:
        """Create missing menus at LINE; return the menus' ids by :func:`slot`.

        A menu's name contains a hash of its picture and places, so calling this again, or from
        another process, creates nothing twice. Residents move from a menu of an older version to
        its successor. A later call deletes the older one, when LINE has had time to move them.

        Parameters
        ----------
        drill
            Also the menus of a drill, which nobody needs before one begins.
        """
        async with self._lock:
            await self._look()
            needed = slot(self.context.city.languages[0], Kind.DRILL if drill else Kind.NEWS)
            if needed not in self._ids:
                self._ids = await self._ensure((*AT_ONCE, Kind.DRILL) if drill else AT_ONCE)
            return self._ids

    async def menu(self, language: str, kind: Kind) -> str | None:
        """Return the id of a menu; None if the city does not have the language."""
        made = await self.ensure(drill=kind is Kind.DRILL)
        return made.get(slot(language, kind))

    def forget(self) -> None:
        """Ask LINE again, as a menu that we knew is no longer there."""
        self._ids = {}

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
            resident = await session.scalar(
                select(Resident).where(col(Resident.line_user_id) == line_user_id)
            )
            if resident is None:
                kind = None
            else:
                areas = await session.scalars(
                    select(ResidentArea.area).where(col(ResidentArea.resident_id) == resident.id)
                )
                chosen = tuple(areas)
                modes = await open_modes(session)
                kind = next((kind_of(m.drill) for m in modes if m.concerns(chosen)), Kind.NEWS)
        if resident is None or kind is None:
            await self._take(line_user_id)
            return
        menu_id = await self.menu(resident.language, kind)
        if menu_id is None:
            return
        try:
            await self.line.link_rich_menu(line_user_id, menu_id)
        except LineRefused as error:
            if error.status == 404:
                self.forget()
            log.warning("menu.failed", language=resident.language, reason=str(error))

    async def _take(self, line_user_id: str) -> None:
        """Leave nothing at LINE about somebody who was erased."""
        try:
            await self.line.unlink_rich_menu(line_user_id)
        except LineRefused as error:
            log.info("menu.absent", reason=error.answer)

    async def _ensure(self, kinds: tuple[Kind, ...]) -> dict[str, str]:
        existing = {
            str(menu.get("name", "")): str(menu["richMenuId"])
            for menu in await self.line.list_rich_menus()
        }
        aliases = await self.line.list_rich_menu_aliases()
        made: dict[str, str] = {}
        wanted: set[str] = set()
        languages = self.context.city.languages
        self._own = await self._own_now()
        for kind, language in ((kind, language) for kind in Kind for language in languages):
            picture = await asyncio.to_thread(self._picture, language, kind)
            wanted.add(picture.menu["name"])
            if kind in kinds:
                menu_id = await self._made(picture, existing, aliases, language, kind)
                made[slot(language, kind)] = menu_id
        await self.line.set_default_rich_menu(made[slot(languages[0], Kind.NEWS)])
        older = {
            name: menu_id
            for name, menu_id in existing.items()
            if name.startswith(PREFIX) and name not in wanted
        }
        await self._retire(older, made, aliases)
        return made

    def _picture(self, language: str, kind: Kind) -> Picture:
        """Return a menu with its picture: the city's own in place of the first tab, or ours."""
        own = self._own.get(language) if kind is Kind.NEWS else None
        if own is not None:
            try:
                image = own.picture.read_bytes()
            except OSError as error:
                log.error("menu.own_missing", language=language, reason=str(error))
            else:
                return Picture(named(own.menu, language, kind, image), image, own.kind)
        image = image_file(kind, language).read_bytes()
        return Picture(describe(language, kind, image), image, "image/png")

    async def _made(
        self,
        picture: Picture,
        existing: dict[str, str],
        aliases: dict[str, str],
        language: str,
        kind: Kind,
    ) -> str:
        menu = picture.menu
        menu_id, alias = existing.get(menu["name"]), alias_of(language, kind)
        if menu_id is None:
            menu_id = await self.line.create_rich_menu(menu)
            await self.line.upload_rich_menu_image(menu_id, picture.image, picture.content_type)
            log.info("menu.created", language=language, menu_id=menu_id, name=menu["name"])
        elif aliases.get(alias) != menu_id:
            await self._complete(menu_id, picture)
        await self._point(aliases, alias, menu_id)
        return menu_id

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
            place = name.removeprefix(PREFIX).rpartition("-")[0]
            # Menus of earlier versions had no tabs.
            place = slot(place, Kind.NEWS) if place in LANGUAGES else place
            leaving = next((alias for alias in since if aliases[alias] == menu_id), None)
            if leaving is None and place in made:
                successors[menu_id] = made[place]
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

    async def _complete(self, menu_id: str, picture: Picture) -> None:
        """Give a menu its picture if a crash kept it from getting one."""
        try:
            await self.line.upload_rich_menu_image(menu_id, picture.image, picture.content_type)
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


def slot(language: str, kind: Kind) -> str:
    """Return the name of a menu without its version."""
    return f"{language}-{kind.value}"


def alias_of(language: str, kind: Kind) -> str:
    """Return the alias by which tabs name each other."""
    return f"{PREFIX}{slot(language, kind).lower()}"


def kind_of(drill: bool) -> Kind:
    """Return the menu of a disaster mode."""
    return Kind.DRILL if drill else Kind.DISASTER


def image_file(kind: Kind, language: str) -> Path:
    return IMAGES / kind.value / f"{language}.png"


def describe(language: str, kind: Kind, image: bytes) -> dict[str, Any]:
    """Return a menu in LINE's form; its name changes when picture or places change."""
    areas = [
        _area(box, _press(language, place))
        for place, box in zip(PLACES[kind], tap_areas(), strict=True)
    ]
    if kind in TABS:
        areas = [
            *(
                _area(box, _switch(language, tab))
                for tab, box in zip(TABS, tab_areas(), strict=True)
            ),
            *areas,
        ]
    bar, mark = WORDS.context_text("chat bar", language, "Menu"), drill_mark(language)
    if kind is Kind.DRILL:
        bar = mark if len(mark) <= MAX_BAR else drill_mark("ja")
    menu: dict[str, Any] = {
        "size": {"width": WIDTH, "height": HEIGHT},
        "selected": True,
        "chatBarText": bar,
        "areas": areas,
    }
    return named(menu, language, kind, image)


def named(menu: dict[str, Any], language: str, kind: Kind, image: bytes) -> dict[str, Any]:
    """Return a menu with its name, which changes with its content and its picture."""
    content = json.dumps(menu, sort_keys=True).encode() + image
    digest = hashlib.sha256(content).hexdigest()[:12]
    return {**menu, "name": f"{PREFIX}{slot(language, kind)}-{digest}"}


def _area(box: Box, action: dict[str, Any]) -> dict[str, Any]:
    left, top, right, bottom = box
    bounds = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return {"bounds": bounds, "action": action}


def _press(language: str, place: Place) -> dict[str, Any]:
    """The action of a place; its label is read out by screen readers."""
    name = WORDS.text(language, place.label)
    action = messages.press(name, place.do, shown=True, **place.values)
    return {**action, "label": READING.sub("", name)}


def _switch(language: str, tab: Kind) -> dict[str, Any]:
    """The action of a tab, with its label."""
    return {
        "type": "richmenuswitch",
        "label": READING.sub("", WORDS.text(language, TITLES[tab])),
        "richMenuAliasId": alias_of(language, tab),
        "data": messages.encode("tab", to=tab.value),
    }
