"""The front page: what is in force, and earlier notices by topic, district and words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from city.city import Decision
from core.languages import LANGUAGES
from feeds.models import Notice, Status
from public.district_picture import MOST_POINTS, district_picture, levels_by_district
from public.notice_search import MOST_SEARCHED, SEARCHED, folded
from tests.support.office import Office, Page
from tests.support.public_notices import notice, shown


def news(office: Office, identity: str, **changes: Any) -> Notice:
    calm = {"level": 0, "topic": "events", "status": Status.NONE, "kind": ""}
    return notice(office, identity, **{**calm, **changes})


async def page_for(office: Office, query: str) -> Page:
    page = await (await office.browser()).get(f"/?lang=en&{query}")
    assert page.status == 200
    return page


async def found_by(office: Office, query: str) -> list[str]:
    page = await page_for(office, query)
    return [
        str(title).removesuffix(" title")
        for title in page.tree.xpath('//section[@aria-labelledby="recent"]/article/h3/bdi/text()')
    ]


async def test_notices_are_found_by_topic_district_and_words(office: Office) -> None:
    here, there = (district.code for district in office.context.city.districts[:2])
    await office.store(
        news(office, "fair", areas=[here]),
        news(office, "market", areas=[there], topic="business"),
        news(office, "everywhere"),
        news(office, "exercise", drill=True),
        news(office, "held", decision=Decision.HOLD),
        news(office, "old", reported_at=office.clock.now() - SEARCHED - timedelta(hours=1)),
        news(office, "autumn", reported_at=office.clock.now() - timedelta(days=60)),
    )
    assert set(await found_by(office, "topic=events")) == {"fair", "everywhere", "autumn"}
    assert set(await found_by(office, f"district={there}")) == {"market", "everywhere", "autumn"}
    assert await found_by(office, f"district={there}&topic=business") == ["market"]
    assert await found_by(office, "q=MARKET") == ["market"]
    # Japanese words are found by readers of other languages too, and in any width.
    assert await found_by(office, f"q={quote('ｍａｒｋｅｔの題')}") == ["market"]
    assert await found_by(office, "q=market+fair") == []
    assert "Nothing was found." in (await page_for(office, "q=market+fair")).words


async def test_a_search_has_an_address_and_shows_what_was_asked(office: Office) -> None:
    district = office.context.city.districts[0].code
    page = await page_for(office, f"topic=events&district={district}&q=a+%22b%3C")
    form = page.form("/#recent")
    assert (form["topic"], form["district"], form["q"]) == ("events", district, 'a "b<')
    assert form["lang"] == "en"
    assert not page.tree.xpath("//b")


@pytest.mark.parametrize(
    "query",
    [
        "topic=nothing",
        "district=%00",
        "q=" + "%E6%B0%B4" * 500,
        "q=%25",
        "topic=a&topic=b",
        "q=%ff",
    ],
)
async def test_a_search_for_anything_is_a_page(office: Office, query: str) -> None:
    await office.store(news(office, "one"))
    await page_for(office, query)


async def test_what_was_taken_back_is_not_found(office: Office) -> None:
    wrong = news(office, "wrong")
    await office.store(wrong)
    await office.store(news(office, "withdrawal", status=Status.CANCELLED, replaces_id=wrong.id))
    assert await found_by(office, "topic=events") == ["withdrawal"]


async def test_a_search_says_how_far_back_it_looked(office: Office) -> None:
    now = office.clock.now()
    await office.store(
        *(
            news(office, f"news-{n}", reported_at=now - timedelta(hours=n), texts={})
            for n in range(MOST_SEARCHED + 30)
        )
    )
    page = await page_for(office, "q=nothing-has-this")
    oldest = now - timedelta(hours=MOST_SEARCHED - 1)
    assert f"{oldest.day}" in page.tree.xpath('string(//form[@class="find"]/p)')
    assert len(shown(await page_for(office, "topic=events"), "recent")) == 60


async def test_sixty_dangers_at_once_are_all_there_with_their_places(office: Office) -> None:
    districts = office.context.city.districts
    await office.store(
        *(
            notice(office, f"n-{n}", level=2 + n % 4, areas=[districts[n % len(districts)].code])
            for n in range(60)
        )
    )
    for language in ("ja", "my"):
        page = await (await office.browser()).get(f"/?lang={language}")
        assert len(shown(page, "now")) == 60
        levels = page.tree.xpath('//*[local-name()="svg"]/*[local-name()="text"]/text()')
        assert len(levels) == len(districts)


async def test_every_language_has_the_page_and_the_links_to_more(office: Office) -> None:
    browser = await office.browser()
    for language in LANGUAGES:
        page = await browser.get(f"/?lang={language}")
        links = page.tree.xpath('//ul[@class="doors"]//a/@href')
        assert {f"/shelters?lang={language}", f"/n?lang={language}", "#follow"} <= set(links)
        assert page.tree.xpath("//a[starts-with(@href, 'https://line.me/R/ti/p/%40todoke')]")
        assert not page.tree.xpath("//script")


def test_levels_are_the_highest_of_each_district_and_drills_do_not_count(sample: Any) -> None:
    city = sample.city
    first, second, third = (district.code for district in city.districts[:3])

    def one(level: int, *areas: str, drill: bool = False, status: Status = Status.ISSUED) -> Notice:
        values: dict[str, Any] = {"level": level, "areas": list(areas)}
        values |= {"drill": drill, "status": status}
        return Notice(**values)

    found = levels_by_district(
        [one(3, first, second), one(5, second), one(5, drill=True), one(0, third)], city
    )
    assert found == {first: 3, second: 5, third: 0}
    assert set(levels_by_district([one(2)], city).values()) == {2}
    picture = str(district_picture(city, found))
    assert picture.count("<path") == len(city.districts)
    for level, sign in ((3, "3"), (5, "5"), (0, "!")):
        assert f'class="in-force-{level}"' in picture and f">{sign}</text>" in picture
    few = str(district_picture(city, found, 60))
    assert few.count("L") < picture.count("L") <= MOST_POINTS
    assert district_picture(city.model_copy(update={"districts": ()}), {}) is None


def test_words_are_compared_without_width_and_size() -> None:
    assert folded("ＡＢＣ　ｶﾞｽ") == folded("abc ガス")
