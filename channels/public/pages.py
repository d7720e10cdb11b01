"""The public page, the list of shelters, the feeds, and what is shown when there is none."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response
from jinja2 import Environment

from channels.public.feeds import atom, json_feed
from channels.public.notices import Board, public_board, words_of
from channels.web import PUBLIC_POLICY, PublicRoute, secure, templates
from core.city import City, name_in
from core.city_folder import CityFolder
from core.context import Context
from core.languages import EASY_JAPANESE, LANGUAGES, Catalogue, match_language
from core.shelters import Hazard, Shelter
from feeds.texts import day_name, level_name, moment, status_name, topic_name

STATIC = "/static/public"
CATALOGUE = Catalogue(Path(__file__).parent / "locales")
FRESH_SECONDS = 15
_ADDRESS = re.compile(r"https?://[^\s<>\"'）】」、。]+")

router = APIRouter(route_class=PublicRoute)


def mark(message: str) -> str:
    """Mark a message for the catalogue where it is defined rather than shown."""
    return message


HAZARDS = {
    Hazard.FLOOD: mark("Flood"),
    Hazard.LANDSLIDE: mark("Landslide"),
    Hazard.STORM_SURGE: mark("Storm surge"),
    Hazard.EARTHQUAKE: mark("Earthquake"),
    Hazard.TSUNAMI: mark("Tsunami"),
    Hazard.FIRE: mark("Large fire"),
    Hazard.INLAND_FLOOD: mark("Flooding inside the town"),
    Hazard.VOLCANO: mark("Volcano"),
}


@router.get("/")
async def notices_page(request: Request) -> Response:
    """Show what holds now and what was said lately."""
    context, _, board = await _asked(request)
    return page(request, "notices.html", board=board, now=context.clock.now())


@router.get("/shelters")
async def shelters_page(request: Request) -> Response:
    """Show the city's emergency evacuation sites."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    by_district: dict[str, list[Shelter]] = {}
    for shelter in folder.shelters:
        district = context.city.district_at(shelter.longitude, shelter.latitude)
        by_district.setdefault(district.code if district else "", []).append(shelter)
    order = [*(d.code for d in context.city.districts), ""]
    groups = [(code, by_district[code]) for code in order if code in by_district]
    return page(request, "shelters.html", groups=groups, hazards=HAZARDS)


@router.get("/feeds/notices.atom")
async def notices_atom(request: Request) -> Response:
    context, language, board = await _asked(request)
    body = atom(
        board.real,
        title=_title(context.city, language),
        language=language,
        public_url=context.settings.public_url,
        now=context.clock.now(),
    )
    return _cached(request, body, "application/atom+xml; charset=utf-8")


@router.get("/feeds/notices.json")
async def notices_json(request: Request) -> Response:
    context, language, board = await _asked(request)
    body = json_feed(
        board.real,
        title=_title(context.city, language),
        language=language,
        public_url=context.settings.public_url,
    )
    response = _cached(request, body, "application/feed+json; charset=utf-8")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


NO_PAGE = mark("This page does not exist.")
BROKEN = mark("Something went wrong here. Please try again in a moment.")


def no_such_page(request: Request) -> Response:
    """Show somebody who followed a wrong address where the right ones are."""
    return _trouble(request, 404, NO_PAGE)


def broken(request: Request) -> Response:
    """Say that the page failed; what the city's data say is all that this page needs."""
    return _trouble(request, 500, BROKEN)


def _trouble(request: Request, status: int, message: str) -> Response:
    """Say what is wrong to the reader, and in Japanese and English to who stands beside them."""
    language = _language(request, request.app.state.context.city)
    said = {code: CATALOGUE.text(code, message) for code in dict.fromkeys((language, "ja", "en"))}
    # The other languages' links lead to the notices: this page has no other.
    body = _body(request, "trouble.html", language, path="/", said=said)
    response = Response(body, status, media_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    https = request.app.state.context.settings.public_url.startswith("https://")
    secure(response, PUBLIC_POLICY, https=https)
    return response


async def _asked(request: Request) -> tuple[Context, str, Board]:
    """What the public sees now, and the language it is asked for in."""
    context: Context = request.app.state.context
    async with context.database.reading() as session:
        board = await public_board(session, context.clock.now(), context.city.jma.municipality)
    return context, _language(request, context.city), board


def _title(city: City, language: str) -> str:
    return CATALOGUE.text(language, "Notices of {city}", city=name_in(city.name, language))


def page(request: Request, template: str, **values: object) -> Response:
    """Return a page of the public site, in the reader's language."""
    language = _language(request, request.app.state.context.city)
    body = _body(request, template, language, path=request.url.path, **values)
    return _cached(request, body, "text/html; charset=utf-8")


def _body(request: Request, template: str, language: str, *, path: str, **values: object) -> bytes:
    """Return a page; ``path`` is where the same page is found in the other languages."""
    context: Context = request.app.state.context

    def say(message: str, /, **inserted: object) -> str:
        return CATALOGUE.text(language, message, **inserted)

    text = (
        _environment()
        .get_template(template)
        .render(
            _=say,
            language=language,
            languages=[LANGUAGES[code] for code in context.city.languages],
            city=context.city,
            city_name=name_in(context.city.name, language),
            title=_title(context.city, language),
            static=STATIC,
            path=path,
            html_tag=html_tag,
            words_of=words_of,
            pieces=_pieces,
            moment=moment,
            day_name=day_name,
            name_in=name_in,
            level_name=level_name,
            status_name=status_name,
            topic_name=topic_name,
            is_demo=bool(getattr(request.app.state, "demo", False)),
            phone_url=getattr(getattr(request.app.state, "demo_places", None), "phone", ""),
            **values,
        )
    )
    return text.encode()


def html_tag(language: str) -> str:
    """Return what ``lang`` says: screen readers know no easy Japanese."""
    return "ja" if language == EASY_JAPANESE else language


def _cached(request: Request, body: bytes, media_type: str) -> Response:
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


def _language(request: Request, city: City) -> str:
    """Return the language of ``?lang=``, else the best of Accept-Language, else Japanese."""
    chosen = match_language(request.query_params.get("lang", "")[:35])
    if chosen in city.languages:
        return chosen
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(request.headers.get("accept-language", "")[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        language = match_language(tag.strip())
        if language in city.languages:
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
def _environment() -> Environment:
    return templates(Path(__file__).parent / "templates")
