"""The recorded days as a past on which rules are tried.

Only ``app`` knows the stand-ins; ``alerts`` and ``console`` get the days from here. A day happens
in the place for which it was recorded, with the rules and residents of the city.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from alerts.rule_trials import Past, PastItem, PastReading
from city.city import City, JmaCodes, SourceConfig
from core.clock import in_japan
from feeds.rss import read_feed
from simulator.agency import forms
from simulator.agency.dangers import ASAMA, COAST
from simulator.agency.days import DAYS
from simulator.agency.events import ArticleEvent, Day, TelegramEvent
from simulator.agency.server import SITE_FEEDS

RECORDED_FOR = JmaCodes(
    municipality="0822000",
    forecast_areas=("080000", "080020"),
    quake_regions=("301",),
    tsunami_regions=(COAST[0],),
    rivers=("830303015200", "830303020300", "830303004600"),
    volcanoes=(ASAMA[0],),
)
"""The codes by which the recorded telegrams mean their city, a coast and a volcano near it."""
SITE = "https://www.city.example"
BEGINS = 6
"""The hour in Japan at which a recorded day begins."""


def recorded_pasts(city: City, now: datetime) -> list[Past]:
    """Return every recorded day, as if it had happened yesterday."""
    return [past_of_day(day, city, now) for day in DAYS.values()]


def past_of_day(day: Day, city: City, now: datetime) -> Past:
    """Return a day's events as a service would have read them: each as soon as it happened."""
    begins = in_japan(now).replace(hour=BEGINS, minute=0, second=0, microsecond=0)
    begins -= timedelta(days=1)
    here = city.model_copy(update={"jma": RECORDED_FOR.model_copy(update=_threshold(city))})
    readings = []
    for number, event in enumerate(day.events):
        at = begins + event.at
        place = f"{day.name}/{event.what.name}"
        if isinstance(event.what, TelegramEvent):
            source = _agencys(event.what, city)
            item = PastItem(kind=event.what.kind, place=place, payload=event.what.write(at))
        else:
            source = _sites(event.what, city)
            item = _article(event.what, source, at, place, number)
        if source is not None:
            readings.append(PastReading(at=at, source=source.code, items=(item,)))
    return Past(name=day.name, city=here, readings=tuple(readings))


def _threshold(city: City) -> dict[str, str]:
    return {"quake_threshold": city.jma.quake_threshold}


def _agencys(event: TelegramEvent, city: City) -> SourceConfig | None:
    """Return the source that would bring a telegram: its feed's, or the agency's first."""
    of_agency = [source for source in city.sources if source.kind == "jma"]
    named = (s for s in of_agency if urlsplit(s.url).path.endswith(f"/{event.feed}.xml"))
    return next(named, of_agency[0] if of_agency else None)


def _sites(event: ArticleEvent, city: City) -> SourceConfig | None:
    """Return the source whose address has the feed's path; another city has none."""
    return next((s for s in city.sources if urlsplit(s.url).path == event.feed), None)


def _article(
    event: ArticleEvent, source: SourceConfig | None, at: datetime, place: str, number: int
) -> PastItem:
    """Return an article as its feed is read, on a host that its source names."""
    parts = urlsplit(source.url if source is not None else SITE)
    listed = forms.ListedArticle(
        path=event.path,
        title=event.title,
        summary=event.summary,
        category=event.category,
        published_at=at,
    )
    feed = SITE_FEEDS[event.feed]([listed], f"{parts.scheme}://{parts.netloc}")
    return PastItem(kind="rss", place=place, article=read_feed(feed).articles[0])
