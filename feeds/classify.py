"""Find the topic and the areas of an article by the city's rules.

Rules are in ``city.toml`` and are tried in order. The first that fits decides. It gives its reason
in one sentence, so that staff see why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from city.city import City, Decision, Rule, SourceConfig
from core.reason import Reason
from feeds.overlay import FOLDER_ALONE, OTHERS, Overlay, about_article
from feeds.reasons import reason
from feeds.rss import Article
from feeds.wording import fold

FALLBACK_TOPIC = "city-news"
DEFAULT_RULE = "default"


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The result of the rules for an article.

    ``rule`` is a short name for logs and the audit trail; ``because`` says why, for staff.
    """

    topic: str
    areas: tuple[str, ...]
    decision: Decision
    rule: str
    because: Reason

    @property
    def certain(self) -> bool:
        """Whether a rule or the feed itself named the topic."""
        return self.rule != DEFAULT_RULE


def classify(
    article: Article, source: SourceConfig, city: City, overlay: Overlay = FOLDER_ALONE
) -> Classification:
    """Give an article its topic and areas.

    A decision that staff laid over the folder's (``overlay``) replaces that of the rule.

    An article without a rule gets its source's topic; if the source has none, it waits for staff
    with the topic ``city-news``.
    """
    text = fold(f"{article.title}\n{article.summary}")
    categories = {fold(category) for category in article.categories}
    for number, rule in enumerate(source.rules, start=1):
        why = _fits(rule, text, categories)
        if why is not None:
            laid = overlay.decisions.get(about_article(source.code, rule.topic))
            return Classification(
                topic=rule.topic,
                areas=rule.areas,
                decision=laid or rule.decision or source.decision,
                rule=f"{source.code}#{number}" if laid is None else overlay.rule,
                because=reason("rule.fits", number=number, source=source.code, why=why),
            )
    if source.topic is not None:
        laid = overlay.decisions.get(about_article(source.code, OTHERS))
        return Classification(
            topic=source.topic,
            areas=(),
            decision=laid or source.decision,
            rule=source.code if laid is None else overlay.rule,
            because=reason("rule.other-topic", source=source.code, topic=source.topic),
        )
    topics = city.topic_by_code
    return Classification(
        topic=FALLBACK_TOPIC if FALLBACK_TOPIC in topics else city.topics[-1].code,
        areas=(),
        decision=Decision.HOLD,
        rule=DEFAULT_RULE,
        because=reason("rule.none", source=source.code),
    )


def _fits(rule: Rule, text: str, categories: set[str]) -> Reason | None:
    """Return why ``rule`` fits, or None when it does not; a rule with no condition fits all."""
    by_category = by_word = None
    if rule.categories:
        category = next((name for name in rule.categories if fold(name) in categories), None)
        if category is None:
            return None
        by_category = reason("rule.category", category=category)
    if rule.words:
        word = first_word(rule.words, text)
        if word is None:
            return None
        by_word = reason("rule.word", word=word)
    if by_category and by_word:
        return reason("rule.both", category=by_category, word=by_word)
    return by_category or by_word or reason("rule.everything")


def first_word(words: Sequence[str], folded_text: str) -> str | None:
    """Return the first of ``words`` that is in a folded text, or None."""
    return next((word for word in words if fold(word) and fold(word) in folded_text), None)
