"""The notices' feeds: by topic, district and language; what was taken back; nothing sent twice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from feeds.models import Notice, Status
from public.validators import FirstSeen
from tests.support.atom import deleted_of, read_atom
from tests.support.notices import a_notice
from tests.support.office import NOON, Office


def notice(office: Office, identity: str, **changes: Any) -> Notice:
    return a_notice(office.clock.now(), identity, **changes)


async def told(office: Office, query: str) -> list[str]:
    """Return the numbers in the Atom feed, which are the same as those in the JSON feed."""
    browser = await office.browser()
    atom = await browser.get(f"/feeds/notices.atom?{query}")
    assert atom.status == 200, query
    feed = read_atom(atom.body)
    numbers = [entry.id.rpartition("/")[2] for entry in feed.entries]
    items = json.loads((await browser.get(f"/feeds/notices.json?{query}")).body)["items"]
    assert [item["id"].rpartition("/")[2] for item in items] == numbers
    return sorted(numbers)


async def test_a_feed_has_the_topics_and_districts_that_were_asked_for(office: Office) -> None:
    here, there = (district.code for district in office.context.city.districts[:2])
    await office.store(
        notice(office, "1", areas=[here]),
        notice(office, "2", areas=[there]),
        notice(office, "3"),
        notice(office, "4", topic="events", level=0, areas=[here]),
        notice(office, "5", topic="events", level=0, areas=[here, there]),
        notice(office, "6", topic="crime", level=0),
        notice(office, "7", drill=True, areas=[here]),
    )
    assert await told(office, "lang=en") == ["1", "2", "3", "4", "5", "6"]
    assert await told(office, f"area={here}") == ["1", "3", "4", "5", "6"]
    assert await told(office, f"area={here}&area={there}&topic=weather") == ["1", "2", "3"]
    assert await told(office, f"area={there}&topic=events,crime") == ["5", "6"]
    assert await told(office, "topic=events&topic=crime&lang=my") == ["4", "5", "6"]
    assert await told(office, "topic=transit") == []


async def test_a_feed_of_one_district_is_not_emptied_by_news_of_others(office: Office) -> None:
    here, there = (district.code for district in office.context.city.districts[:2])
    await office.store(notice(office, "ours", level=0, topic="events", areas=[here]))
    await office.store(
        *(notice(office, f"n{n}", level=0, topic="events", areas=[there]) for n in range(70))
    )
    assert await told(office, f"area={here}&topic=events") == ["1"]


async def test_a_topic_or_district_that_there_is_not_is_refused(office: Office) -> None:
    await office.store(notice(office, "one"))
    browser = await office.browser()
    for query in ("topic=weathr", "area=nowhere", "area='; drop table notices", "topic=%00"):
        for ending in ("atom", "json"):
            page = await browser.get(f"/feeds/notices.{ending}?{query}")
            assert page.status == 404, query
    assert await told(office, "topic=&area=,") == ["1"]
    assert await told(office, "topic=" + "weather," * 1000) == ["1"]


async def test_a_feed_says_where_it_is_and_in_which_languages(office: Office) -> None:
    await office.store(notice(office, "one"))
    page = await (await office.browser()).get("/feeds/notices.atom?lang=en&topic=weather")
    feed = read_atom(page.body).feed
    own = "http://127.0.0.1:8000/feeds/notices.atom?topic=weather&lang=en"
    assert (feed.id, feed.language) == (own, "en")
    assert [link.href for link in feed.links if link.rel == "self"] == [own]
    others = {link.hreflang: link.href for link in feed.links if "hreflang" in link}
    assert others["my"] == own.replace("lang=en", "lang=my")
    assert others["en"] == "http://127.0.0.1:8000/?lang=en"


async def test_what_was_taken_back_is_named_as_deleted(office: Office) -> None:
    """Also when the correction is about another district than the one that was asked for."""
    here, there = ([district.code] for district in office.context.city.districts[:2])
    later = office.clock.now() + timedelta(seconds=5)
    await office.store(notice(office, "wrong", areas=here), notice(office, "other", areas=here))
    await office.store(
        notice(
            office,
            "right",
            areas=there,
            replaces_id=1,
            status=Status.CORRECTED,
            reported_at=later,
            created_at=later,
        )
    )
    browser = await office.browser()
    for query in ("lang=en", f"area={here[0]}&lang=en"):
        page = await browser.get(f"/feeds/notices.atom?{query}")
        feed = read_atom(page.body)
        assert deleted_of(page.body) == {"tag:127.0.0.1,2026:notice/1": later.isoformat()}
        assert [entry.id.rpartition("/")[2] for entry in feed.entries] == ["3", "2"]
        assert feed.feed.updated == later.isoformat()
        assert 'in-reply-to ref="tag:127.0.0.1,2026:notice/1"' in page.body
        data = json.loads((await browser.get(f"/feeds/notices.json?{query}")).body)
        assert [one["id"] for one in data["_todoke"]["deleted"]] == ["tag:127.0.0.1,2026:notice/1"]
        assert data["items"][0]["_todoke"]["replaces"] == "tag:127.0.0.1,2026:notice/1"


async def test_what_did_not_change_is_not_sent_again(office: Office) -> None:
    browser = await office.browser()
    path = "/feeds/notices.atom?lang=en&topic=weather"
    empty = await browser.get(path)
    office.clock.ahead += timedelta(minutes=5)
    seen = {"If-None-Match": empty.headers["ETag"]}
    assert (await browser.get(path, **seen)).status == 304, "a feed without news does not change"
    seen = {"If-Modified-Since": empty.headers["Last-Modified"]}
    again = await browser.get(path, **seen)
    assert (again.status, again.body) == (304, "")
    assert again.headers["ETag"] == empty.headers["ETag"]
    end = office.clock.now() + timedelta(minutes=5)
    await office.store(notice(office, "one", expires_at=end))
    held = await browser.get(path, **seen)
    assert held.status == 200
    # The danger ends by the clock: there is no newer notice, and yet the feed is another.
    office.clock.ahead += timedelta(minutes=10)
    seen = {"If-Modified-Since": held.headers["Last-Modified"]}
    over = await browser.get(path, **seen)
    assert over.status == 200
    assert "in-force" not in over.body
    both = {"If-None-Match": '"another"', "If-Modified-Since": over.headers["Last-Modified"]}
    assert (await browser.get(path, **both)).status == 200
    for wrong in ("yesterday", "Mon, 99 Xyz 2026 99:99:99 GMT", "0"):
        assert (await browser.get(path, **{"If-Modified-Since": wrong})).status == 200


def test_two_answers_of_one_second_have_two_dates() -> None:
    seen = FirstSeen()
    first = seen.at("/a", "x", NOON)
    assert seen.at("/a", "x", NOON + timedelta(hours=1)) == first
    assert seen.at("/a", "y", NOON) == first + timedelta(seconds=1)
    assert seen.at("/b", "y", NOON) == first
