"""The decisions that staff lay over the rules of the city's folder.

The folder is the base. A version (:class:`feeds.models.RuleVersion`) replaces the base for some
dangers of the agency and for some topics of a source. Whoever decides on news reads the version in
the transaction in which the news is stored. So a version holds for every process from its
confirmation on, without a restart: news that was read before it was decided by the version before,
whole, and each notice names the version that decided (``rule:desk#VERSION``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from city.city import City, Decision
from feeds.facts import Fact
from feeds.models import RULES_IN_FORCE, RuleVersion

DESK = "desk"
"""The name of a version's rule: ``desk#12``."""
TELEGRAM, ARTICLE = "telegram", "article"
OTHERS = ""
"""In place of a topic: what no rule of a source names."""
FOR_TELEGRAMS = (Decision.SEND, Decision.HOLD, Decision.PUBLISH)
FOR_ARTICLES = (Decision.SEND, Decision.DIGEST, Decision.HOLD, Decision.PUBLISH)


@dataclass(frozen=True, order=True)
class About:
    """What a decision is about.

    For a telegram ``first`` is the hazard and ``second`` the step: an earthquake's intensity
    (``5-``), a class of long-period motion, else the urgency (``4``). For an article ``first`` is
    the source's code and ``second`` the topic that its rule gives, or :data:`OTHERS`.
    """

    kind: str
    first: str
    second: str

    @property
    def code(self) -> str:
        """The one text for forms."""
        return f"{self.kind}/{self.first}/{self.second}"


def about_fact(fact: Fact) -> About:
    """Return what decides on a fact: its hazard and its step.

    The end of a danger is decided on by the step that it had, as its audience is.
    """
    step = str(fact.heard_level)
    if fact.quake is not None and fact.hazard == "earthquake" and fact.quake.intensity:
        step = fact.quake.intensity
    return About(TELEGRAM, fact.hazard, step)


def about_article(source: str, topic: str) -> About:
    """Return what decides on an article of a source; ``topic`` is its rule's, or ``OTHERS``."""
    return About(ARTICLE, source, topic)


@dataclass(frozen=True)
class Overlay:
    """A version's decisions. ``version`` is 0 where only the folder counts."""

    version: int = 0
    decisions: Mapping[About, Decision] = field(default_factory=dict)

    @property
    def rule(self) -> str:
        return f"{DESK}#{self.version}"

    def dumped(self) -> list[dict[str, str]]:
        """Return the decisions as they are stored, in one order."""
        return [
            {
                "kind": about.kind,
                "first": about.first,
                "second": about.second,
                "decision": decision.value,
            }
            for about, decision in sorted(self.decisions.items())
        ]

    @classmethod
    def loaded(cls, changes: Iterable[Mapping[str, str]], version: int = 0) -> Overlay:
        """Read stored decisions."""
        return cls(
            version,
            {
                About(each["kind"], each["first"], each["second"]): Decision(each["decision"])
                for each in changes
            },
        )


FOLDER_ALONE = Overlay()


async def version_in_force(session: AsyncSession, *, lock: bool = False) -> RuleVersion | None:
    """Return the version that holds; None where only the folder counts.

    With ``lock`` nobody else can replace it until the caller's transaction ends.
    """
    query = select(RuleVersion).where(RULES_IN_FORCE).order_by(col(RuleVersion.id).desc()).limit(1)
    if lock:
        query = query.with_for_update()
    found: RuleVersion | None = await session.scalar(query)
    return found


async def overlay_in_force(session: AsyncSession) -> Overlay:
    """Return the decisions that hold now, to be read with each reading of news."""
    held = await version_in_force(session)
    if held is None or held.id is None:
        return FOLDER_ALONE
    return Overlay.loaded(held.changes, held.id)


def fingerprint(city: City) -> str:
    """Return a fingerprint of the folder's own rules: a trial is of no use after they change."""
    rules: list[Any] = [
        [source.code, source.kind, source.topic, source.decision.value]
        + [rule.model_dump(mode="json") for rule in source.rules]
        for source in city.sources
    ]
    topics = [[topic.code, topic.emergency_level, topic.mandatory] for topic in city.topics]
    content = json.dumps([rules, topics, city.jma.model_dump(mode="json")], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
