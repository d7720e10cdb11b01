"""The waste office moves the New Year's collection days by a spreadsheet; residents follow it."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from playwright.async_api import FilePayload, Page, expect

from app.own_words import WordsNow
from bot import webhook
from bot.inbox import Inbox
from bot.reminders import remind
from channels.line.medium import LINE
from console.models import Role
from core.clock import JAPAN
from subscriptions.residents import MENU_TASK
from tests.support.accessible import faults_of
from tests.support.browser_tabs import tab
from tests.support.office import Office
from tests.support.sheets import workbook
from tests.support.town import words_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database", ["sqlite"], indirect=True),
]
MONDAY = date(2027, 1, 4)
"""After the holidays; in 中央地区 burnable rubbish is collected on Tuesdays and Fridays."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NEW_YEAR = workbook(
    [
        ["年末年始のごみ収集について（令和８年度）", "", "", "", "", ""],
        ["開始日", "終了日", "地区", "区分", "扱い", "振替日"],
        ["令和8年12月31日", "令和9年1月3日", "全市", "全品目", "休止", ""],
        ["令和9年1月1日", "", "中央地区", "燃やせるごみ", "振替", MONDAY],
    ],
    merged=["A1:F1"],
)


def set_clock(office: Office, moment: str) -> None:
    """Move the clock, and LINE's, to a moment in Japan."""
    wanted = datetime.fromisoformat(moment).replace(tzinfo=JAPAN)
    office.clock.ahead += wanted - office.clock.now()
    office.simulator.time.advance(wanted.timestamp() - office.simulator.time.seconds())


async def chats(office: Office) -> None:
    """Have residents' messages answered, as the worker does."""
    own: WordsNow = office.app.state.own_words
    inbox = Inbox(office.context, office.app.state.line, own.folder)
    own.follow(inbox.take_folder)
    inbox.register()

    async def no_menu(_user: str) -> None:
        """Rich menus have a test of their own."""

    office.context.queue.register(MENU_TASK, no_menu)
    store = webhook.attach(office.app, office.context)
    await store.start()
    office.stack.push_async_callback(store.stop)
    office.app.router.routes.insert(0, webhook.router.routes[0])
    office.simulator.webhooks.url = f"{office.url}/line/webhook"


async def asks(office: Office, user: str, text: str) -> str:
    before = len(office.simulator.users.get(user).chat)
    office.simulator.phones.send_text(user, text)
    await office.simulator.webhooks.idle()
    await office.context.queue.drained()  # type: ignore[attr-defined]
    chat = office.simulator.users.get(user).chat[before:]
    return words_in([one.message for one in chat if one.side == "account"])


async def collected(office: Office, day: date) -> list[str]:
    """Return what a calendar program reads for a day of 中央地区."""
    browser = await office.browser()
    calendar = await browser.get("/calendar/chuo.ics?lang=ja")
    assert calendar.status == 200
    events = calendar.body.split("BEGIN:VEVENT")[1:]
    return [one for one in events if f"DTSTART;VALUE=DATE:{day:%Y%m%d}" in one]


async def take_in(page: Page, office: Office) -> None:
    await page.goto(f"{office.url}/console/words/exceptions")
    await page.get_by_test_id("spreadsheet").click()
    file: FilePayload = {"name": "年末年始.xlsx", "mimeType": XLSX, "buffer": NEW_YEAR}
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_role("button", name="内容を確かめる").click()
    await expect(page.get_by_test_id("difference")).to_contain_text("新規: 1")
    await expect(page.get_by_test_id("difference")).to_contain_text("除外: 0")
    await page.get_by_test_id("take").click()
    await expect(page.get_by_test_id("taken")).to_be_visible()


async def test_new_year_s_days_move_by_a_spreadsheet_and_the_reminder_follows(
    office: Office,
) -> None:
    set_clock(office, "2026-12-20 10:00")
    await chats(office)
    resident = await office.resident("ja", areas=("chuo",), topics={"collection": 0})
    assert await collected(office, MONDAY) == []
    desk = await office.at_desk(Role.DEPARTMENT, "officer", "waste")
    async with tab(office, desk) as page:
        await take_in(page, office)
        [event] = await collected(office, MONDAY)
        assert "燃やせるごみ" in event
        set_clock(office, "2027-01-02 12:00")
        said = await asks(office, resident, "ごみの日はいつですか")
        assert "1月4日" in said
        assert "燃やせるごみ" in said.split("1月4日")[1].split("\n")[1]
        set_clock(office, "2027-01-03 19:00")
        folder = await office.app.state.own_words.refresh()
        assert await remind(office.context, folder, (LINE,)) == 1


async def test_the_pages_of_words_are_accessible(office: Office) -> None:
    desk = await office.at_desk(Role.EDITOR, "waste")
    async with tab(office, desk) as page:
        await take_in(page, office)
        addresses = (
            "/console/words",
            "/console/words/items",
            "/console/words/shelters/row?key=0001",
            "/console/words/questions/row?key=bulky",
            "/console/words/days/row",
            "/console/words/exceptions/spreadsheet",
        )
        assert await faults_of(page, [office.url + one for one in addresses]) == {}
