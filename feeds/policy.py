"""What becomes of a notice: sent now, collected for the digest, held for a person, or published.

Every ruling has a name, which is kept with the notice (promise 7). Drills and test telegrams
are never sent from here, and neither is what is old, from the future, or suddenly too much.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from core.city import City, Decision, SourceConfig
from feeds import limits
from feeds.classify import Classification, first_word
from feeds.facts import Fact
from feeds.rss import Article
from feeds.wording import fold

WARNING_EXPIRES = timedelta(hours=12)
QUAKE_EXPIRES = timedelta(hours=6)
ARTICLE_EXPIRES = timedelta(days=3)


@dataclass(frozen=True)
class Ruling:
    """A decision and the rule that took it, as ``rule:<name>``."""

    decision: Decision
    rule: str
    because: str = ""

    @property
    def decided_by(self) -> str:
        return f"rule:{self.rule}"


def rule_on_fact(
    fact: Fact, source: SourceConfig, city: City, now: datetime, *, first_poll: bool = False
) -> Ruling:
    """Decide on what a telegram says.

    An emergency is sent even where a rule would collect it for the digest; a rule that holds
    or only publishes is obeyed, because somebody wrote it on purpose.
    """
    if fact.drill:
        return Ruling(Decision.HOLD, "drill", "A drill or test telegram is never sent as news.")
    if not fact.is_news:
        return Ruling(Decision.PUBLISH, "no-change", "Nothing residents were told has changed.")
    if first_poll:
        return Ruling(Decision.PUBLISH, "first-poll", "It was there before this service was.")
    aged = _by_age(fact.reported_at, source, now)
    if aged is not None:
        return aged
    ruling = _configured(fact, source)
    if ruling.decision is Decision.DIGEST and city.is_emergency(fact.topic, fact.level):
        return Ruling(Decision.SEND, "emergency", "An emergency does not wait for the digest.")
    return ruling


def _configured(fact: Fact, source: SourceConfig) -> Ruling:
    text = fold(f"{fact.kind}\n{fact.hazard}")
    for number, rule in enumerate(source.rules, start=1):
        if rule.topic == fact.topic and (not rule.words or first_word(rule.words, text)):
            return Ruling(rule.decision or source.decision, f"{source.code}#{number}")
    return Ruling(source.decision, source.code)


def rule_on_article(
    article: Article,
    classification: Classification,
    source: SourceConfig,
    now: datetime,
    *,
    foreign_link: bool = False,
) -> Ruling:
    """Decide on an article that is new since the last poll."""
    if foreign_link and classification.decision in {Decision.SEND, Decision.DIGEST}:
        return Ruling(
            Decision.HOLD, "foreign-link", "Its link leads to a host the source does not name."
        )
    if article.published_at is not None and classification.decision is not Decision.HOLD:
        aged = _by_age(article.published_at, source, now)
        if aged is not None:
            return aged
    return Ruling(classification.decision, classification.rule, classification.because)


def _by_age(reported_at: datetime, source: SourceConfig, now: datetime) -> Ruling | None:
    hours = limits.NEWS_AGE_LIMIT_HOURS[source.kind]
    if now - reported_at > timedelta(hours=hours):
        return Ruling(Decision.PUBLISH, "too-old", f"It is over {hours} hours old.")
    # City sites date an article by the day it is about, often tomorrow; telegrams never are.
    tolerance = timedelta(days=2) if source.kind == "rss" else timedelta(0)
    if reported_at - now > timedelta(seconds=limits.FUTURE_TOLERANCE) + tolerance:
        return Ruling(Decision.HOLD, "from-the-future", "It is dated ahead of our clock.")
    return None


def against_flood(rulings: list[Ruling]) -> list[Ruling]:
    """Hold everything when one poll would push more than a city ever says at once.

    A rebuilt web site lists its whole past as new; nobody wants it on their phone.
    """
    pushed = sum(ruling.decision is Decision.SEND for ruling in rulings)
    if pushed <= limits.MAX_SENDS_A_POLL:
        return rulings
    because = f"{pushed} articles to send in one poll; the web site was rebuilt, perhaps."
    return [
        replace(ruling, decision=Decision.HOLD, rule="flood", because=because)
        if ruling.decision in {Decision.SEND, Decision.DIGEST}
        else ruling
        for ruling in rulings
    ]


def expiry_of_fact(fact: Fact) -> datetime:
    """When the notice has lost its meaning and what is unsent of it is dropped."""
    if fact.valid_until is not None and fact.valid_until > fact.reported_at:
        return fact.valid_until
    quake = fact.hazard in {"earthquake", "long-period"}
    return fact.reported_at + (QUAKE_EXPIRES if quake else WARNING_EXPIRES)


_TURNING_WORDS = tuple(
    fold(word)
    for word in (
        *("中止", "延期", "訂正", "変更", "取消", "取り消し", "終了", "休止", "再開", "解除"),
        *("満員", "締切", "追加", "お詫び", "不可", "できません", "ありません", "禁止", "無事"),
        *("発見", "保護", "通行止", "休館", "閉館", "断水", "復旧"),
    )
)


def changed_in_substance(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Whether an edit of (title, summary) is news to somebody who read the first version.

    Another number or date is; so is a word that turns the meaning (中止, 延期, 訂正 …). Other
    changes are when more than a tenth of the text, and more than ten characters, differ.
    Writing (width, kana, spaces) never is.
    """
    old, new = (fold("\n".join(version)) for version in (before, after))
    if old == new:
        return False
    if Counter(re.findall(r"\d+", old)) != Counter(re.findall(r"\d+", new)):
        return True
    if any(old.count(word) != new.count(word) for word in _TURNING_WORDS):
        return True
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    differing = max(len(old), len(new)) - same
    return differing > max(10, max(len(old), len(new)) // 10)
