"""What a telegram, feed, alert or mail would become, without storing or sending anything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.city import City, Decision, SourceConfig
from core.clock import SystemClock, in_japan
from core.errors import BadInput
from feeds import cap, cap_source, jma, limits
from feeds.articles import leads_elsewhere, words_of
from feeds.classify import Classification, classify
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.jma.codes import city_name
from feeds.mail import for_child_watch
from feeds.mail_source import sift
from feeds.models import Status
from feeds.policy import rule_on_article, rule_on_fact, says_drill
from feeds.rss import Article, read_feed
from feeds.telegrams import TAKES_BACK
from feeds.texts import compose


@dataclass(frozen=True, kw_only=True)
class ExplainedNotice:
    """One notice that would be made; ``decision`` and ``because`` say what would happen to it.

    ``level`` is the one that goes with the official name: the evacuation level of a warning, or
    a volcano's own alert level; 0 when the name has none, or when nothing is in force any more.
    """

    topic: str
    kind: str
    kind_code: str
    level: int
    intensity: str
    status: Status
    areas: tuple[str, ...]
    drill: bool
    reported_at: datetime | None
    event_id: str
    texts: dict[str, dict[str, str]] = field(repr=False)
    decision: Decision
    decided_by: str
    because: str

    def to_json(self) -> dict[str, Any]:
        """Return exactly the keys that the design promises other programs."""
        return {
            "topic": self.topic,
            "kind": self.kind,
            "kind_code": self.kind_code,
            "level": self.level,
            "intensity": self.intensity,
            "status": self.status.value,
            "areas": list(self.areas),
            "drill": self.drill,
            "reported_at": in_japan(self.reported_at).isoformat() if self.reported_at else None,
            "event_id": self.event_id,
            "title": {language: words["title"] for language, words in self.texts.items()},
            "text": {language: words["text"] for language, words in self.texts.items()},
        }


def explain(
    path: Path, municipality: str | None, city: City, *, now: datetime | None = None
) -> list[ExplainedNotice]:
    """Return what the file at ``path`` would become.

    Parameters
    ----------
    path
        A telegram, an RSS or Atom feed, a CAP alert, or a mail (``.eml``).
    municipality
        Seven digits; the city's own when None. A telegram is read for it, as if nothing had
        been in force before.
    city
        Its rules and languages are used; no database is.
    now
        At which a signature's certificate must be in force; by the machine's clock when None.

    Raises
    ------
    BadInput
        The file cannot be read, or the municipality is none.
    Permanent
        What is in the file cannot be understood; the message says why.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > limits.MAX_BODY:
        raise Unreadable(f"{path} is over {limits.MAX_BODY:,} bytes long.")
    if municipality is not None:
        if len(municipality) != 7 or not (municipality.isascii() and municipality.isdecimal()):
            raise BadInput(f"A municipality's code has seven digits: {municipality!r}.")
        city = _as_seen_from(municipality, city)
    if path.suffix.lower() in {".eml", ".mail"}:
        return _mail(data, city)
    if cap.is_alert(data):
        return _alert(data, city, now or SystemClock().now())
    if b"http://xml.kishou.go.jp/jmaxml1/" in data[:2000] or b"<Report" in data[:2000]:
        return _telegram(data, city)
    return _feed(data, path, city)


def _as_seen_from(municipality: str, city: City) -> City:
    """Return the city with another municipality's codes, name, and none of its own shelters."""
    if municipality == city.jma.municipality:
        return city
    codes = jma.codes_for(municipality, city.jma)
    name = {"ja": city_name(codes)} if city_name(codes) else city.name
    return city.model_copy(update={"jma": codes, "name": name, "shelter_url": ""})


def _telegram(data: bytes, city: City) -> list[ExplainedNotice]:
    telegram = jma.read_telegram(data)
    source = _source(city, "jma")
    return [
        _of_fact(fact, city, source) for fact in jma.facts(telegram, city.jma, jma.HazardBoard())
    ]


def _of_fact(fact: Fact, city: City, source: SourceConfig) -> ExplainedNotice:
    ruling = rule_on_fact(fact, source, city, fact.reported_at)
    return ExplainedNotice(
        topic=fact.topic,
        kind=fact.kind,
        kind_code=fact.kind_code,
        level=0 if fact.status in TAKES_BACK else fact.shown_level or fact.alert_level,
        intensity=fact.quake.intensity if fact.quake else "",
        status=fact.status,
        areas=fact.areas,
        drill=fact.drill,
        reported_at=fact.reported_at,
        event_id=fact.event_id,
        texts=compose(fact, city, languages=city.languages),
        decision=ruling.decision,
        decided_by=ruling.decided_by,
        because=ruling.because,
    )


def _feed(data: bytes, path: Path, city: City) -> list[ExplainedNotice]:
    feed = read_feed(data)
    sources = [source for source in city.sources if source.kind == "rss"]
    named = [s for s in sources if Path(urlsplit(s.url).path).name == path.name]
    candidates = named or sources or [_source(city, "rss")]
    return [_of_article(article, candidates, city) for article in feed.articles]


def _of_article(
    article: Article, candidates: list[SourceConfig], city: City, *, drill: bool = False
) -> ExplainedNotice:
    """Explain an article by the first source with a rule for it, as no address says which."""
    source, classification = _best(article, candidates, city)
    drill = drill or says_drill(article.title, article.summary)
    # Its age is not held against a file on disk: it is read as on the day it was published.
    ruling = rule_on_article(
        article,
        classification,
        source,
        article.published_at or datetime.fromtimestamp(0, UTC),
        foreign_link=bool(source.url) and leads_elsewhere(article, source),
    )
    return ExplainedNotice(
        topic=classification.topic,
        kind="",
        kind_code="",
        level=0,
        intensity="",
        status=Status.ISSUED,
        areas=classification.areas,
        drill=drill,
        reported_at=article.published_at,
        event_id="",
        texts=words_of(article, classification.topic, source, city, drill=drill),
        decision=Decision.HOLD if drill else ruling.decision,
        decided_by="rule:drill" if drill else ruling.decided_by,
        because=classification.because,
    )


def _best(
    article: Article, candidates: list[SourceConfig], city: City
) -> tuple[SourceConfig, Classification]:
    ruled = [(source, classify(article, source, city)) for source in candidates]
    by_rule = [pair for pair in ruled if "#" in pair[1].rule]
    certain = [pair for pair in ruled if pair[1].certain]
    return (by_rule or certain or ruled)[0]


def _alert(data: bytes, city: City, now: datetime) -> list[ExplainedNotice]:
    source = _source(city, "cap")
    alert = cap_source.read_proven(data, source, city, now)
    if not alert.is_news:
        return []
    article, status = alert.article(), cap_source.STATUSES[alert.type]
    explained = _of_article(article, [source], city, drill=alert.drill)
    texts = cap_source.texts_of(alert, article, explained.topic, status, source, city)
    return [replace(explained, kind=alert.event, status=status, texts=texts)]


def _mail(data: bytes, city: City) -> list[ExplainedNotice]:
    source = _source(city, "mail")
    sifted = sift(source, data)
    if sifted.article is None:
        raise Unreadable(f"The mail is not taken: {sifted.reason}")
    return [_of_article(sifted.article, [for_child_watch(sifted.article, source, city)], city)]


def _source(city: City, kind: str) -> SourceConfig:
    """Return the city's first source of a kind, or one that holds everything for staff."""
    found = next((source for source in city.sources if source.kind == kind), None)
    return found or SourceConfig.model_validate(
        {"code": kind, "kind": kind, "names": {"ja": city.name["ja"], "en": "the city"}}
    )
