"""What the page of the rules has a row for: each danger of the agency by name and step, and each
source's topics, with the decision of the folder.

The names are the agency's own. ``test_rule_rows`` compares hazards and steps with what telegrams
become.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from city.city import City, Decision, SourceConfig
from feeds.facts import Fact, Quake
from feeds.jma.levels import INTENSITIES, INTENSITY_LEVELS
from feeds.models import Status
from feeds.overlay import OTHERS, TELEGRAM, About, about_article
from feeds.policy import configured

_NUMBERS = {"1": "１", "2": "２", "3": "３", "4": "４", "5": "５"}
_LEVELLED = (
    ("heavy-rain", "大雨"),
    ("landslide", "土砂災害"),
    ("flood", "氾濫"),
    ("storm-surge", "高潮"),
)
_STRENGTHS = (("5", "特別警報"), ("4", "危険警報"), ("3", "警報"), ("2", "注意報"))
_NAMED: tuple[tuple[str, str, str], ...] = (
    ("linear-rain-band", "4", "線状降水帯発生"),
    ("record-rain", "4", "記録的短時間大雨"),
    ("tornado", "3", "竜巻注意"),
    ("short-heavy-snow", "3", "短時間大雪"),
    ("storm", "5", "暴風特別警報"),
    ("storm", "3", "暴風警報"),
    ("gale", "2", "強風注意報"),
    ("snow-storm", "5", "暴風雪特別警報"),
    ("snow-storm", "3", "暴風雪警報"),
    ("blizzard-advisory", "2", "風雪注意報"),
    ("heavy-snow", "5", "大雪特別警報"),
    ("heavy-snow", "3", "大雪警報"),
    ("heavy-snow", "2", "大雪注意報"),
    ("high-waves", "5", "波浪特別警報"),
    ("high-waves", "3", "波浪警報"),
    ("high-waves", "2", "波浪注意報"),
    ("thunder", "2", "雷注意報"),
    ("dense-fog", "2", "濃霧注意報"),
    ("dry-air", "2", "乾燥注意報"),
    ("avalanche", "2", "なだれ注意報"),
    ("low-temperature", "2", "低温注意報"),
    ("frost", "2", "霜注意報"),
    ("ice-accretion", "2", "着氷注意報"),
    ("snow-accretion", "2", "着雪注意報"),
    ("snow-melt", "2", "融雪注意報"),
    ("other-advisory", "2", "その他の注意報"),
    ("typhoon", "2", "台風情報"),
    ("early-notice", "1", "早期注意情報"),
)
_EARTH: tuple[tuple[str, str, str], ...] = (
    *(("long-period", step, "長周期地震動") for step in ("4", "3", "2", "1")),
    ("nankai-trough", "4", "南海トラフ地震臨時情報（巨大地震警戒）"),
    ("nankai-trough", "3", "南海トラフ地震臨時情報（巨大地震注意）"),
    ("nankai-trough", "2", "南海トラフ地震臨時情報（調査中）"),
    ("off-sanriku", "3", "北海道・三陸沖後発地震注意情報"),
)
_SEA: tuple[tuple[str, str, str], ...] = (
    ("tsunami", "5", "大津波警報"),
    ("tsunami", "4", "津波警報"),
    ("tsunami", "3", "津波注意報"),
)
_FIRE: tuple[tuple[str, str, str], ...] = (
    ("eruption", "4", "噴火速報"),
    *(
        ("volcano", step, f"レベル{_NUMBERS[step]}（{word}）")
        for step, word in (
            ("5", "避難"),
            ("4", "高齢者等避難"),
            ("3", "入山規制"),
            ("2", "火口周辺規制"),
        )
    ),
    ("ash-fall", "3", "多量の降灰"),
    ("ash-fall", "2", "やや多量の降灰"),
    ("ash-fall", "1", "少量の降灰"),
)
GUARDED_INTENSITY = "5-"
GUARDED_LEVEL = 5
GUARDED_TSUNAMI = 4


@dataclass(frozen=True, kw_only=True)
class RuleRow:
    """One row.

    Parameters
    ----------
    group
        Which table it is in: ``quake``, ``sea``, ``weather``, ``fire``, or a source's code.
    name
        The agency's Japanese name; for an article's row the topic's code, or "".
    base
        The decisions of the folder: more than one where its rules differ by source or by word.
    guarded
        Whether a weaker decision endangers life, so that the page warns and asks for a reason.
    """

    about: About
    group: str
    name: str
    level: int = 0
    intensity: str = ""
    base: tuple[Decision, ...] = ()
    guarded: bool = False


def rows(city: City) -> list[RuleRow]:
    """Return all rows of a city, telegrams first, the gravest of each danger first."""
    return [*_telegrams(city), *_articles(city)]


def is_guarded(about: About) -> bool:
    """Whether a decision is about a danger to life: an emergency warning (特別警報) or level 5, an
    earthquake of 5-lower and above, a tsunami warning, an eruption flash.
    """
    if about.kind != TELEGRAM:
        return False
    if about.first == "earthquake":
        known = about.second in INTENSITIES
        least = INTENSITIES.index(GUARDED_INTENSITY)
        return known and INTENSITIES.index(about.second) >= least
    if about.first == "eruption":
        return True
    level = int(about.second) if about.second.isdecimal() else 0
    return level >= (GUARDED_TSUNAMI if about.first == "tsunami" else GUARDED_LEVEL)


STRENGTH = {Decision.SEND: 3, Decision.DIGEST: 2, Decision.HOLD: 1, Decision.PUBLISH: 0}
"""How surely residents hear of it, for comparing two decisions."""


def weakens(before: Decision, after: Decision) -> bool:
    """Whether residents hear less surely, or later, under ``after``."""
    return STRENGTH.get(after, 0) < STRENGTH.get(before, 0)


def _telegrams(city: City) -> Iterator[RuleRow]:
    sources = [source for source in city.sources if source.kind == "jma"]
    if not sources:
        return
    for step in reversed(INTENSITIES):
        yield _row(city, sources, "quake", "earthquake", "earthquake", step, f"震度{step}")
    for hazard, step, name in _EARTH:
        yield _row(city, sources, "quake", "earthquake", hazard, step, name)
    for hazard, step, name in _SEA:
        yield _row(city, sources, "sea", "tsunami", hazard, step, name)
    for hazard, word in _LEVELLED:
        for step, strength in _STRENGTHS:
            name = f"レベル{_NUMBERS[step]}{word}{strength}"
            yield _row(city, sources, "weather", "weather", hazard, step, name)
    for hazard, step, name in _NAMED:
        yield _row(city, sources, "weather", "weather", hazard, step, name)
    for hazard, step, name in _FIRE:
        yield _row(city, sources, "fire", "weather", hazard, step, name)


def _row(
    city: City,
    sources: list[SourceConfig],
    group: str,
    topic: str,
    hazard: str,
    step: str,
    name: str,
) -> RuleRow:
    intensity = step if hazard == "earthquake" else ""
    level = INTENSITY_LEVELS[step] if intensity else int(step)
    fact = Fact(
        topic=topic,
        hazard=hazard,
        kind=name,
        level=level,
        status=Status.ISSUED,
        reported_at=datetime.fromtimestamp(0, UTC),
        quake=Quake(intensity=intensity) if intensity else None,
    )
    about = About(TELEGRAM, hazard, step)
    return RuleRow(
        about=about,
        group=group,
        name=name,
        level=level,
        intensity=intensity,
        base=_unique(_in_the_folder(fact, source, city) for source in sources),
        guarded=is_guarded(about),
    )


def _in_the_folder(fact: Fact, source: SourceConfig, city: City) -> Decision:
    decision = configured(fact, source).decision
    if decision is Decision.DIGEST and city.is_emergency(fact.topic, fact.level):
        return Decision.SEND
    return decision


def _articles(city: City) -> Iterator[RuleRow]:
    for source in city.sources:
        if source.kind == "jma":
            continue
        if source.kind != "webhook":
            for topic in dict.fromkeys(rule.topic for rule in source.rules):
                base = _unique(
                    rule.decision or source.decision for rule in source.rules if rule.topic == topic
                )
                about = about_article(source.code, topic)
                grave = _may_bring_warnings(source, topic, city)
                yield RuleRow(about=about, group=source.code, name=topic, base=base, guarded=grave)
        if source.topic is not None or source.kind == "webhook":
            about = about_article(source.code, OTHERS)
            yield RuleRow(
                about=about,
                group=source.code,
                name="",
                base=(source.decision,),
                guarded=_may_bring_warnings(source, source.topic, city),
            )


def _may_bring_warnings(source: SourceConfig, topic: str | None, city: City) -> bool:
    """Whether evacuation orders and other warnings may come this way: from another system, or with
    a topic that everybody gets.
    """
    known = None if topic is None else city.topic_by_code.get(topic)
    return source.kind in ("cap", "webhook") or (known is not None and known.mandatory)


def _unique(decisions: Iterator[Decision]) -> tuple[Decision, ...]:
    return tuple(dict.fromkeys(decisions))
