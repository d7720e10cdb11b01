"""The conversation as pure functions: no way through it breaks, and none ends in silence."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import messages
from bot.dialogues import respond
from bot.dialogues.kinds import (
    FileReport,
    Followed,
    Incoming,
    Located,
    Photographed,
    Pressed,
    Said,
    Sent,
    State,
)
from bot.dialogues.places import find_districts
from bot.dialogues.words import COMMANDS, clean, command_in, fold, is_cry_for_help
from core.city_folder import CityFolder, load_folder
from reports.photos import Picture
from tests.bot.conftest import SAMPLE, actions_in
from tests.bot.test_messages import known_in

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([word for words in COMMANDS.values() for word in words]),
    st.sampled_from(["119", "火事だ", "\u202e\u200b", "{city}", "%s", "'; DROP TABLE", "🏳️‍🌈"]),
)
POSITIONS = st.builds(
    Located,
    st.floats(-180, 180, allow_nan=False),
    st.floats(-90, 90, allow_nan=False),
    st.text(max_size=200),
)
PHOTOS = st.one_of(
    st.builds(
        lambda n, place: Photographed(Picture(f"{n:064x}", 4, 3, 9, place)),
        st.integers(0, 9),
        st.sampled_from([None, (140.11, 36.08), (0.5, 0.5)]),
    ),
    st.sampled_from([Photographed(refusal=why) for why in ("too-large", "unreadable", "other")]),
)
the_sample = cache(partial(load_folder, SAMPLE))
STRANGE = st.builds(Pressed, st.text(max_size=12), st.dictionaries(st.text(max_size=4), TEXTS))


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_every_event_is_answered_whatever_came_before(data: Any) -> None:
    """Buttons of any earlier message, words, photos, places, in any order, early and late."""
    sample = the_sample()
    language = data.draw(st.sampled_from(sample.city.languages))
    known = known_in(language, sample)
    state = State()
    seen: list[dict[str, Any]] = []
    for _ in range(data.draw(st.integers(1, 14))):
        choices: list[st.SearchStrategy[Incoming]] = [
            st.builds(Said, TEXTS),
            POSITIONS,
            PHOTOS,
            STRANGE,
            st.just(Located(140.1115, 36.0825)),
            st.just(Followed()),
            st.builds(Sent, st.sampled_from(["sticker", "video", "hologram"])),
        ]
        buttons = [messages.decode(action["data"]) for action in seen if "data" in action]
        if buttons:
            choices.append(st.sampled_from(buttons).map(lambda found: Pressed(*found)))
        event = data.draw(st.one_of(choices))
        outcome = respond(state, event, known, late=data.draw(st.booleans()))
        state, said = outcome.state, outcome.messages
        for effect in outcome.effects:
            if isinstance(effect, FileReport):
                assert outcome.filed is not None
                state, said = outcome.filed("2026-000001")
        assert len(said) <= 5
        assert json.loads(json.dumps(dict(state.data))) == dict(state.data)
        json.dumps(list(said)).encode()
        seen += actions_in(list(said))


def test_a_typed_place_and_then_no_to_the_photos_place_goes_on() -> None:
    known = known_in("en", the_sample())
    draft = {"draft": "01HX", "photos": [{"sha256": "0" * 64}], "exif": [140.11, 36.08]}
    typed = respond(State("report", "place", draft), Said("1-2-3 Chuo"), known)
    assert typed.state.step == "kind"
    after = respond(typed.state, Pressed("r-exif", {"d": "01HX", "use": "0"}), known)
    assert after.state.step == "kind"
    assert after.state.data["place"] == {"address": "1-2-3 Chuo"}


def test_commands_mean_one_thing_each() -> None:
    found: dict[str, str] = {}
    for name, words in COMMANDS.items():
        for word in words:
            assert found.setdefault(fold(word), name) == name, word
            assert command_in(f" {word}。") == name


@pytest.mark.parametrize(
    "text",
    [
        "119", "１１９！", "119番して", "110 please", "家が火事です", "カジです", "ﾀｽｹﾃ", "FIRE!",
        "Help me", "there is a fire here", "救急車をよんで", "불이야", "ไฟไหม้บ้าน", "Socorro",
        "Гал гарсан", "sunog po",
    ],
)  # fmt: skip
def test_a_cry_for_help_is_heard(text: str) -> None:
    assert is_cry_for_help(text)


@pytest.mark.parametrize(
    "text",
    [
        "1-119", "119-2", "中央１１９番地", "1190", "0110", "fireworks", "helpful", "消防署の前",
        "the street light", "2026-000119", "tel 029-110-2222", "campfire",
    ],
)  # fmt: skip
def test_an_address_or_a_firework_is_no_cry(text: str) -> None:
    assert not is_cry_for_help(text)


@given(st.text())
def test_cleaned_text_can_be_kept_and_shown(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert not set(cleaned) & set("\u200b\u202e\u2066\ufeff")
    assert len(cleaned) <= 500
    assert clean(cleaned) == cleaned


def test_letters_that_need_joiners_keep_them() -> None:
    assert clean("👨‍👩‍👧 क्‍ष") == "👨‍👩‍👧 क्‍ष"


def test_districts_are_found_in_any_writing(sample: CityFolder) -> None:
    """Every district by every one of its names, in other widths, cases and kana."""
    city = sample.city
    for district in city.districts:
        for name in district.names.values():
            for written in (name, name.upper(), f"　{name}　", f"{name}。"):
                assert district in find_districts(city, written), (district.code, written)
    assert find_districts(city, "") == ()
    assert find_districts(city, "zzzzzzzz") == ()


def test_a_district_is_found_though_misspelt(sample: CityFolder) -> None:
    district = next(d for d in sample.city.districts if len(d.names["en"]) >= 7)
    name = district.names["en"].split()[0]
    wrong = name[:3] + name[4:]
    assert district in find_districts(sample.city, wrong)
