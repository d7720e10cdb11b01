"""What the telephone line says that residents can call: a short text, and the same as sound.

A telephone system (IVR) fetches ``/feeds/telephone.txt`` or ``/feeds/telephone.wav`` every minute.
The newest comes first. It is read once, because the system repeats it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from alerts.speech import Speech
from alerts.spoken import Spoken, aloud, readings_of, spoken
from city.city import City, name_in
from city.context import Context
from city.folder import CityFolder
from core.errors import BadInput, Refusal
from core.languages import mark
from core.web import PublicRoute
from feeds.models import OVER, Notice
from feeds.texts import moment
from public.notices import Board, public_board
from public.pages import cached, language_of
from public.signage_content import CALM, DRILL_SHOWN, OVER_SHOWN
from public.words import CATALOGUE

router = APIRouter(route_class=PublicRoute)

MOST_DANGERS = 5
MOST_NEWS = 3
NEWS = timedelta(days=3)
AGAIN_AFTER = timedelta(minutes=1)
"""How long a text that could not be spoken is not tried again."""

AS_OF = mark("This is {city}. As of {time}.")
OTHER_NEWS = mark("Other news.")
ALL = mark("That is all.")


@dataclass
class Sounds:
    """The last sound of each language. One is made at a time, and only if the words changed."""

    speech: Speech
    _made: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _failed: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def wav(self, text: str, language: str, now: datetime) -> bytes | None:
        """Return a text as sound; None if that is not possible now."""
        async with self._making:
            known, sound = self._made.get(language, ("", b""))
            if known == text:
                return sound
            failed, at = self._failed.get(language, ("", now))
            if failed == text and now - at < AGAIN_AFTER:
                return None
            try:
                sound = await self.speech.wav(text, language)
            except Refusal:
                self._failed[language] = (text, now)
                return None
            self._made[language] = (text, sound)
            return sound


@router.get("/feeds/telephone.txt")
async def telephone_text(request: Request) -> Response:
    """What the telephone says now, a sentence a line, in UTF-8."""
    text, _ = await _said(request)
    return cached(request, text.encode(), "text/plain; charset=utf-8")


@router.get("/feeds/telephone.wav")
async def telephone_sound(request: Request) -> Response:
    """The same as sound; 404 without a speech program, 503 while it fails."""
    context: Context = request.app.state.context
    if not context.settings.speech_command:
        return Response(status_code=404)
    text, language = await _said(request)
    if not hasattr(request.app.state, "telephone"):
        request.app.state.telephone = Sounds(Speech(context.settings.speech_command))
    sounds: Sounds = request.app.state.telephone
    folder: CityFolder = request.app.state.folder
    plain = aloud(text, readings_of(context.city, folder.shelters))
    sound = await sounds.wav(plain, language, context.clock.now())
    if sound is None:
        return Response(status_code=503, headers={"Retry-After": "60"})
    return cached(request, sound, "audio/wav")


async def _said(request: Request) -> tuple[str, str]:
    """Return what the telephone says, and in which language."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    language, now = language_of(request, context.city), context.clock.now()
    async with context.database.reading() as session:
        board = await public_board(session, now, context.city.jma.municipality)
    return "\n".join(said(board, language, context.city, folder, now)), language


def said(board: Board, language: str, city: City, folder: CityFolder, now: datetime) -> list[str]:
    """Return the sentences: dangers in force, what ended, drills as drills, and the newest news."""
    readings = readings_of(city, folder.shelters)

    def read(notices: Iterable[Notice]) -> list[Spoken]:
        made = []
        for notice in notices:
            try:
                made.append(spoken(notice, language, city, readings, times=1))
            except BadInput:
                continue  # no medium tells it
        return made

    newest = sorted(board.current, key=lambda n: (n.emergency, n.reported_at), reverse=True)
    ended = [n for n in board.recent if n.status in OVER and now - n.reported_at <= OVER_SHOWN]
    latest = max((n.reported_at for n in (*board.current, *board.recent)), default=None)
    lines = [
        CATALOGUE.text(
            language,
            AS_OF,
            city=name_in(city.name, language),
            # The time of the newest notice, so that the sound is made only if the words changed.
            time=moment(latest or now.replace(hour=0, minute=0), language),
        )
    ]
    dangers = read([*newest[:MOST_DANGERS], *ended[:MOST_NEWS]])
    lines += [sentence for one in dangers for sentence in one.once]
    if not newest:
        lines.append(CATALOGUE.text(language, CALM))
    replaced = {n.replaces_id for n in board.drills}
    drills = [
        n
        for n in board.drills
        if n.id not in replaced and n.status not in OVER and now - n.reported_at <= DRILL_SHOWN
    ]
    for one in read(drills[:1]):
        lines += one.sentences
    shown = {id(n) for n in ended}
    news = [
        n
        for n in board.recent
        if id(n) not in shown and n.level == 0 and now - n.reported_at <= NEWS
        if n.expires_at is None or now < n.expires_at
    ]
    if found := read(news[:MOST_NEWS]):
        lines.append(CATALOGUE.text(language, OTHER_NEWS))
        lines += [one.once[0] for one in found if one.once]
    return [*lines, CATALOGUE.text(language, ALL)]
