"""An alert for elsewhere is not the city's, and one for here goes to the districts it is for."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import aiohttp
import pytest
from sqlmodel import col, select

from city.city import City, Decision, District, SourceConfig
from core.clock import ManualClock
from core.database import Database
from feeds.cap import read_alert
from feeds.cap_areas import Whereabouts, whereabouts
from feeds.cap_notices import parts_of, rule
from feeds.explain import explain
from feeds.models import Item, Notice, Status
from feeds.reasons import reason
from tests.support.feed_server import Server
from tests.support.feed_world import FeedWorld, a_city, source

pytestmark = pytest.mark.usefixtures("unpacked_here")

SENT = "2026-06-15T11:50:00+09:00"
NOW = datetime.fromisoformat("2026-06-15T12:00:00+09:00")


def feed(url: str) -> SourceConfig:
    return source("water", "cap", url, topic="lifeline", decision="send")


def square(code: str, west: float, names: dict[str, str]) -> District:
    """A district of a tenth of a degree, from ``west`` and 36 degrees north on."""
    corners = ((0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1), (0, 0))
    ring = tuple((round(west + x, 1), round(36 + y, 1)) for x, y in corners)
    return District(code=code, names=names, polygons=((ring,),))


OHO = square("oho", 140.0, {"ja": "大穂", "en": "Oho"})
KUKIZAKI = square("kukizaki", 140.2, {"ja": "茎崎", "en": "Kukizaki"})


def place(
    *,
    polygons: tuple[str, ...] = (),
    circle: str = "",
    geocode: tuple[str, str] | None = None,
    name: str = "area",
    altitude: str = "",
) -> str:
    inside = f"<areaDesc>{name}</areaDesc>"
    inside += "".join(f"<polygon>{polygon}</polygon>" for polygon in polygons)
    inside += f"<circle>{circle}</circle>" if circle else ""
    if geocode:
        inside += (
            f"<geocode><valueName>{geocode[0]}</valueName><value>{geocode[1]}</value></geocode>"
        )
    inside += f"<altitude>{altitude}</altitude>" if altitude else ""
    return f"<area>{inside}</area>"


def info(
    *areas: str,
    language: str = "ja-JP",
    event: str = "断水",
    headline: str = "断水しています",
    expires: str = "2026-06-15T18:00:00+09:00",
    response: str = "",
) -> str:
    return (
        f"<info><language>{language}</language><category>Infra</category><event>{event}</event>"
        f"{f'<responseType>{response}</responseType>' if response else ''}"
        "<urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>"
        f"{f'<expires>{expires}</expires>' if expires else ''}<headline>{headline}</headline>"
        f"{''.join(areas)}</info>"
    )


def alert(
    number: int, *infos: str, kind: str = "Alert", references: tuple[int, ...] = (), **values: str
) -> bytes:
    sent = values.get("sent", SENT)
    refers = " ".join(f"water@city.example,W{other},{SENT}" for other in references)
    return (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>W{number}</identifier><sender>water@city.example</sender>"
        f"<sent>{sent}</sent><status>Actual</status><msgType>{kind}</msgType>"
        f"<scope>{values.get('scope', 'Public')}</scope>"
        f"{f'<references>{refers}</references>' if refers else ''}{''.join(infos)}</alert>"
    ).encode()


HERE = "36.02,140.02 36.02,140.08 36.08,140.08 36.08,140.02 36.02,140.02"
BOTH = "35.5,139.5 35.5,141 36.5,141 36.5,139.5 35.5,139.5"
THERE = "-33.39,150.98 -33.38,150.98 -33.37,150.99 -33.39,150.98"


@pytest.fixture
def city() -> City:
    return a_city(districts=(OHO, KUKIZAKI))


ELSEWHERE, UNCLEAR = Whereabouts(), Whereabouts(unclear=True)
IN_OHO = Whereabouts(frozenset({"oho"}))
EVERYWHERE = Whereabouts(frozenset({"oho", "kukizaki"}), whole_city=True)
WHOLE = Whereabouts(whole_city=True)


@pytest.mark.parametrize(
    ("area", "where"),
    [
        (place(polygons=(HERE,)), IN_OHO),
        (place(polygons=(BOTH,)), EVERYWHERE),
        (place(polygons=(THERE,)), ELSEWHERE),
        (place(polygons=(THERE, HERE)), IN_OHO),
        # A corner of it reaches in; and a band crosses without a corner inside either.
        (place(polygons=("35.9,139.9 35.9,140.01 36.01,140.01 35.9,139.9",)), IN_OHO),
        (place(polygons=("36.04,139 36.04,140.15 36.06,140.15 36.06,139 36.04,139",)), IN_OHO),
        # The standard has latitude first; the other way round is no place on earth.
        (place(polygons=("140.02,36.02 140.08,36.02 140.08,36.08 140.02,36.02",)), UNCLEAR),
        (place(polygons=("36.02,140.02 36.02,140.08 36.08,140.08",)), UNCLEAR),
        (place(polygons=("36.02 140.02, 36.08 140.08",)), UNCLEAR),
        (place(polygons=("nan,nan nan,nan nan,nan nan,nan",)), UNCLEAR),
        # Across the date line, written either way: the Pacific between Japan and Hawaii.
        (place(polygons=("30,150 40,150 40,-160 30,-160 30,150",)), ELSEWHERE),
        (place(polygons=("30,150 40,150 40,200 30,200 30,150",)), ELSEWHERE),
        (place(polygons=("30,135 40,135 40,-160 30,-160 30,135",)), EVERYWHERE),
        (place(polygons=("30,-225 40,-225 40,-160 30,-160 30,-225",)), EVERYWHERE),
        # The whole world in four corners is one line by the shorter way: nobody can tell.
        (place(polygons=("-90,-180 -90,180 90,180 90,-180 -90,-180",)), UNCLEAR),
        (place(polygons=("-90,-180 -90,0 -90,180 90,180 90,0 90,-180 -90,-180",)), EVERYWHERE),
        # A circle's radius is in kilometres.
        (place(circle="36.05,140.05 0"), IN_OHO),
        (place(circle="36.05,139.95 3"), ELSEWHERE),
        (place(circle="36.05,139.95 5"), IN_OHO),
        (place(circle="35.68,139.76 200"), EVERYWHERE),
        (place(circle="-33.4,150.9 500"), ELSEWHERE),
        (place(circle="36.05,140.05"), UNCLEAR),
        (place(circle="36.05,140.05 -1"), UNCLEAR),
        # Japan's own codes, of municipality and prefecture; those of others are not ours to read.
        (place(geocode=("JMA municipality", "0822000")), WHOLE),
        (place(geocode=("全国地方公共団体コード", "082201")), WHOLE),
        (place(geocode=("JIS X 0402", "08220")), WHOLE),
        (place(geocode=("JIS X 0401", "08")), WHOLE),
        (place(geocode=("JIS X 0401", "13")), ELSEWHERE),
        (place(geocode=("JMA municipality", "1310100")), ELSEWHERE),
        (place(geocode=("ISO 3166-2", "JP-08")), WHOLE),
        (place(geocode=("ISO 3166-2", "AU-NSW")), ELSEWHERE),
        (place(geocode=("SAME", "008220")), UNCLEAR),
        (place(geocode=("EMMA_ID", "BE003")), UNCLEAR),
        # A shape decides the place, whatever a code next to it means.
        (place(polygons=(THERE,), geocode=("SAME", "008220")), ELSEWHERE),
        # Only a name: the city's own are known.
        (place(name="大穂地区"), IN_OHO),
        (place(name="Oho"), IN_OHO),
        (place(name="つくば市"), WHOLE),
        (place(name="大穂地区、リンブルフ"), UNCLEAR),
        (place(name="東大穂町"), UNCLEAR),
        ("", UNCLEAR),
        # Feet above the sea: an alert for pilots.
        (place(polygons=(HERE,), altitude="20000"), ELSEWHERE),
        (place(polygons=(HERE,), altitude="0"), IN_OHO),
        # One area that nobody can place keeps a person in it.
        (
            place(polygons=(HERE,)) + place(name="?"),
            Whereabouts(frozenset({"oho"}), unclear=True),
        ),
    ],
)
def test_where_areas_lie(city: City, area: str, where: Whereabouts) -> None:
    [block] = read_alert(alert(1, info(area))).leading
    assert whereabouts(block.areas, city) == where


def test_an_alert_for_australia_is_for_nobody_here(city: City, shared_data: Path) -> None:
    assert explain(shared_data / "cases/cap/elsewhere.xml", None, city) == []


def test_every_reader_has_the_block_of_their_language(city: City, shared_data: Path) -> None:
    [told] = explain(shared_data / "cases/cap/expired.xml", None, city)
    assert told.decision is Decision.HOLD
    assert told.kind == "雷雨"
    assert "雷雨に注意" in told.texts["ja"]["title"]
    assert "Green warning for thunderstorm" in told.texts["en"]["title"]
    assert "Limburg" in told.texts["en"]["text"]
    assert "Japanese" not in told.texts["en"]["text"]


def test_who_reads_another_language_is_told_which_one_it_is(city: City) -> None:
    english = info(place(polygons=(HERE,)), language="en-AU", headline="No water")
    [part] = parts_of(read_alert(alert(1, english)), city, NOW)
    assert part.words == {"en": ("No water", "area")}
    texts = rule(read_alert(alert(1, english)), part, feed("http://x.example/cap"), city, NOW).texts
    assert "English" not in texts["en"]["text"]
    assert "English" in texts["ja"]["text"]
    assert "日本語" not in texts["my"]["text"]


@pytest.fixture
def water(server: Server, database: Database, clock: ManualClock, city: City) -> FeedWorld:
    return FeedWorld(
        city.model_copy(update={"sources": (feed(server.url + "/cap"),)}), database, clock
    )


async def take(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession, *alerts: bytes
) -> list[Notice]:
    """List alerts one poll after another, after a first poll of an empty feed."""
    poller = water.poller(http)
    for count in range(len(alerts) + 1):
        list_alerts(server, alerts[:count])
        assert (await poller.poll("water")).outcome == ("new" if count else "first")
    return water.sent


def list_alerts(server: Server, alerts: tuple[bytes, ...]) -> None:
    entries = ""
    for number, data in enumerate(alerts):
        url = server.says(f"/alert/{number}.cap", data)
        entries = f"<entry><title>x</title><id>{url}</id><link href='{url}'/></entry>" + entries
    said = f'<feed xmlns="http://www.w3.org/2005/Atom"><title>w</title>{entries}</feed>'
    server.says("/cap", said.encode())


async def test_only_the_districts_of_the_shape_hear_of_it(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    sent = await take(
        water,
        server,
        http,
        alert(1, info(place(polygons=(HERE,)))),
        alert(2, info(place(polygons=(THERE,)))),
        alert(3, info(place(name="リンブルフ"))),
        alert(4, info(place(polygons=(HERE,))), scope="Restricted"),
    )
    assert [(notice.areas, notice.decision) for notice in sent] == [(["oho"], Decision.SEND)]
    async with water.database.reading() as session:
        notices = list(await session.scalars(select(Notice).order_by(col(Notice.id))))
        reasons = list(await session.scalars(select(col(Item.reason)).order_by(col(Item.id))))
    assert [n.decided_by for n in notices] == ["rule:water", "rule:place-unclear"]
    assert reasons[1] == reason("news.elsewhere")


async def test_each_block_reaches_its_own_districts(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    in_kukizaki = place(name="茎崎")
    sent = await take(
        water,
        server,
        http,
        alert(
            1,
            info(place(polygons=(HERE,)), event="断水", headline="大穂で断水"),
            info(in_kukizaki, event="停電", headline="茎崎で停電"),
            info(in_kukizaki, headline="茎崎で漏水", expires="2026-06-15T11:55:00+09:00"),
            info(place(polygons=(THERE,)), headline="遠くで火災"),
            info(place(polygons=(HERE,)), language="en", headline="No water in Oho"),
            info(in_kukizaki, language="en", headline="No power in Kukizaki"),
        ),
    )
    assert [(n.areas, n.kind) for n in sent] == [(["oho"], "断水"), (["kukizaki"], "停電")]
    assert "大穂で断水" in sent[0].texts["ja"]["title"]
    assert "No power in Kukizaki" in sent[1].texts["en"]["title"]
    said = str([notice.texts for notice in sent])
    assert "遠くで火災" not in said
    assert "漏水" not in said


async def test_an_update_and_a_cancel_reach_whoever_heard_the_first_word(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    sent = await take(
        water,
        server,
        http,
        alert(1, info(place(polygons=(HERE,)))),
        alert(2, info(place(name="茎崎")), kind="Update", references=(1,)),
        alert(3, kind="Cancel", references=(1, 2)),
        alert(4, kind="Cancel", references=(1, 2)),
    )
    assert [(n.areas, n.status) for n in sent] == [
        (["oho"], Status.ISSUED),
        (["oho", "kukizaki"], Status.CORRECTED),
        (["oho", "kukizaki"], Status.CANCELLED),
    ]
    assert [n.replaces_id for n in sent] == [None, sent[0].id, sent[1].id]


async def test_what_an_update_does_not_speak_of_any_more_is_over(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    power = info(place(name="茎崎"), event="停電", headline="停電")
    sent = await take(
        water,
        server,
        http,
        alert(1, info(place(polygons=(HERE,))), power),
        alert(2, power, kind="Update", references=(1,)),
        alert(3, info(place(polygons=(THERE,))), kind="Update", references=(2,)),
    )
    assert [(n.areas, n.kind, n.status) for n in sent[2:]] == [
        (["kukizaki"], "停電", Status.CORRECTED),
        (["oho"], "断水", Status.LIFTED),
        (["kukizaki"], "停電", Status.LIFTED),
    ]


async def test_an_all_clear_ends_what_was_told_and_is_no_news_to_others(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    over = info(place(polygons=(HERE,)), headline="復旧しました", response="AllClear")
    sent = await take(
        water,
        server,
        http,
        alert(1, over),
        alert(2, info(place(polygons=(HERE,)))),
        alert(3, over, kind="Update", references=(2,)),
    )
    assert [n.status for n in sent] == [Status.ISSUED, Status.LIFTED]
    assert "復旧しました" in sent[1].texts["ja"]["text"]


async def test_one_poll_is_told_in_the_order_in_which_it_was_sent(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    poller = water.poller(http)
    list_alerts(server, ())
    await poller.poll("water")
    shape = info(place(polygons=(HERE,)))
    list_alerts(
        server,
        (
            alert(1, shape, sent="2026-06-15T11:40:00+09:00"),
            alert(2, shape, kind="Update", references=(1,), sent="2026-06-15T11:45:00+09:00"),
        ),
    )
    await poller.poll("water")
    assert [n.status for n in water.sent] == [Status.ISSUED, Status.CORRECTED]


async def test_an_alert_that_comes_after_its_cancellation_is_not_told(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    cancelled = alert(2, kind="Cancel", references=(1,))
    assert await take(water, server, http, cancelled, alert(1, info(place(name="大穂")))) == []


async def test_what_waits_for_a_person_is_dropped_when_it_was_taken_back(
    water: FeedWorld, server: Server, http: aiohttp.ClientSession
) -> None:
    unclear, cancelled = info(place(name="どこか")), alert(2, kind="Cancel", references=(1,))
    assert await take(water, server, http, alert(1, unclear), cancelled) == []
    async with water.database.reading() as session:
        decisions = list(await session.scalars(select(Notice.decision).order_by(col(Notice.id))))
    assert decisions == [Decision.DROP, Decision.PUBLISH]
