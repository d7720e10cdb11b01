"""Public relations asks three questions; residents answer on their phones, in two languages."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from bot import webhook
from bot.inbox import Inbox
from city.city import NewsRules
from city.folder import load_folder
from console.models import Role
from core.database import Database
from feeds.texts import survey_button
from subscriptions.residents import MENU_TASK
from tests.support.browser_tabs import tab
from tests.support.office import Office, running_office
from tests.support.phone import say
from tests.support.project import SAMPLE_CITY

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TITLE = "公園のアンケート"
WORDS = "花が多いと嬉しい🌸"


@pytest.fixture
async def office(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A city hall that wants approval of news."""
    sample = load_folder(SAMPLE_CITY)
    city = sample.city.model_copy(update={"news": NewsRules(approval=True)})
    async with running_office(database, replace(sample, city=city), tmp_path, monkeypatch) as made:
        yield made


async def _no_menu(_user: str) -> None:
    """Menus are of no interest here."""


@contextlib.asynccontextmanager
async def conversation(office: Office) -> AsyncIterator[None]:
    """Have the office answer its residents too."""
    inbox = Inbox(office.context, office.app.state.line, office.folder)
    inbox.register()
    office.context.queue.register(MENU_TASK, _no_menu)
    store = webhook.attach(office.app, office.context)
    office.app.include_router(webhook.router)
    office.simulator.webhooks.url = f"{office.url}/line/webhook"
    yield
    await office.simulator.webhooks.idle()
    await store.stop()


async def opened(page: Page, office: Office, user: str) -> None:
    """Open a resident's phone."""
    await page.goto(f"{office.simulator.url}/?user={user}")
    await page.locator("body[data-ready]").wait_for()


async def tap(page: Page, words: str) -> None:
    """Tap the newest thing in the chat that says ``words``."""
    await page.get_by_test_id("chat").first.get_by_text(words, exact=True).last.click()


async def sees(page: Page, words: str) -> None:
    chat = page.get_by_test_id("chat").first
    await expect(chat.get_by_text(words, exact=False).last).to_be_visible()


async def write(page: Page, words: str) -> None:
    if await page.get_by_test_id("to-keyboard").is_visible():
        await page.get_by_test_id("to-keyboard").first.click()
    await page.get_by_test_id("input-text").first.fill(words)
    await page.get_by_test_id("send").first.click()


async def ask(page: Page, number: int, kind: str, text: str, *more: str) -> None:
    """Write a question in the form: its Japanese, its answers, and its English field."""
    options, english = (*more, "", "")[:2]
    block = page.get_by_test_id(f"question-{number}")
    await block.locator(f'input[name="q{number}-text"]').fill(text)
    await block.locator(f'select[name="q{number}-kind"]').select_option(kind)
    if options:
        await block.locator(f'textarea[name="q{number}-options"]').fill(options)
    if english:
        await block.locator("details.others > summary").click()
        await block.locator(f'textarea[name="q{number}-en"]').fill(english)
    await page.get_by_test_id("another").click()
    await expect(page.get_by_test_id(f"question-{number + 1}")).to_be_visible()


async def test_a_survey_is_written_approved_answered_and_counted_live(office: Office) -> None:
    japanese = await office.resident("ja", topics={"events": 0})
    english = await office.resident("en", topics={"events": 0})
    writer = await office.at_desk(Role.EDITOR, "writer")
    approver = await office.at_desk(Role.APPROVER, "approver")
    async with (
        conversation(office),
        tab(office, writer) as page,
        tab(office, approver) as second,
        tab(office, approver) as phone,
    ):
        await page.goto(f"{office.url}/console/surveys")
        await page.get_by_test_id("begin").click()
        await page.locator('select[name="topic"]').select_option("events")
        await page.locator('input[name="title-ja"]').fill(TITLE)
        await page.locator('textarea[name="text-ja"]').fill("中央公園について教えてください。")
        await page.locator('input[name="closes_on"]').fill("2026-06-30")
        await page.locator('input[name="whole_city"]').check()
        await page.locator('input[name="when"][value="now"]').check()
        park = "What do you do there?\nWalk\nBall games"
        await ask(page, 0, "one", "何をしますか。", "散歩\n球技", park)
        await ask(page, 1, "yes-no", "また来ますか。", "", "Will you come again?")
        await ask(page, 2, "words", "ひとことどうぞ。")
        await page.get_by_test_id("go-check").click()
        await expect(page.get_by_test_id("phone-en")).to_contain_text("Will you come again?")
        await expect(page.get_by_test_id("phone-my")).to_contain_text("また来ますか。")
        await page.get_by_test_id("plan").click()
        await expect(page.get_by_test_id("waits")).to_be_visible()
        check = page.url
        await second.goto(check)
        await second.get_by_test_id("approve").click()
        await expect(second.get_by_test_id("approve")).to_have_count(0)
        for delivery in await office.deliveries():
            await office.done(delivery.id or 0)

        await page.goto(check)
        await page.get_by_test_id("to-results").click()
        await expect(page.get_by_test_id("finished")).to_contain_text("0")

        await opened(phone, office, japanese)
        await tap(phone, survey_button("ja"))
        await tap(phone, "散歩")
        await sees(phone, "また来ますか。")
        await tap(phone, "はい")
        await sees(phone, "ひとことどうぞ。")
        await write(phone, WORDS)
        await sees(phone, "回答を受け取りました")
        # Nobody loads the page again.
        await expect(page.get_by_test_id("finished")).to_contain_text("1")

        await opened(phone, office, english)
        await tap(phone, survey_button("en"))
        await tap(phone, "Ball games")
        await sees(phone, "Will you come again?")
        await tap(phone, "Yes")
        await sees(phone, "Language of the text below: 日本語")
        await write(phone, "More flowers")
        await sees(phone, "The city has your answers.")
        await expect(page.get_by_test_id("finished")).to_contain_text("2")
        await expect(page.get_by_test_id("result-1")).to_contain_text("100.0%")
        # They think again; it still counts once.
        await tap(phone, say("en", "Change my answers"))
        await sees(phone, "What do you do there?")
        await tap(phone, "Walk")
        await expect(page.get_by_test_id("result-0")).to_contain_text("100.0%")
        await expect(page.get_by_test_id("finished")).to_contain_text("2")
        number = page.url.rpartition("/surveys/")[2].partition("/")[0]

    counts = (await writer.get(f"/console/surveys/{number}/counts.csv")).body
    rows = list(csv.reader(io.StringIO(counts.removeprefix("\ufeff"))))[1:]
    assert [(row[1], row[2]) for row in rows] == [
        ("散歩", "2"),
        ("球技", "0"),
        ("はい", "2"),
        ("いいえ", "0"),
        ("自由な言葉", "2"),
    ]
    results = await writer.get(f"/console/surveys/{number}/results")
    said = (await writer.submit(results, f"/console/surveys/{number}/words.csv")).body
    words = {row[1] for row in csv.reader(io.StringIO(said.removeprefix("\ufeff")))}
    assert {WORDS, "More flowers"} <= words
