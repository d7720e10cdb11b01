"""A resident's setup: language, district, topics, in under a minute."""

from __future__ import annotations

import json

from bot.dialogues.onboarding import language_question
from city.folder import load_city
from simulator.line.messages import MESSAGE
from tests.support.project import PROJECT
from tests.support.town import Town, words_in


async def test_a_burmese_resident_comes_aboard(town: Town) -> None:
    user = town.newcomer("my")
    greeting = await town.follows(user)
    assert len(greeting) == 2
    for name in ("日本語", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "한국어"):
        assert name in words_in(greeting)

    area = await town.taps(user, greeting, "မြန်မာဘာသာ")
    assert (await town.preferences(user)).language == "my"
    district = town.city.districts[0]
    topics = await town.says(user, district.names["en"])
    assert (await town.preferences(user)).areas == (district.code,)
    assert area and topics

    after = await town.taps(user, topics, "do=topic&code=crime&on=1")
    assert "crime" in (await town.preferences(user)).topics
    end = await town.taps(user, after, "topics-done")
    assert len(end) == 2
    choices = await town.preferences(user)
    assert choices.topics_chosen
    assert choices.language_chosen


def test_the_question_for_the_language_is_a_message_line_takes_in_every_language() -> None:
    city = load_city(PROJECT / "deploy" / "city")
    for language in city.languages:
        question = language_question(city, language)
        assert MESSAGE(question) is None
        assert "set-language" in json.dumps(question)
