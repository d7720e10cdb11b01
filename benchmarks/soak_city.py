"""The city of a soak: its residents with their choices, its web site, its photos, its folder."""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.sax.saxutils import escape

from aiohttp import web
from PIL import Image

from city.city import City
from city.folder import load_city
from core.clock import JAPAN
from core.database import Database
from subscriptions import residents as registry
from subscriptions.audience_query import AudienceQuery
from subscriptions.models import Resident, ResidentArea, Subscription, area_list

SAMPLE = Path(__file__).resolve().parents[1] / "deploy" / "city"
LANGUAGES = ("ja",) * 20 + ("ja-x-easy", "en", "zh-Hans", "vi", "pt", "ne", "my", "ko")
TOPIC_CHANCES = {
    "weather": 0.9,
    "earthquake": 0.9,
    "tsunami": 0.8,
    "lifeline": 0.8,
    "crime": 0.25,
    "child-watch": 0.25,
    "fire": 0.2,
    "transit": 0.2,
    "roadworks": 0.2,
    "city-news": 0.35,
}
POLL_SECONDS = 10


@dataclass(frozen=True)
class Choices:
    """A resident's wishes."""

    following: bool = False
    topics: frozenset[tuple[str, int]] = frozenset()
    areas: frozenset[str] = frozenset()

    def concerned(self, query: AudienceQuery) -> bool:
        """Whether a notice concerns who chose this; written apart from the service's own query."""
        if not self.following:
            return False
        if query.areas and self.areas and not self.areas & set(query.areas):
            return False
        if query.mandatory:
            return True
        levels = [least for topic, least in self.topics if topic == query.topic]
        return any((1 if query.asked else 0) <= least <= query.level for least in levels)


@dataclass
class Change:
    """A choice on its way: said at ``said``, known to be acted on at ``acted``."""

    said: float
    event_id: str
    after: Choices
    acted: float = float("inf")


@dataclass
class Person:
    """Somebody at a phone, and all that they chose."""

    user_id: str
    language: str
    role: str
    first: Choices
    changes: list[Change] = field(default_factory=list)

    @property
    def now(self) -> Choices:
        """What they chose last."""
        return self.changes[-1].after if self.changes else self.first

    def between(self, begin: float, end: float) -> list[Choices]:
        """Return every state that may have held at some time between two moments."""
        held: list[Choices] = []
        current = self.first
        for change in self.changes:
            if change.acted < begin:
                current = change.after
            elif change.said <= end:
                held.append(change.after)
        return [current, *held]


def people(seed: int, number: int, city: City) -> list[Person]:
    """Return the residents at the beginning.

    Most never change their choices, so that the audience of a delivery is certain. Some report
    damage, some change their minds all the time.
    """
    dice = random.Random(f"{seed} people")
    defaults = frozenset((t.code, 0) for t in city.topics if t.default and not t.mandatory)
    districts = [district.code for district in city.districts]
    found = []
    for index in range(number):
        topics = {(code, 0) for code, chance in TOPIC_CHANCES.items() if dice.random() < chance}
        if dice.random() < 0.3 and ("weather", 0) in topics:
            topics = {each for each in topics if each[0] != "weather"}
            topics.add(("weather", dice.choice((2, 3, 4))))
        areas = dice.choices((0, 1, 2, 3), (30, 50, 15, 5))[0]
        role = "asker" if index % 10 < 7 else ("reporter", "changer", "quiet")[index % 10 - 7]
        chosen = Choices(True, frozenset(topics), frozenset(dice.sample(districts, areas)))
        user_id = f"U{dice.getrandbits(128):032x}"
        found.append(Person(user_id, dice.choice(LANGUAGES), role, chosen))
    for _ in range(max(10, number // 30)):
        user_id = f"U{dice.getrandbits(128):032x}"
        newcomer = Choices(False, defaults)
        found.append(Person(user_id, "ja", "newcomer", newcomer))
    return found


async def store_people(database: Database, city: City, found: Iterable[Person]) -> None:
    """Write the residents with their choices, as if they had made them long ago."""
    now = datetime.now(UTC)
    residents = [person for person in found if person.first.following]
    rows = [
        Resident(
            line_user_id=person.user_id,
            language=person.language,
            language_chosen=True,
            topics_chosen=True,
            area_list=area_list(person.first.areas),
            followed_at=now,
            updated_at=now,
        )
        for person in residents
    ]
    async with database.writing() as session:
        await registry.know_areas(session, city, list(city.district_by_code))
        session.add_all(rows)
        await session.flush()
        for person, row in zip(residents, rows, strict=True):
            assert row.id is not None
            session.add_all(
                Subscription(resident_id=row.id, topic=topic, min_level=least)
                for topic, least in person.first.topics
            )
            session.add_all(
                ResidentArea(resident_id=row.id, area=area) for area in person.first.areas
            )


def toggled(choices: Choices, topic: str) -> tuple[Choices, str]:
    """Return the choices after a tap on a topic, and the tap's postback."""
    has = any(code == topic for code, _ in choices.topics)
    kept = frozenset(each for each in choices.topics if each[0] != topic)
    after = kept if has else kept | {(topic, 0)}
    return replace(choices, topics=after), f"do=topic&code={topic}&on={0 if has else 1}"


def moved(choices: Choices, area: str) -> tuple[Choices, str]:
    """Return the choices after a tap on a district, and the tap's postback."""
    has = area in choices.areas
    after = choices.areas - {area} if has else choices.areas | {area}
    return replace(choices, areas=after), f"do=area&to={area}&on={0 if has else 1}"


def make_city(folder: Path, site: str, agency: str) -> City:
    """Put the sample city in place, awake at this hour, with sources on this machine."""
    for file in sorted(SAMPLE.rglob("*")):
        if file.is_file() and file.suffix in (".toml", ".geojson", ".csv", ".md"):
            copied = folder / file.relative_to(SAMPLE)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(file.read_bytes())
    written = folder / "city.toml"
    text = written.read_text("utf-8")
    for source in load_city(SAMPLE).sources:
        if source.kind == "jma":
            name = source.url.rpartition("/")[2]
            text = text.replace(f'"{source.url}"', f'"{agency}/developer/xml/feed/{name}"')
        elif source.url.startswith("http"):
            text = text.replace(f'"{source.url}"', f'"{site}/{source.code}.xml"')
    text = re.sub(r"interval_seconds = \d+", f"interval_seconds = {POLL_SECONDS}", text)
    # Quiet hours would hold back routine news until long after the soak.
    later = datetime.now(UTC).astimezone(JAPAN) + timedelta(hours=10)
    text = text.replace("start = 22:00:00", f"start = {later:%H}:00:00")
    text = text.replace("end = 07:00:00", f"end = {later:%H}:30:00")
    # Nor is the hour of the digest one that comes during it.
    text = text.replace("digest_hour = 18", f"digest_hour = {later.hour}")
    written.write_text(text, "utf-8")
    return load_city(folder)


@dataclass(frozen=True)
class News:
    """An article: its mark, its source, and the topic that the city's rules give it."""

    mark: str
    source: str
    topic: str
    title: str
    at: datetime


KINDS = (
    ("city-safety", "child-watch", "不審者に注意してください"),
    ("city-safety", "fire", "火災が発生しています"),
    ("city-safety", "crime", "還付金詐欺の電話が増えています"),
    ("city-safety", "transit", "路線バスは運休しています"),
    ("city-news", "lifeline", "断水しています"),
    ("city-news", "roadworks", "市道は通行止めです"),
)
SITE_FAULTS = ("error", "page", "hang", "cut", "bomb-like", "lie-length", "old", "rename")


class Newsroom:
    """The city's web site: a feed a source, well or ill."""

    def __init__(self) -> None:
        self.articles: list[News] = []
        self.faults: dict[str, str] = {}
        self.port = 0
        self.polls = 0
        self._runner: web.AppRunner | None = None
        self._ending = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Newsroom:
        app = web.Application()
        app.router.add_get("/{source}.xml", self._feed)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def publish(self, number: int, dice: random.Random) -> News:
        source, topic, words = dice.choice(KINDS)
        mark = f"NEWS{number:04}"
        news = News(mark, source, topic, f"{words}（{mark}）", datetime.now(UTC))
        self.articles.append(news)
        return news

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        source = request.match_info["source"]
        self.polls += 1
        listed = [news for news in self.articles if news.source == source][-30:]
        fault = self.faults.get(source, "")
        if fault == "error":
            return web.Response(status=500, text="Internal Server Error")
        if fault == "page":
            return web.Response(text="<html>ただいまメンテナンス中です</html>")
        if fault == "hang":
            await asyncio.wait([asyncio.ensure_future(self._ending.wait())], timeout=60)
            return web.Response(status=500)
        if fault == "old":
            listed = listed[: len(listed) // 2]
        body = "".join(self._rss(listed, reordered=fault == "rename")).encode()
        if fault == "cut":
            body = body[: len(body) * 2 // 3]
        if fault == "bomb-like":
            body += b" " * 20_000_000
        response = web.StreamResponse(headers={"Content-Type": "application/xml"})
        if fault == "lie-length":
            response.content_length = len(body) + 1000
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reader may have closed the connection
            await response.write(body)
        if fault == "lie-length" and request.transport is not None:
            request.transport.close()
        return response

    def _rss(self, listed: list[News], *, reordered: bool) -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        yield f"<title>市</title><link>{self.url}/</link>"
        for news in listed if reordered else reversed(listed):
            link = f"{self.url}/{news.source}/{news.mark}.html"
            yield f"<item><title>{escape(news.title)}</title><link>{link}</link>"
            yield f"<guid>{link}</guid><pubDate>{format_datetime(news.at)}</pubDate>"
            yield f"<description>くわしくは{news.mark}をごらんください。</description></item>"
        yield "</channel></rss>"


def photo(dice: random.Random) -> bytes:
    """Return a JPEG as a phone makes them: mostly small, now and then 12 megapixels."""
    width, height = dice.choice(((640, 480), (640, 480), (1280, 960), (1280, 960), (4000, 3000)))
    grain = Image.frombytes("L", (64, 48), dice.randbytes(64 * 48)).resize((width, height))
    picture = Image.merge("RGB", (grain, grain.transpose(Image.Transpose.ROTATE_180), grain))
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=80)
    return output.getvalue()


def bad_photo(dice: random.Random) -> bytes:
    """Return a file that is sent as a photo and is none: cut off, a bomb, or something else."""
    match dice.choice(("cut", "bomb", "text", "empty")):
        case "cut":
            whole = photo(dice)
            return whole[: len(whole) // 2]
        case "bomb":
            output = io.BytesIO()
            Image.new("1", (20_000, 20_000)).save(output, "PNG")
            return output.getvalue()
        case "text":
            return b"<html>This is no photo.</html>"
        case _:
            return b"\xff\xd8\xff\xe0"
