"""The addresses of CAP messages: the list, and one file for each act of sending."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request, Response
from lxml import etree

from channels.notice_words import notice_words
from city.context import Context
from core.errors import BadInput
from core.kept import KeptBytes
from core.languages import tag_of
from core.web import PublicRoute
from feeds.models import Notice
from public.cap import as_bytes, cap_message
from public.cap_acts import act_of, listed
from public.cap_levels import message_type
from public.cap_signing import read_key, signed
from public.feeds import ATOM, ATOM_TYPE, CAP_TYPE, NEVER, XML_LANG, add, cap_feed_address
from public.pages import language_of, notices_title
from public.validators import validated
from public.websub import announce

log = structlog.get_logger(__name__)
router = APIRouter(route_class=PublicRoute)
KEPT_BYTES = 16_000_000
"""Messages in memory. A message of an act never changes; to sign one takes some milliseconds."""


@router.get("/feeds/cap.atom")
async def cap_list(request: Request) -> Response:
    """List the CAP messages of the last 14 days, drills (``Exercise``) too."""
    context: Context = request.app.state.context
    language, now = language_of(request, context.city), context.clock.now()
    async with context.database.reading() as session:
        found = await listed(session, now)
    own = cap_feed_address(context.settings.public_url, language)
    answer = validated(
        request, _atom(request, found, language, own), f"{ATOM_TYPE}; charset=utf-8", now
    )
    if context.settings.websub_hub:
        announce(answer, context.settings.websub_hub, own)
    return answer


@router.get("/feeds/cap/{cap_id}.xml")
async def cap_file(request: Request, cap_id: str) -> Response:
    """Return the CAP message of an act, by the id of its first notice."""
    context: Context = request.app.state.context
    state = request.app.state
    if not (cap_id.isascii() and cap_id.isdecimal() and len(cap_id) < 16):
        return Response(status_code=404)
    async with context.database.reading() as session:
        act = await act_of(session, int(cap_id), context.city)
    if act is None:
        return Response(status_code=404)
    if not hasattr(state, "cap_files"):
        state.cap_files = KeptBytes(KEPT_BYTES)
    # A correction never changes an earlier message, but a decision on a part that was held does.
    key = tuple((block.notice.id, block.areas) for block in act.blocks)
    body = state.cap_files.get(key)
    if body is None:
        try:
            alert = cap_message(
                act,
                context.city,
                context.settings.public_url,
                test=bool(getattr(state, "demo", False)),
            )
        except BadInput as error:
            log.error("cap.unwritable", notice_id=act.first.id, reason=str(error))
            return Response(status_code=404)
        if context.settings.cap_key is not None:
            if not hasattr(state, "cap_signing"):
                state.cap_signing = read_key(context.settings.cap_key)
            alert = signed(alert, state.cap_signing)
        body = as_bytes(alert)
        state.cap_files.put(key, body)
    return validated(request, body, f"{CAP_TYPE}; charset=utf-8", context.clock.now())


def _atom(request: Request, found: list[Notice], language: str, own: str) -> bytes:
    context: Context = request.app.state.context
    city, url = context.city, context.settings.public_url
    feed = etree.fromstring(f'<feed xmlns="{ATOM}"/>'.encode())
    feed.set(XML_LANG, tag_of(language))
    title = f"CAP · {notices_title(city, language)}"
    add(feed, "id", own)
    add(feed, "title", title)
    newest = max((notice.created_at for notice in found), default=NEVER)
    add(feed, "updated", newest.isoformat())
    add(feed, "link", rel="self", href=own, type=ATOM_TYPE)
    if context.settings.websub_hub:
        add(feed, "link", rel="hub", href=context.settings.websub_hub)
    add(feed, "link", rel="alternate", href=f"{url}/?lang={language}", type="text/html")
    add(add(feed, "author"), "name", title)
    for notice in found:
        try:
            spoken, heading, text = notice_words(notice, language)
        except BadInput as error:
            log.error("cap.unwritable", notice_id=notice.id, reason=str(error))
            continue
        entry = add(feed, "entry")
        entry.set(XML_LANG, tag_of(spoken))
        add(entry, "id", f"{url}/feeds/cap/{notice.id}.xml")
        add(entry, "title", heading)
        add(entry, "published", notice.created_at.isoformat())
        add(entry, "updated", notice.created_at.isoformat())
        href = f"{url}/feeds/cap/{notice.id}.xml"
        add(entry, "link", rel="alternate", href=href, type=CAP_TYPE)
        kind = message_type(notice.status, follows=notice.replaces_id is not None)
        add(entry, "category", term=kind, scheme="urn:oasis:names:tc:emergency:cap:1.2")
        status = "Exercise" if notice.drill else "Actual"
        add(entry, "category", term=status, scheme="urn:oasis:names:tc:emergency:cap:1.2")
        add(entry, "summary", text)
    return bytes(etree.tostring(feed, xml_declaration=True, encoding="utf-8"))
