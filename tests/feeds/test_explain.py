"""``explain`` shows what a file would become, and every source's health can be seen at any time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import col, select

from city.city import Decision
from core.errors import BadInput, Permanent
from feeds.errors import Unreadable
from feeds.explain import explain, explain_files
from feeds.health import SourceWatch, states
from feeds.jma_index import long_feed, may_concern, read_index
from feeds.models import Item
from feeds.retention import forget
from simulator.agency import RecordedDays, forms
from simulator.agency.form import Envelope, Operation
from simulator.agency.writing import TSUKUBA, Kind, warning
from tests.support.cap_alerts import alert
from tests.support.feed_world import FeedWorld, a_city, sample_sources
from tests.support.letters import POLICE, letter

NOON = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)
CITY = a_city(*sample_sources("https://www.city.example"), POLICE)
KEYS = [
    *("topic", "kind", "kind_code", "level", "intensity", "status", "areas", "drill"),
    *("reported_at", "event_id", "title", "text"),
]


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_telegram_is_explained_with_the_promised_keys(tmp_path: Path) -> None:
    data = warning("VPWW56", TSUKUBA, [Kind("49")], Envelope(at=NOON))
    [notice] = explain(written(tmp_path / "x.xml", data), None, CITY)
    said = json.loads(json.dumps(notice.to_json()))
    assert list(said) == KEYS
    assert (said["topic"], said["kind"], said["level"]) == (
        "weather",
        "レベル４土砂災害危険警報",
        4,
    )
    assert (said["status"], said["drill"]) == ("issued", False)
    assert said["reported_at"] == "2026-06-15T12:00:00+09:00"
    assert set(said["title"]) == set(said["text"]) == set(CITY.languages)
    assert explain(written(tmp_path / "x.xml", data), "1310100", CITY) == []


def test_a_telegram_is_explained_for_any_municipality_in_its_own_name(shared_data: Path) -> None:
    taken_back = shared_data / "jma" / "samples" / "32-35_06_06_100915_VXSE53.xml"
    [notice] = explain(taken_back, "0321500", CITY)
    assert "奥州市" in notice.texts["ja"]["title"]
    assert "Oshu" in notice.texts["en"]["title"]
    assert not any("つくば" in words["text"] for words in notice.texts.values())


@pytest.mark.parametrize(
    ("sample", "municipality", "level"),
    [
        ("15_16_03_241226_VPWW55", "0121400", 4),
        ("15_16_04_241226_VPWW58", "0121400", 0),
        ("17_02_01_190529_VXWW50", "0133100", 4),
        ("17_01_01_190529_VXWW50", "4013000", 0),
        ("62_01_01_130412_VPNO50", "2920100", 5),
        ("45_01_01_200522_VFVO50", "1042500", 3),
        ("32-39_11_02_250206_VTSE41", "0320200", 0),
        ("32-35_01_01_100806_VXSE51", "2210000", 0),
    ],
)
def test_the_level_is_the_one_that_goes_with_the_official_name(
    shared_data: Path, sample: str, municipality: str, level: int
) -> None:
    [notice] = explain(shared_data / "jma" / "samples" / f"{sample}.xml", municipality, CITY)
    assert notice.to_json()["level"] == level


def test_a_drill_is_explained_as_a_drill(tmp_path: Path) -> None:
    envelope = Envelope(at=NOON, operation=Operation.TRAINING)
    data = warning("VPWW55", TSUKUBA, [Kind("43")], envelope)
    [notice] = explain(written(tmp_path / "x.xml", data), None, CITY)
    assert notice.drill
    assert (notice.decision, notice.decided_by) == (Decision.HOLD, "rule:drill")


def test_a_feed_an_alert_and_a_mail_are_explained_with_the_rule_that_decided(
    tmp_path: Path,
) -> None:
    page = forms.ListedArticle(
        path="/1.html", title="市道の通行止め", summary="工事", category="", published_at=NOON
    )
    feed = written(tmp_path / "news.rdf", forms.rdf([page], "https://www.city.example"))
    [road] = explain(feed, None, CITY)
    assert (road.topic, road.decision, road.decided_by) == (
        "roadworks",
        Decision.SEND,
        "rule:city-news#2",
    )
    assert str(road.because) == "Rule 2 of city-news: word '通行止め'."
    elsewhere = written(tmp_path / "some.xml", forms.rdf([page], "https://www.city.example"))
    assert explain(elsewhere, None, CITY)[0].topic == "roadworks"
    [water] = explain(written(tmp_path / "a.cap", alert()), None, CITY)
    assert (water.topic, water.decision) == ("city-news", Decision.HOLD)
    [watch] = explain(written(tmp_path / "m.eml", letter()), None, CITY)
    assert watch.topic == "child-watch"


def test_telegrams_are_read_on_one_board_in_the_order_given(tmp_path: Path) -> None:
    """As a running service would: raised, said again, lifted, and a late one changes nothing."""
    steps = [(0, "10", "発表"), (10, "43", "発表"), (20, "43", "継続"), (5, "10", "発表")]
    steps.append((30, "43", "解除"))
    files = [
        written(
            tmp_path / f"{number}.xml",
            warning(
                "VPWW55",
                TSUKUBA,
                [Kind(code, status)],
                Envelope(at=NOON + timedelta(minutes=minutes)),
            ),
        )
        for number, (minutes, code, status) in enumerate(steps)
    ]
    told = explain_files(files, None, CITY)
    assert [(n.status.value, n.kind, n.level) for n in told] == [
        ("issued", "レベル２大雨注意報", 2),
        ("raised", "レベル４大雨危険警報", 4),
        ("continued", "レベル４大雨危険警報", 4),
        ("lifted", "レベル４大雨危険警報", 0),
    ]
    drill = written(
        tmp_path / "drill.xml",
        warning("VPWW55", TSUKUBA, [Kind("43")], Envelope(at=NOON, operation=Operation.TRAINING)),
    )
    assert [(n.status.value, n.drill) for n in explain_files([files[1], drill], None, CITY)] == [
        ("issued", False),
        ("issued", True),
    ]


def test_feeds_alerts_mails_and_telegrams_are_explained_together(tmp_path: Path) -> None:
    page = forms.ListedArticle(
        path="/1.html", title="市道の通行止め", summary="工事", category="", published_at=NOON
    )
    changed = replace(page, title="市道の通行止めを延長")
    first, again, later = (
        written(tmp_path / name, forms.rdf([each], "https://www.city.example"))
        for name, each in (("a.xml", page), ("b.xml", page), ("c.xml", changed))
    )
    telegram = written(
        tmp_path / "t.xml", warning("VPWW55", TSUKUBA, [Kind("43")], Envelope(at=NOON))
    )
    mail = written(tmp_path / "m.eml", letter())
    told = explain_files([first, telegram, again, mail, later], None, CITY)
    assert [n.topic for n in told] == ["roadworks", "weather", "child-watch", "roadworks"]
    assert told[-1].texts["ja"]["title"].endswith("延長")


def test_of_several_files_the_one_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    good = written(
        tmp_path / "good.xml", warning("VPWW55", TSUKUBA, [Kind("43")], Envelope(at=NOON))
    )
    for name, data in (("bad.xml", b"<html/>"), ("report.xml", b"<Report/>"), ("no.eml", b"")):
        with pytest.raises(Permanent, match=name):
            explain_files([good, written(tmp_path / name, data)], None, CITY)
    with pytest.raises(BadInput, match=r"gone\.xml"):
        explain_files([good, tmp_path / "gone.xml"], None, CITY)


def test_the_agencys_list_of_telegrams_is_no_feed_of_articles(tmp_path: Path) -> None:
    sent = forms.ListedTelegram(
        url="https://jma.example/20260615120000_0_VPWW55_080000.xml",
        title="気象警報・注意報（Ｒ０６）（大雨）",
        office="水戸地方気象台",
        headline="",
        updated=NOON,
    )
    index = forms.index("extra", [sent], "https://jma.example", NOON)
    with pytest.raises(Unreadable, match="list of telegrams"):
        explain(written(tmp_path / "extra.xml", index), None, CITY)


def test_what_cannot_be_explained_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        explain(tmp_path / "missing.xml", None, CITY)
    with pytest.raises(BadInput, match="seven digits"):
        explain(written(tmp_path / "x", b""), "８", CITY)
    for data in (b"", b"<html/>", b"<Report/>", b"\x00" * 100):
        with pytest.raises(Permanent):
            explain(written(tmp_path / "x.xml", data), None, CITY)
    with pytest.raises(Permanent, match="SPF"):
        explain(written(tmp_path / "x.eml", letter(results=None)), None, CITY)


def test_every_official_sample_is_explained(shared_data: Path) -> None:
    for sample in sorted((shared_data / "jma" / "samples").glob("*.xml")):
        for notice in explain(sample, None, CITY):
            assert list(notice.to_json()) == KEYS


@pytest.mark.slow
async def test_a_source_that_goes_silent_raises_the_alarm_once(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    watch, poller = SourceWatch(), world.poller(http)

    async def look() -> list[str]:
        async with world.database.reading() as session:
            gone = await watch.look(session, world.city, world.clock.now())
            return [state.code for state in gone]

    assert await look() == []
    await poller.poll_due()
    await world.clock.advance(301)
    assert await look() == ["jma-extra"]
    assert await look() == []
    await poller.poll("jma-extra")
    assert await look() == []
    await world.clock.advance(301)
    assert await look() == ["jma-extra"]


@pytest.mark.slow
async def test_old_telegrams_are_emptied_and_still_known(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    poller = world.poller(http)
    await poller.poll_due()
    recorded.prepare("rainstorm")
    recorded.step()
    await poller.poll("jma-extra")
    async with world.database.reading() as session:
        came = (await session.scalars(select(Item).where(col(Item.kind) == "VPWW61"))).one()
    await world.clock.advance(40 * 86400)
    # Changed rules are tried on 90 days of telegrams; after a day they are packed.
    assert await forget(world.database, world.clock.now()) == 0
    async with world.database.reading() as session:
        packed = await session.get_one(Item, came.id)
    assert packed.packed and len(packed.payload) < len(came.payload) / 2
    assert packed.content == came.payload
    await world.clock.advance(51 * 86400)
    assert await forget(world.database, world.clock.now()) == 1
    assert await forget(world.database, world.clock.now()) == 0
    await poller.poll("jma-extra")
    assert len([path for path, _ in recorded.requests if "/data/" in path]) == 1


@pytest.mark.slow
async def test_how_old_each_source_is_shows(
    world: FeedWorld, http: aiohttp.ClientSession, recorded: RecordedDays
) -> None:
    async with world.database.reading() as session:
        assert all(state.stale for state in await states(session, world.city, world.clock.now()))
    await world.poller(http).poll_due()
    recorded.fail("/developer/xml/feed/extra.xml", "error")
    await world.clock.advance(301)
    await world.poller(http).poll("jma-extra")
    async with world.database.reading() as session:
        now = {s.code: s for s in await states(session, world.city, world.clock.now())}
    extra = now["jma-extra"]
    assert (extra.stale, extra.failures, extra.age) == (True, 1, 301)
    assert "500" in str(extra.why)
    assert not now["city-news"].stale
    assert json.dumps(extra.to_json())


def test_the_index_names_what_may_concern_the_city_and_nothing_else() -> None:
    base = "https://www.data.jma.go.jp/developer/xml/data/20260615030000_0_"
    sent = [
        forms.ListedTelegram(
            url=f"{base}{name}.xml", title="t", office="o", headline="h", updated=NOON
        )
        for name in (
            "VPWW55_080000",
            "VPWW55_130000",
            "VPHW50_011000",
            "VPBS50_010000",
            "VXSE53_270000",
            "VXKO51_080000",
            "VPFD51_080000",
            "VZZZ99_010000",
        )
    ]
    index = read_index(forms.index("extra", sent, "https://www.data.jma.go.jp", NOON))
    concerned = [entry.kind for entry in index.entries if may_concern(entry, CITY.jma)]
    assert sorted(concerned) == ["VPBS50", "VPWW55", "VXKO51", "VXSE53", "VZZZ99"]
    assert long_feed("https://x.example/feed/extra.xml") == "https://x.example/feed/extra_l.xml"
    assert long_feed("https://x.example/feed/extra_l.xml") is None
    for data in (b"", b"<rss/>", b'<!DOCTYPE x [<!ENTITY a "b">]><feed>&a;</feed>'):
        with pytest.raises(Permanent):
            read_index(data)
