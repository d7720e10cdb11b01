"""Which topic and which areas an article is about, by the city's own rules.

Rules stand in ``city.toml`` and are tried in order; the first that fits decides, and says so
in one sentence, so that staff see why an article became what it became.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.city import City, Decision, Rule, SourceConfig
from feeds.rss import Article
from feeds.wording import fold

FALLBACK_TOPIC = "city-news"
DEFAULT_RULE = "default"


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What the rules make of an article.

    ``rule`` is a short name for logs and the audit trail; ``because`` a sentence for staff.
    """

    topic: str
    areas: tuple[str, ...]
    decision: Decision
    rule: str
    because: str

    @property
    def certain(self) -> bool:
        """Whether a rule or the feed itself named the topic."""
        return self.rule != DEFAULT_RULE


def classify(article: Article, source: SourceConfig, city: City) -> Classification:
    """Put an article on a topic and areas.

    An article that no rule fits has its source's own topic; where the source has none, it
    waits for staff on the topic ``city-news``.
    """
    text = fold(f"{article.title}\n{article.summary}")
    categories = {fold(category) for category in article.categories}
    for number, rule in enumerate(source.rules, start=1):
        reason = _fits(rule, text, categories)
        if reason is not None:
            return Classification(
                topic=rule.topic,
                areas=rule.areas,
                decision=rule.decision or source.decision,
                rule=f"{source.code}#{number}",
                because=f"Rule {number} of {source.code}: {reason}.",
            )
    if source.topic is not None:
        return Classification(
            topic=source.topic,
            areas=(),
            decision=source.decision,
            rule=source.code,
            because=f"No rule fits; everything else of {source.code} is {source.topic}.",
        )
    topics = city.topic_by_code
    return Classification(
        topic=FALLBACK_TOPIC if FALLBACK_TOPIC in topics else city.topics[-1].code,
        areas=(),
        decision=Decision.HOLD,
        rule=DEFAULT_RULE,
        because=f"No rule of {source.code} fits; somebody has to decide.",
    )


def _fits(rule: Rule, text: str, categories: set[str]) -> str | None:
    """Return why ``rule`` fits, or None when it does not; a rule with no condition fits all."""
    reasons = []
    if rule.categories:
        category = next((name for name in rule.categories if fold(name) in categories), None)
        if category is None:
            return None
        reasons.append(f"category {category!r}")
    if rule.words:
        word = first_word(rule.words, text)
        if word is None:
            return None
        reasons.append(f"word {word!r}")
    return " and ".join(reasons) or "it takes everything"


def first_word(words: Sequence[str], folded_text: str) -> str | None:
    """Return the first of ``words`` that stands in a text already folded, or None."""
    return next((word for word in words if fold(word) and fold(word) in folded_text), None)
