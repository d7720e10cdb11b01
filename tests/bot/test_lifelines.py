"""What staff list is answered in the chat, the nearest first, in every language, drills marked."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from PIL import Image

from bot.dialogues import respond
from bot.dialogues.kinds import IDLE, DialogueState, Known, Located, Pressed, Said
from city.folder import CityFolder
from city.map_picture import draw_sites
from core.languages import LANGUAGES
from feeds.texts import drill_mark
from public.pictures import MapAddresses, Pictures
from public.words import lifeline_kind, lifeline_state
from response.lifelines import Listed, add
from response.models import DisasterMode, Lifeline, LifelineKind, LifelineState, ShelterState
from response.modes import begin
from response.shelters import set_state
from tests.support.chats import aboard, known_in
from tests.support.town import Town, words_in

NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
YAMANOBE = (140.0523, 36.1841)
HERE = Located(*YAMANOBE)
STAFF = "desk@city.example"


def one(
    name: str,
    kind: LifelineKind = LifelineKind.WATER,
    state: LifelineState = LifelineState.OPEN,
    away: float = 0.0,
    **more: object,
) -> Lifeline:
    row = Lifeline(
        kind=kind,
        drill=False,
        name=name,
        area="yamanobe",
        longitude=YAMANOBE[0],
        latitude=YAMANOBE[1] - away,
        state=state,
        until=NOW + timedelta(hours=5),
        began_at=NOW,
        changed_at=NOW,
        changed_by=STAFF,
        remarks=["bring-bottles"],
        notes={"ja": "正門から"},
    )
    for key, value in more.items():
        setattr(row, key, value)
    return row


def knowing(sample: CityFolder, language: str, *rows: Lifeline) -> Known:
    return replace(
        known_in(language, sample),
        lifelines=rows,
        lifelines_url="https://city.example/lifelines",
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_nearest_of_each_kind_are_said_in_every_language(
    sample: CityFolder, language: str
) -> None:
    rows = [
        one("遠い給水車", away=0.03),
        one("近い給水車", away=0.001),
        one("混む給水車", away=0.0, state=LifelineState.BUSY),
        one("北部", LifelineKind.POWER, LifelineState.STOPPED, longitude=None, latitude=None),
    ]
    known = knowing(sample, language, *rows)
    outcome = respond(DialogueState(), Pressed("ask", {"what": "lifelines"}), known)
    said = words_in(list(outcome.messages))
    assert lifeline_kind(LifelineKind.WATER, language) in said
    assert lifeline_state(LifelineKind.POWER, LifelineState.STOPPED, language) in said
    near = respond(outcome.state, HERE, known)
    assert near.state.name == IDLE
    said = words_in(list(near.messages))
    assert said.index("近い給水車") < said.index("遠い給水車")
    assert "110 m" in said and "混む給水車" not in said and "正門から" in said
    assert f"https://city.example/lifelines?lang={language}" in str(near.messages)


def test_where_nothing_is_listed_it_says_whom_to_ask(sample: CityFolder) -> None:
    outcome = respond(DialogueState(), Said("Is there water?"), knowing(sample, "en"))
    assert outcome.state.name == IDLE


def test_a_drills_list_is_marked_and_has_no_link_to_the_page(sample: CityFolder) -> None:
    mode = DisasterMode(drill=True, began_at=NOW, began_by=STAFF)
    known = replace(knowing(sample, "ja", one("訓練の給水車")), mode=mode)
    outcome = respond(DialogueState(), Pressed("ask", {"what": "lifelines"}), known)
    said = words_in(list(outcome.messages))
    assert drill_mark("ja") in said and "city.example/lifelines" not in str(outcome.messages)


async def test_a_resident_sees_what_staff_list_until_it_ends_and_nothing_of_a_staff_drill(
    town: Town,
) -> None:
    user = await aboard(town, "ja")
    now = town.context.clock.now()
    listed = Listed(
        LifelineKind.WATER,
        "山辺小学校の給水車",
        LifelineState.OPEN,
        now + timedelta(minutes=30),
        position=YAMANOBE,
    )
    async with town.database.writing() as session:
        await begin(session, town.city, (), now, drill=True, actor=STAFF, staff_only=True)
        await add(
            session, town.city, replace(listed, name="訓練の給水車"), now, drill=True, actor=STAFF
        )
        await add(session, town.city, listed, now, drill=False, actor=STAFF)
        await set_state(
            session, town.folder.shelters, "0001", ShelterState.CLOSED, now, actor=STAFF, drill=True
        )
    said = words_in(await town.says(user, "給水車はどこですか"))
    assert "山辺小学校の給水車" in said and "訓練" not in said
    said = words_in(await town.is_at(user, *YAMANOBE))
    assert "山辺小学校の給水車" in said and "0 m" in said
    # The next position is asked for shelters again; the site closed in the drill is not closed.
    said = words_in(await town.is_at(user, *YAMANOBE))
    site = next(one for one in town.folder.shelters if one.code == "0001")
    assert site.name in said and "訓練" not in said


def test_sites_are_numbered_and_on_a_map_with_their_states(sample: CityFolder) -> None:
    pictures = Pictures("https://city.example", "a-key")
    known = replace(known_in("ja", sample), pictures=pictures)
    outcome = respond(DialogueState("shelters", "where"), HERE, known)
    said = words_in(list(outcome.messages))
    assert "1. " in said and "5. " in said
    hero = outcome.messages[-1]["contents"]["hero"]["url"]
    name = urlsplit(hero).path.removeprefix("/map/sites-").removesuffix(".png")
    found = MapAddresses("a-key").sites(name)
    assert found is not None and len(found[1]) == 5
    assert found[0] == pytest.approx(YAMANOBE)
    assert MapAddresses("other").sites(name) is None
    for wrong in (name[:-4], name + "AAAA", "A" * len(name), "", "é"):
        assert MapAddresses("a-key").sites(wrong) is None
    assert len(hero) < 1000
    for sites in (found[1], found[1][:1]):
        for here in (found[0], None):
            drawn = draw_sites(sample.city, sample.places, here, sites)
            assert Image.open(io.BytesIO(drawn)).size == (1040, 676)
