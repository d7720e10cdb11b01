"""Show what telegrams, feeds, alerts and mails would become; store and send nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from city.city import City, Decision, SourceConfig
from core.clock import SystemClock, in_japan
from core.errors import BadInput, Permanent
from core.reason import Reason
from feeds import cap, cap_notices, cap_source, jma, limits
from feeds.articles import article_words, leads_elsewhere
from feeds.classify import Classification, classify
from feeds.errors import Unreadable
from feeds.facts import Fact
from feeds.feed_files import read_file
from feeds.jma.codes import city_name
from feeds.jma_index import is_telegram_link
from feeds.mail import for_child_watch
from feeds.mail_source import sift
from feeds.models import Status
from feeds.policy import is_marked_drill, rule_on_article, rule_on_fact
from feeds.rss import Article
from feeds.telegrams import TAKES_BACK
from feeds.texts import compose


@dataclass(frozen=True, kw_only=True)
class ExplainedNotice:
    """One notice that would be made; ``decision`` and ``because`` say what would happen to it.

    ``level`` is the level of the official name: the evacuation level of a warning, or a volcano's
    own alert level; 0 if the name has none or nothing is in force any more.
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
    because: Reason | None

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
    """Return what the one file at ``path`` would become; see :func:`explain_files`."""
    return explain_files([path], municipality, city, now=now)


def explain_files(
    paths: Sequence[Path], municipality: str | None, city: City, *, now: datetime | None = None
) -> list[ExplainedNotice]:
    """Return what files would become if a service reads them one after the other.

    Parameters
    ----------
    paths
        Telegrams, RSS or Atom feeds, CAP alerts and mails (``.eml``), mixed, in the order in which
        they came. Telegrams are read into one state that is empty at first. An article that an
        earlier file had unchanged is no news.
    municipality
        Seven digits; the city's own when None.
    city
        Its rules and languages are used; no database is needed.
    now
        The time at which a signature's certificate must be valid; None means the machine's clock.

    Raises
    ------
    BadInput
        A file cannot be read, or there is no such municipality.
    Permanent
        A file cannot be understood; the message says why, and which file if there are several.
    """
    if municipality is not None:
        if len(municipality) != 7 or not (municipality.isascii() and municipality.isdecimal()):
            raise BadInput(f"A municipality's code has seven digits: {municipality!r}.")
        city = _as_seen_from(municipality, city)
    reader = _Reader(city, now or SystemClock().now())
    explained = []
    for path in paths:
        try:
            explained += reader.read(path)
        except BadInput:
            raise
        except Permanent as error:
            if len(paths) == 1 or str(path) in str(error):
                raise
            raise type(error)(f"{path}: {error}") from error
    return explained


class _Reader:
    """Reads files one after the other, and keeps what they leave in force."""

    def __init__(self, city: City, now: datetime) -> None:
        self.city = city
        self.now = now
        self.board = jma.HazardBoard()
        self.listed: set[tuple[str, str]] = set()

    def read(self, path: Path) -> list[ExplainedNotice]:
        """Return what the file at ``path`` becomes after the files before it."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"{path} cannot be read: {error.strerror}.") from error
        if len(data) > limits.MAX_BODY:
            raise Unreadable(f"{path} is over {limits.MAX_BODY:,} bytes long.")
        if path.suffix.lower() in {".eml", ".mail"}:
            return _mail(data, self.city)
        if cap.is_alert(data):
            return _alert(data, self.city, self.now)
        if b"http://xml.kishou.go.jp/jmaxml1/" in data[:2000] or b"<Report" in data[:2000]:
            return self._telegram(data)
        return self._feed(data, path)

    def _telegram(self, data: bytes) -> list[ExplainedNotice]:
        telegram = jma.read_telegram(data)
        source = _source(self.city, "jma")
        facts = jma.facts(telegram, self.city.jma, self.board)
        return [_of_fact(fact, self.city, source) for fact in facts]

    def _feed(self, data: bytes, path: Path) -> list[ExplainedNotice]:
        feed = read_file(data, self.now)
        if feed.articles and all(is_telegram_link(each.link) for each in feed.articles):
            raise Unreadable(
                f"{path} is the agency's list of telegrams. Explain the telegrams themselves."
            )
        sources = [source for source in self.city.sources if source.kind == "rss"]
        named = [s for s in sources if Path(urlsplit(s.url).path).name == path.name]
        candidates = named or sources or [_source(self.city, "rss")]
        fresh = [
            article
            for article in feed.articles
            if (article.identity, article.content_hash) not in self.listed
        ]
        self.listed |= {(article.identity, article.content_hash) for article in fresh}
        return [_of_article(article, candidates, self.city) for article in fresh]


def _as_seen_from(municipality: str, city: City) -> City:
    """Return the city with another municipality's codes, name, and none of its own shelters."""
    if municipality == city.jma.municipality:
        return city
    codes = jma.codes_for(municipality, city.jma)
    name = {"ja": city_name(codes)} if city_name(codes) else city.name
    return city.model_copy(update={"jma": codes, "name": name, "shelter_url": ""})


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


def _of_article(
    article: Article, candidates: list[SourceConfig], city: City, *, drill: bool = False
) -> ExplainedNotice:
    """Explain an article with the first source that has a rule for it, because the file does not
    name its source.
    """
    source, classification = _best(article, candidates, city)
    drill = drill or is_marked_drill(article.title, article.summary)
    # A file on disk is not too old: it is read as on the day of its publication.
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
        texts=article_words(article, classification.topic, source, city, drill=drill),
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
    # A file on disk is not too old, as with articles.
    return [
        _of_part(alert, cap_notices.rule(alert, part, source, city, alert.sent))
        for part in cap_notices.parts_of(alert, city, alert.sent)
    ]


def _of_part(alert: cap.CapAlert, ruled: cap_notices.Ruled) -> ExplainedNotice:
    return ExplainedNotice(
        topic=ruled.topic,
        kind=ruled.part.kind,
        kind_code="",
        level=0,
        intensity="",
        status=ruled.status,
        areas=tuple(ruled.areas),
        drill=alert.drill,
        reported_at=alert.sent,
        event_id=alert.references[0] if alert.references else "",
        texts=ruled.texts,
        decision=ruled.ruling.decision,
        decided_by=ruled.ruling.decided_by,
        because=ruled.because,
    )


def _mail(data: bytes, city: City) -> list[ExplainedNotice]:
    source = _source(city, "mail")
    sifted = sift(source, data)
    if sifted.article is None:
        raise Unreadable(f"The mail is not taken: {sifted.refusal}")
    return [_of_article(sifted.article, [for_child_watch(sifted.article, source, city)], city)]


def _source(city: City, kind: str) -> SourceConfig:
    """Return the city's first source of a kind, or one that holds everything for staff."""
    found = next((source for source in city.sources if source.kind == kind), None)
    return found or SourceConfig.model_validate(
        {"code": kind, "kind": kind, "names": {"ja": city.name["ja"], "en": "the city"}}
    )
