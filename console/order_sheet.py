"""A work order for paper: the words of the sheet, its maps, photos and codes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import segno

from city.city import City
from city.folder import CityFolder
from city.map_picture import draw_map, draw_sites
from console import words
from console.order_words import KINDS, OUTCOMES, Shown, day_name
from core.languages import mark
from public.drawing import made
from reports.models import Outcome, Photo, Team, WorkOrder
from reports.order_pdf import Sheet, SheetItem
from reports.photos import photo_path

MOST_PHOTOS = 2
"""On paper: near and afar."""
BY_HAND = (mark("Done / not done"), mark("Hours"), mark("Materials used"), mark("Worked by"))
STRAIGHT = mark("In driving order, by straight lines: rivers and one-way streets are not known.")
MARKS = {Outcome.WAITING: "", Outcome.DONE: "open", Outcome.COULD_NOT: "full"}
"""The marks of the numbered map, by what the crew said."""


def code_svg(address: str) -> str:
    """Return an address as a QR code in SVG."""
    code = segno.make(address, error="m", micro=False)
    return str(code.svg_inline(scale=4, border=2))


def sheet_of(
    city: City,
    order: WorkOrder,
    team: Team,
    stops: Sequence[Shown],
    language: str,
    *,
    crew_page: str = "",
    until: str = "",
) -> Sheet:
    """Return an order as it is printed.

    Parameters
    ----------
    crew_page
        The address of the crew's page, which the codes open; empty if there is no valid link, or
        its reader may not pass it on. The codes then lead to the place on a map.
    until
        When the link ends, in words.
    """

    def say(message: str, /, **values: object) -> str:
        return words.CATALOGUE.text(language, message, **values)

    opens = say("Opens the list on a phone, until {time}", time=until) if crew_page else ""
    items = []
    for stop in stops:
        address = f"{crew_page}#i{stop.id}" if crew_page else stop.map_link
        items.append(
            SheetItem(
                title=f"{stop.what}  {stop.report_number}".strip(),
                tag=stop.priority,
                urgent=stop.urgent,
                facts=_facts(stop, language),
                words=stop.words,
                map=f"map-{stop.id}" if stop.latitude is not None else "",
                photos=tuple(
                    (f"photo-{one.id}", say(words.PHOTO_NAMES[one.role])) for one in _printed(stop)
                ),
                code=code_svg(address) if address else "",
                code_words=(opens or say("Opens the way there on a phone")) if address else "",
                row=(stop.report_number or "–", stop.what, _where(stop), stop.words, stop.due),
            )
        )
    facts = [
        (say("Working day"), day_name(order.on_day, language)),
        (say("Team"), team.name),
        (say("Places"), str(len(stops))),
    ]
    return Sheet(
        language=language,
        title=say(KINDS[order.kind]),
        city=city.name.get(language, city.name["ja"]),
        number=order.number,
        facts=tuple(facts),
        words=order.words,
        note="" if order.by_hand else say(STRAIGHT),
        code=code_svg(crew_page) if crew_page else "",
        code_words=opens,
        map="map",
        columns=tuple(
            say(one)
            for one in (
                mark("No."),
                mark("Case number"),
                mark("Kind"),
                mark("Where"),
                mark("Work to do"),
                mark("Due"),
                mark("Done"),
            )
        ),
        to_do=say("Work to do"),
        written_by_hand=tuple(say(one) for one in BY_HAND),
        items=tuple(items),
    )


def _where(stop: Shown) -> str:
    return " · ".join(part for part in (stop.where, stop.road) if part)


def _facts(stop: Shown, language: str) -> tuple[tuple[str, str], ...]:
    def say(message: str) -> str:
        return words.CATALOGUE.text(language, message)

    at = f"{stop.latitude:.5f}, {stop.longitude:.5f}" if stop.latitude is not None else ""
    said = say(OUTCOMES[stop.outcome]) if stop.outcome is not Outcome.WAITING else ""
    facts = (
        (say("State"), stop.ended),
        (say("Where"), _where(stop)),
        (say("Latitude, longitude"), at),
        (say("Due"), stop.due),
        (say("What was reported"), stop.said),
        *stop.facts,
        (say("Photos"), _photos_said(stop, language)),
        (say("The crew said"), f"{said} {stop.outcome_words}".strip()),
    )
    return tuple((name, value) for name, value in facts if value)


def _photos_said(stop: Shown, language: str) -> str:
    """Say that there are more photos than those on the paper; "" if these are all."""
    if len(stop.photos) <= MOST_PHOTOS:
        return ""
    more = mark("{n}, {m} of them here; all are on the crew's page")
    return words.CATALOGUE.text(language, more, n=len(stop.photos), m=MOST_PHOTOS)


def _printed(stop: Shown) -> tuple[Photo, ...]:
    return stop.photos[:MOST_PHOTOS]


async def pictures_of(
    city: City, folder: CityFolder, media_dir: Path, stops: Sequence[Shown]
) -> dict[str, bytes]:
    """Return the maps and photos of a sheet by their names; a photo that is gone is left out.

    Raises
    ------
    Full
        Too many maps are drawn already.
    """
    found: dict[str, bytes] = {}
    if len(stops) > 1 and any(stop.latitude is not None for stop in stops):
        found["map"] = await overview(city, folder, stops)
    for stop in stops:
        if stop.latitude is not None and stop.longitude is not None:
            found[f"map-{stop.id}"] = await one_map(city, folder, stop.longitude, stop.latitude)
        for photo in _printed(stop):
            path = photo_path(media_dir, photo.sha256)
            if await asyncio.to_thread(path.is_file):
                found[f"photo-{photo.id}"] = await asyncio.to_thread(path.read_bytes)
    return found


async def overview(city: City, folder: CityFolder, stops: Sequence[Shown]) -> bytes:
    """Return a map with all places of an order, with their numbers."""
    marks = {
        number: ((stop.longitude, stop.latitude), MARKS.get(stop.outcome, "full"))
        for number, stop in enumerate(stops, start=1)
        if stop.longitude is not None and stop.latitude is not None
    }
    places = [(at, state) for at, state in marks.values()]
    numbers = list(marks)
    roads = [line for owner in city.owners for line in owner.lines]
    draw = partial(draw_sites, city, folder.places, None, places, roads, numbers=numbers)
    return await made(draw)


async def one_map(city: City, folder: CityFolder, longitude: float, latitude: float) -> bytes:
    """Return a map of the surroundings of one place."""
    roads = [line for owner in city.owners for line in owner.lines]
    return await made(partial(draw_map, city, folder.places, (longitude, latitude), roads))
