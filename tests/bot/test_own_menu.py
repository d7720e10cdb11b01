"""A picture of the city's own in place of the first tab: checked, shown, and given back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image
from sqlmodel import select

from bot.dialogues.buttons import typed_button
from bot.richmenu import RichMenus, own
from bot.richmenu.places import Kind
from city.own_menu import OwnMenu, read_menu
from core.audit import AuditEntry
from core.errors import Refusal
from tests.support.town import Town

HOSTS = ("city.example.jp",)


def picture(width: int = 1200, height: int = 810, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(made, kind)
    return made.getvalue()


def area(action: dict[str, Any], x: int = 0, width: int = 600) -> dict[str, Any]:
    return {"bounds": {"x": x, "y": 0, "width": width, "height": 810}, "action": action}


def exported(*areas: dict[str, Any], **more: Any) -> str:
    menu = {
        "richMenuId": "richmenu-1",
        "name": "平常時",
        "size": {"width": 1200, "height": 810},
        "selected": False,
        "chatBarText": "市のメニュー",
        "areas": list(areas),
        **more,
    }
    return json.dumps({"richmenus": [menu]}, ensure_ascii=False)


TEXT = area({"type": "message", "text": "設定"})
LINK = area({"type": "uri", "uri": "https://www.city.example.jp/bus"}, 600)


def read(menu: str, image: bytes = b"") -> OwnMenu:
    return read_menu(menu, image or picture(), hosts=HOSTS, button=typed_button)


def test_a_text_that_is_a_button_of_ours_becomes_it() -> None:
    made = read(exported(TEXT, LINK))
    first, second = (one["action"] for one in made.menu["areas"])
    assert first == {"type": "postback", "data": "do=settings", "displayText": "設定"}
    assert second == {"type": "uri", "uri": "https://www.city.example.jp/bus"}
    assert made.changed == ("1: 設定 → settings",)
    assert made.menu["chatBarText"] == "市のメニュー"


@pytest.mark.parametrize(
    ("menu", "image", "why"),
    [
        ("{", b"", "as LINE exports it"),
        ("[1]", b"", "as LINE exports it"),
        (exported(TEXT), b"%PDF-", "neither PNG nor JPEG"),
        (exported(TEXT), b"x" * (1024 * 1024 + 1), "larger than 1 MB"),
        (exported(TEXT), picture(700, 400), "800 to 2,500 wide"),
        (exported(TEXT), picture(1200, 1100), "1.45 times"),
        (exported(TEXT), picture(2500, 843), "but the menu says"),
        (exported(), b"", "1 to 20 areas, not 0"),
        (exported(*[TEXT] * 21), b"", "1 to 20 areas, not 21"),
        (exported(TEXT, area({"type": "message", "text": "x"}, 700)), b"", "Area 2 is not inside"),
        (exported(TEXT, area({"type": "message", "text": ""})), b"", "Area 2 has no words"),
        (exported(TEXT, area({"type": "camera"})), b"", "Area 2 does “camera”"),
        (exported(LINK), b"", "leads to Todoke's own menu"),
        *(
            (exported(TEXT, area({"type": "uri", "uri": address})), b"", "Area 2 leads to")
            for address in (
                "javascript:alert(1)",
                "http://www.city.example.jp/",
                "https://evil.example/?city.example.jp",
                "https://city.example.jp.evil.example/",
                "https://a@city.example.jp/",
            )
        ),
    ],
)
def test_what_may_not_be_shown_is_refused_in_one_sentence(
    menu: str, image: bytes, why: str
) -> None:
    with pytest.raises(Refusal) as refused:
        read(menu, image)
    assert why in str(refused.value)


async def test_residents_get_it_in_place_of_the_first_tab_and_ours_again(town: Town) -> None:
    user = town.newcomer("ja")
    town.simulator.users.set_standing(user, "friend")
    menus = RichMenus(town.context, town.line)
    clock, database = town.context.clock, town.database
    await town.follows(user)
    await menus.give(user)

    def shown() -> Any:
        menu = town.simulator.rich_menus.menus[town.simulator.users.get(user).rich_menu_id or ""]
        return menu.content

    before = shown()["areas"]
    media = town.context.settings.media_dir
    async with database.writing() as session:
        await own.take(
            session, media, "ja", read(exported(TEXT, LINK)), actor="shell:it", now=clock.now()
        )
    other = RichMenus(town.context, town.line)
    await other.keep()
    await other.give(user)
    assert [one["action"]["type"] for one in shown()["areas"]] == ["postback", "uri"]
    async with database.writing() as session:
        await own.give_back(session, "ja", actor="shell:it", now=clock.now())
    await other.keep()
    await other.give(user)
    assert shown()["areas"] == before
    async with database.reading() as session:
        acts = [one.subject for one in await session.scalars(select(AuditEntry))]
    assert acts.count("words:menus/ja") == 2


async def test_without_its_picture_ours_is_shown(town: Town) -> None:
    media, clock = town.context.settings.media_dir, town.context.clock
    async with town.database.writing() as session:
        await own.take(
            session, media, "ja", read(exported(TEXT, LINK)), actor="shell:it", now=clock.now()
        )
    for file in (media / own.FOLDER).iterdir():
        file.unlink()
    menus = RichMenus(town.context, town.line)
    await menus.keep()
    assert await menus.menu("ja", Kind.NEWS) is not None
