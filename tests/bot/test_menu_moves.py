"""Disaster mode gives everybody whom it concerns its menu, and the ordinary one back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select

from bot.richmenu import RichMenus, moves
from bot.richmenu.moves import MenuMoves
from bot.richmenu.places import Kind
from response.models import MenuMove
from response.modes import begin, end
from subscriptions import residents
from tests.support.town import Town

STAFF = "desk@city.example"
LANGUAGES = ("ja", "my", "en")


class Died(Exception):
    """The process is gone."""


async def follow(town: Town, language: str, *areas: str) -> str:
    user = town.newcomer(language)
    now = town.context.clock.now()
    async with town.database.writing() as session:
        resident = await residents.follow(session, town.city, user, language=language, now=now)
        assert resident.id is not None
        await residents.choose_areas(session, town.city, resident.id, list(areas), now)
    return user


async def switch(town: Town, *areas: str, on: bool, drill: bool = False) -> None:
    now = town.context.clock.now()
    async with town.database.writing() as session:
        if on:
            await begin(session, town.city, areas, now, drill=drill, actor=STAFF)
        else:
            await end(session, town.city, now, drill=drill, actor=STAFF)


def menu_of(town: Town, user: str) -> str:
    """The name of somebody's menu without its version."""
    found = town.simulator.rich_menus.menus[town.simulator.users.get(user).rich_menu_id or ""]
    return str(found.content["name"]).removeprefix("todoke-").rpartition("-")[0]


def service(town: Town) -> MenuMoves:
    return MenuMoves(town.context, town.line, RichMenus(town.context, town.line))


async def test_everybody_gets_the_disasters_menu_in_their_language_and_their_own_again(
    town: Town,
) -> None:
    users = {language: await follow(town, language) for language in LANGUAGES}
    await switch(town, on=True)
    await service(town).work("all")
    assert {menu_of(town, user) for user in users.values()} == {
        "ja-disaster",
        "my-disaster",
        "en-disaster",
    }
    await switch(town, on=False)
    await service(town).work("all")
    for language, user in users.items():
        assert menu_of(town, user) == f"{language}-news"
    async with town.database.reading() as session:
        moved = list(await session.scalars(select(MenuMove)))
    assert len(moved) == 2 * len(town.city.languages)
    assert all(move.done_at is not None for move in moved)


async def test_only_the_districts_concerned_and_those_who_hear_of_the_whole_city(
    town: Town,
) -> None:
    first, second = (district.code for district in town.city.districts[:2])
    inside, outside = await follow(town, "ja", first), await follow(town, "ja", second)
    both, whole = await follow(town, "ja", first, second), await follow(town, "ja")
    menus = RichMenus(town.context, town.line)
    for user in (inside, outside, both, whole):
        await menus.give(user)
    await switch(town, first, on=True)
    await service(town).work("all")
    assert [menu_of(town, user) for user in (inside, outside, both, whole)] == [
        "ja-disaster",
        "ja-news",
        "ja-disaster",
        "ja-disaster",
    ]
    # Somebody who follows meanwhile gets what is right for their districts.
    late = await follow(town, "en", first)
    await menus.give(late)
    assert menu_of(town, late) == "en-disaster"
    # To other districts: whoever is no longer concerned gets their menu back.
    await switch(town, second, on=True)
    await service(town).work("all")
    assert [menu_of(town, user) for user in (inside, outside, both)] == [
        "ja-news",
        "ja-disaster",
        "ja-disaster",
    ]


async def test_a_process_that_dies_leaves_nobody_out(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "MOST", 2)
    monkeypatch.setattr(moves, "AT_ONCE", 2)
    users = [await follow(town, "ja") for _ in range(11)]
    await switch(town, on=True)
    dying = service(town)
    real, done = town.line.link_rich_menu_to_many, 0

    async def link(some: Any, menu_id: str) -> None:
        nonlocal done
        done += 1
        await real(some, menu_id)
        if done == 4:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr(town.line, "link_rich_menu_to_many", link)
        with pytest.raises(Died):
            await dying.work("all")
    async with town.database.reading() as session:
        query = select(MenuMove).where(col(MenuMove.language) == "ja")
        part = (await session.scalars(query)).one()
    assert 0 < part.moved < len(users) and part.done_at is None
    await service(town).work("all")
    assert {menu_of(town, user) for user in users} == {"ja-disaster"}


async def test_a_drills_menu_says_so_and_is_made_when_one_begins(town: Town) -> None:
    user = await follow(town, "ja")
    menus = RichMenus(town.context, town.line)
    assert not any("drill" in slot for slot in await menus.ensure())
    await switch(town, on=True, drill=True)
    await MenuMoves(town.context, town.line, menus).work("all")
    assert menu_of(town, user) == "ja-drill"
    linked = town.simulator.users.get(user).rich_menu_id
    assert linked is not None
    content = town.simulator.rich_menus.menus[linked].content
    assert content["chatBarText"] == "【訓練】"
    # The real one ends it.
    await switch(town, on=True)
    await MenuMoves(town.context, town.line, menus).work("all")
    assert menu_of(town, user) == "ja-disaster"


async def test_one_whom_line_does_not_know_keeps_nobody_from_their_menu(town: Town) -> None:
    known = await follow(town, "ja")
    async with town.database.writing() as session:
        now = town.context.clock.now()
        await residents.follow(session, town.city, "U" + "f" * 32, language="ja", now=now)
    menus = RichMenus(town.context, town.line)
    asked: list[str] = []

    async def give(user: str) -> None:
        asked.append(user)
        if user == known:
            await menus.give(user)

    town.queue.register("bot.menu", give)
    await switch(town, on=True)
    await MenuMoves(town.context, town.line, menus).work("all")
    await town.settle()
    assert sorted(asked) == sorted([known, "U" + "f" * 32])
    assert menu_of(town, known) == "ja-disaster"


async def test_a_tab_leads_to_the_next_and_says_nothing(town: Town) -> None:
    user = await follow(town, "vi")
    await RichMenus(town.context, town.line).give(user)
    for kind in (Kind.DAILY, Kind.TELL, Kind.MINE, Kind.NEWS):
        linked = town.simulator.users.get(user).rich_menu_id
        assert linked is not None
        areas = town.simulator.rich_menus.menus[linked].content["areas"]
        tab = next(a["action"] for a in areas if a["action"].get("data") == f"do=tab&to={kind}")
        town.simulator.phones.tap(user, tab)
        assert await town.news(user) == []
        assert menu_of(town, user) == f"vi-{kind}"
