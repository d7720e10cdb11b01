"""A small city with its sources, and a poller whose notices are recorded."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import aiohttp
from sqlalchemy.ext.asyncio import AsyncSession

from city.city import City, Decision, Department, JmaCodes, Rule, SourceConfig, Topic
from core.clock import ManualClock
from core.database import Database
from feeds.models import Notice
from feeds.poller import Poller

TOPICS = (
    *("evacuation", "weather", "earthquake", "tsunami", "fire", "lifeline", "crime"),
    *("child-watch", "traffic", "transit", "roadworks", "collection", "childcare", "health"),
    *("events", "business", "consultation", "city-news"),
)


def source(code: str, kind: str, url: str, **values: object) -> SourceConfig:
    return SourceConfig.model_validate(
        {"code": code, "kind": kind, "url": url, "names": {"ja": f"{code}の名前"}, **values}
    )


def a_city(*sources: SourceConfig, **values: object) -> City:
    return City(
        name={"ja": "つくば市", "en": "Tsukuba City"},
        line_name="つくば市",
        jma=JmaCodes(
            municipality="0822000",
            forecast_areas=("080000", "080020", "080022"),
            quake_regions=("301",),
        ),
        languages=("ja", "ja-x-easy", "en", "my"),
        topics=tuple(Topic(code=code, names={"ja": code}) for code in TOPICS),
        departments=(Department(code="road", names={"ja": "道路課"}, phone="029-000-0001"),),
        sources=sources,
        **values,
    )


def sample_sources(base: str) -> tuple[SourceConfig, ...]:
    return (
        source(
            "jma-extra",
            "jma",
            f"{base}/developer/xml/feed/extra.xml",
            interval_seconds=60,
            stale_after_seconds=300,
            decision="send",
        ),
        source(
            "jma-eqvol",
            "jma",
            f"{base}/developer/xml/feed/eqvol.xml",
            interval_seconds=60,
            decision="send",
        ),
        source(
            "city-news",
            "rss",
            f"{base}/rss/news.rdf",
            topic="city-news",
            decision="hold",
            rules=(
                Rule(topic="lifeline", words=("断水", "停電"), decision=Decision.SEND),
                Rule(topic="roadworks", words=("通行止め",), decision=Decision.SEND),
                Rule(topic="collection", words=("ゴミ収集", "資源ごみ"), decision=Decision.DIGEST),
                Rule(topic="health", words=("休日当番医",), decision=Decision.DIGEST),
            ),
        ),
        source(
            "city-events",
            "rss",
            f"{base}/events/feed.xml",
            topic="events",
            decision="digest",
            rules=(
                Rule(topic="childcare", categories=("子育て",)),
                Rule(topic="events", words=("中止", "延期"), decision=Decision.SEND),
            ),
        ),
        source(
            "city-safety",
            "rss",
            f"{base}/safety/atom.xml",
            rules=(
                Rule(topic="child-watch", words=("声かけ",), decision=Decision.SEND),
                Rule(topic="transit", words=("運休",), decision=Decision.SEND),
            ),
        ),
    )


@dataclass(frozen=True)
class FeedWorld:
    """What a poller needs, and what it sent."""

    city: City
    database: Database
    clock: ManualClock
    sent: list[Notice] = field(default_factory=list)

    async def publish(self, session: AsyncSession, notice: Notice) -> None:
        self.sent.append(notice)

    def poller(self, http: aiohttp.ClientSession, **values: object) -> Poller:
        return Poller(
            self,
            self.publish,
            http,
            randomness=random.Random(1),
            **values,  # type: ignore[arg-type]
        )
