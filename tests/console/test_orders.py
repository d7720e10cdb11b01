"""Work orders: at the desk, on paper, and on the phone of the crew."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from city.city import WorkOrders
from console.link_pages import KEPT_COPY
from console.models import Role
from reports import work
from reports.models import (
    CameBy,
    OrderAct,
    OrderItem,
    OrderPhone,
    Outcome,
    Photo,
    PhotoRole,
    Report,
    WorkUsed,
)
from reports.states import ReportState
from tests.support.crews import (
    a_photo,
    act,
    at_roads,
    by_form,
    crew_link,
    items_of,
    ordered,
    sent,
    sent_photo,
    team,
)
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office
from tests.support.project import PROJECT


def with_orders(office: Office, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the city send out its crews in another way."""
    city = office.context.city
    wanted = city.work_orders.model_copy(update=changes)
    monkeypatch.setitem(city.__dict__, "work_orders", wanted)


async def outcomes(office: Office) -> list[str]:
    return [item.outcome.value for item in await office.rows(OrderItem)]


async def test_cases_are_put_on_an_order_and_assigned_to_its_team(office: Office) -> None:
    desk = await at_roads(office)
    first, second = await reported(office), await reported(office, longitude=140.1)
    order_id = await ordered(office, desk, first.number, second.number)
    again = await ordered(office, desk, first.number)
    assert again == order_id, "a team has one order a day"
    assert len(await office.rows(OrderItem)) == 2
    made = await team(office, "別の班")
    reports = await office.rows(Report)
    assert {one.team_id for one in reports} == {made.id - 1 if made.id else 0}
    assert {one.state for one in reports} == {ReportState.NEW}, "nobody is told of a new state"
    listed = await desk.get("/console/orders")
    assert f"W-{order_id}" in listed.words and "補修1班" in listed.words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"team": "99"}, "班"),
        ({"day": "2020-01-01"}, "過ぎ"),
        ({"number": None}, "選んで"),
        ({"number": ["2026-999999"]}, "2026-999999"),
    ],
)
async def test_an_order_that_cannot_be_says_why_and_changes_nothing(
    office: Office, changes: dict[str, Any], said: str
) -> None:
    desk = await at_roads(office)
    made, report = await team(office), await reported(office)
    page = await desk.get(f"/console/orders/new?number={report.number}")
    refused = await desk.submit(page, "/console/orders", **{"team": str(made.id), **changes})
    assert refused.status == 400
    assert said in refused.words
    assert await office.rows(OrderItem) == []


async def test_the_crew_sees_what_it_needs_and_never_who_reported(office: Office) -> None:
    desk = await at_roads(office)
    user = await office.resident()
    report = await reported(office, user)
    order_id = await ordered(office, desk, report.number)
    page = await desk.get(f"/console/orders/{order_id}")
    [item] = [one.id for one in await office.rows(OrderItem)]
    action = f"/console/orders/{order_id}"
    token = page.form("/console/language")["csrf"]
    fields = {"csrf": token, "do": "save", "words": "朝礼 8:30", f"words-{item}": "穴を埋める"}
    assert (await desk.post(action, fields)).status == 200
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    seen = await phone.get(path)
    assert seen.status == 200
    for words in (
        "道路に穴があいています",
        "つくば市中央1-1",
        "穴を埋める",
        "朝礼 8:30",
        report.number,
    ):
        assert words in seen.words, words
    assert "直線距離" in seen.words, "the page says how the order was made"
    links = seen.tree.xpath("//a/@href")
    assert any(link.startswith("geo:") for link in links)
    assert any(link.startswith("https://www.google.com/maps/dir/") for link in links)
    for secret in (user, "住民", "roads@city.example"):
        assert secret not in seen.body
    policy = seen.headers["Content-Security-Policy"]
    assert "unsafe" not in policy and "script-src 'self'" in policy
    assert seen.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in seen.headers["X-Robots-Tag"]


async def test_done_waits_for_the_office_and_then_the_resident_hears(office: Office) -> None:
    """The default: somebody in the office looks first."""
    desk = await at_roads(office)
    user = await office.resident("my")
    report = await reported(office, user)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    assert (await sent_photo(phone, path, a_photo("green"), item=item))[1]["refused"] == []
    status, answer = await sent(phone, path, act("done", item, words="常温合材で補修"))
    assert status == 200 and answer["refused"] == []
    [now] = await office.rows(Report)
    assert now.state is ReportState.NEW, "only the office ends a case"
    assert office.received(user) == []
    [photo] = await office.rows(Photo)
    assert photo.role is PhotoRole.AFTER and now.photo_count == 1
    page = await desk.get(f"/console/orders/{order_id}")
    assert "常温合材で補修" in page.words
    confirmed = await desk.submit(page, f"/console/orders/{order_id}/items/{item}", do="mended")
    assert confirmed.status == 200
    [now] = await office.rows(Report)
    assert now.state is ReportState.DONE and now.ended_at is not None
    async with asyncio.timeout(20):
        while not office.received(user):
            await asyncio.sleep(0.02)
    [messages] = office.received(user)
    assert report.number in str(messages)
    again = await desk.post(
        f"/console/orders/{order_id}/items/{item}",
        {"csrf": page.form("/console/language")["csrf"], "do": "mended"},
    )
    assert again.status == 400
    assert len(office.received(user)) == 1, "nobody hears it twice"


async def test_a_city_may_let_residents_hear_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_orders(office, monkeypatch, office_confirms=False)
    desk = await at_roads(office)
    user = await office.resident()
    report = await reported(office, user)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    await sent(phone, path, act("done", item))
    [now] = await office.rows(Report)
    assert now.state is ReportState.DONE
    async with asyncio.timeout(20):
        while not office.received(user):
            await asyncio.sleep(0.02)
    await sent(phone, path, act("open", item))
    [now] = await office.rows(Report)
    assert now.state is ReportState.IN_PROGRESS, "what was taken back is open again"


async def test_a_late_act_does_not_undo_a_newer_one(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone, other = await office.browser(), await office.browser()
    [item] = items_of(await phone.get(path))
    await sent(phone, path, act("done", item))
    late = act("could-not", item, age_ms=3_600_000, words="車が停まっている")
    status, answer = await sent(other, path, late)
    assert status == 200 and answer["done"] == [late["id"]], "it came, and is kept"
    assert await outcomes(office) == ["done"]
    newer = act("needs-more", item, words="機械が必要")
    for _ in range(3):
        assert (await sent(phone, path, newer))[0] == 200
    assert await outcomes(office) == ["needs-more"]
    assert len(await office.rows(OrderAct)) == 3, "an act that comes twice counts once"


async def test_an_old_done_does_not_undo_what_the_office_decided(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_orders(office, monkeypatch, office_confirms=False)
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    async with office.database.writing() as session:
        await work.change(
            session,
            office.context.city,
            report.number,
            work.Change(state=ReportState.ACCEPTED),
            by="roads@city.example",
            now=office.clock.now(),
        )
    await sent(phone, path, act("done", item, age_ms=600_000))
    [now] = await office.rows(Report)
    assert now.state is ReportState.ACCEPTED


async def test_what_was_answered_elsewhere_cannot_be_told_again_from_the_order(
    office: Office,
) -> None:
    """The office answers on the case's page; a resident says no; the old photo proves nothing."""
    desk = await at_roads(office)
    report = await reported(office, await office.resident())
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    await sent(phone, path, act("done", item))
    for state in (ReportState.DONE, ReportState.ACCEPTED):
        async with office.database.writing() as session:
            await work.change(
                session,
                office.context.city,
                report.number,
                work.Change(state=state),
                by="roads@city.example",
                now=office.clock.now(),
            )
    page = await desk.get(f"/console/orders/{order_id}")
    settle = f"/console/orders/{order_id}/items/{item}"
    assert not page.has_form(settle)
    token = page.form("/console/language")["csrf"]
    assert (await desk.post(settle, {"csrf": token, "do": "mended"})).status == 400
    [now] = await office.rows(Report)
    assert now.state is ReportState.ACCEPTED

    # Put on today's order once more, the crew sees that it has to go again.
    assert await ordered(office, desk, report.number) == order_id
    assert await outcomes(office) == ["open"]
    await sent(phone, path, act("done", item, age_ms=600_000))
    assert await outcomes(office) == ["open"], "what a phone kept from before is old"
    await sent(phone, path, act("done", item))
    assert await outcomes(office) == ["done"]
    assert (await desk.get(f"/console/orders/{order_id}")).has_form(settle)


async def test_what_was_used_is_kept_where_the_office_asks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    page = await phone.get(path)
    [item] = items_of(page)
    assert "作業時間" not in page.words
    await sent(phone, path, act("done", item, minutes=30, people=2, materials="合材 2袋"))
    async with office.database.reading() as session:
        assert await session.get(WorkUsed, item) is None
    with_orders(office, monkeypatch, asks_used=True)
    assert "作業時間" in (await phone.get(path)).words
    await sent(phone, path, act("done", item, minutes=35, people=2, materials="合材 3袋"))
    async with office.database.reading() as session:
        used = await session.get(WorkUsed, item)
    assert used is not None
    assert (used.minutes, used.people, used.materials) == (35, 2, "合材 3袋")
    assert used.report_id == report.id
    assert "合材 3袋" in (await desk.get(f"/console/orders/{order_id}")).words
    assert "合材 3袋" in (await desk.get(f"/console/reports/{report.number}")).words


async def test_an_inspector_reports_what_is_found_on_a_patrol(office: Office) -> None:
    desk = await at_roads(office)
    await team(office, "巡回班")
    page = await desk.get("/console/orders/places")
    page = await desk.submit(
        page, "/console/orders/places", name="中央アンダーパス", where="36.08, 140.11", words="排水"
    )
    assert page.status == 200 and "中央アンダーパス" in page.words
    [place] = page.tree.xpath("//form[contains(@action, '/remove')]/@action")
    known = await reported(office)
    form: dict[str, Any] = {"kind": "patrol", "place": [place.split("/")[-2]]}
    order_id = await ordered(office, desk, known.number, of="巡回班", **form)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    seen = await phone.get(path)
    assert "中央アンダーパス" in seen.words and known.number in seen.words
    kind = office.context.city.report_categories[0].code
    found = act("found", category=kind, words="標識が傾いている", longitude=140.1, latitude=36.1)
    for _ in range(2):
        status, answer = await sent(phone, path, found)
        assert status == 200 and answer["refused"] == []
    done = await sent_photo(phone, path, a_photo("red"), found=found["id"], role="near")
    assert done[1]["refused"] == []
    reports = await office.rows(Report)
    assert len(reports) == 2, "an act that comes twice makes one report"
    new = reports[-1]
    assert (new.came_by, new.category, new.description) == (CameBy.PATROL, kind, "標識が傾いている")
    assert new.resident_id is None and (new.longitude, new.latitude) == (140.1, 36.1)
    [photo] = await office.rows(Photo)
    assert (photo.report_id, photo.role) == (new.id, PhotoRole.NEAR)
    assert new.number in (await phone.get(path)).words, "it can be mended on the spot"


async def test_without_javascript_it_is_a_plain_form(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    page = await phone.get(path)
    [item] = items_of(page)
    form = page.form(path)
    key = str(form["key"])
    for _ in range(2):
        done = await by_form(phone, path, key=key, item=item, do="done", photo=a_photo())
        assert done.status == 200 and "done=yes" in done.url
    assert await outcomes(office) == ["done"]
    assert len(await office.rows(Photo)) == 1 and len(await office.rows(OrderAct)) == 2
    wrong = await by_form(phone, path, key=key[::-1], item=item, do="could-not")
    assert "done=wrong" in wrong.url, "why is missing"


async def test_the_crew_may_sort_its_places_by_hand(office: Office) -> None:
    desk = await at_roads(office)
    reports = [await reported(office, longitude=140.1 + n / 100) for n in (0, 2, 1)]
    order_id = await ordered(office, desk, *(one.number for one in reports))
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    ids = items_of(await phone.get(path))
    near, middle, far = reports[0].number, reports[2].number, reports[1].number
    page = await phone.get(path)
    listed = [one.text for one in page.tree.xpath("//h2/small")][:3]
    assert listed == [near, middle, far]
    await sent(phone, path, act("sort", ids=[ids[2], ids[0], ids[1]]))
    page = await phone.get(path)
    assert items_of(page) == [ids[2], ids[0], ids[1]] and "手で並べ替え" in page.words
    await sent(phone, path, act("from-here", longitude=140.12, latitude=36.0))
    assert items_of(await phone.get(path)) == [ids[2], ids[1], ids[0]]
    token = (await desk.get(f"/console/orders/{order_id}")).form("/console/language")["csrf"]
    await desk.post(f"/console/orders/{order_id}", {"csrf": token, "do": f"up:{ids[0]}"})
    assert items_of(await phone.get(path)) == [ids[2], ids[0], ids[1]]


async def test_links_of_others_forged_withdrawn_and_ended_open_nothing(office: Office) -> None:
    desk = await at_roads(office)
    report, other = await reported(office), await reported(office)
    order_id = await ordered(office, desk, report.number)
    other_id = await ordered(office, desk, other.number, of="補修2班")
    tomorrow = await ordered(office, desk, other.number, day=1)
    path, second = await crew_link(office, desk, order_id), await crew_link(office, desk, other_id)
    third = await crew_link(office, desk, tomorrow)
    phone = await office.browser()
    [item], [theirs] = items_of(await phone.get(path)), items_of(await phone.get(second))
    photo_of_other = await sent_photo(phone, second, a_photo(), item=theirs)
    [photo] = photo_of_other[1]["items"][0]["photos"]
    # Another team's and another day's places cannot be named, nor their photos be seen.
    for act_of_other in (act("done", theirs), act("open", theirs)):
        _, answer = await sent(phone, path, act_of_other)
        assert answer["refused"] == [act_of_other["id"]] and answer["done"] == []
    assert (await sent_photo(phone, path, a_photo("red"), item=theirs))[1]["done"] == []
    async with phone.http.get(f"{office.url}{path}/photos/{photo}") as got:
        assert got.status == 404
    async with phone.http.get(f"{office.url}{second}/photos/{photo}") as got:
        assert got.status == 200 and got.headers["Content-Type"] == "image/jpeg"
    token = path.rpartition("/")[2]
    turned = token[:-1] + ("A" if token[-1] != "A" else "B")
    shelter = "/crew/" + "A" * 48
    for wrong in (
        f"/crew/{turned}",
        "/crew/x",
        "/crew/" + "A" * 300,
        "/crew/%00",
        "/crew/é",
        shelter,
    ):
        assert (await phone.get(wrong)).status == 404, wrong
        assert (await sent(phone, wrong, act("done", item)))[0] == 404
        assert (await sent_photo(phone, wrong, a_photo(), item=item))[0] == 404
    page = await desk.get(f"/console/orders/{order_id}")
    [revoke] = page.tree.xpath("//form[contains(@action, '/revoke')]/@action")
    await desk.submit(page, revoke)
    for status, answer in (
        await sent(phone, path, act("done", item)),
        await sent_photo(phone, path, a_photo(), item=item),
    ):
        assert (status, answer["error"]) == (410, "ended")
    assert (await phone.get(path)).status == 410
    office.clock.ahead += timedelta(days=2)
    assert (await phone.get(second)).status == 410, "the day is over"
    assert (await phone.get(third)).status == 200, "the next day's is not"
    office.clock.ahead += timedelta(days=1)
    assert (await phone.get(third)).status == 410
    assert await outcomes(office) == ["open"] * 3


async def test_that_a_link_was_passed_on_is_seen(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    for _ in range(2):
        await phone.get(path, **{"User-Agent": "Mozilla/5.0 (Linux; Android 15)"})
    page = await desk.get(f"/console/orders/{order_id}")
    assert "1台で開かれました" in page.words and "Android" in page.words
    await (await office.browser()).get(path)
    page = await desk.get(f"/console/orders/{order_id}")
    assert page.tree.xpath("//*[@data-testid='passed-on']")
    async with office.database.reading() as session:
        assert len(list(await session.scalars(select(OrderPhone)))) == 2


async def test_the_copy_for_where_there_is_no_line_is_no_opening(office: Office) -> None:
    """A browser that opens the page once asks twice: its service worker keeps a copy."""
    script = (PROJECT / "console" / "static" / "link_worker.js").read_text("utf-8")
    assert f'"{KEPT_COPY}"' in script
    desk = await at_roads(office)
    path = await crew_link(
        office, desk, await ordered(office, desk, (await reported(office)).number)
    )
    phone = await office.browser()
    await phone.get(path)
    assert (await phone.get(path, **{KEPT_COPY: "yes"})).status == 200
    await (await office.browser()).get(path, **{KEPT_COPY: "yes"})
    async with office.database.reading() as session:
        assert list(await session.scalars(select(OrderPhone.opened))) == [1]


async def test_only_who_answers_reports_sees_the_links(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    order_id = await ordered(office, desk, report.number)
    path = await crew_link(office, desk, order_id)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    for page in ("", "/print"):
        seen = await viewer.get(f"/console/orders/{order_id}{page}")
        assert seen.status == 200 and report.number in seen.words
        assert path not in seen.body


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"acts": [null, 1, [], {}]}',
        '{"acts": [{"id": "short", "kind": "done"}]}',
        '{"acts": [{"id": "key000000x1", "kind": ["done"], "item": {}}]}',
        '{"acts": [{"id": "key000000x2", "kind": "done", "item": true}]}',
        '{"acts": [{"id": "key000000x3", "kind": "done", "item": 1e400}]}',
        '{"acts": [{"id": "key000000x4", "kind": "photo", "item": 1}]}',
        '{"acts": [{"id": "key000000x5", "kind": "found", "category": "x", "words": "y"}]}',
        '{"acts": [{"id": "key000000x6", "kind": "from-here", "longitude": NaN, "latitude": 1}]}',
        "[" * 20_000,
    ],
)
async def test_what_is_no_act_changes_nothing(office: Office, body: str) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    status, answer = await sent(await office.browser(), path, body=body)
    assert status == 200 and answer["done"] == []
    assert await outcomes(office) == ["open"]
    assert len(await office.rows(Report)) == 1


async def test_a_bomb_and_what_is_no_photo_are_refused(office: Office) -> None:
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 99))
    whole = a_photo(size=(800, 600))
    for data in (b"", b"<svg onload=alert(1)>", whole[:200], bomb, b"\xff" * (21 * 1024 * 1024)):
        status, answer = await sent_photo(phone, path, data, item=item)
        assert status == 200 and answer["done"] == [], len(data)
        assert len(answer["refused"]) == 1
    assert await office.rows(Photo) == []


async def test_a_link_fills_neither_the_database_nor_the_disk(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console import crew_pages
    from console.link_pages import MOST_OF_LINK

    assert MOST_OF_LINK == 5_000
    monkeypatch.setattr(crew_pages, "MOST_OF_LINK", 12)
    monkeypatch.setattr(crew_pages, "MOST_PHOTOS_OF_LINK", 9)
    desk = await at_roads(office)
    report = await reported(office)
    path = await crew_link(office, desk, await ordered(office, desk, report.number))
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    for number in range(8):
        photo = await sent_photo(phone, path, a_photo(f"#{number * 9:02}0000"), item=item)
        assert photo[1]["refused"] == []
    full = await sent_photo(phone, path, a_photo("blue"), item=item)
    assert len(full[1]["refused"]) == 1, "a place has room for eight photos"
    acts = [act("sort", ids=[item]) for _ in range(4)]
    assert (await sent(phone, path, *acts))[0] == 200
    status, answer = await sent(phone, path, act("done", item))
    assert (status, answer["error"]) == (429, "too-many")
    assert (await sent_photo(phone, path, a_photo(), item=item))[0] == 429


async def test_what_people_wrote_is_text_on_every_page(office: Office) -> None:
    desk = await at_roads(office)
    bad = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    report = await reported(office, description=bad, address=bad)
    order_id = await ordered(office, desk, report.number, words=bad)
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    [item] = items_of(await phone.get(path))
    await sent(phone, path, act("could-not", item, words=bad))
    await sent(
        phone,
        path,
        act(
            "found",
            category=office.context.city.report_categories[0].code,
            words=bad,
            longitude=140.1,
            latitude=36.1,
        ),
    )
    pages = [await phone.get(path)]
    pages += [await desk.get(f"/console/orders/{order_id}{one}") for one in ("", "/print")]
    for page in pages:
        assert "<script>alert" not in page.body and "<img src=x" not in page.body
        assert "alert(1)" in page.words, page.url


async def test_a_pdf_and_a_page_for_paper_are_made(office: Office) -> None:
    desk = await at_roads(office)
    reports = [await reported(office, longitude=140.1 + n / 100) for n in range(3)]
    order_id = await ordered(office, desk, *(one.number for one in reports))
    await crew_link(office, desk, order_id)
    item = (await office.rows(OrderItem))[0].id
    for query in ("", f"?item={item}"):
        async with desk.http.get(
            f"{office.url}/console/orders/{order_id}/order.pdf{query}"
        ) as answer:
            data = await answer.read()
            assert answer.status == 200 and data.startswith(b"%PDF-"), data[:300]
            assert answer.headers["Content-Type"] == "application/pdf"
        async with desk.http.get(
            f"{office.url}/console/orders/{order_id}/map.png{query}"
        ) as answer:
            assert answer.status == 200 and (await answer.read()).startswith(b"\x89PNG")
    paper = await desk.get(f"/console/orders/{order_id}/print")
    assert paper.status == 200 and all(one.number in paper.words for one in reports)
    assert len(paper.tree.xpath("//section[contains(@class, 'sheet')]")) == 4
    assert paper.tree.xpath("//div[@class='sheet-code']/*[local-name()='svg']")
    missing = await desk.get(f"/console/orders/{order_id}/print?item=999")
    assert missing.status == 404


async def test_a_place_that_the_crew_spoke_of_stays_on_the_order(office: Office) -> None:
    desk = await at_roads(office)
    reports = [await reported(office) for _ in range(2)]
    order_id = await ordered(office, desk, *(one.number for one in reports))
    path = await crew_link(office, desk, order_id)
    phone = await office.browser()
    first, second = items_of(await phone.get(path))
    await sent(phone, path, act("done", first))
    token = (await desk.get(f"/console/orders/{order_id}")).form("/console/language")["csrf"]
    action = f"/console/orders/{order_id}"
    assert (await desk.post(action, {"csrf": token, "do": f"off:{first}"})).status == 400
    assert (await desk.post(action, {"csrf": token, "do": f"off:{second}"})).status == 200
    assert items_of(await phone.get(path)) == [first]


def test_the_office_confirms_if_the_city_says_nothing() -> None:
    assert WorkOrders().office_confirms and not WorkOrders().asks_used


async def test_many_phones_of_one_crew_lose_and_double_nothing(office: Office) -> None:
    desk = await at_roads(office)
    reports = [await reported(office) for _ in range(4)]
    path = await crew_link(office, desk, await ordered(office, desk, *(r.number for r in reports)))
    phones: list[Browser] = [await office.browser() for _ in range(4)]
    ids = items_of(await phones[0].get(path))
    acts = [act("done", one, words=f"{number}") for number, one in enumerate(ids)]
    answers = await asyncio.gather(*(sent(phone, path, *acts) for phone in phones))
    assert [status for status, _ in answers] == [200] * 4
    assert await outcomes(office) == [Outcome.DONE.value] * 4
    assert len(await office.rows(OrderAct)) == 4
