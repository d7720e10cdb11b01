"""What the check page says at once, and what it loads when somebody opens a language."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect
from sqlalchemy import event

from alerts.models import AlertDraft
from alerts.origins import ORIGINS, Origin
from alerts.ready_words import alert
from console.models import Role
from tests.support.browser_tabs import tab
from tests.support.console_alerts import begun, delivery_of, sent, written
from tests.support.office import Browser, Office, Page


async def filled(office: Office, desk: Browser) -> tuple[int, Page]:
    """Write an alert with ready words in every language, and go on to look at it."""
    number, page = await begun(desk, "real")
    address = f"/console/alerts/{number}"
    fields = {"topic": "evacuation", "level": "4", "whole_city": "yes", "ready": "river"}
    page = await desk.submit(page, address, **fields, then="fill")
    return number, await desk.submit(page, address, **fields, then="check")


def phones(page: Page) -> set[str]:
    return {
        one.removeprefix("phone-")
        for one in page.tree.xpath("//*[starts-with(@data-testid, 'phone-')]/@data-testid")
    }


def summary(page: Page, code: str) -> str:
    """Return what the closed line of a language says, in one line."""
    said = page.tree.xpath(f"string(//*[@data-testid='open-{code}']/summary)")
    return " ".join(str(said).split())


def opened_to_write(page: Page) -> set[str]:
    """Return the languages whose fields the form of an alert shows at once."""
    names = page.tree.xpath("//details[contains(@class, 'language')][@open]//textarea/@name")
    return {one.removeprefix("text-") for one in names}


async def test_japanese_is_shown_and_every_other_language_is_said(office: Office) -> None:
    for language in ("ja", "vi", "vi", "my"):
        await office.resident(language)
    desk = await office.at_desk(Role.DISASTER, "writer")
    _, check = await filled(office, desk)
    assert phones(check) == {"ja"}
    others = [code for code in office.context.city.languages if code != "ja"]
    assert [one for one in others if summary(check, one)] == others
    assert "2人" in summary(check, "vi") and "1人" in summary(check, "my")
    assert "0人" in summary(check, "pt")
    words = alert("river", office.context.city.languages, drill=False)
    assert words is not None
    for code in others:
        [address] = check.tree.xpath(f"//*[@data-testid='open-{code}']/@hx-get")
        opened = await desk.get(address)
        assert phones(opened) == {code}
        assert " ".join(words[code][1].split())[:40] in opened.words, code


async def test_what_readers_must_not_miss_is_said_without_opening_a_language(
    office: Office,
) -> None:
    await office.resident("my")
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, check = await written(desk, "real")
    assert "文なし" in summary(check, "my")
    tags = check.tree.xpath("//*[@data-testid='open-my']/summary/span[contains(@class, 'warn')]")
    assert len(tags) == 1, "somebody reads Burmese"
    assert not check.tree.xpath("//*[@data-testid='open-pt']/summary//*[contains(@class, 'warn')]")
    assert check.tree.xpath("//*[@data-testid='unwritten']")
    number, check = await filled(office, desk)
    page = await desk.get(f"/console/alerts/{number}")
    changed = {"text__ja": "川があふれました。二階へ上がってください。", "then": "check"}
    check = await desk.submit(page, f"/console/alerts/{number}", **changed)
    assert "日本語より古い" in summary(check, "my")
    # Somebody reads the older words, so they are shown at once, and first.
    [shown] = check.tree.xpath("//*[@data-testid='open-my'][@open]//*[@data-testid='phone-my']")
    assert "日本語より古い" in shown.text_content()
    assert phones(check) == {"ja", "my"}
    assert check.tree.xpath("//*[@data-testid='other-languages']/details[1]/@data-testid") == [
        "open-my"
    ]


async def test_what_a_machine_wrote_for_readers_is_shown_at_once(office: Office) -> None:
    await office.resident("my")
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, _ = await filled(office, desk)
    machine = Origin(machine="libretranslate")
    async with office.database.writing() as session:
        draft = await session.get(AlertDraft, number)
        assert draft is not None
        by_machine = {code: machine.stored() for code in ("my", "pt")}
        draft.detail = {**draft.detail, ORIGINS: {**draft.detail[ORIGINS], **by_machine}}
    check = await desk.get(f"/console/alerts/{number}/check")
    assert phones(check) == {"ja", "my"}, "nobody reads Portuguese"
    assert "機械" in summary(check, "my") and "機械" in summary(check, "pt")
    edit = await desk.get(f"/console/alerts/{number}")
    assert opened_to_write(edit) == {"ja", "my"}


async def test_the_form_opens_what_readers_lack(office: Office) -> None:
    await office.resident("my")
    await office.resident("vi")
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, page = await begun(desk, "real")
    address = f"/console/alerts/{number}"
    fields = {"topic": "evacuation", "level": "4", "whole_city": "yes"}
    page = await desk.submit(page, address, **fields, then="stay")
    assert opened_to_write(page) == {"ja"}, "nothing to translate yet"
    page = await desk.submit(page, address, text__ja="川が増水しています。", then="stay")
    assert opened_to_write(page) == {"ja", "my", "vi"}
    assert page.tree.xpath("//*[@id='origin-my']//*[contains(@class, 'tag-warn')]")
    assert not page.tree.xpath("//*[@id='origin-pt']//*[contains(@class, 'tag-warn')]")
    page = await desk.submit(page, address, text__vi="Nước sông đang dâng.", then="stay")
    assert opened_to_write(page) == {"ja", "my"}
    page = await desk.submit(page, address, text__ja="川があふれました。", then="stay")
    assert opened_to_write(page) == {"ja", "my", "vi"}, "the Vietnamese words are older"


async def test_a_language_of_an_older_version_is_never_shown_as_what_leaves(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "writer")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    number, check = await filled(office, desk)
    [address] = check.tree.xpath("//*[@data-testid='open-vi']/@hx-get")
    page = await colleague.get(f"/console/alerts/{number}")
    await colleague.submit(page, f"/console/alerts/{number}", text__vi="Khác.", then="stay")
    opened = await desk.get(address)
    assert phones(opened) == set()
    assert "変更前" in opened.words
    assert opened.tree.xpath(f"//a[@href='/console/alerts/{number}/check']")
    other = address.replace("phones/vi", "phones/xx")
    assert (await desk.get(other)).status == 404


async def test_without_javascript_a_link_shows_every_language(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "writer")
    _, check = await filled(office, desk)
    [link] = check.tree.xpath("//*[@data-testid='all-languages']/@href")
    every = await desk.get(link)
    assert phones(every) == set(office.context.city.languages)
    inside = check.tree.xpath("//*[@data-testid='open-vi']//a/@href")
    assert inside == [f"{link}#main-vi"] and every.tree.xpath("//*[@id='main-vi']")


async def test_each_wording_of_a_correction_opens_its_own_words(office: Office) -> None:
    a, b = (district.code for district in office.context.city.districts[:2])
    for area in (a, b):
        await office.resident("vi", areas=(area,))
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(desk, "real", whole_city=None, areas=[a, b])
    done = await sent(desk, number, page, alone_reason="Nobody else is on duty tonight.")
    await office.done(delivery_of(done))
    [notice] = await office.notices()
    page = await desk.get(f"/console/deliveries/{delivery_of(done)}")
    token = page.form("/console/language")["csrf"]
    take_back = f"/console/notices/{notice.id}/take-back"
    page = await desk.post(take_back, {"csrf": token, "status": "corrected"})
    number = int(page.url.rsplit("/", 1)[1].partition("?")[0])
    check = await desk.submit(
        page, f"/console/alerts/{number}", areas=[a], text__ja="北だけです。", then="check"
    )
    opens = check.tree.xpath("//*[@data-testid='open-vi']/@hx-get")
    assert len(opens) == 2, "who stays warned, and who is told that it was not for them"
    said = [(await desk.get(one)).words for one in opens]
    assert len(set(said)) == 2


async def test_who_was_told_is_read_once_for_a_page(office: Office) -> None:
    """Of a million who were told before, that is what costs most."""
    await office.resident("vi")
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(desk, "real")
    done = await sent(desk, number, page, alone_reason="Nobody else is on duty tonight.")
    await office.done(delivery_of(done))
    [notice] = await office.notices()
    page = await desk.get(f"/console/deliveries/{delivery_of(done)}")
    token = page.form("/console/language")["csrf"]
    take_back = f"/console/notices/{notice.id}/take-back"
    check = await desk.post(take_back, {"csrf": token, "status": "lifted"})
    assert check.url.endswith("/check")
    read: list[str] = []

    def heard(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "batches.members" in statement:
            read.append(statement)

    engine = office.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", heard)
    try:
        await desk.get(check.url.removeprefix(office.url))
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert len(read) == 1


@pytest.mark.browser
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_language_opens_where_it_is_said(office: Office) -> None:
    await office.resident("my")
    desk = await office.at_desk(Role.DISASTER, "writer")
    number, _ = await filled(office, desk)
    async with tab(office, desk) as page:
        await page.goto(f"{office.url}/console/alerts/{number}/check")
        await expect(page.get_by_test_id("phone-ja")).to_be_visible()
        await page.get_by_test_id("open-my").locator("summary").click()
        phone = page.get_by_test_id("phone-my")
        await expect(phone).to_be_visible()
        await expect(phone.locator("[data-bg]").first).to_have_css("background-color", LEVEL_4)


LEVEL_4 = "rgb(170, 0, 170)"
