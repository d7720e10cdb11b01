"""``/``: the city's front page for everybody who has no LINE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from city.city import City
from city.context import Context
from city.folder import CityFolder
from core.clock import in_japan
from core.web import PublicRoute
from public.district_picture import district_picture
from public.notice_search import MOST_LETTERS, Wanted, search
from public.notices import reader_words
from public.page_size import MOST_BYTES
from public.pages import answered, language_of, rendered
from public.portal import places_by_level, places_of, read_portal
from public.qr import code_picture

router = APIRouter(route_class=PublicRoute)
Shortened = frozenset[int | None]
"""The notices that have only their titles on a page."""


@router.get("/")
async def front_page(request: Request) -> Response:
    """Show what is in force, earlier notices or those looked for, and the ways to follow."""
    context: Context = request.app.state.context
    folder: CityFolder = request.app.state.folder
    city, now = context.city, context.clock.now()
    language = language_of(request, city)
    wanted = _wanted(request, city)
    async with context.database.reading() as session:
        portal = await read_portal(session, city, now)
        found = await search(session, wanted, language, now) if wanted else None
    levels = portal.levels(city)
    picture = district_picture(city, levels)

    def shown(short: Shortened) -> bytes:
        return rendered(
            request,
            "portal.html",
            language,
            path=request.url.path,
            portal=portal,
            board=portal.board,
            short=short,
            wanted=wanted,
            found=found,
            picture=picture,
            by_level=places_by_level(levels, city, language),
            places_of=places_of,
            month=f"{in_japan(now):%Y-%m}",
            has_calendar=bool(folder.calendar.days),
            account=account_address(city),
            code_picture=code_picture,
        )

    listed = (*portal.board.current, *portal.board.drills)
    listed += tuple(found.notices if found else portal.board.recent)
    lengths = [(one.id, len(reader_words(one, language)[1].encode())) for one in listed if one.code]
    return answered(request, "portal.html", _fitted(shown, lengths))


def _fitted(
    shown: Callable[[Shortened], bytes], lengths: Sequence[tuple[int | None, int]]
) -> bytes:
    """Return the page; if it is too large, the last notices have only titles that lead to them.

    It is rendered three times at most, as everybody looks at it at once in an emergency. What a
    notice takes besides its text is known after the second time.

    Parameters
    ----------
    lengths
        Each notice with the bytes of its text, what is in force first.
    """
    whole = shown(frozenset())
    if len(whole) < MOST_BYTES:
        return whole
    short = _to_shorten(lengths, len(whole), 0)
    small = shown(frozenset(short))
    besides = (len(whole) - len(small) - sum(short.values())) // max(1, len(short))
    fewer = _to_shorten(lengths, len(whole), besides * 9 // 10)
    if len(fewer) < len(short) and len(fuller := shown(frozenset(fewer))) < MOST_BYTES:
        return fuller
    return small


def _to_shorten(
    lengths: Sequence[tuple[int | None, int]], size: int, besides: int
) -> dict[int | None, int]:
    short: dict[int | None, int] = {}
    for number, length in reversed(lengths):
        if size < MOST_BYTES:
            break
        short[number] = length
        size -= length + besides
    return short


def account_address(city: City) -> str:
    """Return the address that adds the LINE account; "" if the city did not say its id.

    https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
    """
    return f"https://line.me/R/ti/p/{quote(city.line_id, safe='')}" if city.line_id else ""


def _wanted(request: Request, city: City) -> Wanted:
    """Return what the address asks for; a topic or district that the city does not have is none."""
    asked = request.query_params
    topic, district = asked.get("topic", ""), asked.get("district", "")
    return Wanted(
        topic=topic if topic in city.topic_by_code else "",
        district=district if district in city.district_by_code else "",
        words=" ".join(asked.get("q", "")[:MOST_LETTERS].split()),
    )
