"""The conversation as pure functions: no way through it breaks, and none ends in silence."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import messages
from bot.catalogue import WORDS
from bot.dialogues import respond
from bot.dialogues.buttons import BUTTONS
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
from bot.dialogues.places import find_districts
from bot.dialogues.words import kept_text
from city.folder import CityFolder, load_folder
from core.languages import LANGUAGES
from reports.photos import Picture
from tests.support.chats import known_in
from tests.support.project import SAMPLE_CITY
from tests.support.town import actions_in

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from([WORDS.text(lang, label) for lang in LANGUAGES for label in BUTTONS]),
    st.sampled_from(["ひなんじょはどこ", "燃えるごみ いつ", "too many messages", "ありがとう"]),
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
the_sample = cache(partial(load_folder, SAMPLE_CITY))
STRANGE = st.builds(Pressed, st.text(max_size=12), st.dictionaries(st.text(max_size=4), TEXTS))


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_every_event_is_answered_whatever_came_before(data: Any) -> None:
    """Buttons of any earlier message, words, photos, places, in any order, early and late."""
    sample = the_sample()
    language = data.draw(st.sampled_from(sample.city.languages))
    known = known_in(language, sample)
    state = DialogueState()
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
        buttons = [messages.decode_postback(action["data"]) for action in seen if "data" in action]
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
    photos = [{"sha256": "0" * 64}]
    draft = {"draft": "01HX", "kind": "pothole", "photos": photos, "far": True}
    asked = DialogueState("report", "place", {**draft, "exif": [140.11, 36.08]})
    typed = respond(asked, Said("behind the old barn"), known)
    kept = respond(typed.state, Pressed("r-keep", {"d": "01HX"}), known)
    assert kept.state.step == "note"
    after = respond(kept.state, Pressed("r-exif", {"d": "01HX", "use": "0"}), known)
    assert after.state.step == "note"
    assert after.state.data["place"] == {"address": "behind the old barn", "message": ""}


@given(st.text())
def test_cleaned_text_can_be_kept_and_shown(text: str) -> None:
    cleaned = kept_text(text)
    cleaned.encode()
    assert "\x00" not in cleaned
    assert not set(cleaned) & set("\u200b\u202e\u2066\ufeff")
    assert len(cleaned) <= 500
    assert kept_text(cleaned) == cleaned


def test_letters_that_need_joiners_keep_them() -> None:
    assert kept_text("👨‍👩‍👧 क्‍ष") == "👨‍👩‍👧 क्‍ष"


@pytest.mark.slow
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
