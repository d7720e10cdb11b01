"""The page of a crew on its phone: for everybody, and with a map for whoever asks for it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Route, expect

from console.models import Role
from reports.models import OrderItem, Photo, Report
from reports.photos import store_photo
from tests.support.accessible import SIZES, faults_here, faults_of
from tests.support.browser_tabs import tab
from tests.support.crews import a_photo, crew_link, ordered
from tests.support.filed_reports import picture, reported
from tests.support.office import Browser, Office
from tests.support.papers import pages_of
from tests.support.phone_line import line_to

pytestmark = pytest.mark.browser
PHONES: tuple[tuple[Any, Any], ...] = (
    ({"width": 390, "height": 844}, "light"),
    ({"width": 390, "height": 844}, "dark"),
    ({"width": 844, "height": 390}, "light"),
)
ALL_SENT = "すべて送りました。"
NO_LINE = ("ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "410 (Gone)", "404 (Not Found)")


def shot_of(data: bytes) -> FilePayload:
    return {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": data}


async def on_site(office: Office) -> tuple[Browser, str, Report]:
    """A crew with one case on its list: the desk, the path of its page, the case."""
    kept = store_photo(office.context.settings.media_dir, picture())
    report = await reported(office, await office.resident("my"), pictures=(kept,))
    desk = await office.at_desk(Role.ROADS, "road")
    return desk, await crew_link(office, desk, await ordered(office, desk, report.number)), report


async def test_the_crew_page_is_for_everybody(office: Office) -> None:
    """On a phone upright and on its side, by day and by night, with a map or without."""
    desk, path, _ = await on_site(office)
    async with tab(office, desk) as page:
        for language in ("ja", "en"):
            addresses = [f"{office.url}{path}?lang={language}"]
            assert await faults_of(page, addresses, sizes=(*PHONES, *SIZES)) == {}
        await page.set_viewport_size(PHONES[0][0])
        for summary in await page.locator("summary").all():
            await summary.click()
        await page.locator(".elsewhere [data-on-map]").click()
        await expect(page.locator('.elsewhere .map-box[data-ready="yes"]')).to_be_visible()
        for size, colours in PHONES:
            await page.set_viewport_size(size)
            await page.emulate_media(color_scheme=colours)
            assert await faults_here(page) == []


async def test_the_page_of_a_link_that_ended_is_for_everybody(office: Office) -> None:
    desk, path, _ = await on_site(office)
    order = (await office.rows(OrderItem))[0].order_id
    page = await desk.get(f"/console/orders/{order}")
    [revoke] = page.tree.xpath("//form[contains(@action, '/revoke')]/@action")
    await desk.submit(page, revoke)
    async with tab(office, desk, harmless=NO_LINE) as browser:
        for address, status in ((path, 410), ("/crew/unknown", 404), ("/site/unknown", 404)):
            for language in ("ja", "en"):
                for size, colours in PHONES:
                    await browser.set_viewport_size(size)
                    await browser.emulate_media(color_scheme=colours)
                    answer = await browser.goto(f"{office.url}{address}?lang={language}")
                    assert answer is not None and answer.status == status
                    assert await faults_here(browser) == [], address


async def test_targets_are_as_large_as_a_thumb(office: Office) -> None:
    desk, path, _ = await on_site(office)
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.goto(office.url + path)
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
        for summary in await page.locator("summary").all():
            await summary.click()
        small = await page.evaluate(
            "[...document.querySelectorAll('main :is(button, summary, select, textarea, label.shot,"
            " a.button)')].filter(one => one.checkVisibility()).map(one =>"
            " [one.textContent.trim(), one.getBoundingClientRect()]).filter(([, box]) =>"
            " box.width < 44 || box.height < 44).map(([words]) => words)"
        )
        assert small == []


async def test_a_place_is_put_right_on_the_map_where_there_is_no_line(office: Office) -> None:
    """The page, its photos and its map open without a line; what is pressed goes out later."""
    desk, path, report = await on_site(office)
    with line_to(office.url) as line:
        async with tab(office, desk, harmless=NO_LINE) as page:
            await page.set_viewport_size({"width": 390, "height": 844})
            await page.goto(f"{line.url}{path}")
            await page.locator("body[data-opens]").wait_for(state="attached")
            await page.context.set_offline(True)
            line.cut()
            await page.reload()
            await page.locator(".elsewhere summary").click()
            await page.locator(".elsewhere [data-on-map]").click()
            box = page.locator('.elsewhere .map-box[data-ready="yes"]')
            await expect(box).to_be_visible()
            await expect(box.locator(".map-point")).to_have_count(1)
            assert await box.locator(".map-district").count() > 0, "a map without tiles"
            seen = await box.bounding_box()
            assert seen is not None
            await page.mouse.click(seen["x"] + seen["width"] / 2 + 20, seen["y"] + 150)
            chosen = await page.locator('.elsewhere input[name="at"]').input_value()
            await page.locator('.elsewhere button[value="place"]').click()
            await expect(page.locator(".moved")).not_to_be_empty()
            await page.reload()
            await expect(page.locator(".moved")).not_to_be_empty()
            line.mend()
            await page.context.set_offline(False)
            await expect(page.locator("#line")).to_have_text(ALL_SENT)
            await expect(page.locator(".moved")).to_be_empty()
    [now] = await office.rows(Report)
    assert f"{now.latitude:.6f}, {now.longitude:.6f}" == chosen
    assert (now.latitude, now.longitude) != (report.latitude, report.longitude)


async def test_a_phone_without_room_shows_the_page_and_says_what_it_lost(office: Office) -> None:
    """The browser keeps neither pictures nor pages; what the page itself has is sent."""
    desk, path, _ = await on_site(office)
    full = (
        "Cache.prototype.put = Cache.prototype.add = () => Promise.reject(new Error('full'));"
        "IDBObjectStore.prototype.put = () => { throw new Error('full'); };"
    )
    with line_to(office.url) as line:
        async with tab(office, desk, harmless=NO_LINE) as page:
            await page.add_init_script(full)
            await page.goto(f"{line.url}{path}")
            await expect(page.locator("#line")).to_have_text(ALL_SENT)
            await page.context.set_offline(True)
            line.cut()
            files = [shot_of(a_photo("red"))]
            await page.locator('[data-role="after"]').set_input_files(files)
            await expect(page.locator("#line")).to_contain_text("このページを閉じないで")
            line.mend()
            await page.context.set_offline(False)
            await expect(page.locator("#line")).to_have_text(ALL_SENT)
            assert len(await office.rows(Photo)) == 2
            # Closed before it was sent, the photo is gone: the page says so.
            await page.route("**/photo?*", lambda route: route.abort())
            files = [shot_of(a_photo("blue"))]
            await page.locator('[data-role="after"]').set_input_files(files)
            await expect(page.locator("#line")).to_contain_text("このページを閉じないで")
            await page.reload()
            await expect(page.locator("#line")).to_contain_text("写真が失われました：1枚")


async def test_a_find_has_four_photos_and_the_fifth_goes_nowhere(office: Office) -> None:
    desk, path, _ = await on_site(office)
    async with tab(office, desk) as page:
        await page.goto(office.url + path)
        await page.locator("#new summary").click()
        shot = page.locator('#found input[type="file"]')
        for number in range(4):
            large = io.BytesIO()
            Image.effect_noise((4000 + number, 3000), 40).save(large, "JPEG", quality=95)
            await shot.set_input_files([shot_of(large.getvalue())])
            await expect(page.locator("#found-photos img")).to_have_count(number + 1)
        await expect(shot).to_be_disabled()
        await page.locator("#found select").select_option(index=1)
        await page.locator("#found textarea").fill("標識")
        await page.locator("#found button.big").click()
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
    photos = [one for one in await office.rows(Photo) if one.report_id == 2]
    assert len(photos) == 4 and max(one.width for one in photos) <= 2048
    assert max(one.size for one in photos) < 2_000_000, "a phone's photo is made smaller first"


async def test_what_is_found_is_shown_on_the_map(office: Office) -> None:
    """The map comes only when it is asked for, and its mark is the place of the report."""
    desk, path, report = await on_site(office)
    async with tab(office, desk) as page:
        await page.set_viewport_size({"width": 390, "height": 844})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(office.url + path)
        await page.locator("#new summary").click()
        assert not [url for url in asked if "/maps/" in url], "a poor line is spared the map"
        await page.locator("#found [data-on-map]").click()
        await expect(page.locator('#found .map-box[data-ready="yes"]')).to_be_visible()
        box = await page.locator("#found .map-box").bounding_box()
        assert box is not None
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        await expect(page.locator(".map-point")).to_have_count(1)
        shown = await page.locator('#found input[name="at"]').input_value()
        await page.locator("#found select").select_option(index=1)
        await page.locator("#found button.big").click()
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
    made = max(await office.rows(Report), key=lambda one: one.id or 0)
    assert made.id != report.id
    assert f"{made.latitude:.6f}, {made.longitude:.6f}" == shown


async def test_what_was_typed_is_there_when_the_phone_opens_the_page_again(office: Office) -> None:
    desk, path, _ = await on_site(office)
    async with tab(office, desk) as page:
        await page.goto(office.url + path)
        await page.locator(".stop details summary").first.click()
        await page.locator(".stop textarea").fill("部品が足りない")
        await page.locator("#new summary").click()
        await page.locator("#found textarea").fill("標識が傾いている")
        await page.locator("#found select").select_option(index=2)
        await page.reload()
        await expect(page.locator(".stop textarea")).to_have_value("部品が足りない")
        await expect(page.locator("#found textarea")).to_have_value("標識が傾いている")
        await expect(page.locator("#found select")).not_to_have_value("")
        await page.locator('.stop button[value="needs-more"]').click()
        await page.locator("#found button.big").click()
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
        await page.reload()
        for field in await page.locator("main :is(textarea, select)").all():
            await expect(field).to_have_value("")
    assert [one.outcome.value for one in await office.rows(OrderItem)] == ["needs-more", "open"]


async def test_each_place_is_one_sheet_of_the_printed_page(office: Office) -> None:
    """With a map, two photos, what to do and fields to fill in; without the page's own links."""
    kept = tuple(
        store_photo(office.context.settings.media_dir, a_photo(colour, (640, 480)))
        for colour in ("red", "blue")
    )
    long = "茨城県つくば市大字上大島字東山新田一丁目二番三十四号先 市道一級第二十三号線 北側歩道"
    numbers = [(await reported(office, address=long, pictures=kept)).number for _ in range(2)]
    desk = await office.at_desk(Role.ROADS, "road")
    order = await ordered(office, desk, *numbers)
    page = await desk.get(f"/console/orders/{order}")
    words = {f"words-{item.id}": "穴を埋める\n" * 4 for item in await office.rows(OrderItem)}
    csrf = page.form("/console/language")["csrf"]
    await desk.post(f"/console/orders/{order}", {"csrf": csrf, "do": "save", **words})
    async with tab(office, desk) as browser:
        await browser.goto(f"{office.url}/console/orders/{order}/print")
        await browser.wait_for_load_state("networkidle")
        await browser.emulate_media(media="print")
        await expect(browser.locator(".no-paper")).to_be_hidden()
        pdf = await browser.pdf(format="A4", prefer_css_page_size=True)
    assert pages_of(pdf) == 1 + len(numbers)


async def test_a_list_that_the_office_changed_shows_itself(office: Office) -> None:
    desk, path, _ = await on_site(office)
    async with tab(office, desk) as page:
        await page.goto(office.url + path)
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
        await ordered(office, desk, (await reported(office)).number)
        async with page.expect_response("**/acts?*"):
            await page.locator('.stop button[value="done"]').click()
        await expect(page.locator(".stop[data-item]")).to_have_count(2)
        await expect(page.locator(".stop[data-outcome=done]")).to_have_count(1)


async def test_a_line_that_drops_in_the_middle_of_a_photo_makes_neither_none_nor_two(
    office: Office,
) -> None:
    """First the photo is cut off, then it arrives and the answer is lost; then all is well."""
    desk, path, _ = await on_site(office)
    drops = ["half way", "answer"]

    async def drop(route: Route) -> None:
        if not drops:
            await route.continue_()
        elif drops.pop(0) == "answer":
            await route.fetch()
            await route.abort("connectionreset")
        else:
            await route.abort("connectionreset")

    async with tab(office, desk, harmless=("ERR_CONNECTION_RESET",)) as page:
        await page.goto(office.url + path)
        await page.route("**/photo?*", drop)
        await page.locator('[data-role="after"]').set_input_files([shot_of(a_photo("red"))])
        await expect(page.locator(".stop .waits")).to_have_count(1)
        await page.locator('.stop button[value="done"]').click()
        await expect(page.locator("#line")).to_have_text(ALL_SENT)
        await expect(page.locator(".stop .waits")).to_have_count(0)
        await expect(page.locator(".ours img")).to_have_count(1)
    assert drops == []
    assert len(await office.rows(Photo)) == 2, "the resident's, and one of the crew's"
    assert [one.outcome.value for one in await office.rows(OrderItem)] == ["done"]
