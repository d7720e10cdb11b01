"""What axe-core finds on a page in a browser (WCAG 2.2 AA)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
PIN = "map-pin"
"""Marks on a map stand where things are (WCAG 2.5.8, "essential"), and the list beside has them all
("equivalent"): they may be close to each other.
"""
SIZES: tuple[tuple[Any, Any], ...] = (
    ({"width": 360, "height": 780}, "light"),
    ({"width": 768, "height": 1024}, "light"),
    ({"width": 1440, "height": 900}, "dark"),
)
"""A phone and a tablet by day, and a desk by night. The two narrow ones are also what a page has at
400 % and 200 % zoom on a desk."""


async def faults_of(
    page: Page, addresses: Iterable[str], sizes: Sequence[tuple[Any, Any]] = SIZES
) -> dict[str, list[str]]:
    """Return what is wrong with each of these pages, at all sizes; nothing if all is well.

    A page that is wider than its window is a fault too. Each page is loaded once.
    """
    wrong: dict[str, list[str]] = {}
    for address in addresses:
        await page.set_viewport_size(sizes[0][0])
        answer = await page.goto(address)
        assert answer is not None and answer.ok and page.url == address, address
        # Numbers that are being counted load the page again.
        await page.wait_for_selector("[data-counting]", state="detached")
        for size, colours in sizes:
            await page.emulate_media(color_scheme=colours)
            await page.set_viewport_size(size)
            # What lies beneath a bar at the foot of the window can be scrolled from under it.
            height = await page.evaluate("document.documentElement.scrollHeight")
            await page.set_viewport_size(
                {"width": size["width"], "height": max(height, size["height"])}
            )
            if found := await faults_here(page):
                wrong[f"{address} {size['width']} {colours}"] = found
    return wrong


async def _is_pin(page: Page, selector: str) -> bool:
    """Whether what axe names is a mark on a map; it leaves out parts of long tags."""
    return bool(
        await page.evaluate(f"one => !!document.querySelector(one)?.matches('.{PIN}')", selector)
    )


async def faults_here(page: Page) -> list[str]:
    """Return what is wrong with a page as it is shown now."""
    found = (await Axe().run(page, options=RULES)).response["violations"]
    said = [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
        if each["id"] != "target-size" or not await _is_pin(page, node["target"][0])
    ]
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        said.append("wider than the window")
    return said
