"""Every message of LINE says where anybody can check it, also from a screenshot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from channels.line.render import digest_messages, render
from channels.medium import compact_json
from city.city import City
from city.folder import load_city
from core.languages import LANGUAGES
from feeds.models import Notice
from feeds.notice_codes import PLACEHOLDER
from feeds.texts import drill_mark
from simulator.line import messages as shapes
from simulator.line.answers import read_json
from tests.support.engine import make_notice, user_id
from tests.support.project import SAMPLE_CITY
from tests.support.town import actions_in, words_in

NOW = datetime(2026, 6, 15, 3, tzinfo=UTC)
CODE = "7K3FM2Q9"
ADDRESS = f"https://todoke.city.example/n/{CODE}"
SHOWN = f"todoke.city.example/n/{CODE}"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(SAMPLE_CITY).served_at("https://todoke.city.example")


def stored(**changes: Any) -> Notice:
    notice = make_notice(now=NOW, **changes)
    notice.id, notice.code = 12, CODE
    return notice


def is_taken_by_line(messages: list[dict[str, Any]]) -> bool:
    read_json(compact_json({"to": [user_id(1)], "messages": messages}), shapes.MULTICAST_REQUEST)
    return True


@pytest.mark.parametrize("drill", [True, False])
def test_a_card_shows_the_address_and_opens_it_in_every_language(city: City, drill: bool) -> None:
    lines = set()
    for language in LANGUAGES:
        messages = render(stored(drill=drill, languages=tuple(LANGUAGES)), language, city)
        assert is_taken_by_line(messages)
        words = words_in(messages).splitlines()
        (line,) = [one for one in words if SHOWN in one]
        lines.add(line)
        assert [a["uri"] for a in actions_in(messages)] == [ADDRESS]
    assert len(lines) == len(LANGUAGES)


def test_a_text_too_long_for_a_card_ends_with_the_address_however_long_it_is(city: City) -> None:
    for length in (30_000, 60_000):
        notice = stored(drill=True, languages=("ja",))
        notice.texts["ja"]["text"] = f"{drill_mark('ja')} " + "長い話です。\n" * (length // 7)
        messages = render(notice, "ja", city)
        assert is_taken_by_line(messages)
        assert {message["type"] for message in messages} == {"text"}
        assert messages[-1]["text"].endswith(SHOWN)
        assert all(message["text"].startswith(drill_mark("ja")) for message in messages)
        assert all(len(message["text"].encode("utf-16-le")) // 2 <= 5_000 for message in messages)


def test_each_card_of_a_digest_has_the_address_of_its_own_notice(city: City) -> None:
    notices = [stored(topic="events", level=0) for _ in range(3)]
    for number, notice in enumerate(notices):
        notice.code = f"7K3FM2Q{number + 2}"
    (message,) = digest_messages(notices, "en", city)
    assert is_taken_by_line([message])
    assert [action["uri"][-1] for action in actions_in(message)] == ["2", "3", "4"]


def test_a_preview_has_a_placeholder_of_the_same_length(city: City) -> None:
    shown = words_in(render(make_notice(now=NOW), "ja", city))
    assert f"/n/{PLACEHOLDER}" in shown
    assert len(PLACEHOLDER) == len(CODE)


def test_a_city_that_is_served_nowhere_promises_no_page() -> None:
    assert "/n/" not in words_in(render(stored(), "ja", load_city(SAMPLE_CITY)))
