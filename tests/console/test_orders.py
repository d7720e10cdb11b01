"""Work orders: at the desk, on paper, and on the phone of the crew."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from city.city import WorkOrders
from reports.models import (
    CameBy,
    OrderAct,
    OrderItem,
    Outcome,
    PatrolPlace,
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
    office_changes,
    ordered,
    outcomes,
    sent,
    sent_photo,
    team,
)
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office


def with_orders(office: Office, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Let the city send out its crews in another way."""
    city = office.context.city
    wanted = city.work_orders.model_copy(update=changes)
    monkeypatch.setitem(city.__dict__, "work_orders", wanted)


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
    await office.settled()
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
    await office.settled()
    assert office.received(user)
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
    await office_changes(office, report.number, state=ReportState.ACCEPTED)
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
        await office_changes(office, report.number, state=state)
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


async def test_a_routine_place_is_not_kept_where_nobody_meant_it(office: Office) -> None:
    desk = await at_roads(office)
    page = await desk.get("/console/orders/places")
    where = "どこにもない橋"
    refused = await desk.submit(page, "/console/orders/places", name="見回り", where=where)
    assert refused.status == 400 and where in refused.words
    assert await office.rows(PatrolPlace) == []
    await desk.submit(page, "/console/orders/places", name="見回り", where="36.08, 140.11")
    [place] = await office.rows(PatrolPlace)
    assert (place.longitude, place.latitude) == (140.11, 36.08)


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
