"""Staff read an alert for the loudspeaker before it leaves and after, drill or real."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from console.models import Role
from tests.support.accessible import faults_of
from tests.support.chromium import chromium_address
from tests.support.console_alerts import begun, delivery_of, sent, written
from tests.support.office import Office, Page

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def sheet(page: Page) -> str:
    assert page.status == 200, page.words
    return str(page.tree.xpath('//textarea[@data-testid="spoken"]')[0].text).strip()


async def test_the_text_is_the_same_before_and_after_it_is_sent(office: Office) -> None:
    await office.resident("ja")
    browser = await office.at_desk(Role.DISASTER, "sato")
    number, page = await written(browser, "drill")
    before = await browser.get(f"/console/alerts/{number}/spoken")
    assert sheet(before).startswith("【訓練】 これは訓練です。")
    assert not await office.deliveries()
    page = await sent(browser, number, page)
    after = await browser.get(f"/console/deliveries/{delivery_of(page)}/spoken")
    assert sheet(after) == sheet(before)
    for page in (before, after):
        assert "これは訓練です。" in sheet(page).split("\n")[-1]
    english = await browser.get(f"/console/alerts/{number}/spoken?language=en")
    assert sheet(english).startswith("[DRILL] This is a drill.")


async def test_a_draft_without_words_has_no_text_yet(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    number, _ = await begun(browser, "real")
    page = await browser.get(f"/console/alerts/{number}/spoken?language=../..")
    assert page.status in (200, 400)
    assert (await browser.get("/console/deliveries/99/spoken")).status == 404


async def test_the_sound_comes_from_the_city_s_program_or_says_why_not(
    office: Office, tmp_path: Path
) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    number, _ = await written(browser, "real")
    page = await browser.get(f"/console/alerts/{number}/spoken.wav")
    assert page.status == 400 and "TODOKE_SPEECH_COMMAND" in page.words
    program = tmp_path / "speech.py"
    program.write_text("import sys; sys.stdout.buffer.write(b'RIFF\\x24\\0\\0\\0WAVEabc')")
    command = (sys.executable, str(program))
    office.app.state.context = replace(
        office.context, settings=replace(office.context.settings, speech_command=command)
    )
    office.app.state.speech.command = command
    page = await browser.get(f"/console/alerts/{number}/spoken")
    assert "spoken.wav?language=ja" in page.body
    page = await browser.get(f"/console/alerts/{number}/spoken.wav")
    assert page.headers["Content-Type"] == "audio/wav"
    assert page.headers["Content-Disposition"] == 'attachment; filename="alert-ja.wav"'


@pytest.mark.slow
async def test_the_page_can_be_used_by_everybody(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "sato")
    number, _ = await written(browser, "drill")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        context = await chromium.new_context()
        for one in browser.http.cookie_jar:
            cookie: Any = {"name": one.key, "value": one.value, "url": f"{office.url}/console/"}
            await context.add_cookies([cookie])
        page = await context.new_page()
        assert await faults_of(page, [f"{office.url}/console/alerts/{number}/spoken"]) == {}
        await chromium.close()
