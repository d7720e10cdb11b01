"""What nobody understood is answered once for all; who wants a person gets one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from console.models import Role
from core.database import Database
from tests.support.browser_tabs import tab
from tests.support.chat_desk import ChatDesk, chat_desk
from tests.support.town import words_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
ASKED = ("どうぶつえんの割引券ほしい", "どうぶつえんの割引券ほしいです", "どうぶつえんの割引券どこ")
IN_VIETNAMESE = "vé giảm giá sở thú ở đâu"


@pytest.fixture
async def hall(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ChatDesk]:
    async with chat_desk(database, tmp_path, monkeypatch) as made:
        yield made


async def test_an_unanswered_question_becomes_an_answer_in_three_languages(hall: ChatDesk) -> None:
    for text in ASKED:
        told = await hall.says(await hall.resident(), text)
        assert "窓口で配っています" not in words_in(told)
    office = hall.office
    editor = await office.at_desk(Role.EDITOR, "editor")
    async with tab(office, editor) as page:
        await page.goto(f"{office.url}/console/questions")
        await page.locator("[data-group] a.primary").click()
        await page.locator("[name='c:質問']").fill("動物園の割引券はありますか")
        await page.locator("[name='c:回答']").fill("市民課の窓口で配っています。")
        await page.locator("[name='c:質問_en']").fill("Are there discount tickets for the zoo?")
        await page.locator("[name='c:回答_en']").fill("Yes, at the citizens' desk.")
        await page.locator("details summary", has_text="ほかの言語").click()
        await page.locator("[name='c:質問_vi']").fill("Có vé giảm giá sở thú không?")
        await page.locator("[name='c:回答_vi']").fill("Có, tại quầy thị dân.")
        await page.locator("[name=more]").fill(IN_VIETNAMESE)
        await page.get_by_test_id("look").click()
        await expect(page.get_by_test_id("unchanged")).to_be_visible()
        await expect(page.locator("tr[data-heard=answered]")).to_have_count(3)
        await page.get_by_test_id("save-answer").click()
        await page.wait_for_url("**/console/questions?done=answered")
        await expect(page.locator("[data-group]")).to_have_count(0)
    assert "窓口で配っています" in words_in(await hall.says(await hall.resident(), ASKED[2]))
    vietnamese = await hall.resident("vi")
    assert "tại quầy thị dân" in words_in(await hall.says(vietnamese, IN_VIETNAMESE))
    english = await hall.resident("en")
    assert "at the citizens' desk" in words_in(await hall.says(english, ASKED[0]))


async def test_a_resident_in_burmese_talks_to_a_person(hall: ChatDesk) -> None:
    user = await hall.resident("my")
    assert "ဝန်ထမ်းက ဤနေရာတွင် ဖြေပါမည်" in await hall.begins(user)
    assert await hall.says(user, "ခွေးမှတ်ပုံတင်ချင်ပါတယ်") == []
    office = hall.office
    editor = await office.at_desk(Role.EDITOR, "editor")
    async with tab(office, editor) as page:
        await page.goto(f"{office.url}/console/chat")
        await page.get_by_role("link", name="チャット 1").click()
        await page.get_by_test_id("take").click()
        await expect(page.locator("#chat")).to_contain_text("ခွေးမှတ်ပုံတင်ချင်ပါတယ်")
        await page.locator("[name=japanese]").fill("市民課の窓口で登録できます。")
        await page.locator("[name=text]").fill("မြို့သားဌာနတွင် မှတ်ပုံတင်နိုင်ပါသည်။")
        # What comes meanwhile shows by itself, and what is typed stays.
        assert await hall.says(user, "ကျေးဇူးပြု၍") == []
        await expect(page.locator("#chat")).to_contain_text("ကျေးဇူးပြု၍")
        await expect(page.locator("[name=japanese]")).to_have_value("市民課の窓口で登録できます。")
        await page.get_by_test_id("say").click()
        await expect(page.locator("#chat [data-side=staff]")).to_contain_text("届きました")
        assert hall.heard(user)[-1]["text"] == "မြို့သားဌာနတွင် မှတ်ပုံတင်နိုင်ပါသည်။"
        await expect(page.locator("[name=text]")).to_have_value("")
        await page.get_by_test_id("close").click()
        await page.wait_for_url("**/console/chat")
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    assert "စကားပြောခန်း ပြီးဆုံးပါပြီ" in words_in(hall.heard(user)[-1:])
