"""What a screen shows now: what takes the whole screen, what comes in turn, and the sites nearby.

An emergency here takes the whole screen. So does, for a while, the word that one is over or was
wrong: whoever read it on this screen must read that too. A drill never takes the whole screen, and
is shown as a drill in every language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from channels.notice_words import notice_words
from city.city import City, name_in
from city.shelters import Shelter
from core.clock import in_japan
from core.errors import BadInput
from core.languages import mark, reads_japanese, script_of, tag_of
from feeds.evacuation import hazards_at, safe_sites
from feeds.in_force import end_of
from feeds.jma.store import LIFTED_BY_TELEGRAM
from feeds.models import OVER, Notice, Status
from feeds.texts import day_name, level_name, moment, status_name, topic_name
from public.notices import Board
from public.signage_screen import Screen
from public.words import CATALOGUE, state_name
from response.models import ShelterState, ShelterStatus

NEWS = timedelta(days=7)
MOST_NEWS = 12
OVER_ALONE = timedelta(minutes=10)
"""How long the end of an emergency takes the whole screen."""
OVER_SHOWN = timedelta(hours=6)
"""How long an end comes in turn with the news."""
DRILL_SHOWN = timedelta(hours=3)
MOST_SITES = 4
MOST_CLOSED = 2
GRAVE = 4

NO_LINE = mark("No connection. This is from {time}.")
NOT_CURRENT = mark("Not current since {time}. Ask for news by radio or telephone.")
NEAR_HERE = mark("Evacuation sites near here")
CALM = (
    "No warnings or advisories are in force now, as far as we know. "
    "If you feel in danger, do not wait: leave."
)
"""The same words as on the first page."""
DRILL = mark("Drill (not real)")


def content(
    screen: Screen,
    board: Board,
    sites: Sequence[Shelter],
    states: Mapping[str, ShelterStatus],
    city: City,
    now: datetime,
) -> dict[str, Any]:
    """Return what a screen shows, as a JSON object that stays the same until something changes.

    ``alone`` takes the whole screen, the gravest first; ``turn`` comes in turn where nothing does.
    Times are milliseconds since 1970. ``metres`` is a straight line.
    """
    here = [notice for notice in board.current if _concerns(notice, screen)]
    emergencies = [notice for notice in here if notice.emergency]
    ended = [n for n in board.recent if _ends_alarm(n) and _concerns(n, screen)]
    alone = [
        *(_item(notice, "danger", screen, city) for notice in emergencies),
        *(_item(n, "over", screen, city) for n in ended if now - n.reported_at <= OVER_ALONE),
    ]
    warnings = [notice for notice in board.current if notice not in emergencies]
    drills = [
        n for n in board.drills if n.status not in OVER and now - n.reported_at <= DRILL_SHOWN
    ]
    news = [n for n in board.recent if _is_news(n, screen, now)]
    turn = [
        *(_item(notice, "warning", screen, city) for notice in warnings),
        *(_item(notice, "drill", screen, city) for notice in _last_of_chains(drills, board)),
        *(_item(notice, _look(notice), screen, city) for notice in news[:MOST_NEWS]),
    ]
    return {
        "day": {code: day_name(in_japan(now).date(), code) for code in screen.languages},
        "alone": [item for item in alone if item["said"]],
        "turn": [item for item in turn if item["said"]],
        "sites": _sites(screen, board, sites, states),
        "calm": [_calm(code) for code in screen.languages],
    }


def _concerns(notice: Notice, screen: Screen) -> bool:
    return not (notice.areas and screen.areas) or not set(screen.areas).isdisjoint(notice.areas)


def _ends_alarm(notice: Notice) -> bool:
    return notice.status in OVER and (notice.emergency or notice.reach >= GRAVE)


def _is_news(notice: Notice, screen: Screen, now: datetime) -> bool:
    if notice.status in OVER:
        return now - notice.reported_at <= OVER_SHOWN
    wanted = not screen.topics or notice.topic in screen.topics
    dated = notice.expires_at is None or now < notice.expires_at
    fresh = now - notice.reported_at <= NEWS
    # A warning that is no longer in force is no news: it must not be read as one that is.
    return wanted and dated and fresh and notice.level == 0 and _concerns(notice, screen)


def _look(notice: Notice) -> str:
    return "over" if notice.status in OVER else "news"


def _last_of_chains(drills: Sequence[Notice], board: Board) -> list[Notice]:
    """Return the drills that no later drill replaced or ended."""
    replaced = {notice.replaces_id for notice in board.drills}
    return [notice for notice in drills if notice.id not in replaced]


def _item(notice: Notice, look: str, screen: Screen, city: City) -> dict[str, Any]:
    until = None
    if look == "danger" and notice.hazard not in LIFTED_BY_TELEGRAM:
        until = _milliseconds(end_of(notice))
    return {
        "id": notice.id,
        "look": look,
        "level": notice.shown_level,
        "until": until,
        "said": _said(notice, screen.languages, city),
    }


def _said(notice: Notice, languages: Iterable[str], city: City) -> list[dict[str, str]]:
    """Return the words in each language, one after another; what is the same comes once."""
    found: dict[str, dict[str, str]] = {}
    for wanted in languages:
        try:
            spoken, title, text = notice_words(notice, wanted)
        except BadInput:
            # It has no words, or is real and begins like a drill: no medium tells it.
            continue
        if spoken in found:
            continue
        labels = [level_name(notice.shown_level, spoken)] if notice.shown_level else []
        if notice.status not in (Status.ISSUED, Status.NONE):
            labels.append(status_name(notice.status, spoken))
        labels = labels or [topic_name(notice.topic, spoken, city)]
        found[spoken] = {
            **_written(spoken),
            "label": " ".join(filter(None, labels)),
            "time": moment(notice.reported_at, spoken),
            "title": title,
            "text": "" if text == title else text,
        }
    return list(found.values())


def _written(language: str) -> dict[str, str]:
    """Return a language and how its words are set."""
    script = script_of(language)
    return {
        "language": language,
        "tag": tag_of(language),
        "lines": script.lines,
        "dir": script.direction,
    }


def _calm(language: str) -> dict[str, str]:
    return {**_written(language), "title": CATALOGUE.text(language, CALM)}


def _sites(
    screen: Screen,
    board: Board,
    sites: Sequence[Shelter],
    states: Mapping[str, ShelterStatus],
) -> list[dict[str, Any]]:
    """Return the nearest sites that are safe in the dangers of now, with their state.

    A closed site that is nearer than those is shown as closed, so that nobody goes there by habit.
    """
    if screen.near is None:
        return []
    place = screen.near
    safe, _ = safe_sites(sites, hazards_at(board.current, None))

    def state(site: Shelter) -> ShelterState | None:
        status = states.get(site.code)
        return None if status is None else status.state

    near = sorted(safe, key=lambda site: site.distance_m(*place))
    usable = [site for site in near if state(site) is not ShelterState.CLOSED][:MOST_SITES]
    farthest = usable[-1].distance_m(*place) if usable else 0.0
    closed = [site for site in near if site not in usable and site.distance_m(*place) <= farthest]
    near = sorted((*usable, *closed[:MOST_CLOSED]), key=lambda site: site.distance_m(*place))
    return [
        {
            "metres": round(site.distance_m(*place)),
            "state": found.value if (found := state(site)) else "",
            "names": {
                code: site.name if reads_japanese(code) or not site.english else site.english
                for code in screen.languages
            },
            "states": {code: state_name(found, code) if found else "" for code in screen.languages},
        }
        for site in near
    ]


def words(languages: Iterable[str], city: City) -> dict[str, dict[str, str]]:
    """Return the screen's own words by language; ``{time}`` is filled in on the screen."""
    return {
        code: {
            "city": name_in(city.name, code),
            "noLine": CATALOGUE.text(code, NO_LINE, time="{time}"),
            "notCurrent": CATALOGUE.text(code, NOT_CURRENT, time="{time}"),
            "sites": CATALOGUE.text(code, NEAR_HERE),
            "drill": CATALOGUE.text(code, DRILL),
            **_written(code),
        }
        for code in languages
    }


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
