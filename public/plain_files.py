"""The pages of an emergency as plain files, for when the service is down.

A second web server or a CDN serves them. Each page is one file of less than 30 KB with its style in
it, without script, with relative links. Each says of when it is and from when on it is old. They
have no drills: what is not in force is not in them, except that a page that was written once says
what became of its notice.

========================  =======================================================
``index.LANG.html``       what is in force; ``index.html`` is in Japanese
``n/CODE.LANG.html``      one notice; ``n/CODE.html`` is in Japanese
``shelters.LANG.html``    evacuation sites and their state; more on ``shelters-2.LANG.html`` …
``lifelines.LANG.html``   water, power, shops, roads
``n/unknown.LANG.html``   for other codes: they cannot be checked now
``in-force.json``         what is in force, for programs
========================  =======================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, name_in
from city.folder import CityFolder
from city.shelters import Shelter
from core.languages import EASY_JAPANESE, LANGUAGES, reads_japanese
from core.web import templates
from feeds.evacuation import hazards_at, safe_sites
from feeds.in_force import public_notices
from feeds.models import Notice
from feeds.short_address import PATH, short_address
from feeds.texts import level_name, moment, status_name, topic_name
from public.checked import VERDICTS, Checked, Verdict, find_checked
from public.district_picture import district_picture
from public.look_pages import colours_of
from public.notices import KEPT, reader_words
from public.page_size import fitting, fullest
from public.portal import Portal, places_by_level, places_of, read_portal
from public.words import (
    CATALOGUE,
    hazard_names,
    lifeline_kind,
    lifeline_lines,
    lifeline_state,
    offers_line,
    state_name,
)
from response.lifelines import listed_now
from response.shelters import statuses

OLD_AFTER = timedelta(hours=1)
"""How long after its time a page says that it is old."""
RENEWED = timedelta(minutes=10)
"""How often pages are written again although nothing changed, so that they are not old."""
MOST_PAGES = 100
"""Notices with a page."""
MOST_LISTED = 60
"""Notices that the first page lists: with their words as far as there is room, then by title."""
MOST_TITLE = 120
MAP_POINTS = 300

File = tuple[str, bytes]


@dataclass(frozen=True)
class PlainContent:
    """What the files say, read in one snapshot."""

    portal: Portal
    notices: tuple[Checked, ...]
    """Those in force, and those that had a page before."""
    gone: tuple[str, ...]
    """Codes whose pages are not kept any more."""
    safe: tuple[Shelter, ...]
    others: tuple[Shelter, ...]
    dangers: tuple[Any, ...]


async def state_key(session: AsyncSession, city: City, now: datetime) -> str:
    """Return a short text that is the same as long as nothing changed that the pages say.

    It is read every few seconds; the pages' content only when it is another one. What becomes of a
    notice follows from a newer notice, or from what is in force.
    """
    newest = await session.scalar(select(func.max(col(Notice.id))))
    current = await public_notices(session, city.jma.municipality, now)
    states = await statuses(session, drill=False)
    lifelines = await listed_now(session, now, drill=False)
    said = (
        newest,
        [(one.id, one.texts, one.areas) for one in current],
        sorted((code, repr(status)) for code, status in states.items()),
        [(one.id, one.changed_at, one.until) for one in lifelines],
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()


async def read_content(
    session: AsyncSession,
    city: City,
    folder: CityFolder,
    now: datetime,
    written: Sequence[str] = (),
) -> PlainContent:
    """Return what the files say at ``now``.

    Parameters
    ----------
    written
        Codes that have pages already. They stay for two weeks, and say what became of the notice.
    """
    portal = await read_portal(session, city, now)
    current = [one.code for one in portal.board.current if one.code]
    checked: list[Checked] = []
    gone: list[str] = []
    for code in dict.fromkeys((*current, *written)):
        one = await find_checked(
            session, code, city.jma.municipality, now, current=portal.board.current
        )
        old = one is not None and code not in current and now - one.notice.reported_at > KEPT
        if one is None or one.notice.drill or old or len(checked) >= MOST_PAGES:
            gone.append(code)
        else:
            checked.append(one)
    hazards = hazards_at(portal.board.current, None)
    safe, _ = safe_sites(folder.shelters, hazards)
    others = [site for site in folder.shelters if site not in safe]
    return PlainContent(
        portal, tuple(checked), tuple(gone), tuple(safe), tuple(others), tuple(hazards)
    )


def files_of(content: PlainContent, city: City, public_url: str) -> Iterator[File]:
    """Yield every file; what others link to comes first."""
    writer = _Writer(content, city, public_url)
    for checked in content.notices:
        yield from writer.in_all_languages(
            f"{PATH.strip('/')}/{checked.notice.code}", partial(writer.notice, checked)
        )
    yield from writer.in_all_languages(f"{PATH.strip('/')}/unknown", writer.unknown)
    for language in city.languages:
        yield from writer.shelters(language)
        yield from writer.lifelines(language)
    yield "in-force.json", writer.in_force()
    yield from writer.in_all_languages("index", writer.index)


class _Writer:
    """Writes the pages of one moment."""

    def __init__(self, content: PlainContent, city: City, public_url: str) -> None:
        self._content = content
        self._city = city
        self._public_url = public_url
        self._at = content.portal.at
        self._levels = content.portal.levels(city)
        self._picture = district_picture(city, self._levels, MAP_POINTS) or ""
        self._codes = {one.notice.code for one in content.notices}

    def in_all_languages(self, name: str, make: Callable[[str], bytes]) -> Iterator[File]:
        for language in self._city.languages:
            yield f"{name}.{language}.html", make(language)
        yield f"{name}.html", make("ja")

    def index(self, language: str) -> bytes:
        everything = self._content.portal.board.current
        current = everything[:MOST_LISTED]

        def make(full: int) -> bytes:
            return self._page(
                "plain_index.html",
                language,
                "index",
                portal=self._content.portal,
                full=[self._card(one, language) for one in current[:full]],
                rest=[self._card(one, language) for one in current[full:]],
                left_out=len(everything) - len(current),
                picture=self._picture if self._levels else "",
                by_level=places_by_level(self._levels, self._city, language),
            )

        return fitting(make, len(current))

    def notice(self, checked: Checked, language: str) -> bytes:
        card = self._card(checked.notice, language)
        message = VERDICTS.get(checked.verdict)

        def make(letters: int) -> bytes:
            text = card["text"]
            return self._page(
                "plain_notice.html",
                language,
                f"n/{checked.notice.code}",
                card={**card, "text": text if letters == len(text) else f"{text[:letters]}…"},
                verdict=CATALOGUE.text(language, message) if message else "",
                state=checked.verdict.value,
                is_in_force=checked.verdict is Verdict.IN_FORCE,
                newer=checked.by.code if checked.by and checked.by.code in self._codes else "",
                address=short_address(self._public_url, checked.notice),
            )

        return fitting(make, len(card["text"]))

    def unknown(self, language: str) -> bytes:
        return self._page("plain_unknown.html", language, "n/unknown")

    def shelters(self, language: str) -> Iterator[File]:
        content = self._content
        states = content.portal.states
        told = [site for site in (*content.safe, *content.others) if site.code in states]
        rest = [site for site in content.safe if site.code not in states]
        sites = [*told, *rest]

        return self._list(
            "shelters",
            language,
            sites,
            states=states,
            state_name=state_name,
            offers_line=offers_line,
            dangers=hazard_names(content.dangers, language),
            not_safe={site.code for site in content.others},
        )

    def lifelines(self, language: str) -> Iterator[File]:
        return self._list(
            "lifelines",
            language,
            self._content.portal.lifelines,
            lifeline_kind=lifeline_kind,
            lifeline_state=lifeline_state,
            lifeline_lines=lifeline_lines,
        )

    def _list(
        self, name: str, language: str, things: Sequence[object], **values: object
    ) -> Iterator[File]:
        """Yield the pages of a list, the last first; each has as many of the things as fit."""
        pages: list[bytes] = []
        start = 0

        def make(most: int) -> bytes:
            end = start + max(1, most)
            return self._page(
                f"plain_{name}.html",
                language,
                name,
                listed=things[start:end],
                left=max(0, len(things) - end),
                further=f"{name}-{len(pages) + 2}.{language}.html",
                **values,
            )

        while not pages or start < len(things):
            page, shown = fullest(make, len(things) - start)
            pages.append(page)
            start += max(1, shown)
        for number in range(len(pages), 1, -1):
            yield f"{name}-{number}.{language}.html", pages[number - 1]
        yield f"{name}.{language}.html", pages[0]
        if language == "ja":
            yield f"{name}.html", pages[0]

    def in_force(self) -> bytes:
        """Return what is in force as JSON; words in Japanese, easy Japanese and English."""
        current = self._content.portal.board.current

        def make(most: int) -> bytes:
            found = {
                "as_of": self._at.isoformat(),
                "old_after": (self._at + OLD_AFTER).isoformat(),
                "city": name_in(self._city.name, "ja"),
                "municipality": self._city.jma.municipality,
                "left_out": len(current) - most,
                "in_force": [
                    {
                        "code": one.code,
                        "url": short_address(self._public_url, one),
                        "topic": one.topic,
                        "kind": one.kind,
                        "level": one.shown_level,
                        "status": one.status.value,
                        "areas": one.areas,
                        "reported_at": one.reported_at.isoformat(),
                        "expires_at": one.expires_at.isoformat() if one.expires_at else None,
                        "title": {
                            code: one.texts[code].get("title", "")[:MOST_TITLE]
                            for code in ("ja", EASY_JAPANESE, "en")
                            if code in one.texts
                        },
                    }
                    for one in current[:most]
                ],
            }
            return json.dumps(found, ensure_ascii=False).encode()

        return fitting(make, len(current))

    def _card(self, notice: Notice, language: str) -> dict[str, Any]:
        title, text, spoken = reader_words(notice, language)
        return {
            "notice": notice,
            "title": title[:MOST_TITLE],
            "text": text,
            "spoken": spoken,
            "page": f"n/{notice.code}.{language}.html" if notice.code in self._codes else "",
            "written_in": "" if spoken == language else LANGUAGES[spoken].name,
            "places": places_of(notice, language, self._city),
        }

    def _page(self, template: str, language: str, name: str, **values: object) -> bytes:
        """Return a page; ``name`` is its path without language and ending."""

        def say(message: str, /, **inserted: object) -> str:
            return CATALOGUE.text(language, message, **inserted)

        city = self._city
        page = (
            _environment()
            .get_template(template)
            .render(
                _=say,
                language=language,
                languages=[LANGUAGES[code] for code in city.languages],
                city=city,
                city_name=name_in(city.name, language),
                name=name.rpartition("/")[2],
                up="../" if "/" in name else "",
                css=_css() + colours_of(city.colour),
                at=self._at,
                old_after=self._at + OLD_AFTER,
                public_url=self._public_url,
                reads_japanese=reads_japanese,
                name_in=name_in,
                moment=moment,
                level_name=level_name,
                status_name=status_name,
                topic_name=topic_name,
                **values,
            )
        )
        return page.encode()


@cache
def _css() -> str:
    return (Path(__file__).parent / "static" / "plain.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return templates(Path(__file__).parent / "templates")
