"""Make notices from a CAP alert: for which districts, in which words, and what it updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from city.city import City, Decision, SourceConfig
from core.languages import LANGUAGES
from core.reason import Reason
from feeds.articles import leads_elsewhere
from feeds.cap import CapAlert, Info, MessageType, block_words
from feeds.cap_areas import UNCLEAR, Whereabouts, whereabouts
from feeds.classify import Classification, classify
from feeds.models import OVER, Notice, Status
from feeds.overlay import FOLDER_ALONE, Overlay, overlay_in_force
from feeds.policy import ARTICLE_EXPIRES, Ruling, rule_on_article, rule_on_level
from feeds.reasons import reason
from feeds.rss import Article
from feeds.texts import alert_texts, article_texts

TOLD = (Decision.SEND, Decision.DIGEST)
MAX_PARTS = 9
"""Most notices of one alert; a person must look at one with more parts."""


@dataclass(frozen=True, kw_only=True)
class CapPart:
    """The part of an alert for some districts: its leading blocks, and its texts by language."""

    infos: tuple[Info, ...]
    where: Whereabouts
    words: dict[str, tuple[str, str]] = field(repr=False)

    @property
    def kind(self) -> str:
        return next((info.event for info in self.infos if info.event), "")

    @property
    def all_clear(self) -> bool:
        return bool(self.infos) and all(info.all_clear for info in self.infos)

    def areas(self, city: City) -> list[str]:
        """District codes in the city's order; none for the whole city."""
        if self.where.whole_city:
            return []
        return [d.code for d in city.districts if d.code in self.where.districts]

    def expires(self) -> datetime | None:
        """When the last of its blocks expires; None when one does not say."""
        moments = [info.expires for info in self.infos]
        return max((m for m in moments if m), default=None) if all(moments) else None


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """A part with the topic and the decision that the city's rules give it."""

    part: CapPart
    topic: str
    areas: list[str]
    status: Status
    ruling: Ruling
    because: Reason | None
    texts: dict[str, dict[str, str]] = field(repr=False)


def parts_of(alert: CapAlert, city: City, now: datetime) -> list[CapPart]:
    """Return the parts of an alert for the city, one for each set of districts.

    Expired blocks are left out while others are valid. No part means that the alert is for other
    places. A message without blocks does not say for which place it is.
    """
    leading = alert.leading
    if not leading:
        return [CapPart(infos=(), where=UNCLEAR, words={})]
    others = {
        info.language: alert.in_language(info.language)
        for info in alert.infos
        if info.language in LANGUAGES and info.language != alert.language
    }
    placed = [(at, _where(at, leading, others, city)) for at in range(len(leading))]
    holding = [pair for pair in placed if not _expired(leading[pair[0]], now)]
    groups: dict[Whereabouts, list[int]] = {}
    for at, where in holding or placed:
        if not where.elsewhere:
            groups.setdefault(where, []).append(at)
    if len(groups) > MAX_PARTS:
        groups = {UNCLEAR: [at for at, _ in placed]}
    return [
        CapPart(
            infos=tuple(leading[at] for at in positions),
            where=where,
            words=_words(positions, where, leading, others, alert.language, city),
        )
        for where, positions in groups.items()
    ]


def _where(
    at: int, leading: Sequence[Info], others: dict[str, tuple[Info, ...]], city: City
) -> Whereabouts:
    """Find the districts of a block, or of its counterpart if it names no place."""
    areas = leading[at].areas
    if not areas:
        beside = (o[at].areas for o in others.values() if len(o) == len(leading))
        areas = next(filter(None, beside), ())
    return whereabouts(areas, city)


def _words(
    positions: Sequence[int],
    where: Whereabouts,
    leading: Sequence[Info],
    others: dict[str, tuple[Info, ...]],
    language: str,
    city: City,
) -> dict[str, tuple[str, str]]:
    """Return title and text by language, from the blocks at the same positions.

    For a language with more or fewer blocks, use those for the same districts.
    """
    said = {language: block_words([leading[at] for at in positions])}
    for other, infos in others.items():
        if len(infos) == len(leading):
            same = [infos[at] for at in positions]
        else:
            same = [info for info in infos if whereabouts(info.areas, city) == where]
        title, text = block_words(same)
        if title:
            said[other] = (title, text)
    return said


def _expired(info: Info, now: datetime) -> bool:
    return info.expires is not None and info.expires <= now


def rule(
    alert: CapAlert,
    part: CapPart,
    source: SourceConfig,
    city: City,
    now: datetime,
    *,
    told: Notice | None = None,
    overlay: Overlay = FOLDER_ALONE,
) -> Ruled:
    """Decide on one part of an alert; ``told`` is the notice that it updates."""
    article = _article(alert, part)
    classification = classify(article, source, city, overlay)
    status = _status(alert, part, told)
    ruling = _ruling(alert, part, article, classification, source, now, told)
    areas = part.areas(city) or list(classification.areas)
    if told is not None:
        # Whoever heard the first message hears the next one too.
        both = bool(areas and told.areas)
        areas = [d.code for d in city.districts if both and d.code in {*areas, *told.areas}]
        if status in OVER:
            areas = list(told.areas)
    topic = told.topic if told is not None else classification.topic
    if status not in OVER:
        ruling = rule_on_level(ruling, topic, 0, city)
    return Ruled(
        part=part,
        topic=topic,
        areas=areas,
        status=status,
        ruling=ruling,
        because=ruling.because or classification.because,
        texts=_texts(alert, part, article, topic, areas, status, source, city),
    )


def _article(alert: CapAlert, part: CapPart) -> Article:
    """Return a part as an article, so that the rules can match its words in every language."""
    article = alert.article(part.infos)
    events = (*article.categories, *(info.event for info in alert.infos if info.event))
    return replace(article, categories=tuple(dict.fromkeys(events)))


def _status(alert: CapAlert, part: CapPart, told: Notice | None) -> Status:
    if alert.type is MessageType.CANCEL:
        return Status.CANCELLED
    if part.all_clear:
        return Status.LIFTED
    return Status.ISSUED if told is None else Status.CORRECTED


def _ruling(
    alert: CapAlert,
    part: CapPart,
    article: Article,
    classification: Classification,
    source: SourceConfig,
    now: datetime,
    told: Notice | None,
) -> Ruling:
    if alert.drill:
        return Ruling(Decision.HOLD, "drill", reason("news.drill"))
    if alert.type is MessageType.CANCEL or part.all_clear:
        if told is None:
            return Ruling(Decision.PUBLISH, "nobody-was-told", reason("news.nothing-to-take-back"))
        # A cancellation uses the words that were told, not the sender's words.
        return Ruling(told.decision, "taken-back", reason("news.taken-back"))
    if part.infos and all(_expired(info, now) for info in part.infos):
        shown = Decision.DROP if part.where.unclear else Decision.PUBLISH
        return Ruling(shown, "expired", reason("news.expired"))
    if part.where.unclear:
        return Ruling(Decision.HOLD, "place-unclear", reason("news.place-unclear"))
    return rule_on_article(
        article, classification, source, now, foreign_link=leads_elsewhere(article, source)
    )


def _texts(
    alert: CapAlert,
    part: CapPart,
    article: Article,
    topic: str,
    areas: Sequence[str],
    status: Status,
    source: SourceConfig,
    city: City,
) -> dict[str, dict[str, str]]:
    """Return the texts of a part in every language of the city."""
    if status in OVER:
        words = {code: "\n".join(filter(None, said)) for code, said in part.words.items()}
        words = {code: text for code, text in words.items() if text and code in LANGUAGES}
        return alert_texts(
            topic,
            0,
            words or {"ja": ""},
            city,
            drill=alert.drill,
            at=alert.sent,
            areas=areas,
            status=status,
            source=source.names,
            languages=city.languages,
            url=article.link,
        )
    return article_texts(
        article.title,
        article.summary,
        topic,
        article.link,
        source.names,
        city=city,
        languages=city.languages,
        translations=part.words,
        spoken=alert.language,
        drill=alert.drill,
    )


async def notices_of(
    session: AsyncSession, alert: CapAlert, source: SourceConfig, city: City, now: datetime
) -> list[Notice]:
    """Make the notices of an alert, linked to the notices that they update or take back.

    A notice that it refers to and that nobody was told yet is dropped: nobody must send it any
    more.
    """
    laid = await overlay_in_force(session)
    told = await _told_before(session, alert, source)
    await _drop_held(session, alert, source)
    parts = parts_of(alert, city, now)
    ruled: list[tuple[Ruled, Notice | None]]
    if alert.type is MessageType.CANCEL and told:
        # Its area no longer matters: those who were told are known.
        everything = _everything(alert)
        ruled = [
            (rule(alert, everything, source, city, now, told=one, overlay=laid), one)
            for one in told
        ]
    elif alert.type is MessageType.ALERT and await _overtaken(session, alert, source):
        overtaken = Ruling(Decision.DROP, "overtaken", reason("news.later-message"))
        ruled = [
            (replace(rule(alert, part, source, city, now, overlay=laid), ruling=overtaken), None)
            for part in parts
        ]
    else:
        ruled = []
        for part in parts:
            before = _same_matter(part, told, city)
            if before is not None:
                told.remove(before)
            ruling = rule(alert, part, source, city, now, told=before, overlay=laid)
            ruled.append((ruling, before))
        if not alert.drill and not any(part.where.unclear for part in parts):
            ruled += [(_ended(alert, one, source, city), one) for one in told]
    return [
        _notice(alert, one, before, number, source, now)
        for number, (one, before) in enumerate(ruled, start=1)
    ]


def _everything(alert: CapAlert) -> CapPart:
    languages = dict.fromkeys(info.language for info in alert.infos)
    words = {code: block_words(alert.in_language(code)) for code in languages}
    return CapPart(infos=alert.leading, where=UNCLEAR, words=words)


def _same_matter(part: CapPart, told: Sequence[Notice], city: City) -> Notice | None:
    """Return which of the notices an update is about: the same event, else the same place."""
    areas = set(part.areas(city))
    return next(
        (one for one in told if one.kind == part.kind),
        next((one for one in told if not areas or not one.areas or areas & {*one.areas}), None),
    )


def _ended(alert: CapAlert, told: Notice, source: SourceConfig, city: City) -> Ruled:
    """End what an update no longer mentions: it replaces everything that it refers to."""
    nothing = CapPart(infos=(), where=UNCLEAR, words={})
    ruling = Ruling(told.decision, "taken-back", reason("news.dropped-by-update"))
    article = alert.article(())
    texts = _texts(alert, nothing, article, told.topic, told.areas, Status.LIFTED, source, city)
    return Ruled(
        part=nothing,
        topic=told.topic,
        areas=list(told.areas),
        status=Status.LIFTED,
        ruling=ruling,
        because=ruling.because,
        texts=texts,
    )


def _notice(
    alert: CapAlert,
    ruled: Ruled,
    told: Notice | None,
    number: int,
    source: SourceConfig,
    now: datetime,
) -> Notice:
    return Notice(
        identity=_identity(alert.identity, number),
        topic=ruled.topic,
        kind=ruled.part.kind or (told.kind if told is not None else ""),
        status=ruled.status,
        areas=ruled.areas,
        drill=alert.drill,
        reported_at=alert.sent,
        expires_at=ruled.part.expires() or now + ARTICLE_EXPIRES,
        event_id=alert.references[0] if alert.references else "",
        url=next((info.link for info in ruled.part.infos if info.link), ""),
        texts=ruled.texts,
        source=source.code,
        replaces_id=told.id if told is not None else None,
        decision=ruled.ruling.decision,
        decided_by=ruled.ruling.decided_by,
        created_at=now,
    )


def _identity(reference: str, number: int) -> str:
    return f"cap:{reference}"[:490] + (f"#{number}" if number > 1 else "")


def _referred(alert: CapAlert) -> list[str]:
    """Return the identities of all notices that an alert may refer to."""
    return [
        _identity(reference, number)
        for reference in alert.references[:50]
        for number in range(1, MAX_PARTS + 1)
    ]


async def _told_before(
    session: AsyncSession, alert: CapAlert, source: SourceConfig
) -> list[Notice]:
    """Return the notices that an alert refers to, that were sent and are still in force, the newest
    first.

    Only notices of its own source: a sender cannot take back another source's alerts.
    """
    if not alert.references or alert.drill:
        return []
    later = aliased(Notice)
    followed = select(later.id).where(
        col(later.replaces_id) == col(Notice.id), col(later.decision).in_(TOLD)
    )
    found = await session.scalars(
        select(Notice)
        .where(
            col(Notice.identity).in_(_referred(alert)),
            col(Notice.source) == source.code,
            col(Notice.decision).in_(TOLD),
            col(Notice.status).not_in(OVER),
            ~followed.exists(),
        )
        .order_by(col(Notice.id).desc())
    )
    return list(found)


async def _drop_held(session: AsyncSession, alert: CapAlert, source: SourceConfig) -> None:
    if alert.drill or not alert.references:
        return
    await session.execute(
        update(Notice)
        .where(
            col(Notice.identity).in_(_referred(alert)),
            col(Notice.source) == source.code,
            col(Notice.decision) == Decision.HOLD,
        )
        .values(decision=Decision.DROP, decided_by="rule:overtaken")
    )


async def _overtaken(session: AsyncSession, alert: CapAlert, source: SourceConfig) -> bool:
    """Whether a message that refers to this one was there before it."""
    found = await session.scalar(
        select(Notice.id)
        .where(
            col(Notice.source) == source.code,
            col(Notice.event_id) == alert.identity,
            col(Notice.drill).is_(alert.drill),
        )
        .limit(1)
    )
    return found is not None
