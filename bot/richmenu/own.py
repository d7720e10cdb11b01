"""The city's own pictures in place of our first tab, by language; versions as of its own words."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from city.own_menu import OwnMenu
from core import own_words
from core.clock import in_japan
from core.own_words import Change, WordVersion

PART = "menus"
"""Their rows among the versions of the city's own words."""
PICTURE, KIND, MENU = "picture", "kind", "menu"
FOLDER = "menus"
"""Where the pictures lie, in the folder of the photos, by their SHA-256."""


@dataclass(frozen=True)
class Shown:
    """A menu that is shown instead of ours."""

    menu: dict[str, Any]
    picture: Path
    kind: str


async def own_menus(session: AsyncSession, media: Path, now: datetime) -> dict[str, Shown]:
    """Return the city's own menus that hold, by language."""
    today = in_japan(now).date()
    found: dict[str, Shown] = {}
    for version in await _held(session, today):
        if version.cells:
            cells = version.cells
            picture = media / FOLDER / cells[PICTURE]
            found[version.key] = Shown(json.loads(cells[MENU]), picture, cells[KIND])
    return found


async def take(
    session: AsyncSession,
    media: Path,
    language: str,
    menu: OwnMenu,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Show a menu instead of ours from now on."""
    name = hashlib.sha256(menu.picture).hexdigest()
    await asyncio.to_thread(_store, media / FOLDER / name, menu.picture)
    cells = {MENU: json.dumps(menu.menu, ensure_ascii=False), PICTURE: name, KIND: menu.kind}
    await _write(session, language, cells, actor, now)


async def give_back(session: AsyncSession, language: str, *, actor: str, now: datetime) -> None:
    """Show ours again."""
    await _write(session, language, None, actor, now)


async def _write(
    session: AsyncSession, language: str, cells: dict[str, str] | None, actor: str, now: datetime
) -> None:
    today = in_japan(now).date()
    before = {one.key: one.cells for one in await _held(session, today)}.get(language)
    await own_words.write(
        session,
        PART,
        [Change(language, before, cells)],
        holds_from=today,
        note="",
        actor=actor,
        now=now,
    )


def _store(file: Path, picture: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_bytes(picture)
    part.replace(file)


async def _held(session: AsyncSession, today: date) -> list[WordVersion]:
    rows = (await own_words.overlay(session)).get(PART, {})
    last = ([one for one in versions if one.holds_from <= today][-1:] for versions in rows.values())
    return [version for found in last for version in found]
