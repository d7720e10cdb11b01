"""The phone in a browser: an officer believes they saw their LINE account."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, Locator, Page, async_playwright, expect

from simulator.line import Simulator
from tests.support.chromium import chromium_address
from tests.support.line_account import Line, Service
from tests.support.message_examples import GOOD
from tests.support.rich_menus import made_menu

pytestmark = pytest.mark.browser
LANGUAGES = {
    "ja": "【レベル４大雨危険警報】",
    "my": "အဆင့် ၄ မိုးသည်းထန်စွာရွာသွန်းမှု",
    "km": "ការព្រមាន​គ្រោះថ្នាក់​ភ្លៀង​ធ្លាក់​ខ្លាំង",
    "th": "คำเตือนอันตรายฝนตกหนัก ระดับ 4",
    "mn": "4-р түвшний ширүүн бороо",
    "ne": "स्तर ४ भारी वर्षा खतरा चेतावनी",
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    address = chromium_address()
    async with async_playwright() as playwright:
        connected = await playwright.chromium.connect(address)
        yield connected
        await connected.close()


async def opened(
    browser: Browser, simulator: Simulator, query: str = "", *, width: int = 1440
) -> tuple[Page, list[str]]:
    """The page once it is ready, and what its console complains about."""
    page = await browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    await page.goto(f"{simulator.url}/{query}")
    await page.locator("body[data-ready]").wait_for()
    return page, complaints


async def test_a_resident_follows_writes_answers_and_blocks(
    browser: Browser, line: Line, service: Service
) -> None:
    simulator = line.simulator
    simulator.webhooks.url = service.url
    page, complaints = await opened(browser, simulator)
    phone = page.get_by_test_id("phone-1")
    await phone.get_by_test_id("follow").click()
    await expect(phone.get_by_test_id("notice")).to_have_text("友だちに追加しました")
    [user] = simulator.users.people

    await phone.get_by_test_id("input-text").fill("街灯が消えています\n二行目 <b>x</b>")
    await phone.get_by_test_id("send").click()
    mine = phone.get_by_test_id("message-text")
    await expect(mine).to_have_text("街灯が消えています\n二行目 <b>x</b>")

    await line.push(user, [GOOD["13 quick replies"]])
    chips = phone.get_by_test_id("quick-reply")
    await expect(chips).to_have_count(13)
    await chips.first.click()
    await expect(chips).to_have_count(0)
    await expect(phone.get_by_test_id("message-text").last).to_have_text("はい")

    await phone.get_by_test_id("block").click()
    await expect(phone.get_by_test_id("unblock")).to_be_visible()
    await phone.get_by_test_id("unblock").click()
    await expect(phone.get_by_test_id("input-text")).to_be_visible()
    await simulator.webhooks.idle()
    assert [event["type"] for event in service.events] == [
        "follow",
        "message",
        "message",
        "unfollow",
        "follow",
    ]
    assert complaints == []
    await page.close()


async def test_a_photo_and_a_place_go_out_from_the_phone(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    page, complaints = await opened(browser, simulator, f"?user={user}")
    phone = page.get_by_test_id("phone-1")
    await phone.get_by_test_id("menu-plus").click()
    await phone.get_by_test_id("plus-photo").click()
    await phone.get_by_test_id("photo-ready-pothole-near").click()
    await expect(phone.locator("[data-kind=image] img")).to_be_visible()

    await phone.get_by_test_id("photo").click()
    await phone.get_by_test_id("photo-file").set_input_files(
        files=FilePayload(
            name="own.jpg",
            mimeType="image/jpeg",
            buffer=simulator.ready_photos.read("swing-near"),
        )
    )
    await expect(phone.locator("[data-kind=image]")).to_have_count(2)

    await phone.get_by_test_id("menu-plus").click()
    await phone.get_by_test_id("plus-location").click()
    await phone.locator(".map-picture").click(position={"x": 150, "y": 120})
    await phone.get_by_test_id("location-address").fill("つくば市小野川")
    await phone.get_by_test_id("location-send").click()
    await expect(phone.locator("[data-kind=location]")).to_contain_text("つくば市小野川")
    last = simulator.users.get(user).chat[-1].message
    assert 36.0 < last["latitude"] < 36.2
    assert 140.0 < last["longitude"] < 140.2
    assert complaints == []
    await page.close()


async def test_every_kind_of_message_is_drawn(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    page, complaints = await opened(browser, simulator, f"?user={user}")
    phone = page.get_by_test_id("phone-1")
    for count, (name, message) in enumerate(GOOD.items(), 1):
        assert (await line.push(user, [message])).status == 200, name
        await expect(phone.get_by_test_id("message")).to_have_count(count)
    assert [
        line for line in complaints if "Failed to load" not in line and "ERR_" not in line
    ] == []
    await page.close()


async def test_a_flex_box_shares_its_width_as_its_parts_ask(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    row = [
        {"type": "text", "text": "a", "flex": 2},
        {"type": "text", "text": "b", "flex": 3, "margin": "10px"},
    ]
    bubble = {
        "type": "bubble",
        "body": {"type": "box", "layout": "horizontal", "contents": row},
        "footer": {
            "type": "box",
            "layout": "vertical",
            "contents": [
                {
                    "type": "button",
                    "style": "primary",
                    "action": {"type": "message", "label": "はい", "text": "はい"},
                }
            ],
        },
    }
    await line.push(user, [{"type": "flex", "altText": "a", "contents": bubble}])
    page, _ = await opened(browser, simulator, f"?user={user}")
    phone = page.get_by_test_id("phone-1")

    async def width(found: Locator) -> float:
        box = await found.bounding_box()
        assert box is not None
        return box["width"]

    assert await width(phone.locator(".flex-bubble")) == pytest.approx(300, abs=1)
    texts = phone.locator(".flex-body .flex-text")
    assert await width(texts.nth(0)) == pytest.approx(250 * 2 / 5, abs=1)
    assert await width(texts.nth(1)) == pytest.approx(250 * 3 / 5, abs=1)
    await phone.get_by_test_id("flex-button").click()
    await expect(phone.get_by_test_id("message-text").last).to_have_text("はい")
    await page.close()


async def test_the_rich_menu_opens_closes_and_answers(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    page, complaints = await opened(browser, simulator, f"?user={user}")
    phone = page.get_by_test_id("phone-1")
    await expect(phone.get_by_test_id("input-text")).to_be_visible()
    menu_id = await made_menu(line)
    await line.call("POST", f"/v2/bot/user/all/richmenu/{menu_id}")
    areas = phone.get_by_test_id("rich-menu-area")
    await expect(areas).to_have_count(2)
    await areas.nth(1).click()
    await expect(phone.get_by_test_id("message-text").last).to_have_text("通報")
    await phone.get_by_test_id("rich-menu-toggle").click()
    await expect(areas).to_have_count(0)
    await phone.get_by_test_id("to-keyboard").click()
    await expect(phone.get_by_test_id("input-text")).to_be_focused()
    await phone.get_by_test_id("to-menu").click()
    await expect(areas).to_have_count(2)
    assert complaints == []
    await page.close()


async def test_a_date_is_picked_and_sent(browser: Browser, line: Line, service: Service) -> None:
    simulator = line.simulator
    simulator.webhooks.url = service.url
    user = simulator.users.add_user("花子", follows=True)
    action = {
        "type": "datetimepicker",
        "label": "日を選ぶ",
        "data": "since",
        "mode": "date",
        "min": "2026-01-01",
    }
    message = {
        "type": "text",
        "text": "いつからですか",
        "quickReply": {"items": [{"type": "action", "action": action}]},
    }
    await line.push(user, [message])
    page, _ = await opened(browser, simulator, f"?user={user}")
    phone = page.get_by_test_id("phone-1")
    await phone.get_by_test_id("quick-reply").click()
    await phone.get_by_test_id("date-input").fill("2026-05-29")
    async with page.expect_response("**/tap"):
        await phone.get_by_test_id("date-ok").click()
    await simulator.webhooks.idle()
    [event] = service.events
    assert event["postback"] == {"data": "since", "params": {"date": "2026-05-29"}}
    await page.close()


async def test_three_residents_side_by_side_each_hear_their_own(
    browser: Browser, line: Line
) -> None:
    simulator = line.simulator
    users = [simulator.users.add_user(tag, tag, follows=True) for tag in ("ja", "my", "th")]
    page, _ = await opened(browser, simulator, "?" + "&".join(f"user={user}" for user in users))
    for user, tag in zip(users, ("ja", "my", "th"), strict=True):
        await line.push(user, [{"type": "text", "text": LANGUAGES[tag]}])
    for number, tag in enumerate(("ja", "my", "th"), 1):
        said = page.get_by_test_id(f"phone-{number}").get_by_test_id("message-text")
        await expect(said).to_have_text(LANGUAGES[tag])
    await page.get_by_test_id("phone-count-1").click()
    await expect(page.get_by_test_id("phone-2")).to_be_hidden()
    await page.get_by_test_id("phone-1").get_by_test_id("new-resident").click()
    await page.get_by_test_id("new-resident-language").select_option("ne")
    await page.get_by_test_id("new-resident-create").click()
    await expect(page.get_by_test_id("phone-1").get_by_test_id("follow")).to_be_visible()
    newest = list(simulator.users.people.values())[-1]
    assert (newest.name, newest.language) == ("राम श्रेष्ठ", "ne")
    await page.close()


@pytest.mark.parametrize("width", [320, 390, 1440])
async def test_nothing_runs_over_the_edge(browser: Browser, line: Line, width: int) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    for words in LANGUAGES.values():
        await line.push(user, [{"type": "text", "text": words * 4}])
    await line.push(user, [GOOD["flex carousel"]])
    await line.push(user, [GOOD["13 quick replies"]])
    page, _ = await opened(browser, simulator, f"?user={user}", width=width)
    over = await page.evaluate(
        "[document.documentElement, ...document.querySelectorAll('.chat-scroll')]"
        ".some(part => part.scrollWidth > part.clientWidth + 1)"
    )
    assert not over
    await page.close()


async def test_everything_can_be_done_with_the_keyboard(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    page, _ = await opened(browser, simulator, f"?user={user}&lang=en")
    phone = page.get_by_test_id("phone-1")
    await phone.get_by_test_id("input-text").focus()
    await page.keyboard.type("hello")
    await page.keyboard.press("Enter")
    await expect(phone.get_by_test_id("message-text")).to_have_text("hello")
    await phone.get_by_test_id("menu-plus").press("Enter")
    await phone.get_by_test_id("plus-location").press("Enter")
    await expect(phone.get_by_test_id("sheet-location")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(phone.get_by_test_id("sheet-location")).to_have_count(0)
    unnamed = await page.evaluate(
        "[...document.querySelectorAll('button')].filter(button => "
        "!button.textContent.trim() && !button.getAttribute('aria-label')).length"
    )
    assert unnamed == 0
    await page.close()


async def test_people_can_read_the_ledger_and_set_faults(browser: Browser, line: Line) -> None:
    simulator = line.simulator
    user = simulator.users.add_user("花子", follows=True)
    await line.push(user, [{"type": "text", "text": "ごみの日です"}])
    page = await browser.new_page(viewport={"width": 390, "height": 800})
    await page.goto(f"{simulator.url}/ledger.html")
    row = page.get_by_test_id("ledger-row")
    await expect(row).to_contain_text("花子")
    await expect(row).to_contain_text("ごみの日です")
    await page.get_by_test_id("faults").fill("latency=50ms")
    await page.get_by_test_id("faults-set").click()
    await expect(page.get_by_test_id("faults")).to_have_value("latency=50ms")
    assert simulator.faults.latency == 0.05
    await page.get_by_test_id("faults").fill("fire=1%")
    await page.get_by_test_id("faults-set").click()
    await expect(page.locator("#toast")).to_contain_text("there is no fault")
    await page.close()
