"""What happens on a recorded day: articles and telegrams, and when."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.agency.form import Envelope
from simulator.agency.writing import TSUKUBA, Kind, warning

NEWS, EVENTS, SAFETY = "/rss/news.rdf", "/events/feed.xml", "/safety/atom.xml"
OFFICE = TSUKUBA.office
HEADQUARTERS = "010000"
TITLES = {
    "VPWW55": "気象警報・注意報（Ｒ０６）（大雨）",
    "VPWW56": "気象警報・注意報（Ｒ０６）（土砂）",
    "VPWW58": "気象警報・注意報（Ｒ０６）（暴風）",
    "VPWW61": "気象警報・注意報（Ｒ０６）（その他注意報）",
    "VPBS50": "府県気象防災速報",
    "VPHW50": "竜巻注意情報",
    "VPTI51": "全般台風情報（定型）",
    "VXKO58": "指定河川洪水予報",
    "VXSE51": "震度速報",
    "VXSE53": "震源・震度に関する情報",
    "VTSE41": "津波警報・注意報・予報a",
    "VTSE51": "津波情報a",
    "VFVO50": "噴火警報・予報",
    "VFVO54": "降灰予報（速報）",
    "VFVO55": "降灰予報（詳細）",
    "VFVO56": "噴火速報",
}


@dataclass(frozen=True, kw_only=True)
class ArticleEvent:
    """An article appears, or appears again with other words."""

    name: str
    feed: str
    path: str
    title: str
    summary: str
    category: str = ""


@dataclass(frozen=True, kw_only=True)
class TelegramEvent:
    """A telegram is issued; ``write`` makes its bytes for the moment it is issued at."""

    name: str
    feed: str
    kind: str
    office: str
    author: str
    headline: str
    write: Callable[[datetime], bytes]
    listed_as: str = ""
    """Its title in the agency's list, if it is not the kind's."""

    @property
    def title(self) -> str:
        return self.listed_as or TITLES[self.kind]


@dataclass(frozen=True)
class Event:
    """Something that happens ``at`` a time after the day's beginning."""

    at: timedelta
    what: ArticleEvent | TelegramEvent


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day that can be played; ``speed`` is how many times faster than real time."""

    name: str
    title: str
    about: str
    speed: float
    events: tuple[Event, ...]


def at(hours: int, minutes: int = 0) -> timedelta:
    return timedelta(hours=hours, minutes=minutes)


def weather(name: str, kind: str, headline: str, *changes: Kind) -> TelegramEvent:
    def write(now: datetime) -> bytes:
        return warning(kind, TSUKUBA, changes, Envelope(at=now, headline=headline))

    return TelegramEvent(
        name=name,
        feed="extra",
        kind=kind,
        office=TSUKUBA.prefecture[0],
        author=OFFICE,
        headline=f"【茨城県気象警報・注意報】{headline}",
        write=write,
    )


def by_headquarters(
    name: str, feed: str, kind: str, headline: str, write: Callable[[datetime], bytes]
) -> TelegramEvent:
    """A telegram of the agency's headquarters."""
    return TelegramEvent(
        name=name,
        feed=feed,
        kind=kind,
        office=HEADQUARTERS,
        author="気象庁",
        headline=headline,
        write=write,
    )


def article(
    name: str, feed: str, path: str, title: str, summary: str, category: str = ""
) -> ArticleEvent:
    return ArticleEvent(
        name=name, feed=feed, path=path, title=title, summary=summary, category=category
    )
