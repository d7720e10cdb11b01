"""Spreadsheets that an office takes into the city's own words."""

from __future__ import annotations

import aiohttp

from tests.support.office import Browser, Page


async def upload(desk: Browser, part: str, *files: tuple[str, bytes]) -> Page:
    address = f"/console/words/{part}/spreadsheet"
    page = await desk.get(address)
    form = aiohttp.FormData()
    form.add_field("csrf", str(page.form(address)["csrf"]))
    form.add_field("do", "look")
    for name, content in files:
        form.add_field("file", content, filename=name)
    async with desk.http.post(desk.url + address, data=form) as answer:
        return Page(answer.status, str(answer.url), answer.headers, await answer.text())


async def take(desk: Browser, page: Page, part: str, **more: str) -> Page:
    """Press the button below the difference."""
    [form] = [one for one in page.tree.forms if "sent" in one.fields]
    fields = {name: value for name, value in form.form_values() if name != "file"}
    return await desk.post(f"/console/words/{part}/spreadsheet", {**fields, **more, "do": "take"})
