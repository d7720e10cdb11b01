"""What stands in a notification: whole sentences, the drill's mark, and one tag for a chain."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from channels.medium import compact_json
from channels.webpush.encryption import MOST_BYTES
from channels.webpush.medium import WEB_PUSH, first_of_chain
from channels.webpush.render import MOST_BODY, MOST_TITLE, seconds_to_keep
from core.database import Database
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import CATALOGUE, drill_mark
from feeds.texts.messages import THE_REST
from tests.support.engine import make_notice, small_city

NOON = datetime(2026, 5, 29, 3, tzinfo=UTC)
SENTENCES = {
    "ja": "川の水位が上がり、まもなくあふれるおそれがあります。",
    "my": "မြစ်ရေ မြင့်တက်နေပြီး မကြာမီ လျှံနိုင်ပါသည်။",
    "en": "The river rises and may soon flood. ",
    "ne": "नदीको सतह बढ्दैछ र चाँडै बाढी आउन सक्छ। ",
    "km": "ទឹកទន្លេកំពុងឡើង ហើយអាចនឹងលិចក្នុងពេលឆាប់ៗ។",
}


def notice_of(language: str, title: str, text: str, **changes: object) -> Notice:
    made = make_notice(now=NOON, **changes)  # type: ignore[arg-type]
    made.id = 12
    made.texts = {language: {"title": title, "text": text}}
    return made


def rendered(notice: Notice, language: str) -> dict[str, object]:
    [message] = WEB_PUSH.render(notice, language, small_city())
    assert len(compact_json(message["payload"])) <= 3_900 < MOST_BYTES
    payload: dict[str, object] = message["payload"]
    return payload


def test_a_short_notice_is_there_whole_without_addresses() -> None:
    notice = notice_of("ja", "洪水", "逃げてください。\n\n市役所\nくわしく：https://city.example/a")
    payload = rendered(notice, "ja")
    assert payload["title"] == "洪水"
    assert payload["body"] == "逃げてください。\n市役所\nくわしく"
    assert (payload["lang"], payload["dir"], payload["level"]) == ("ja", "ltr", 4)
    assert payload["look"] == "level-4"


@pytest.mark.parametrize("language", list(SENTENCES))
@pytest.mark.parametrize("drill", [False, True])
def test_a_long_one_ends_with_a_whole_sentence_and_says_that_there_is_more(
    language: str, drill: bool
) -> None:
    sentence = SENTENCES[language]
    notice = notice_of(language, "洪水", sentence * 40, drill=drill)
    body = str(rendered(notice, language)["body"])
    assert len(body) <= MOST_BODY
    kept, _, last = body.rpartition("\n")
    assert last == CATALOGUE.text(language, THE_REST)
    if drill:
        assert kept.startswith(drill_mark(language))
        kept = kept.removeprefix(drill_mark(language)).strip()
    assert kept and (sentence * 40).startswith(kept)
    assert kept.strip().endswith(sentence.strip()[-1])
    assert len(kept) % len(sentence) in (0, len(sentence) - 1)


def test_a_warning_without_a_sentences_end_is_not_cut_at_all() -> None:
    title, more = "洪水" * 100, CATALOGUE.text("ja", THE_REST)
    payload = rendered(notice_of("ja", title, "あ" * 2_000), "ja")
    # The title is too long for its line, so it stands whole in the text.
    assert (payload["title"], payload["body"]) == (more, f"{title}\n{more}")
    assert len(str(payload["title"])) <= MOST_TITLE


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_promise_5_title_and_text_of_a_drill_begin_with_its_mark(language: str) -> None:
    mark = drill_mark(language)
    for title, text in (("あ", "い"), ("あ" * 500, "い" * 5_000), ("あ", "い。" * 900)):
        payload = rendered(notice_of(language, title, text, drill=True), language)
        assert str(payload["title"]).startswith(mark)
        assert str(payload["body"]).startswith(mark)
        assert payload["drill"] is True and payload["look"] == "drill"


@pytest.mark.parametrize(
    ("changes", "urgency", "life"),
    [
        ({"level": 5}, "high", 24),
        ({"level": 3}, "high", 24),
        ({"level": 2, "emergency": False}, "normal", 24),
        ({"level": 0, "topic": "events", "emergency": True}, "high", 24),
        ({"level": 0, "topic": "events"}, "low", 72),
        ({"level": 4, "silent": True}, "low", 24),
        # Whoever was woken hears of the end as well.
        ({"level": 4, "status": Status.LIFTED}, "high", 24),
    ],
)
def test_urgency_and_life_by_level(changes: dict[str, object], urgency: str, life: int) -> None:
    notice = make_notice(now=NOON, **changes)  # type: ignore[arg-type]
    [message] = WEB_PUSH.render(notice, "ja", small_city())
    assert (message["urgency"], message["life"]) == (urgency, life * 3600)


def test_a_push_service_keeps_nothing_beyond_its_own_end() -> None:
    until = (NOON + timedelta(hours=2)).isoformat()
    assert seconds_to_keep(86_400, until, NOON) == 7_200
    assert seconds_to_keep(86_400, until, NOON + timedelta(hours=3)) == 60
    assert seconds_to_keep(86_400, None, NOON) == 86_400


def test_several_together_are_one_notification() -> None:
    notices = [make_notice("events", level=0, now=NOON) for _ in range(3)]
    for number, notice in enumerate(notices, start=1):
        notice.id = number
    [message] = WEB_PUSH.digest(notices, "en", small_city())
    payload = message["payload"]
    assert payload["title"] == "3 notices from Test City"
    assert payload["body"].splitlines() == [each.texts["en"]["title"] for each in reversed(notices)]
    assert (payload["tag"], payload["id"]) == ("digest", 3)


async def test_a_chain_has_the_tag_of_its_first_notice(database: Database) -> None:
    async with database.writing() as session:
        first = make_notice(now=NOON)
        session.add(first)
        await session.flush()
        before = first
        for status in (Status.RAISED, Status.CORRECTED, Status.LIFTED):
            following = make_notice(now=NOON, status=status, replaces_id=before.id)
            session.add(following)
            await session.flush()
            assert await first_of_chain(session, following) == first.id
            before = following
        beside = make_notice(now=NOON, with_id=first.id, replaces_id=first.id)
        session.add(beside)
        await session.flush()
        after_it = make_notice(now=NOON, status=Status.LIFTED, replaces_id=beside.id)
        session.add(after_it)
        await session.flush()
        assert await first_of_chain(session, beside) == first.id
        assert await first_of_chain(session, after_it) == first.id


def test_the_payload_is_json_that_a_service_worker_reads() -> None:
    payload = rendered(notice_of("my", "ရေကြီး", "ထွက်ပါ။"), "my")
    assert json.loads(compact_json(payload)) == payload
