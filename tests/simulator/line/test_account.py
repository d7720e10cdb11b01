"""What the service may ask of the account: profiles, followers, content, menus."""

from __future__ import annotations

import asyncio
import io
import time

from PIL import Image

from simulator.line import FaultPlan
from simulator.line.phones import Content
from tests.support.line_account import Line
from tests.support.rich_menus import MENU, made_menu, picture, put_picture


async def test_a_profile_is_there_for_friends_alone(line: Line) -> None:
    users = line.simulator.users
    user = users.add_user("မောင်မောင်", "my", picture_url="https://example.com/a.jpg")
    assert (await line.get(f"/v2/bot/profile/{user}")).status == 404
    users.set_standing(user, "friend")
    assert (await line.get(f"/v2/bot/profile/{user}")).content == {
        "userId": user,
        "displayName": "မောင်မောင်",
        "pictureUrl": "https://example.com/a.jpg",
        "language": "my",
    }
    silent = users.add_user("誰か", None, follows=True)
    assert "language" not in (await line.get(f"/v2/bot/profile/{silent}")).content
    users.set_standing(user, "blocked")
    assert (await line.get(f"/v2/bot/profile/{user}")).status == 404


async def test_followers_come_in_pages(line: Line) -> None:
    friends = [line.simulator.users.add_user(str(n), follows=True) for n in range(7)]
    seen: list[str] = []
    start = ""
    while True:
        said = await line.get(f"/v2/bot/followers/ids?limit=3{start}")
        seen += said.content["userIds"]
        if "next" not in said.content:
            break
        start = f"&start={said.content['next']}"
    assert seen == friends
    assert (await line.get("/v2/bot/followers/ids?limit=1001")).status == 400


async def test_content_is_served_previewed_slow_and_gone(line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    photo = simulator.ready_photos.read("pothole-near")
    event = simulator.phones.send_media(user, "image", Content(photo, "image/jpeg"))
    path = f"/v2/bot/message/{event['message']['id']}/content"
    said = await line.get(path)
    assert (said.content, said.headers["content-type"]) == (photo, "image/jpeg")
    preview = await line.get(f"{path}/preview")
    with Image.open(io.BytesIO(preview.content)) as small:
        assert max(small.size) == 240
    assert (await line.get(f"{path}/transcoding")).content == {"status": "succeeded"}

    simulator.faults = FaultPlan.parse("slow-content=1MB/s")
    start = time.monotonic()
    assert (await line.get(path)).content == photo
    assert time.monotonic() - start >= len(photo) / 1_000_000
    simulator.phones.expire_content(event["message"]["id"])
    assert (await line.get(path)).status == 410
    assert (await line.get("/v2/bot/message/1/content")).status == 404


async def test_loading_is_shown_and_checked(line: Line) -> None:
    told: list[str] = []
    users = line.simulator.users
    user = users.add_user("花子", follows=True)
    users.listen(lambda _user, kind, _data: told.append(kind))
    path = "/v2/bot/chat/loading/start"
    assert (await line.post(path, {"chatId": user, "loadingSeconds": 10})).status == 202
    assert told == ["loading"]
    assert (await line.post(path, {"chatId": user, "loadingSeconds": 7})).status == 400
    assert (await line.post(path, {"chatId": "U" + "0" * 32})).status == 400


async def test_a_rich_menu_is_made_shown_switched_and_taken_away(line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    first, second = await made_menu(line), await made_menu(line)
    listed = await line.get("/v2/bot/richmenu/list")
    assert [menu["richMenuId"] for menu in listed.content["richmenus"]] == [first, second]
    assert (await line.get(f"/v2/bot/richmenu/{first}/content")).content == picture()

    assert (await line.get("/v2/bot/user/all/richmenu")).status == 404
    assert (await line.call("POST", f"/v2/bot/user/all/richmenu/{first}")).status == 200
    assert (await line.get("/v2/bot/user/all/richmenu")).content == {"richMenuId": first}
    # The default is not a link: LINE says the user has none.
    assert (await line.get(f"/v2/bot/user/{user}/richmenu")).status == 404

    alias = {"richMenuAliasId": "second", "richMenuId": second}
    assert (await line.post("/v2/bot/richmenu/alias", alias)).status == 200
    assert (await line.post("/v2/bot/richmenu/alias", alias)).status == 400
    assert (await line.get("/v2/bot/richmenu/alias/list")).content == {"aliases": [alias]}
    event = simulator.phones.tap(user, MENU["areas"][0]["action"])
    assert event is not None
    assert event["postback"] == {
        "data": "switched",
        "params": {"newRichMenuAliasId": "second", "status": "SUCCESS"},
    }
    assert (await line.get(f"/v2/bot/user/{user}/richmenu")).content == {"richMenuId": second}

    moved = {"richMenuId": first}
    assert (await line.post("/v2/bot/richmenu/alias/second", moved)).status == 200
    assert (await line.get("/v2/bot/richmenu/alias/second")).content["richMenuId"] == first
    assert (await line.call("DELETE", f"/v2/bot/user/{user}/richmenu")).status == 200
    bulk = {"richMenuId": second, "userIds": [user]}
    assert (await line.post("/v2/bot/richmenu/bulk/link", bulk)).status == 202
    assert (await line.get(f"/v2/bot/user/{user}/richmenu")).content == {"richMenuId": second}
    replaced = {"operations": [{"type": "link", "from": second, "to": first}]}
    assert (await line.post("/v2/bot/richmenu/batch", replaced)).status == 202
    assert (await line.get(f"/v2/bot/user/{user}/richmenu")).content == {"richMenuId": first}
    assert (
        await line.post("/v2/bot/richmenu/batch", {"operations": [{"type": "x"}]})
    ).status == 400
    unlink = {"userIds": [user]}
    assert (await line.post("/v2/bot/richmenu/bulk/unlink", unlink)).status == 202
    assert (await line.call("POST", f"/v2/bot/user/{user}/richmenu/{second}")).status == 200
    assert (await line.call("DELETE", f"/v2/bot/richmenu/{second}")).status == 200
    assert (await line.get(f"/v2/bot/user/{user}/richmenu")).status == 404
    assert (await line.call("DELETE", "/v2/bot/richmenu/alias/second")).status == 200
    assert (await line.get("/v2/bot/richmenu/alias/second")).status == 404
    assert (await line.call("DELETE", "/v2/bot/user/all/richmenu")).status == 200


async def test_a_rich_menu_that_line_would_refuse_is_refused(line: Line) -> None:
    path = "/v2/bot/richmenu/validate"
    assert (await line.post(path, MENU)).status == 200
    outside = {**MENU["areas"][0], "bounds": {"x": 700, "y": 0, "width": 600, "height": 1}}
    for wrong, where in (
        ({**MENU, "size": {"width": 799, "height": 270}}, "size.width"),
        ({**MENU, "size": {"width": 1200, "height": 1200}}, "size"),
        ({**MENU, "chatBarText": "あ" * 15}, "chatBarText"),
        ({**MENU, "areas": MENU["areas"] * 11}, "areas"),
        ({**MENU, "areas": [outside]}, "areas[0].bounds"),
    ):
        said = await line.post(path, wrong)
        assert (said.status, said.properties) == (400, [where])


async def test_a_rich_menu_needs_a_fitting_picture_before_it_is_shown(line: Line) -> None:
    menu_id = await made_menu(line, with_picture=False)
    default = f"/v2/bot/user/all/richmenu/{menu_id}"
    assert (await line.call("POST", default)).status == 400
    assert await put_picture(line, menu_id, picture(1200, 800)) == 400
    assert await put_picture(line, menu_id, b"not a picture") == 400
    assert await put_picture(line, menu_id, picture(), "image/gif") == 415
    assert await put_picture(line, menu_id, picture(), "image/jpeg") == 400
    assert await put_picture(line, menu_id, b"\x00" * (1024 * 1024 + 1)) == 413
    assert await put_picture(line, menu_id, picture(kind="JPEG"), "image/jpeg") == 200
    assert await put_picture(line, menu_id, picture()) == 400
    assert (await line.call("POST", default)).status == 200


async def test_a_test_can_wait_for_what_arrives(line: Line) -> None:
    friend = line.simulator.users.add_user("花子", follows=True)
    waiting = asyncio.create_task(
        line.simulator.wait_until(lambda: len(line.simulator.ledger.texts(friend)) == 2)
    )
    await line.push(friend)
    await line.push(friend)
    await waiting
