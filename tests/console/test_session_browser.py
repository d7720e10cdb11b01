"""The session ends while somebody writes, in a real browser: the page stays, signing in
happens over it, and the work goes on with what was typed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pyotp
import pytest
from playwright.async_api import Page, Route, expect

from console.accounts import set_one_time
from console.encryption import Encryption
from console.models import Role, Staff
from console.sessions import IDLE
from reports.states import ReportState
from tests.support.browser_tabs import tab
from tests.support.filed_reports import reported
from tests.support.office import PASSWORD, Office

pytestmark = pytest.mark.browser
REFUSED = ("400", "401", "409", "Response Status Error Code")
"""What a browser says of an answer that is no page; the console's own script hears it too."""
WORDS = "月見川の水位が上がっています。"


async def writing(page: Page, office: Office) -> None:
    """Begin a real alert and write its Japanese words, unsaved."""
    await page.goto(f"{office.url}/console/alerts")
    await begun(page)
    await expect(page.get_by_test_id("phone-ja")).to_contain_text(WORDS)


async def begun(page: Page) -> None:
    await page.get_by_test_id("begin-real").click()
    await page.locator('select[name="topic"]').select_option("evacuation")
    await page.locator('input[name="level"][value="3"]').check()
    await page.locator('textarea[name="text-ja"]').fill(WORDS)


async def sign_in_over(page: Page, email: str, **more: str) -> None:
    dialog = page.locator("dialog#over")
    await expect(dialog).to_be_visible()
    await dialog.locator("input[name=email]").fill(email)
    await dialog.locator("input[type=password]").fill(PASSWORD)
    for name, value in more.items():
        await dialog.locator(f"input[name={name}]").fill(value)
    await page.get_by_test_id("sign-in-over").click()


def ended(office: Office) -> None:
    office.clock.ahead += IDLE + timedelta(minutes=1)


async def test_the_next_key_after_the_session_ended_loses_no_word(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        address = page.url
        ended(office)
        await page.locator('textarea[name="text-ja"]').press_sequentially("！")
        dialog = page.locator("dialog#over")
        await expect(dialog).to_be_visible()
        await expect(dialog.locator("input[name=email]")).to_have_value("author@city.example")
        await page.keyboard.press("Escape")
        await page.keyboard.press("Escape")
        await expect(dialog).to_be_visible()
        await dialog.locator("input[type=password]").fill("a wrong password")
        await page.get_by_test_id("sign-in-over").click()
        await expect(dialog.get_by_role("alert")).to_be_visible()
        await sign_in_over(page, "author@city.example")
        await expect(dialog).to_be_hidden()
        assert page.url == address
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value(f"{WORDS}！")
        await page.get_by_test_id("save").click()
        await page.wait_for_url("**?saved=yes")
    assert (await office.drafts())[0].texts["ja"]["text"] == f"{WORDS}！"


async def test_what_is_typed_before_the_scripts_come_is_shown_and_saved(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    arrived = asyncio.Event()

    async def on_a_slow_line(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/alerts")
        await page.route("**/*.js", on_a_slow_line)
        await begun(page)
        await expect(page.get_by_test_id("phone-ja")).to_have_count(0)
        arrived.set()
        await expect(page.get_by_test_id("phone-ja")).to_contain_text(WORDS)
        await expect(page.get_by_test_id("save-state")).to_have_attribute("data-state", "saved")
    assert (await office.drafts())[0].texts["ja"]["text"] == WORDS


async def test_saving_after_the_session_ended_goes_on_with_a_code_too(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    secret = pyotp.random_base32()
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        async with office.database.writing() as session:
            staff = await session.get(Staff, 1, with_for_update=True)
            assert staff is not None
            keys = Encryption.of(office.context.settings)
            now = office.clock.now()
            await set_one_time(session, staff, secret, keys, now=now, actor="test")
        await page.get_by_test_id("save").click()  # setting up codes has ended the session
        code = pyotp.TOTP(secret).at(office.clock.now())
        await sign_in_over(page, "author@city.example", code=code)
        await page.wait_for_url("**?saved=yes")
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value(WORDS)
    assert (await office.drafts())[0].version == 2


async def test_a_late_refusal_leaves_the_open_sign_in_as_it_is(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        released = asyncio.Event()

        async def late(route: Route) -> None:
            await released.wait()
            await route.continue_()

        await page.route("**/look", late)
        ended(office)
        async with page.expect_request("**/look"):
            await page.locator('textarea[name="text-ja"]').press_sequentially("！")
        await page.get_by_test_id("save").click()
        password = page.locator("dialog#over input[type=password]")
        await password.fill(PASSWORD)
        async with page.expect_response("**/console/session"):
            released.set()
        await page.evaluate("new Promise(done => setTimeout(done, 300))")
        await expect(password).to_have_value(PASSWORD)
        await sign_in_over(page, "author@city.example")
        await page.wait_for_url("**?saved=yes")
    assert (await office.drafts())[0].texts["ja"]["text"] == f"{WORDS}！"


async def test_somebody_else_over_the_page_saves_nothing_unasked(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    await office.hire(Role.DISASTER, "relief")
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        await expect(page.locator("#save-state")).to_have_attribute("data-state", "saved")
        saved = (await office.drafts())[0].version
        ended(office)
        await page.locator('textarea[name="text-ja"]').press_sequentially("！")
        await page.get_by_test_id("save").click()
        await sign_in_over(page, "relief@city.example")
        dialog = page.locator("dialog#over")
        await expect(dialog).to_contain_text("relief@city.example")
        await expect(dialog).to_contain_text("author@city.example")
        assert (await office.drafts())[0].version == saved
        await dialog.locator("[data-go-on]").click()
        await expect(page.locator("[data-who]").first).to_contain_text("relief")
        # Going on presses nothing by itself; the author's words are not saved under another name.
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        await page.wait_for_load_state("networkidle")
        assert (await office.drafts())[0].version == saved
        await page.get_by_test_id("save").click()
        await page.wait_for_url("**?saved=yes")
    draft = (await office.drafts())[0]
    assert (draft.texts["ja"]["text"], draft.edited_by) == (f"{WORDS}！", "relief@city.example")


async def test_signing_in_in_another_tab_is_enough(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        ended(office)
        other = await page.context.new_page()
        await other.goto(f"{office.url}/console/sign-in")
        await other.locator("input[name=email]").fill("author@city.example")
        await other.locator("input[type=password]").fill(PASSWORD)
        await other.locator("main button.primary").click()
        await expect(other.locator("nav.main-nav")).to_be_visible()
        await page.get_by_test_id("save").click()
        await page.wait_for_url("**?saved=yes")
    assert (await office.drafts())[0].texts["ja"]["text"] == WORDS


async def test_an_answer_to_a_report_goes_out_once_after_signing_in(office: Office) -> None:
    user = await office.resident("my")
    report = await reported(office, user)
    desk = await office.at_desk(Role.ROADS, "road")
    async with tab(office, desk, harmless=REFUSED) as page:
        await page.goto(f"{office.url}/console/reports/{report.number}")
        # Who will hear it is asked for by itself; an answer on its way would renew the session.
        async with page.expect_response("**/answer-look"):
            await page.locator("select[name=state]").select_option("in-progress")
        await page.get_by_test_id("answer-words").fill("来週、穴をふさぎます。")
        ended(office)
        await page.get_by_test_id("save").dblclick()
        await sign_in_over(page, "road@city.example")
        await page.wait_for_url("**?done=saved")
        await expect(page.locator(".timeline")).to_contain_text("来週、穴をふさぎます。")
        await page.wait_for_function("document.querySelectorAll('.said').length === 1")
    stored = (await office.rows(type(report)))[0]
    assert stored.state is ReportState.IN_PROGRESS


async def test_without_a_network_the_words_stay_and_go_once_it_is_back(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk, harmless=("ERR_INTERNET_DISCONNECTED", "htmx:sendError")) as page:
        await writing(page, office)
        await page.context.set_offline(True)
        await page.get_by_test_id("save").click()
        await expect(page.locator("#no-answer")).to_be_visible()
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value(WORDS)
        await page.context.set_offline(False)
        await page.get_by_test_id("save").click()
        await page.wait_for_url("**?saved=yes")
    assert (await office.drafts())[0].texts["ja"]["text"] == WORDS


async def test_silence_while_signing_in_over_a_page_is_said_where_it_can_be_seen(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    async with tab(office, desk, harmless=REFUSED) as page:
        await writing(page, office)
        ended(office)
        await page.locator('textarea[name="text-ja"]').press_sequentially("！")
        await expect(page.locator("dialog#over")).to_be_visible()
        await page.route("**/sign-in/over", lambda route: route.abort())
        await sign_in_over(page, "author@city.example")
        # What is not in the dialog lies beneath it.
        silence = page.locator("dialog#over #no-answer")
        await expect(silence).to_be_visible()
        await silence.locator("button").click()
        await page.unroute("**/sign-in/over")
        await sign_in_over(page, "author@city.example")
        await expect(page.locator("dialog#over")).to_be_hidden()
        await expect(page.locator('textarea[name="text-ja"]')).to_have_value(f"{WORDS}！")


async def test_two_minutes_before_the_end_it_is_said_and_can_be_put_off(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "seer")
    async with tab(office, desk, harmless=REFUSED) as page:
        await page.clock.install()
        await page.goto(f"{office.url}/console/alerts")
        warning = page.locator("#session-ends")
        await expect(warning).to_be_hidden()
        office.clock.ahead += timedelta(minutes=28, seconds=30)
        await page.clock.fast_forward("28:30")
        await expect(warning).to_be_visible()
        await warning.locator("button").click()
        await expect(warning).to_be_hidden()
        office.clock.ahead += timedelta(minutes=10)
        await page.clock.fast_forward("10:00")
        await expect(warning).to_be_hidden()
        office.clock.ahead += timedelta(minutes=21)
        await page.clock.fast_forward("21:00")
        await expect(page.locator("dialog#over")).to_be_visible()
