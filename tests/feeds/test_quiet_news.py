"""News that does not change what people should do is published, and replaces no alarm."""

from __future__ import annotations

from city.city import Decision
from core.clock import ManualClock
from core.database import Database
from feeds.models import Item, Notice, Source, Status
from feeds.telegrams import take_telegrams
from tests.support.feed_world import FeedWorld, a_city, sample_sources
from tests.support.telegrams import CODES, at, detail, flash, nankai, revision

SHIZUOKA = CODES.model_copy(update={"municipality": "2210000", "forecast_areas": ()})


async def taken(
    database: Database, clock: ManualClock, polls: list[list[bytes]], municipality: str = ""
) -> tuple[FeedWorld, list[Notice]]:
    """Take telegrams poll by poll; return the world and every notice made of them."""
    city = a_city(*sample_sources("https://agency.example"))
    jma = SHIZUOKA if municipality == SHIZUOKA.municipality else CODES
    city = city.model_copy(update={"jma": jma})
    [agency] = [source for source in city.sources if source.code == "jma-eqvol"]
    world = FeedWorld(city, database, clock)
    made: list[Notice] = []
    async with database.writing() as session:
        session.add(Source(code=agency.code, url=agency.url, kind="jma"))
    number = 0
    for telegrams in polls:
        items = []
        for telegram in telegrams:
            number += 1
            items.append(
                Item(
                    source=agency.code,
                    identity=f"{number}",
                    url=f"https://agency.example/{number}",
                    title="",
                    fetched_at=clock.now(),
                    payload=telegram,
                )
            )
        async with database.writing() as session:
            session.add_all(items)
            await session.flush()
            done = await take_telegrams(
                session, items, agency, city, at(10), world.publish, first_poll=False
            )
            made += done.notices
    return world, made


async def test_a_revision_in_the_same_poll_silences_no_earthquake(
    database: Database, clock: ManualClock
) -> None:
    polls = [[flash("4"), detail("4"), detail("4", 6, "2").replace(b"-50000/", b"-60000/")]]
    world, made = await taken(database, clock, [*polls, [revision("6.1", 9)]])
    assert [(each.intensity, each.decision) for each in made] == [
        ("4", Decision.PUBLISH),  # the flash, overtaken by the detail
        ("4", Decision.SEND),
        ("4", Decision.PUBLISH),
        ("4", Decision.PUBLISH),
    ]
    assert len(world.sent) == 1
    assert "6.1" in made[-1].texts["ja"]["text"]
    assert made[-1].replaces_id == made[1].id


async def test_a_weak_earthquake_is_a_notice_that_the_public_can_read(
    database: Database, clock: ManualClock
) -> None:
    world, [made] = await taken(database, clock, [[detail("1")]])
    assert (made.intensity, made.urgency, made.decision) == ("1", 1, Decision.SEND)
    assert not made.emergency
    assert len(world.sent) == 1  # to those who asked for it, which the audience decides


async def test_a_commentary_that_is_taken_back_is_taken_back_where_it_was_published(
    database: Database, clock: ManualClock
) -> None:
    name = "南海トラフ地震関連解説情報"
    monthly = nankai(0, "210", "解説", name)
    cancelled = nankai(1, "210", "解説", name, info_type="取消")
    world, made = await taken(database, clock, [[monthly], [cancelled]], SHIZUOKA.municipality)
    assert [(each.status, each.decision) for each in made] == [
        (Status.ISSUED, Decision.PUBLISH),
        (Status.CANCELLED, Decision.PUBLISH),
    ]
    assert made[1].replaces_id == made[0].id
    assert world.sent == []
