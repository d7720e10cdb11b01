"""Looks at a project that has Esperanto: prints as JSON where it shows, and what residents read."""

from __future__ import annotations

import asyncio
import json
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

import core
from app.languages import missing_files
from bot.dialogues.onboarding import language_card
from bot.dialogues.settings import settings_card
from bot.understanding.lexicon import FILES
from channels.line.render import render
from city.folder import load_folder
from console.models import Role
from core.database import Database
from core.languages import match_language
from feeds.texts.compose import compose
from reports.states import ReportState
from subscriptions.generate import generate
from subscriptions.models import Resident
from tests.support.chats import known_in
from tests.support.console_alerts import begun
from tests.support.databases import Sqlite
from tests.support.engine import make_notice
from tests.support.office import NOON, running_office
from tests.support.project import PROJECT, SAMPLE_CITY
from tests.support.town import words_in
from tests.support.worked_facts import fact

CODE = "eo"
ENGLISH, EASY = "Leave the riverside now.", "川（かわ）から 離（はな）れて ください。"


async def look() -> dict[str, object]:
    assert Path(core.__file__).parent.parent == PROJECT
    sample = load_folder(SAMPLE_CITY)
    if missing := missing_files(sample.city.languages):
        return {"missing": missing}
    known = known_in(CODE, sample)
    notice = make_notice(now=NOON, languages=("ja", "ja-x-easy", "en"))
    notice.texts["ja-x-easy"] = {"title": "", "text": EASY}
    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        folder = Path(place)
        database = Database(Sqlite(folder).take(folder))
        async with running_office(database, sample, folder, patch) as office:
            desk = await office.at_desk(Role.DISASTER, "writer")
            _, editor = await begun(desk, "drill")
            public = await desk.get(f"/?lang={CODE}")
            await generate(database, sample.city, 2_000, 1, NOON - timedelta(days=1))
            speakers = [one for one in await office.rows(Resident) if one.language == CODE]
        await database.close()
    composed = compose(fact("heavy-rain", "レベル４大雨危険警報", 4), sample.city)
    return {
        "missing": [],
        "matched": match_language("eo-JP"),
        "menu": words_in([language_card(known)]),
        "settings": words_in([settings_card(known)]),
        "editor": editor.tree.xpath("//textarea/@name"),
        "public_language": [public.tree.get("lang"), public.tree.get("dir")],
        "public_choices": public.tree.xpath("//a/@hreflang"),
        "public_words": public.words,
        "fallback": words_in(render(notice, CODE, sample.city)),
        "warning": composed[CODE]["title"],
        "report_state": ReportState.NEW.resident_name(CODE),
        "understood": CODE in FILES,
        "speakers": len(speakers),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(look()), ensure_ascii=False))
