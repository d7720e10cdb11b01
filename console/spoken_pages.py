"""An alert for loudspeaker, community radio and telephone, before it is sent and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from alerts.compose import composed_of
from alerts.speech import Speech
from alerts.spoken import LONG_SENTENCE, Spoken, aloud, readings_of, spoken
from channels.level_parts import act_of
from city.folder import CityFolder
from console.access import Permission
from console.alert_pages import draft_of
from console.delivery_pages import delivery_of_page
from console.web import Missing, RowNumber, StaffRoute, Visit, visit
from core.errors import Refusal
from feeds.furigana import reader
from feeds.models import Notice

router = APIRouter(prefix="/console", route_class=StaffRoute)
Looker = Annotated[Visit, Depends(visit(Permission.LOOK))]
Reader = Annotated[Visit, Depends(visit(Permission.DRAFTS))]


@router.get("/alerts/{draft_id}/spoken")
async def spoken_draft(visitor: Reader, draft_id: RowNumber) -> Response:
    """Show what would be read aloud; nothing is sent or broadcast."""
    notices = await _of_draft(visitor, draft_id)
    return _page(visitor, notices, back=f"/console/alerts/{draft_id}", is_sent=False)


@router.get("/alerts/{draft_id}/spoken.wav")
async def sound_of_draft(visitor: Reader, draft_id: RowNumber) -> Response:
    return await _sound(visitor, await _of_draft(visitor, draft_id))


@router.get("/deliveries/{delivery_id}/spoken")
async def spoken_delivery(visitor: Looker, delivery_id: RowNumber) -> Response:
    """Show what is read aloud of what was sent."""
    notices = await _of_delivery(visitor, delivery_id)
    return _page(visitor, notices, back=f"/console/deliveries/{delivery_id}", is_sent=True)


@router.get("/deliveries/{delivery_id}/spoken.wav")
async def sound_of_delivery(visitor: Looker, delivery_id: RowNumber) -> Response:
    return await _sound(visitor, await _of_delivery(visitor, delivery_id))


async def _of_draft(visitor: Visit, draft_id: int) -> list[Notice]:
    """Return the notices of a draft, the gravest first; they are not stored."""
    city = visitor.context.city
    async with visitor.context.database.reading() as session:
        draft = await draft_of(session, draft_id)
        if draft.discarded_at is not None:
            raise Missing
        known = draft.topic in city.topic_by_code and set(draft.areas) <= set(city.district_by_code)
        if not known or not 0 <= draft.level <= 5:
            raise Refusal("Choose topic and level first.")
        composed = composed_of(draft, city, actor=visitor.actor, now=visitor.context.clock.now())
    return [composed.notice, *(one.notice for one in composed.lower)]


async def _of_delivery(visitor: Visit, delivery_id: int) -> Sequence[Notice]:
    async with visitor.context.database.reading() as session:
        _, notice = await delivery_of_page(session, delivery_id)
        return await act_of(session, notice)


def _spoken(visitor: Visit, notices: Sequence[Notice]) -> tuple[str, list[Spoken]]:
    """Return the language that was asked for, and the announcements in it."""
    city = visitor.context.city
    folder: CityFolder = visitor.request.app.state.folder
    language = visitor.request.query_params.get("language", "ja")
    language = language if language in city.languages else "ja"
    readings = readings_of(city, folder.shelters)
    return language, [spoken(notice, language, city, readings) for notice in notices]


def _page(visitor: Visit, notices: Sequence[Notice], *, back: str, is_sent: bool) -> Response:
    language, made = _spoken(visitor, notices)
    read = reader() if language == "ja" else None
    return visitor.page(
        "spoken.html",
        back=back,
        is_sent=is_sent,
        drill=notices[0].drill,
        spoken_language=language,
        parts=[
            (notice, one, read(one.text) if read else "")
            for notice, one in zip(notices, made, strict=True)
        ],
        seconds=sum(one.seconds for one in made),
        long_sentence=LONG_SENTENCE,
        has_speech=bool(visitor.context.settings.speech_command),
    )


async def _sound(visitor: Visit, notices: Sequence[Notice]) -> Response:
    """Return the announcements as one WAV file."""
    language, made = _spoken(visitor, notices)
    state = visitor.request.app.state
    if not hasattr(state, "speech"):
        state.speech = Speech(visitor.context.settings.speech_command)
    speech: Speech = state.speech
    folder: CityFolder = state.folder
    readings = readings_of(visitor.context.city, folder.shelters)
    text = "\n".join(aloud(one.text, readings) for one in made)
    sound = await speech.wav(text, language)
    name = "drill" if notices[0].drill else "alert"
    headers = {"Content-Disposition": f'attachment; filename="{name}-{language}.wav"'}
    return Response(sound, media_type="audio/wav", headers=headers)
