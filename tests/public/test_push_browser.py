"""Web push in real Chromium: sign up, a notification, its correction, a tap, and no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import expect

from city.city import Decision
from feeds.models import Notice, Status
from public.push_pages import PATH
from tests.support.accessible import faults_of
from tests.support.office import Office
from tests.support.push_desk import PushDesk, push_desk
from tests.support.push_phone import Phone, push_phone

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
async def desk(office: Office) -> AsyncIterator[PushDesk]:
    async with push_desk(office) as made:
        yield made


@pytest.fixture
async def phone(desk: PushDesk) -> AsyncIterator[Phone]:
    async with push_phone(desk) as made:
        yield made


def warning(desk: PushDesk, **changes: Any) -> Notice:
    now = desk.office.clock.now()
    values: dict[str, Any] = {
        "identity": f"test:{now.isoformat()}",
        "topic": "evacuation",
        "kind": "避難指示",
        "level": 4,
        "status": Status.ISSUED,
        "drill": False,
        "emergency": True,
        "reported_at": now,
        "expires_at": now + timedelta(hours=12),
        "texts": {
            "ja": {"title": "避難指示：中央地区", "text": "今すぐ危険な場所から避難してください。"},
            "my": {"title": "ဘေးလွတ်ရာသို့ ရွှေ့ပါ", "text": "အန္တရာယ်ရှိသောနေရာမှ ချက်ချင်းထွက်ပါ။"},
            "en": {"title": "Evacuate: Chuo", "text": "Leave dangerous places now."},
        },
        "decision": Decision.SEND,
        "decided_by": "rule:test",
        "created_at": now,
    }
    return Notice(**{**values, **changes})


async def test_sign_up_a_warning_its_correction_a_tap_and_no_network(phone: Phone) -> None:
    desk = phone.desk
    await phone.turn_on("my")
    [resident] = await desk.followers()
    assert resident.language == "my"

    first = warning(desk)
    sent = await desk.send(first)
    assert (sent.recipients, sent.sent) == (1, 1)
    await phone.arrive()
    shown = await phone.until_shown(title="ဘေးလွတ်ရာသို့ ရွှေ့ပါ")
    assert shown["body"] == "အန္တရာယ်ရှိသောနေရာမှ ချက်ချင်းထွက်ပါ။"
    assert (shown["lang"], shown["dir"], shown["stays"]) == ("my", "ltr", True)
    assert shown["icon"].endswith("/push/level-4.png")
    assert not shown["silent"]

    # A repeat, as after a lost answer, changes nothing and makes no sound.
    phone.delivered = 0
    await phone.arrive()
    again = await phone.until_shown(silent=True)
    assert again["title"] == shown["title"]

    correction = warning(
        desk,
        identity="test:correction",
        status=Status.CANCELLED,
        replaces_id=first.id,
        texts={"my": {"title": "ပြန်ရုပ်သိမ်းသည်", "text": "အမှားဖြစ်ပါသည်။"}},
    )
    await desk.send(correction)
    await phone.arrive()
    corrected = await phone.until_shown(title="ပြန်ရုပ်သိမ်းသည်")
    assert corrected["tag"] == shown["tag"]
    assert corrected["icon"].endswith("/push/over.png")
    assert not corrected["silent"]

    # The warning comes late, after its correction: the correction stays.
    phone.delivered = 0
    await phone.arrive()
    await phone.until_shown(title="ပြန်ရုပ်သိမ်းသည်", silent=True)

    await phone.page.goto(f"{desk.office.url}/?lang=my")
    await phone.worker.evaluate(
        """async () => {
          const [one] = await self.registration.getNotifications();
          const event = new NotificationEvent("notificationclick", { notification: one });
          self.dispatchEvent(event);
        }"""
    )
    async with asyncio.timeout(10):
        while await phone.notifications():
            await asyncio.sleep(0.05)

    await phone.context.set_offline(True)
    await phone.page.goto(f"{desk.office.url}/?lang=my")
    stale = phone.page.locator(".stale")
    await expect(stale).to_be_visible()
    await expect(stale).to_contain_text("ကွန်ရက် မရှိပါ")
    await expect(phone.page.locator("main")).to_contain_text("ပြန်ရုပ်သိမ်းသည်")
    await phone.context.set_offline(False)
    await phone.page.goto(f"{desk.office.url}/?lang=my")
    await expect(phone.page.locator(".stale")).to_have_count(0)


async def test_a_drill_looks_like_a_drill(phone: Phone) -> None:
    await phone.turn_on("ja")
    await phone.desk.send(warning(phone.desk, drill=True))
    await phone.arrive()
    shown = await phone.until_shown()
    assert shown["title"].startswith("【訓練】")
    assert shown["body"].startswith("【訓練】")
    assert shown["icon"].endswith("/push/drill.png")
    assert shown["data"]["drill"] is True


async def test_choices_come_back_are_changed_and_given_up(phone: Phone) -> None:
    await phone.turn_on("en")
    page = phone.page
    await page.get_by_label("Events").select_option("0")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator('[data-says="saved"]')).to_be_visible()
    await page.reload()
    await expect(page.locator('[data-says="on"]')).to_be_visible()
    await expect(page.get_by_label("Events")).to_have_value("0")
    await page.get_by_role("button", name="Turn off notifications").click()
    await expect(page.locator('[data-says="off"]')).to_be_visible()
    assert await phone.desk.followers() == []


async def test_a_browser_that_forbids_notifications_is_told_so(phone: Phone) -> None:
    await phone.context.clear_permissions()
    await phone.page.add_init_script("Notification.requestPermission = async () => 'denied'")
    await phone.page.goto(f"{phone.desk.office.url}{PATH}?lang=en")
    await phone.page.locator('button[name="on"]').click()
    await expect(phone.page.locator('[data-says="blocked"]')).to_be_visible()
    assert await phone.desk.followers() == []


async def test_a_new_address_of_the_browser_is_told_to_the_city(phone: Phone) -> None:
    await phone.turn_on("ja")
    before = phone.own[-1]
    after = phone.desk.service.subscribe(phone.desk.key)
    await phone.worker.evaluate(
        """(made) => {
          const event = new ExtendableEvent("pushsubscriptionchange");
          Object.defineProperty(event, "newSubscription", { value: { toJSON: () => made } });
          self.dispatchEvent(event);
        }""",
        after.subscription(),
    )
    async with asyncio.timeout(10):
        while [each.address for each in await phone.desk.followers()] != [after.address()]:
            await asyncio.sleep(0.05)
    assert before.address() != after.address()


async def test_what_nobody_can_read_still_says_that_there_is_news(phone: Phone) -> None:
    """A browser that shows nothing for a message loses its permission."""
    await phone.turn_on("en")
    session = await phone.context.new_cdp_session(phone.page)
    await phone.worker.evaluate(
        """() => self.dispatchEvent(new PushEvent("push", { data: "{" }))"""
    )
    shown = await phone.until_shown(tag="unread")
    assert "news from the city" in shown["body"]
    await session.detach()


async def test_axe_finds_nothing(phone: Phone) -> None:
    url = phone.desk.office.url
    assert (
        await faults_of(phone.page, [f"{url}{PATH}?lang={one}" for one in ("ja", "my", "en")]) == {}
    )
