"""``/feeds/events``: Server-Sent Events (WHATWG HTML, 9.2) of what the public is told.

A listener need not ask again and again: new, corrected and ended notices come within about a
second. ``Last-Event-ID`` (or ``?after=``) brings what was missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse, StreamingResponse

from city.context import Context
from core.web import PublicRoute
from feeds.in_force import is_danger
from feeds.models import Notice
from public.event_watch import EventWatch, Happened, Listener, TooMany
from public.feeds import identity_of, notice_url
from public.notice_feeds import chosen_of
from public.notices import Chosen, reader_words
from public.pages import language_of

HEARTBEAT_SECONDS = 15.0
"""A comment is sent that often, so that proxies and phones keep the connection."""
COME_BACK_MS = 3000
LIFE = timedelta(hours=1)
"""How long one connection lasts; a browser comes back by itself and misses nothing."""
router = APIRouter(route_class=PublicRoute)


@router.get("/feeds/events")
async def events(request: Request) -> Response:
    """Stream events of ``?topic=…&area=…&lang=…``; with ``?once=1`` only what is known now."""
    context: Context = request.app.state.context
    watch: EventWatch = request.app.state.events
    chosen = chosen_of(request, context.city)
    if chosen is None:
        return Response(status_code=404)
    address = request.client.host if request.client else ""
    last = _number(
        request.headers.get("last-event-id", "") or request.query_params.get("after", "")
    )
    try:
        listener, first = await watch.join(address, last)
    except TooMany:
        answer = PlainTextResponse("Too many listen here. Please try again later.\n", 503)
        answer.headers["Retry-After"] = "60"
        return answer
    words = _Words(chosen, language_of(request, context.city), context.settings.public_url)
    once = request.query_params.get("once", "") == "1"
    stream = _stream(watch, listener, first, words, once=once)
    response = StreamingResponse(stream, media_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Access-Control-Allow-Origin"] = "*"
    # nginx would otherwise collect events before it passes them on.
    response.headers["X-Accel-Buffering"] = "no"
    return response


class _Words:
    """How one listener hears of an event."""

    def __init__(self, chosen: Chosen, language: str, public_url: str) -> None:
        self.chosen, self.language, self.public_url = chosen, language, public_url

    def written(self, happened: Happened) -> str:
        """Return the event as it is sent; "" if it does not concern the listener."""
        if happened.notice is not None and not self.chosen.concerns(happened.notice):
            return ""
        key = (self.language, self.chosen if happened.notice is None else None)
        return happened.once(key, lambda: self._write(happened))

    def _write(self, happened: Happened) -> str:
        if happened.notice is not None:
            data: Any = self._notice(happened.notice)
        else:
            concerned = [one for one in happened.in_force if self.chosen.concerns(one)]
            data = {"notices": [self._notice(one) for one in concerned]}
        # JSON has no line ends, so it is one line of data.
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        return f"id: {happened.number}\nevent: {happened.name}\ndata: {text}\n\n"

    def _notice(self, notice: Notice) -> dict[str, Any]:
        title, text, spoken = reader_words(notice, self.language)
        url = self.public_url
        cap = f"{url}/feeds/cap/{notice.with_id or notice.id}.xml" if is_danger(notice) else None
        replaces = identity_of(url, notice.replaces_id) if notice.replaces_id else None
        return {
            "id": identity_of(url, notice.id),
            "number": notice.id,
            "topic": notice.topic,
            "kind": notice.kind,
            "level": notice.shown_level,
            "emergency": notice.emergency,
            "status": notice.status.value,
            "areas": notice.areas,
            "title": title,
            "text": text,
            "language": spoken,
            "reported_at": notice.reported_at.isoformat(),
            "expires_at": notice.expires_at.isoformat() if notice.expires_at else None,
            "replaces": replaces,
            "url": notice_url(url, notice, self.language),
            "cap": cap,
        }


async def _stream(
    watch: EventWatch, listener: Listener, first: list[Happened], words: _Words, *, once: bool
) -> AsyncIterator[str]:
    try:
        yield f"retry: {COME_BACK_MS}\n\n"
        for happened in first:
            if said := words.written(happened):
                yield said
        if once:
            return
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE.total_seconds()
        while loop.time() < end:
            try:
                next_one = await asyncio.wait_for(listener.waiting.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield ":\n\n"
                continue
            if next_one is None:
                return
            if said := words.written(next_one):
                yield said
    finally:
        watch.leave(listener)


def _number(text: str) -> int | None:
    fits = text.isascii() and text.isdecimal() and len(text) < 16
    return int(text) if fits else None
