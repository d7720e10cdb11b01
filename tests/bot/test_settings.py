"""A resident's choices can be changed, shown and erased at any time (promise 9)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot import messages
from bot.dialogues import respond
from bot.dialogues.kinds import DialogueState, Pressed, Said, SetArea
from bot.models import WebhookEvent
from city.city import Decision
from city.folder import CityFolder
from feeds.jma.levels import INTENSITY_LEVELS
from feeds.models import HazardState, Notice, Source, Status
from feeds.texts import intensity_name
from subscriptions import page_choices
from subscriptions import residents as registry
from subscriptions.models import Resident, ResidentState
from tests.support.chats import aboard, known_in
from tests.support.town import Town, actions_in, words_in


async def test_topics_districts_level_and_quiet_hours_can_be_changed(town: Town) -> None:
    user = await aboard(town)
    menu = await town.says(user, "Settings")
    topics = await town.taps(user, menu, "topics")
    topics = await town.taps(user, topics, "do=topic&code=events&on=1")
    await town.taps(user, topics, "do=topic&code=weather&on=0")
    areas = await town.taps(user, menu, "areas")
    first, second = (district.code for district in town.city.districts[:2])
    areas = await town.taps(user, areas, f"do=area&to={first}&on=1")
    await town.taps(user, areas, f"do=area&to={second}&on=1")
    levels = await town.taps(user, menu, "levels")
    await town.taps(user, levels, "do=level&to=3")
    quakes = await town.taps(user, menu, "quakes")
    await town.taps(user, quakes, "do=quake&to=4")
    quiet = await town.taps(user, menu, "quiet-hours")
    clock = await town.taps(user, quiet, "quiet-from")
    until = await town.taps(user, clock, "quiet-until", time="21:30")
    await town.taps(user, until, "quiet", time="06:15")
    choices = await town.preferences(user)
    assert choices.topics["events"] == 0
    assert choices.topics["weather"] == 3
    assert choices.topics["earthquake"] == INTENSITY_LEVELS["5-"]
    assert choices.areas == tuple(sorted((first, second)))
    assert (choices.quiet_start, choices.quiet_end) == (1290, 375)
    shown = words_in(await town.says(user, "settings"))
    assert "21:30–06:15" in shown
    assert "Alert level 3 and above" in shown
    assert f"Intensity {intensity_name('5-', 'en')} and above" in shown
    whole = await town.taps(user, menu, "areas")
    await town.taps(user, whole, "area-all")
    assert (await town.preferences(user)).areas == ()


async def test_a_button_pressed_before_the_page_was_saved_changes_nothing(town: Town) -> None:
    """The button's event comes late: the newer choice is the page's. Other choices are free."""
    user = await aboard(town)
    menu = await town.says(user, "Settings")
    areas = await town.taps(user, menu, "areas")
    topics = await town.taps(user, menu, "topics")
    first, second, third = (district.code for district in town.city.districts[:3])
    city, later = town.city, datetime.now(UTC) + timedelta(minutes=5)
    async with town.database.writing() as session:
        found = await registry.find(session, user)
        assert found is not None and found.id is not None
        await registry.choose_areas(session, city, found.id, [second], later)
        saved = [page_choices.area_choice(one) for one in (first, second)]
        saved.append(page_choices.topic_choice("events"))
        await page_choices.note_times(session, found.id, saved, later)
    await town.taps(user, areas, f"do=area&to={first}&on=1")
    await town.taps(user, areas, f"do=area&to={third}&on=1")
    await town.taps(user, topics, "do=topic&code=events&on=1")
    choices = await town.preferences(user)
    assert choices.areas == tuple(sorted((second, third)))
    assert "events" not in choices.topics
    await town.taps(user, areas, "area-all")
    assert (await town.preferences(user)).areas == (second,)


def test_weaker_shocks_than_the_citys_threshold_can_be_asked_for(sample: CityFolder) -> None:
    def offered(threshold: str) -> list[str]:
        known = known_in("en", sample)
        jma = known.city.jma.model_copy(update={"quake_threshold": threshold})
        known = replace(known, city=known.city.model_copy(update={"jma": jma}))
        card = respond(DialogueState(), Pressed("quakes"), known).messages[0]
        return re.findall(r"Intensity (.+?) and above", words_in([card]))

    lower = intensity_name("5-", "en")
    assert list(dict.fromkeys(offered("3"))) == ["1", "3", "4", lower]
    assert list(dict.fromkeys(offered("4"))) == ["1", "3", "4", lower]
    assert list(dict.fromkeys(offered("1"))) == ["1", "3", "4", lower]


def test_the_quiet_hours_in_force_are_marked_whosoever_chose_them(sample: CityFolder) -> None:
    """The city's, one of those offered, hours of one's own, none: one tile is marked."""
    for hours, marked in (
        ((None, None), "22:00–07:00"),
        ((1260, 360), "21:00–06:00"),
        ((90, 400), "01:30–06:40"),
        ((0, 0), "No quiet hours"),
    ):
        known = known_in("en", sample).having(quiet_start=hours[0], quiet_end=hours[1])
        card = respond(DialogueState(), Pressed("quiet-hours"), known).messages[0]
        tiles = [
            tile for row in card["contents"]["body"]["contents"][2:] for tile in row["contents"]
        ]
        strong = [tile for tile in tiles if tile["backgroundColor"] == messages.BRAND]
        assert len(strong) == 1
        assert marked in [part["text"] for part in strong[0]["contents"]]
        assert {part["color"] for part in strong[0]["contents"]} == {"#FFFFFF"}


async def test_an_evacuation_notice_cannot_be_switched_off(town: Town) -> None:
    user = await aboard(town)
    town.simulator.phones.postback(user, "do=topic&code=evacuation&on=0")
    assert "Always on" in words_in(await town.news(user))
    assert "evacuation" in (await town.preferences(user)).topics


async def test_the_language_changes_at_once(town: Town) -> None:
    user = await aboard(town)
    languages = await town.says(user, "language")
    answer = await town.taps(user, languages, "한국어")
    assert "저장했습니다" in words_in(answer)
    assert "대피 장소" in words_in(await town.says(user, "menu"))


async def test_what_is_kept_is_shown_and_erased(town: Town) -> None:
    user = await aboard(town)
    await town.says(user, "My neighbour is called Sato.")
    data = await town.taps(user, await town.says(user, "settings"), "data")
    assert "Your LINE user ID is kept" in words_in(data)
    asked = await town.taps(user, data, "erase")
    assert "Nothing was erased" in words_in(await town.taps(user, asked, "erase-no"))
    answer = await town.taps(user, asked, "erase-yes")
    assert "erased" in words_in(answer)
    async with town.database.reading() as session:
        assert list(await session.scalars(select(Resident))) == []
        events = list(await session.scalars(select(WebhookEvent)))
    assert all(event.line_user_id is None and event.payload == "{}" for event in events)
    again = await town.says(user, "Hello again")
    assert "LINE account" in words_in(again)


async def test_leaving_stops_everything_and_coming_back_restores(town: Town) -> None:
    user = await aboard(town)
    town.simulator.phones.postback(user, "do=topic&code=crime&on=1")
    await town.news(user)
    before = await town.preferences(user)
    town.simulator.phones.block(user)
    assert await town.news(user) == []
    async with town.database.reading() as session:
        (resident,) = await session.scalars(select(Resident))
    assert resident.state is ResidentState.LEFT
    news = await town.follows(user)
    assert "Welcome back" in words_in(news)
    assert (await town.preferences(user)).topics == before.topics


async def test_coming_aboard_is_taken_up_where_it_stopped(town: Town) -> None:
    user = town.newcomer("en")
    news = await town.follows(user)
    await town.taps(user, news, "English")
    town.simulator.phones.postback(user, "do=report")
    report = await town.news(user)
    assert "broken" in words_in(report)
    await town.taps(user, report, "Cancel")
    news = await town.says(user, "and now?")
    assert "and now?" in words_in(news)
    assert "Your district" in words_in(news)
    assert (await town.dialogue(user)).name == "onboarding"


@pytest.mark.slow
async def test_a_district_is_found_however_it_is_written(town: Town) -> None:
    district = town.city.districts[0]
    for written in {*district.names.values(), district.names["en"].upper()}:
        user = town.newcomer("en")
        news = await town.follows(user)
        await town.taps(user, news, "English")
        await town.says(user, f" {written} ")
        assert (await town.preferences(user)).areas == (district.code,), written


async def test_a_sent_location_finds_the_district_or_says_that_it_is_outside(town: Town) -> None:
    user = town.newcomer("en")
    await town.taps(user, await town.follows(user), "English")
    assert "outside" in words_in(await town.is_at(user, 139.7, 35.7))
    await town.is_at(user, 140.1115, 36.0825)
    found = town.city.district_at(140.1115, 36.0825)
    assert found is not None
    assert (await town.preferences(user)).areas == (found.code,)


async def test_nothing_is_a_dead_end(town: Town) -> None:
    user = await aboard(town)
    for text in ("", "🙂", "\u200b\u202e", "asdf", "שלום", "x" * 4000, "{city} {0} %s"):
        if text:
            assert await town.says(user, text), text
    town.simulator.phones.send_sticker(user, "1", "1")
    assert "Thank you" in words_in(await town.news(user))
    for data in ("", "do=nothing", "garbage", "do=area&to=nowhere", "do=quiet&start=9999&end=x"):
        town.simulator.phones.postback(user, data or "x")
        assert await town.news(user), data


async def test_the_nearest_shelters_are_shown(town: Town) -> None:
    user = await aboard(town)
    asked = await town.says(user, "shelter")
    assert "location" in words_in(asked)
    news = await town.is_at(user, 140.1115, 36.0825)
    assert "Nearest evacuation sites" in words_in(news)
    assert words_in(news).count("Open map") == 5


@pytest.mark.slow
async def test_a_cry_for_help_is_answered_in_every_language(town: Town) -> None:
    for language, cry in (
        ("ja", "家が火事です"),
        ("my", "မီးလောင်နေတယ်"),
        ("vi", "Cháy nhà"),
        ("ne", "आगो लाग्यो"),
        ("mn", "Туслаарай!"),
        ("en", "119"),
    ):
        user = await aboard(town, language)
        news = await town.says(user, cry)
        assert "tel:119" in str(news), language


async def test_no_warnings_are_said_when_none_are_in_force(town: Town) -> None:
    user = await aboard(town)
    assert "No warnings" in words_in(await town.says(user, "warnings"))


def notice(identity: str, title: str, **more: Any) -> Notice:
    return Notice(
        **{
            "identity": identity,
            "topic": "evacuation",
            "status": Status.ISSUED,
            "level": 4,
            "drill": False,
            "reported_at": datetime.now(UTC),
            "texts": {"ja": {"title": title, "text": "本文"}, "en": {"title": title, "text": "…"}},
            "decision": Decision.SEND,
            "decided_by": "staff@example.jp",
            "created_at": datetime.now(UTC),
            **more,
        }
    )


async def test_what_is_in_force_is_said_and_nothing_else(town: Town) -> None:
    """Hazards in force and alerts of staff; never a drill or a withdrawn alert."""
    user = await aboard(town)
    old = datetime.now(UTC) - timedelta(days=3)
    async with town.database.writing() as session:
        session.add(Source(code="jma-extra", kind="jma"))
        await session.flush()
        rain = notice("rain", "Heavy rain", level=3, topic="weather", source="jma-extra")
        taken_back = notice("error", "Wrong order")
        session.add_all(
            [
                rain,
                taken_back,
                notice("order", "Evacuation order"),
                notice("drill", "A drill", drill=True),
                notice("held", "Held", decision=Decision.HOLD),
                notice("old", "Last week's", reported_at=old),
                notice("over", "Expired", expires_at=datetime.now(UTC) - timedelta(minutes=1)),
                notice("lifted", "Lifted", status=Status.LIFTED),
            ]
        )
        await session.flush()
        session.add(
            notice("back", "Correction", status=Status.CANCELLED, replaces_id=taken_back.id)
        )
        session.add(
            HazardState(
                municipality=town.city.jma.municipality,
                hazard="heavy-rain",
                area="0822000",
                level=3,
                reported_at=datetime.now(UTC),
                notice_id=rain.id,
            )
        )
    said = words_in(await town.says(user, "warnings"))
    assert "Evacuation order" in said
    assert said.index("Evacuation order") < said.index("Heavy rain")
    for absent in ("drill", "Held", "Last week", "Expired", "Lifted", "Wrong", "Correction"):
        assert absent not in said


async def test_the_daily_summary_and_the_reminder_have_a_screen(town: Town) -> None:
    user = await aboard(town)
    menu = await town.says(user, "Settings")
    digest = await town.taps(user, menu, "digest")
    await town.taps(user, digest, "do=digest-at&hour=7")
    reminder = await town.taps(user, menu, "do=reminder")
    await town.taps(user, reminder, "do=reminder&in=morning")
    choices = await town.preferences(user)
    assert (choices.digest_hour, choices.remind_in_morning) == (7, True)
    assert "collection" in choices.topics, "reminders come under this topic"
    shown = words_in(await town.says(user, "settings"))
    assert "07:00" in shown and "On the morning itself" in shown


async def test_how_much_of_a_topic_is_chosen_in_plain_words(town: Town) -> None:
    user = await aboard(town)
    town.simulator.phones.postback(user, "do=topic&code=crime&on=1")
    await town.news(user)
    amounts = await town.taps(user, await town.says(user, "settings"), "amounts")
    assert "evacuation" not in str(amounts), "nobody can hear less of that"
    crime = await town.taps(user, amounts, "do=amount&code=crime")
    await town.taps(user, crime, "Only what is urgent")
    urgent = town.city.topic_by_code["crime"].emergency_level
    assert (await town.preferences(user)).topics["crime"] == urgent
    weather = await town.taps(user, amounts, "do=amount&code=weather")
    assert "Warnings and above: older people leave" in words_in(weather)
    await town.taps(user, weather, "do=amount&code=weather&to=off")
    assert "weather" not in (await town.preferences(user)).topics


@pytest.mark.parametrize("said", ["通知がうるさい", "too many messages"])
async def test_whoever_gets_too_much_is_offered_less_before_leaving(town: Town, said: str) -> None:
    user = await aboard(town, "en")
    answer = await town.says(user, said)
    for do in ("urgent-only", "quiet-hours", "digest", "topics"):
        await town.taps(user, answer, do)
    choices = await town.preferences(user)
    assert "evacuation" in choices.topics
    for code, level in choices.topics.items():
        topic = town.city.topic_by_code[code]
        assert topic.mandatory or level >= topic.emergency_level, code


async def test_children_are_kept_by_month_and_removed(town: Town) -> None:
    user = await aboard(town)
    now = town.context.clock.now()
    year = str(now.year - 1)
    card = await town.taps(user, await town.says(user, "settings"), "children")
    years = await town.taps(user, card, "child-year")
    months = await town.taps(user, years, year)
    card = await town.taps(user, months, f"do=child&born={year}-02&on=1")
    choices = await town.preferences(user)
    assert choices.children == (f"{year}-02",)
    assert "childcare" in choices.topics, "reminders come under this topic"
    assert "Check-up" in words_in(card) or "accination" in words_in(card)
    assert f"February {year}" in words_in(await town.taps(user, card, "settings"))
    await town.taps(user, card, f"do=child&born={year}-02&on=0")
    assert (await town.preferences(user)).children == ()
    for born in ("1950-01", "2999-01", "2024-13", "x"):
        town.simulator.phones.postback(user, f"do=child&born={born}&on=1")
        await town.news(user)
    assert (await town.preferences(user)).children == ()


async def test_who_follows_is_told_what_is_kept_and_why(town: Town) -> None:
    user = town.newcomer("en")
    greeting = words_in(await town.follows(user))
    assert "we keep your LINE user ID and your choices" in greeting
    assert town.city.privacy_url in greeting


def large(sample: CityFolder, many: int = 95) -> CityFolder:
    """The sample city with so many districts, the last of them with names in several scripts."""
    first = sample.city.districts[0]
    named = [
        first.model_copy(
            update={"code": f"d{n:02}", "names": {"ja": f"第{n}地区", "en": f"District No {n}"}}
        )
        for n in range(1, many)
    ]
    names = {"ja": "豊里", "ja-x-easy": "豊里（とよさと）"}  # no name in Latin letters
    last = first.model_copy(update={"code": "last", "names": names})
    city = sample.city.model_copy(update={"districts": (*named, last)})
    city.__dict__.pop("district_by_code", None)  # the copy has what the sample had looked up
    return replace(sample, city=city)


def test_every_district_of_a_large_city_is_reached_by_turning_pages(sample: CityFolder) -> None:
    known = known_in("en", large(sample)).having(areas=())
    known = replace(known, city=large(sample).city)
    outcome = respond(DialogueState(), Pressed("areas"), known)
    seen: set[str] = set()
    for _ in range(10):
        card = outcome.messages[0]
        assert len(str(card)) < 30_000
        seen |= {
            messages.decode_postback(action["data"])[1]["to"]
            for action in actions_in(card)
            if action.get("data", "").startswith("do=area&")
        }
        onwards = [a for a in actions_in(card) if a.get("displayText") == "Next page"]
        if not onwards:
            break
        pressed = messages.decode_postback(onwards[0]["data"])
        outcome = respond(outcome.state, Pressed(*pressed), known)
    assert seen == {district.code for district in known.city.districts}


@pytest.mark.parametrize(
    "said", ["豊里", "とよさと", "トヨサト", "ﾄﾖｻﾄ", "toyosato", "TOYOSATO", "Toyosat"]
)
def test_the_last_district_of_a_long_list_is_found_by_its_name(
    sample: CityFolder, said: str
) -> None:
    known = replace(known_in("en", sample).having(areas=()), city=large(sample).city)
    opened = respond(DialogueState(), Pressed("areas"), known)
    found = respond(opened.state, Said(said), known)
    assert found.effects == (SetArea("last", True),)
    assert "豊里" in words_in(list(found.messages))


def test_while_the_list_is_open_other_questions_are_answered_as_always(sample: CityFolder) -> None:
    known = replace(known_in("en", sample).having(areas=()), in_force=())
    opened = respond(DialogueState(), Pressed("areas"), known)
    answer = respond(opened.state, Said("How do I use this?"), known)
    assert answer.state == DialogueState()
    assert answer.effects == ()
    unknown = respond(opened.state, Said("Atlantis-upon-Sea"), known)
    assert "could not find a district" in words_in(list(unknown.messages))


async def test_a_position_adds_a_district_later(town: Town) -> None:
    user = await aboard(town)
    await town.taps(user, await town.says(user, "settings"), "areas")
    await town.is_at(user, 140.1115, 36.0825)
    found = town.city.district_at(140.1115, 36.0825)
    assert found is not None
    assert (await town.preferences(user)).areas == (found.code,)
    assert "outside" in words_in(await town.is_at(user, 139.7, 35.7))
