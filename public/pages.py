"""The list of shelters, the lifelines, the feeds, the error pages, and what all pages share."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from jinja2 import Environment

from city.city import City, name_in
from city.context import Context
from core.clock import in_japan
from core.languages import LANGUAGES, mark, match_language, reads_japanese
from core.text import whole_number
from core.web import MAP_POLICY, PUBLIC_POLICY, PublicRoute, secure, templates
from feeds.news_form import form_of
from feeds.texts import day_name, level_name, moment, status_name, topic_name
from public.map_words import map_words
from public.notices import Board, public_board, reader_words
from public.page_size import fitting
from public.words import (
    CATALOGUE,
    lifeline_kind,
    lifeline_lines,
    lifeline_state,
)
from response.lifelines import hours_of, listed_now
from response.models import Lifeline, LifelineKind

STATIC = "/static/public"
MAPS = f"{STATIC}/maps"
"""The files of the map, for the console too."""
FRESH_SECONDS = 15
WITH_MAP = ("shelters.html", "lifelines.html", "repairs.html", "repair.html")
_ADDRESS = re.compile(r"https?://[^\s<>\"'）】」、。]+")

router = APIRouter(route_class=PublicRoute)


@router.get("/lifelines")
async def lifelines_page(request: Request) -> Response:
    """Show what staff list of water, power, shops and roads."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        found = await listed_now(session, context.clock.now(), drill=False)
    # Those of a kind stand together, also across pages.
    places = {kind: place for place, kind in enumerate(dict.fromkeys(one.kind for one in found))}
    found.sort(key=lambda one: places[one.kind])
    start = min(whole_number(request.query_params.get("from", "")) or 0, max(0, len(found) - 1))
    language = language_of(request, context.city)

    def make(most: int) -> bytes:
        end = start + max(1, most)
        kinds: dict[LifelineKind, list[Lifeline]] = {}
        for one in found[start:end]:
            kinds.setdefault(one.kind, []).append(one)
        return rendered(
            request,
            "lifelines.html",
            language,
            path=request.url.path,
            kinds=kinds,
            next_from=end if end < len(found) else 0,
            left=len(found) - end,
            lifeline_kind=lifeline_kind,
            lifeline_state=lifeline_state,
            lifeline_lines=lifeline_lines,
            on_map=any(one.latitude is not None for one in found),
        )

    return answered(request, "lifelines.html", fitting(make, len(found) - start))


@router.get("/feeds/lifelines.geojson")
async def lifelines_geojson(request: Request) -> Response:
    """The same as GeoJSON (RFC 7946); what has no position has the geometry null."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        found = await listed_now(session, context.clock.now(), drill=False)
    body = json.dumps(
        {
            "type": "FeatureCollection",
            "features": [_lifeline_feature(one) for one in found],
        },
        ensure_ascii=False,
    ).encode()
    response = cached(request, body, "application/geo+json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _lifeline_feature(one: Lifeline) -> dict[str, object]:
    place = None
    if one.longitude is not None and one.latitude is not None:
        place = {"type": "Point", "coordinates": [one.longitude, one.latitude]}
    hours = None
    if open_for := hours_of(one):
        hours = [f"{at // 60:02}:{at % 60:02}" for at in open_for]
    return {
        "type": "Feature",
        "geometry": place,
        "properties": {
            "kind": one.kind.value,
            "name": one.name,
            "state": one.state.value,
            "district": one.area or None,
            "hours": hours,
            "remarks": one.remarks,
            "notes": one.notes,
            "changed_at": one.changed_at.isoformat(),
            "until": one.until.isoformat(),
        },
    }


NO_PAGE = mark("This page does not exist.")
BROKEN = mark("Something went wrong here. Please try again in a moment.")


def no_such_page(request: Request) -> Response:
    """Show somebody who followed a wrong address where the right ones are."""
    return _trouble(request, 404, NO_PAGE)


def broken(request: Request) -> Response:
    """Show that the page failed; this page needs only the city's data."""
    return _trouble(request, 500, BROKEN)


def _trouble(request: Request, status: int, message: str) -> Response:
    """Show the error in the reader's language, in Japanese and in English."""
    language = language_of(request, request.app.state.context.city)
    said = {code: CATALOGUE.text(code, message) for code in dict.fromkeys((language, "ja", "en"))}
    # The links of other languages lead to the notices: this page has only one language.
    body = rendered(request, "trouble.html", language, path="/", said=said)
    response = Response(body, status, media_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    https = request.app.state.context.settings.public_url.startswith("https://")
    secure(response, PUBLIC_POLICY, https=https)
    return response


async def _asked(request: Request) -> tuple[Context, str, Board]:
    """The public content now, and the requested language."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        board = await public_board(session, context.clock.now(), context.city.jma.municipality)
    return context, language_of(request, context.city), board


def notices_title(city: City, language: str) -> str:
    return CATALOGUE.text(language, "Notices of {city}", city=name_in(city.name, language))


def page(request: Request, template: str, **values: object) -> Response:
    """Return a page of the public site, in the reader's language."""
    language = language_of(request, request.app.state.context.city)
    body = rendered(request, template, language, path=request.url.path, **values)
    return answered(request, template, body)


def answered(request: Request, template: str, body: bytes) -> Response:
    """Return the answer with a page that was rendered from a template."""
    response = cached(request, body, "text/html; charset=utf-8")
    if template in WITH_MAP:
        response.headers["Content-Security-Policy"] = MAP_POLICY
    return response


def rendered(
    request: Request, template: str, language: str, *, path: str, **values: object
) -> bytes:
    """Return a page; ``path`` is where the same page is found in the other languages."""
    context: Context = request.app.state.context

    def say(message: str, /, **inserted: object) -> str:
        return CATALOGUE.text(language, message, **inserted)

    text = (
        environment()
        .get_template(template)
        .render(
            _=say,
            language=language,
            languages=[LANGUAGES[code] for code in context.city.languages],
            city=context.city,
            city_name=name_in(context.city.name, language),
            title=notices_title(context.city, language),
            static=STATIC,
            emblem=context.city.emblem_path("svg", "png"),
            map_files=MAPS,
            map_words=map_words,
            path=path,
            reads_japanese=reads_japanese,
            reader_words=reader_words,
            picture_of=lambda notice: form_of(notice).picture,
            pieces=_pieces,
            moment=moment,
            in_japan=in_japan,
            day_name=day_name,
            name_in=name_in,
            level_name=level_name,
            status_name=status_name,
            topic_name=topic_name,
            is_demo=bool(getattr(request.app.state, "demo", False)),
            has_push=getattr(request.app.state, "push", None) is not None,
            phone_url=getattr(getattr(request.app.state, "demo_places", None), "phone", ""),
            **values,
        )
    )
    return text.encode()


def cached(request: Request, body: bytes, media_type: str) -> Response:
    """Answer with a validator, so that a page that did not change is not sent again."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={FRESH_SECONDS}",
        "Vary": "Accept-Language",
    }
    asked = request.headers.get("if-none-match", "")
    if etag in (tag.strip().removeprefix("W/") for tag in asked[:2000].split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def language_of(request: Request, city: City) -> str:
    """Return the language of ``?lang=``, else the best of Accept-Language, else Japanese."""
    return language_among(request, city.languages)


def language_among(request: Request, languages: Sequence[str]) -> str:
    """Return which of some languages a reader wants: as :func:`language_of`."""
    chosen = match_language(request.query_params.get("lang", "")[:35])
    if chosen is not None and chosen in languages:
        return chosen
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(request.headers.get("accept-language", "")[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = match_language(tag.strip())
        if language is not None and language in languages:
            wanted.append((-_weight(weight), place, language))
    return min(wanted)[2] if wanted else "ja"


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 0.0


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Cut a text into words and web addresses: (piece, whether it is an address)."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for found in _ADDRESS.finditer(text):
        pieces += [(text[end : found.start()], False), (found.group().rstrip(".,)"), True)]
        end = found.start() + len(pieces[-1][0])
    pieces.append((text[end:], False))
    return [piece for piece in pieces if piece[0]]


@cache
def environment() -> Environment:
    return templates(Path(__file__).parent / "templates")
