"""The addresses of the notices' feeds: by topic, district and language, in any combination."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from city.city import City, name_in
from city.context import Context
from core.web import PublicRoute
from feeds.in_force import is_danger
from feeds.texts import topic_name
from public.feeds import ATOM_TYPE, JSON_TYPE, FeedAsked, atom, json_feed
from public.notices import Board, Chosen, public_board
from public.pages import language_of, notices_title
from public.validators import validated
from public.websub import announce, names_hub

MOST_CHOSEN = 50
"""Values of one parameter."""
router = APIRouter(route_class=PublicRoute)


@router.get("/feeds/notices.atom")
async def notices_atom(request: Request) -> Response:
    """Return the notices of ``?topic=…&area=…&lang=…`` as Atom."""
    return await _feed(request, atom, "atom", ATOM_TYPE)


@router.get("/feeds/notices.json")
async def notices_json(request: Request) -> Response:
    """Return the same as a JSON Feed."""
    return await _feed(request, json_feed, "json", JSON_TYPE)


async def _feed(
    request: Request, write: Callable[[Board, FeedAsked], bytes], ending: str, media_type: str
) -> Response:
    context: Context = request.app.state.context
    found = await _found(request)
    if found is None:
        return Response(status_code=404)
    body = write(*found)
    answer = validated(request, body, f"{media_type}; charset=utf-8", context.clock.now())
    _, asked = found
    if asked.hub:
        announce(answer, asked.hub, asked.address(ending))
    return answer


def chosen_of(request: Request, city: City) -> Chosen | None:
    """Return what is asked for; None if the city has no such topic or district.

    Whoever asks for a topic that there is not must not get everything, nor wait for ever.
    """
    topics, areas = _values(request, "topic"), _values(request, "area")
    known = set(topics) <= set(city.topic_by_code) and set(areas) <= set(city.district_by_code)
    return Chosen(topics, areas) if known else None


def _values(request: Request, name: str) -> tuple[str, ...]:
    """Return the values of a parameter that stands several times or has commas."""
    given = request.query_params.getlist(name)[:MOST_CHOSEN]
    values = [one.strip() for text in given for one in text[:2000].split(",")]
    return tuple(dict.fromkeys(one for one in values if one))[:MOST_CHOSEN]


async def _found(request: Request) -> tuple[Board, FeedAsked] | None:
    context: Context = request.app.state.context
    city, now = context.city, context.clock.now()
    chosen = chosen_of(request, city)
    if chosen is None:
        return None
    async with context.database.reading() as session:
        board = await public_board(session, now, city.jma.municipality, chosen)
    language = language_of(request, city)
    asked = FeedAsked(
        title=feed_title(city, language, chosen),
        language=language,
        public_url=context.settings.public_url,
        chosen=chosen,
        languages=city.languages,
        hub=context.settings.websub_hub if names_hub(chosen) else "",
        with_cap=frozenset(n.id for n in board.real if n.id is not None and is_danger(n)),
    )
    return board, asked


def feed_title(city: City, language: str, chosen: Chosen) -> str:
    """Return the title of what a reader chose."""
    topics = [topic_name(code, language, city) for code in sorted(chosen.topics)]
    districts = [city.district_by_code[code] for code in sorted(chosen.areas)]
    places = [name_in(district.names, language) for district in districts]
    return " · ".join([notices_title(city, language), *topics, *places])
