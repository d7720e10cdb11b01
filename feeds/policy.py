"""Decide on a notice: send it now, collect it for the digest, hold it for a person, or publish it.

Every rule has a name, which is stored with the notice (promise 7). Drills and test telegrams are
never sent from here. Neither are old notices, notices from the future, or too many at once.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from city.city import City, Decision, SourceConfig
from core.reason import Reason
from feeds import limits
from feeds.classify import Classification, first_word
from feeds.facts import Fact
from feeds.overlay import FOLDER_ALONE, Overlay, about_fact
from feeds.reasons import reason
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
    because: Reason | None = None

    @property
    def decided_by(self) -> str:
        return f"rule:{self.rule}"


def rule_on_fact(
    fact: Fact,
    source: SourceConfig,
    city: City,
    now: datetime,
    *,
    first_poll: bool = False,
    overlay: Overlay = FOLDER_ALONE,
) -> Ruling:
    """Decide on the fact of a telegram.

    What staff laid over the folder's rules (``overlay``) comes before the source's own. An
    emergency is sent even if a rule would collect it for the digest. A rule that holds or only
    publishes is obeyed, because somebody wrote it on purpose.
    """
    if fact.drill:
        return Ruling(Decision.HOLD, "drill", reason("news.drill-telegram"))
    if not fact.is_news:
        return Ruling(Decision.PUBLISH, "no-change", reason("news.no-change"))
    if first_poll:
        return Ruling(Decision.PUBLISH, "first-poll", reason("news.first-poll"))
    aged = _by_age(fact.reported_at, source, now)
    if aged is not None:
        return aged
    if fact.quiet:
        return Ruling(Decision.PUBLISH, "quiet", reason("news.quiet"))
    ruling = _laid_over(fact, overlay) or configured(fact, source)
    if fact.below_threshold and ruling.decision is Decision.SEND:
        return replace(ruling, because=reason("news.below-threshold"))
    if ruling.decision is Decision.DIGEST and city.is_emergency(fact.topic, fact.level):
        return Ruling(Decision.SEND, "emergency", reason("news.emergency"))
    return ruling


def _laid_over(fact: Fact, overlay: Overlay) -> Ruling | None:
    decision = overlay.decisions.get(about_fact(fact))
    return None if decision is None else Ruling(decision, overlay.rule)


def configured(fact: Fact, source: SourceConfig) -> Ruling:
    """Return the decision of the source's own rules in the city's folder."""
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
    if is_marked_drill(article.title, article.summary):
        return Ruling(Decision.HOLD, "drill", reason("news.drill"))
    if foreign_link and classification.decision in {Decision.SEND, Decision.DIGEST}:
        return Ruling(Decision.HOLD, "foreign-link", reason("news.foreign-link"))
    if article.published_at is not None and classification.decision is not Decision.HOLD:
        aged = _by_age(article.published_at, source, now)
        if aged is not None:
            return aged
    return Ruling(classification.decision, classification.rule, classification.because)


def rule_on_level(ruling: Ruling, topic: str, level: int, city: City) -> Ruling:
    """Hold a notice that goes to everybody, whatever they chose, and has no level."""
    known = city.topic_by_code.get(topic)
    if level or known is None or not known.mandatory or ruling.decision not in LEAVES:
        return ruling
    return Ruling(Decision.HOLD, "no-level", reason("news.no-level"))


LEAVES = (Decision.SEND, Decision.DIGEST)

_MARK = (
    r"[【\[(〔《〈<「『](?:訓練|試験|てすと|test)"
    r"(?:配信|放送|めーる|送信|通知|用)?[】\])〕》〉>」』]"
)
_SAID = re.compile(
    r"これは、?(?:訓練|試験|てすと)(?:です|であり|配信|放送|めーる|送信)"
    r"|(?:訓練|試験|てすと)(?:配信|放送|めーる|送信)(?:です|を行)"
    # In quotes it is the text of the loudspeakers on the day of the test.
    r"|(?<![「『])これは、?jあらーとの(?:てすと|試験|訓練)"
)


def is_marked_drill(title: str, text: str) -> bool:
    """Whether a text marks itself as a drill or a test, as offices do: 【訓練】, これは訓練です.

    A drill that is announced (防災訓練のお知らせ) is news like any other.
    """
    headline, body = fold(title), fold(text)
    marked = re.search(_MARK, headline) or re.match(_MARK, body)
    return bool(marked or _SAID.search(headline) or _SAID.search(body))


def _by_age(reported_at: datetime, source: SourceConfig, now: datetime) -> Ruling | None:
    hours = limits.NEWS_AGE_LIMIT_HOURS[source.kind]
    if now - reported_at > timedelta(hours=hours):
        return Ruling(Decision.PUBLISH, "too-old", reason("news.too-old", hours=hours))
    # City sites use the day of the event as the date, often tomorrow; telegrams never do.
    tolerance = timedelta(days=2) if source.kind == "rss" else timedelta(0)
    if reported_at - now > timedelta(seconds=limits.FUTURE_TOLERANCE) + tolerance:
        return Ruling(Decision.HOLD, "from-the-future", reason("news.from-the-future"))
    return None


def against_flood(rulings: list[Ruling]) -> list[Ruling]:
    """Hold everything if one poll would push more than a city ever announces at once.

    A rebuilt web site lists all its old articles as new; nobody wants them on their phone.
    """
    pushed = sum(ruling.decision is Decision.SEND for ruling in rulings)
    if pushed <= limits.MAX_SENDS_A_POLL:
        return rulings
    because = reason("news.flood", n=pushed)
    return [
        replace(ruling, decision=Decision.HOLD, rule="flood", because=because)
        if ruling.decision in {Decision.SEND, Decision.DIGEST}
        else ruling
        for ruling in rulings
    ]


def expiry_of_fact(fact: Fact) -> datetime:
    """When the notice expires and its unsent messages are dropped."""
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


_DATE = (
    r"(?:\d{4}年|令和(?:\d+|元)年)?\d{1,2}月\d{1,2}日"
    r"|\d{4}[./ー]\d{1,2}[./ー]\d{1,2}|r\d+\.\d+\.\d+"
)
_DAY = rf"(?:{_DATE})(?:\(.\)|\(.曜日\)|.曜日)?(?:(?:午前|午後)?\d{{1,2}}[:時]\d{{0,2}}分?)?"
_NO_NEWS = re.compile(
    rf"(?:最終更新(?:日時?|年月日)?:?|更新(?:日時?|年月日):?|更新:)(?>{_DAY})"
    r"(?:更新|(?!まで|から|より|以降|に))"
    rf"|(?:掲載|登録|作成)(?:日時?|年月日):?{_DAY}"
    # 6月15日に更新しました, but not the day on which a licence is renewed.
    rf"|(?>{_DAY})に?更新(?!手続|申請|受付|講習|料|期限|分|でき|が必要|の)"
    r"|(?:(?:閲覧|あくせす|表示|ぺーじびゅー|pv)(?:数|回数|件数|者数|かうんたー?)|訪問者数)"
    r":?[\d,]+(?:回|件|人)?"
    r"|ぺーじ(?:番号|id):?\d+"
)
"""When a page was touched and how often it was read, in folded text."""


def _substance(title: str, summary: str) -> str:
    """Return the parts that matter to a reader, normalised."""
    text = _NO_NEWS.sub("", fold(f"{title}\n{summary}"))
    text = re.sub(r"令和(\d+|元)年", _western_year, text)
    text = re.sub(r"(?<=\d),(?=\d{3})", "", text)
    return re.sub(r"(?<=\d)(?::|時)00分?(?!\d)", "時", text)


def _western_year(era: re.Match[str]) -> str:
    return f"{2018 + (1 if era[1] == '元' else int(era[1]))}年"


def _same_start(one: str, other: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def changed_in_substance(before: tuple[str, str], after: tuple[str, str]) -> bool:
    """Whether an edit of (title, summary) is news to somebody who read the first version.

    Another number or date is news. So is a word that changes the meaning (中止, 延期, 訂正 …).
    Other changes are news if more than a tenth of the text and more than ten characters differ.
    Another way of writing (width, kana, spaces, 令和8年 for 2026年), the date of the last change
    and a counter of readers are no news.
    """
    old, new = (_substance(*version) for version in (before, after))
    if old == new:
        return False
    if Counter(re.findall(r"\d+", old)) != Counter(re.findall(r"\d+", new)):
        return True
    if any(old.count(word) != new.count(word) for word in _TURNING_WORDS):
        return True
    longest = max(len(old), len(new))
    # A rebuilt site changes thousands of texts at one end; only the part in between is compared.
    start = _same_start(old, new)
    old, new = old[start:], new[start:]
    end = _same_start(old[::-1], new[::-1])
    old, new = old[: len(old) - end], new[: len(new) - end]
    # It must not compare all pairs of the most frequent letters: two hostile texts would take
    # seconds.
    matcher = SequenceMatcher(None, old, new, autojunk=True)
    same = sum(block.size for block in matcher.get_matching_blocks())
    differing = max(len(old), len(new)) - same
    return differing > max(10, longest // 10)
