"""The pages of an emergency are small in every language, whatever is open, listed and in force."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alerts.compose import composed_of
from core.languages import LANGUAGES
from feeds.models import Notice
from public.page_size import MOST_BYTES
from response.lifelines import Listed, add
from response.models import LifelineKind, LifelineState, Offer, ShelterState
from response.shelters import set_state
from tests.support.alerts import draft_of
from tests.support.many_sites import many_sites
from tests.support.office import Browser, Office, Page
from tests.support.public_notices import shown

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
WORDS = {"ja": ("", "桜川があふれるおそれがあります。すぐに高い所へ逃げてください。" * 5)}


async def in_force(office: Office, many: int) -> list[Notice]:
    """Put orders of all levels in force, with the words that staff's alerts have."""
    city, now = office.context.city, office.clock.now()
    found = []
    for number in range(many):
        area = city.districts[number % len(city.districts)].code
        draft = draft_of(now, level=3 + number % 3, whole_city=False, areas=(area,), texts=WORDS)
        found.append(composed_of(draft, city, actor="a@city", now=now).notice)
        found[-1].identity = f"order-{number}"
    await office.store(*found)
    return found


async def all_open(office: Office, state: ShelterState = ShelterState.OPEN) -> None:
    async with office.database.writing() as session:
        for site in office.folder.shelters:
            await set_state(
                session,
                office.folder.shelters,
                site.code,
                state,
                office.clock.now(),
                actor="desk@city.example",
                drill=False,
                heads=1_200,
                offers=list(Offer),
            )


async def listed(office: Office, many: int) -> list[str]:
    until = office.clock.now() + timedelta(hours=8)
    site = office.folder.shelters[0]
    names = [f"中央公園の応急給水所と充電場所その{number}" for number in range(many)]
    kinds = list(LifelineKind)
    async with office.database.writing() as session:
        for number, name in enumerate(names):
            one = Listed(
                kinds[number % len(kinds)],
                name,
                LifelineState.OPEN,
                until,
                position=(site.longitude, site.latitude),
            )
            now = office.clock.now()
            await add(session, office.context.city, one, now, drill=False, actor="desk@city")
    return names


def small(page: Page) -> None:
    assert page.status == 200
    assert len(page.body.encode()) < MOST_BYTES, page.url


async def followed(browser: Browser, page: Page) -> list[Page]:
    """Return a page and those to which its link for the next one leads."""
    found = [page]
    while following := found[-1].tree.xpath('//p[@class="pages"]/a[@rel="next"]/@href'):
        found.append(await browser.get(following[0]))
    return found


async def test_every_page_of_an_emergency_is_small_in_every_language(office: Office) -> None:
    notices = await in_force(office, 12)
    await all_open(office)
    await listed(office, 100)
    browser = await office.browser()
    for language in LANGUAGES:
        for path in ("/", "/shelters", "/lifelines", "/n", f"/n/{notices[0].code}"):
            small(await browser.get(f"{path}?lang={language}"))


async def test_what_is_in_force_is_all_on_the_front_page_and_the_gravest_with_its_words(
    office: Office,
) -> None:
    notices = await in_force(office, 16)
    page = await (await office.browser()).get("/?lang=my")
    small(page)
    assert len(shown(page, "now")) == 16
    short = page.tree.xpath('//section[@aria-labelledby="now"]/article/h3/a/@href')
    assert short and {f"/n/{one.code}?lang=my" for one in notices} >= set(short)
    whole = page.tree.xpath('//section[@aria-labelledby="now"]/article[div[@class="text"]]')
    assert len(whole) == 16 - len(short) > 0
    levels = [int(one.get("class").partition("at-")[2][:1]) for one in whole]
    assert levels == [5] * len(levels), "the gravest keep their words"


@pytest.mark.parametrize("language", ["ja", "my"])
async def test_no_site_of_a_large_city_is_lost_without_a_script(
    office: Office, language: str
) -> None:
    office.folder = replace(office.folder, shelters=many_sites(office.folder, 8))
    office.app.state.folder = office.folder
    await all_open(office)
    browser = await office.browser()
    page = await browser.get(f"/shelters?lang={language}")
    small(page)
    seen = set()
    links = page.tree.xpath('//section[contains(@class, "folded")]/h2/a/@href')
    for address in links:
        for each in await followed(browser, await browser.get(address)):
            small(each)
            seen |= names_of(office, each)
    assert seen | names_of(office, page) == {site.name for site in office.folder.shelters}
    assert (await browser.get("/shelters?district=nowhere")).status == 404


def names_of(office: Office, page: Page) -> set[str]:
    """The sites of which the page says all."""
    said = " ".join(page.tree.xpath('//ul[@class="sites"]/li//text()')).split()
    return {site.name for site in office.folder.shelters} & set(said)


async def test_no_lifeline_is_lost_without_a_script(office: Office) -> None:
    names = await listed(office, 150)
    browser = await office.browser()
    pages = await followed(browser, await browser.get("/lifelines?lang=my"))
    assert len(pages) > 1
    seen: list[Any] = []
    for page in pages:
        small(page)
        seen += page.tree.xpath('//ul[@class="sites"]/li/h3/text()')
    assert sorted(seen) == sorted(names)
