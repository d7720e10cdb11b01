"""Never stuck: each state of the conversation has an answer to each kind of input."""

from __future__ import annotations

import json
from collections import deque
from functools import cache, partial
from typing import Any

import pytest
from linebot.v3.messaging import Message

from bot import messages
from bot.dialogues import respond
from bot.dialogues.kinds import (
    DialogueState,
    FileReport,
    Followed,
    Incoming,
    Located,
    Photographed,
    Pressed,
    Said,
    Sent,
)
from city.folder import load_folder
from core.languages import LANGUAGES
from reports.photos import Picture
from tests.support.chats import known_in
from tests.support.project import SAMPLE_CITY
from tests.support.town import actions_in

the_sample = cache(partial(load_folder, SAMPLE_CITY))
HERE, FAR = Located(140.1115, 36.0825), Located(139.7, 35.7)
OF_OLD = (Pressed("r-kind-2019"), Pressed(""), Pressed("area", {"to": "gone"}), Pressed("shelter"))
"""Buttons of an older version, or of a city that was another."""
WAYS_OUT = {
    "ja": ("使い方", "戻る", "キャンセル"),
    "ja-x-easy": ("つかいかた", "もどる", "キャンセル"),
    "en": ("how to use", "back", "cancel"),
    "zh-Hans": ("使用方法", "返回", "取消"),
    "zh-Hant": ("使用方法", "返回", "取消"),
    "ko": ("사용법", "뒤로", "취소"),
    "vi": ("cách dùng", "quay lại", "hủy"),
    "pt": ("como usar", "voltar", "cancelar"),
    "es": ("cómo usar", "volver", "cancelar"),
    "id": ("cara pakai", "kembali", "batal"),
    "tl": ("paano gamitin", "bumalik", "kanselahin"),
    "th": ("วิธีใช้", "กลับ", "ยกเลิก"),
    "ne": ("कसरी प्रयोग", "फिर्ता", "रद्द"),
    "km": ("របៀបប្រើ", "ត្រឡប់", "បោះបង់"),
    "my": ("အသုံးပြုနည်း", "နောက်သို့", "ပယ်ဖျက်"),
    "mn": ("яаж ашиглах", "буцах", "цуцлах"),
}
"""Help, back and cancel, as people write them."""


def photo(place: tuple[float, float] | None = None) -> Photographed:
    return Photographed(Picture("1" * 64, 640, 480, 1000, place))


def inputs(language: str) -> list[Incoming]:
    return [
        *map(Said, (*WAYS_OUT[language], "qwrtz", "😀", "1", "119", "x" * 600)),
        *(photo(), photo((140.11, 36.08)), Photographed(refusal="unreadable"), HERE, FAR),
        *(Sent(kind) for kind in ("sticker", "video", "audio", "file", "imagemap", "new-kind")),
        *(Followed(), Followed(returning=True), *OF_OLD),
    ]


def answer(
    state: DialogueState, event: Incoming, language: str
) -> tuple[DialogueState, list[dict[str, Any]]]:
    outcome = respond(state, event, known_in(language, the_sample()))
    state, said = outcome.state, outcome.messages
    if any(isinstance(effect, FileReport) for effect in outcome.effects):
        assert outcome.filed is not None
        state, said = outcome.filed("2026-000123")
    return state, list(said)


@cache
def states() -> tuple[tuple[DialogueState, ...], tuple[Pressed, ...]]:
    """Return a state of each kind that can be reached, and the buttons seen on the way."""
    first = DialogueState()
    found = {(first.name, first.step, ""): first}
    buttons: dict[str, Pressed] = {}
    waiting = deque([first])
    asked = [*inputs("en"), *map(Pressed, ("report", "shelters", "settings", "areas", "safe"))]
    while waiting:
        state = waiting.popleft()
        for event in [*asked, *buttons.values()]:
            after, said = answer(state, event, "en")
            for action in actions_in(said):
                if "data" in action:
                    do, values = messages.decode_postback(action["data"])
                    buttons.setdefault(do, Pressed(do, values))
            below = after.data.get("below")
            key = (after.name, after.step, str(below and below["name"]))
            if key not in found:
                found[key] = after
                waiting.append(after)
    return tuple(found.values()), tuple(buttons.values())


@pytest.mark.slow
def test_the_states_and_buttons_are_those_of_all_dialogues() -> None:
    reached, buttons = states()
    names = {state.name for state in reached}
    assert {"idle", "onboarding", "report", "shelters"} <= names
    assert len(reached) >= 12 and len(buttons) >= 25


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_state_answers_each_input(language: str) -> None:
    """Also buttons of other states. LINE's SDK, made from its description, takes each answer."""
    reached, buttons = states()
    seen: set[str] = set()
    for state in reached:
        for event in [*inputs(language), *buttons]:
            _, said = answer(state, event, language)
            assert 0 < len(said) <= 5, (state, event)
            for message in said:
                written = json.dumps(message, sort_keys=True)
                if written not in seen:
                    seen.add(written)
                    assert Message.from_dict(message).to_dict() == message
    assert len(seen) > 50


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_back_and_cancel_are_understood_in_each_language(language: str) -> None:
    known = known_in(language, the_sample())
    for word, intents in zip(WAYS_OUT[language], ("help", "menu", "cancel"), strict=True):
        meaning = known.meaning(word)
        assert meaning.intent == intents, word
