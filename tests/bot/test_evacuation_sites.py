"""The nearest sites that are safe in the current danger, or whom to ask."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.dialogues import respond
from bot.dialogues.kinds import IDLE, SHELTERS, DialogueState, Located, Pressed
from city.city import Decision
from city.folder import CityFolder
from city.shelters import Hazard
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from feeds.texts import drill_mark
from public.words import hazard_names
from response.models import DisasterMode, ShelterState, ShelterStatus
from response.modes import begin
from response.shelters import set_state
from tests.support.chats import aboard, known_in
from tests.support.town import Town, words_in

BESIDE_INASATO_CENTRE = Located(140.064991, 36.131965)
"""0 m from 稲里交流センター, which is not designated for floods."""
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
TOKYO = Located(139.767, 35.681)
JUST_OUTSIDE = Located(140.1136, 35.9850)
"""South of the sample city, 1.4 km from 南野小学校."""


def asked(sample: CityFolder, where: Located, *hazards: Hazard, language: str = "en") -> str:
    known = replace(known_in(language, sample), hazards=frozenset(hazards))
    outcome = respond(DialogueState(SHELTERS, "where"), where, known)
    assert outcome.state.name == IDLE
    return words_in(list(outcome.messages))


def test_when_nothing_is_in_force_each_site_says_what_it_is_for(sample: CityFolder) -> None:
    said = asked(sample, BESIDE_INASATO_CENTRE)
    assert said.index("稲里交流センター") < said.index("稲里中学校")
    assert "Choose a site that is meant for the danger you are in." in said
    after = said[said.index("稲里交流センター") :]
    assert "Designated for: Landslide, Earthquake" in after.split("Open map")[0]
    assert "Flood," not in after.split("Open map")[0]


@pytest.mark.parametrize(
    ("language", "safe"),
    [
        ("ja-x-easy", "安全"), ("es", "segur"), ("pt", "segur"), ("id", " aman "), ("ko", "안전"),
        ("vi", "an toàn"), ("th", "ปลอดภัย"), ("tl", "ligtas"), ("km", "សុវត្ថិភាព"),
        ("my", "ဘေးကင်း"), ("ne", "सुरक्षित"), ("mn", "аюулгүй"),
    ],
)  # fmt: skip
def test_no_language_promises_that_a_designated_site_is_safe(
    sample: CityFolder, language: str, safe: str
) -> None:
    for said in (
        asked(sample, BESIDE_INASATO_CENTRE, language=language),
        asked(sample, BESIDE_INASATO_CENTRE, Hazard.FLOOD, language=language),
    ):
        assert safe not in said.casefold()


def test_in_a_flood_a_site_not_designated_for_floods_is_not_offered(sample: CityFolder) -> None:
    said = asked(sample, BESIDE_INASATO_CENTRE, Hazard.FLOOD)
    assert "稲里交流センター" not in said
    assert "稲里中学校" in said
    assert "These sites are for the danger now: Flood." in said


def test_a_danger_without_any_site_is_said_and_nothing_wrong_is_offered(sample: CityFolder) -> None:
    said = asked(sample, BESIDE_INASATO_CENTRE, Hazard.TSUNAMI)
    assert "is meant for this danger: Tsunami. Follow what the city says." in said
    assert "Open map" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_place_in_tokyo_is_outside_and_offered_no_site(sample: CityFolder, language: str) -> None:
    said = asked(sample, TOKYO, Hazard.FLOOD, language=language)
    assert " km" not in said
    assert "学校" not in said
    outside = next(iter(respond(DialogueState(), TOKYO, known_in(language, sample)).messages))
    assert said == outside["text"]


def test_somebody_just_over_the_border_is_told_so_and_sees_the_near_sites(
    sample: CityFolder,
) -> None:
    assert sample.city.is_outside(JUST_OUTSIDE.longitude, JUST_OUTSIDE.latitude)
    said = asked(sample, JUST_OUTSIDE, Hazard.FLOOD)
    assert said.index("is outside") < said.index("南野小学校")
    assert "川端小学校" not in said


def test_it_says_避難場所_and_not_避難所(sample: CityFolder) -> None:
    said = asked(sample, BESIDE_INASATO_CENTRE, language="ja")
    assert "近くの避難場所" in said
    assert "避難所" not in said
    menu = respond(DialogueState(), Pressed("menu"), known_in("ja", sample))
    assert "避難場所" in words_in(list(menu.messages))


async def test_what_is_in_force_at_the_place_decides(town: Town) -> None:
    user = await aboard(town, "en")
    where = (BESIDE_INASATO_CENTRE.longitude, BESIDE_INASATO_CENTRE.latitude)
    now = town.context.clock.now()

    def flood(areas: list[str], **changes: Any) -> Notice:
        fields: dict[str, Any] = {
            "identity": f"flood {areas}",
            "topic": "evacuation",
            "level": 4,
            "status": Status.ISSUED,
            "areas": areas,
            "drill": False,
            "reported_at": now - timedelta(minutes=5),
            "texts": {
                "ja": {"title": "", "text": "桜川が氾濫するおそれがあります。避難してください。"}
            },
            "decision": Decision.SEND,
            "decided_by": "boss@city.example",
            "created_at": now,
        }
        return Notice(**{**fields, **changes})

    async with town.database.writing() as session:
        # No drill begins in a grave danger; this is the moment before the rule ends the drill.
        await begin(session, town.city, (), now, drill=True, actor="desk@city.example")
        session.add(flood(["umesato"]))
        session.add(flood([], identity="a drill", drill=True))
    assert "稲里交流センター" in words_in(await town.is_at(user, *where))
    assert drill_mark("en") in words_in(await town.is_at(user, *where))
    async with town.database.writing() as session:
        session.add(flood(["inasato"]))
    said = words_in(await town.is_at(user, *where))
    assert drill_mark("en") not in said, "a real warning is in force where they are"
    assert "稲里交流センター" not in said
    assert hazard_names([Hazard.FLOOD], "en")[0] in said


def standing(**states: ShelterState) -> dict[str, ShelterStatus]:
    now = datetime(2026, 6, 15, 2, 30, tzinfo=UTC)
    return {
        code.strip("_"): ShelterStatus(
            shelter=code.strip("_"),
            drill=False,
            state=state,
            offers=["step-free", "pets"],
            changed_at=now,
            changed_by="desk@city.example",
        )
        for code, state in states.items()
    }


def test_what_staff_say_of_the_sites_is_told_with_them(sample: CityFolder) -> None:
    near = {site.name: site.code for site in sample.shelters}
    known = replace(
        known_in("en", sample),
        hazards=frozenset({Hazard.FLOOD}),
        shelter_states=standing(
            **{
                f"_{near['稲里中学校']}": ShelterState.CLOSED,
                f"_{near['稲里小学校']}": ShelterState.OPEN,
            }
        ),
    )
    outcome = respond(DialogueState(SHELTERS, "where"), BESIDE_INASATO_CENTRE, known)
    said = words_in(list(outcome.messages))
    assert "稲里中学校" not in said
    first = said[said.index("●") : said.index("Open map")]
    assert first.startswith("● Open\n1. 稲里小学校")
    assert "No steps, Pets may come" in first
    assert "茨城県つくば市稲里" in first
    assert "The city has not said yet whether it is open." in said.split("Open map")[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_if_every_site_for_the_danger_is_closed_none_is_offered(
    sample: CityFolder, language: str
) -> None:
    closed = {f"_{site.code}": ShelterState.CLOSED for site in sample.shelters}
    known = replace(known_in(language, sample), shelter_states=standing(**closed))
    outcome = respond(DialogueState(SHELTERS, "where"), BESIDE_INASATO_CENTRE, known)
    assert [message["type"] for message in outcome.messages] == ["text"]
    drill = DisasterMode(id=1, drill=True, areas=[], began_at=NOW, began_by="desk@city.example")
    in_drill = respond(
        DialogueState(SHELTERS, "where"), BESIDE_INASATO_CENTRE, replace(known, mode=drill)
    )
    mark = drill_mark(language)
    assert in_drill.messages[0]["text"] == f"{mark}{outcome.messages[0]['text']}"


async def test_a_site_that_staff_close_is_not_offered_any_more(town: Town) -> None:
    user = await aboard(town, "ja")
    where = (BESIDE_INASATO_CENTRE.longitude, BESIDE_INASATO_CENTRE.latitude)
    assert "稲里交流センター" in words_in(await town.is_at(user, *where))
    code = next(site.code for site in town.folder.shelters if site.name == "稲里交流センター")
    async with town.database.writing() as session:
        await set_state(
            session,
            town.folder.shelters,
            code,
            ShelterState.CLOSED,
            town.context.clock.now(),
            actor="desk@city.example",
            drill=False,
        )
    said = words_in(await town.is_at(user, *where))
    assert "稲里交流センター" not in said
    assert "稲里中学校" in said


def test_a_place_in_a_zone_of_the_hazard_map_is_said_first(sample: CityFolder) -> None:
    known = replace(known_in("en", sample), hazard_zones=sample.hazard_zones)
    first, second = respond(DialogueState(), BESIDE_INASATO_CENTRE, known).messages
    assert first["text"] == (
        "This place is in a danger zone of the city's hazard map: Flood (water up to 3 m deep)."
    )
    assert "稲里交流センター" in words_in([second])
    elsewhere = Located(140.1115, 36.0825)
    said = words_in(list(respond(DialogueState(), elsewhere, known).messages))
    assert "hazard map" not in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_zone_is_said_in_every_language(sample: CityFolder, language: str) -> None:
    known = replace(known_in(language, sample), hazard_zones=sample.hazard_zones)
    said = respond(DialogueState(), BESIDE_INASATO_CENTRE, known).messages[0]["text"]
    assert hazard_names([Hazard.FLOOD], language)[0] in said
    assert "3" in said
