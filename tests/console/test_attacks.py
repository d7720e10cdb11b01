"""Attacks from outside and from an account inside (promise 8)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from dataclasses import replace

import pytest
from fastapi.routing import APIRoute
from yarl import URL

from city.city import Decision
from console.attempts import LIMIT_ADDRESS, LIMIT_PAIR
from console.models import Role, Staff
from console.pages import ROUTERS
from console.sessions import COOKIE, VISITOR_COOKIE
from core.reason import other
from core.web import FORM_LIMIT_BYTES
from feeds.models import Item, ItemState, Notice, Source, Status
from tests.support.filed_reports import reported
from tests.support.office import Office

HUGE = "9" * 30
SCRIPT = "<script>alert(1)</script>"
TURNED = "abc\u202etxt.exe\u200b"


ODD_PAGES = (
    f"/console/alerts/{HUGE}",
    f"/console/alerts/{HUGE}/check",
    f"/console/deliveries/{HUGE}",
    f"/console/deliveries/{HUGE}/live",
    f"/console/deliveries/-{HUGE}",
    f"/console/feeds/items/{HUGE}",
    f"/console/held/{HUGE}",
    f"/console/reports/2026-000001/photos/{HUGE}",
    f"/console/audit?before={HUGE}",
    f"/console/feeds?page={HUGE}",
    f"/console/reports?page={HUGE}",
    "/console/deliveries/%00",
    "/console/reports/%00",
    "/console/reports/..%2f..%2fetc%2fpasswd",
    "/console/reports/2026-000001/photos/..%2f..%2fetc%2fpasswd",
    "/static/console/..%2f..%2f..%2fpyproject.toml",
    "/console/reports?text=%00",
    "/console/reports?category=%00&department=%00&area=%00",
    "/console/reports?text=%ff%fe&since=9999-99-99&until=0000-01-01",
    "/console/reports?until=9999-12-31",
    "/console/reports?since=0001-01-01",
    "/console/reports/map.json?text=%00",
    "/console/feeds?state=%00",
)
ODD_FORMS = (
    f"/console/alerts/{HUGE}/send",
    f"/console/alerts/{HUGE}/discard",
    f"/console/notices/{HUGE}/again",
    f"/console/notices/{HUGE}/take-back",
    f"/console/held/{HUGE}",
    f"/console/staff/{HUGE}",
    f"/console/staff/{HUGE}/reset",
    f"/console/deliveries/{HUGE}/pause",
    "/console/reports/%00",
)


async def test_an_odd_address_is_answered_and_breaks_nothing(office: Office) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    await reported(office)
    for path in ODD_PAGES:
        page = await browser.get(path)
        assert page.status in (200, 400, 404), (path, page.status)
        assert "root:" not in page.body, path
        assert "[project]" not in page.body, path
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    fields = {"kind": "drill", "status": "lifted", "decision": "drop", "role": "admin"}
    for path in ODD_FORMS:
        page = await browser.post(path, {**fields, "csrf": token, "version": HUGE[:18]})
        assert page.status in (400, 404), (path, page.status)


async def test_a_form_that_is_too_large_or_not_one_is_refused_in_japanese(office: Office) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    large = await browser.post("/console/alerts", {"csrf": token, "x": "x" * FORM_LIMIT_BYTES})
    assert large.status == 400
    assert "The form" not in large.words
    many = await browser.post("/console/alerts", {f"f{n}": "1" for n in range(2000)})
    assert many.status == 400
    assert "The form" not in many.words


async def test_guessing_with_a_stolen_session_is_slowed_down_too(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    page = await browser.get("/console/account")
    new = "a much longer password"
    answers = [
        await browser.submit(
            page, "/console/account/password", present=f"guess number {n}", new=new, again=new
        )
        for n in range(LIMIT_PAIR + 2)
    ]
    assert answers[0].status == 400
    assert answers[-1].status in (400, 429)
    assert "15" in answers[-1].words


@pytest.mark.slow
async def test_a_whole_town_hall_behind_one_address_can_sign_in(office: Office) -> None:
    await office.hire(Role.DISASTER, "duty")
    for _ in range(LIMIT_ADDRESS + 2):
        page = await (await office.browser()).sign_in("duty@city.example")
        assert page.status == 200


async def test_what_residents_wrote_is_shown_as_text_on_every_page(office: Office) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    report = await reported(office, description=SCRIPT, address=f'"><img src=x>{SCRIPT}')
    for path in ("/console/", "/console/reports", f"/console/reports/{report.number}"):
        page = await browser.get(path)
        assert SCRIPT not in page.body
        assert "<img src=x>" not in page.body
    assert SCRIPT in (await browser.get(f"/console/reports/{report.number}")).words
    found = await browser.get(f"/console/reports?text={SCRIPT}")
    assert SCRIPT not in found.body


async def test_what_a_source_sent_is_shown_as_text_on_every_page(office: Office) -> None:
    browser = await office.at_desk(Role.ADMIN, "boss")
    now = office.clock.now()
    item = Item(
        source="city-news",
        identity=f"javascript:alert(1){SCRIPT}",
        kind="rss",
        title=SCRIPT,
        url="javascript:alert(1)",
        payload=f"<x>{SCRIPT}</x>".encode() + b"\xff\x00",
        state=ItemState.SET_ASIDE,
        reason=other(SCRIPT),
        fetched_at=now,
    )
    notice = Notice(
        identity="an attack",
        topic="city-news",
        kind=SCRIPT,
        level=0,
        status=Status.ISSUED,
        drill=False,
        texts={"ja": {"title": SCRIPT, "text": f"{SCRIPT} {'x' * 20}"}},
        reported_at=now,
        created_at=now,
        decision=Decision.HOLD,
        decided_by=f"rule:{SCRIPT}",
    )
    source = Source(code="city-news", kind="rss", last_polled_at=now, failures=3)
    source.last_error = other(SCRIPT)
    await office.store(source)
    await office.store(item, notice)
    for path in (
        "/console/",
        "/console/feeds?state=all",
        "/console/feeds/items/1",
        "/console/held",
        "/console/held/1",
    ):
        page = await browser.get(path)
        assert page.status == 200, path
        assert SCRIPT not in page.body, path
        assert 'href="javascript:' not in page.body, path


async def test_a_spreadsheet_runs_nothing_that_a_resident_wrote(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    cells = ("=1+1", "＝HYPERLINK(1)", "\t@SUM(1)", "\n=1+1", "\u3000 -2+3", "+81", "@x", "|cmd")
    for cell in cells:
        await reported(office, description=cell, address=cell)
    listed = await browser.get("/console/reports")
    fields = listed.form("/console/reports/export.csv")
    page = await browser.post("/console/reports/export.csv", fields)
    assert page.headers["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(page.body.removeprefix("\ufeff"))))
    assert len(rows) == len(cells)
    for row in rows:
        for value in row.values():
            assert not value.strip().startswith(("=", "＝", "@", "-", "+")), value
    geo = json.loads((await browser.post("/console/reports/export.geojson", fields)).body)
    assert len(geo["features"]) == len(cells)
    assert [e.action for e in await office.audit()].count("report.exported") == 2


async def test_names_hide_nothing(office: Office) -> None:
    boss = await office.at_desk(Role.ADMIN, "boss")
    page = await boss.get("/console/staff")
    await boss.submit(page, "/console/staff", email="new@city.example", name=TURNED, role="viewer")
    refused = await boss.submit(
        page, "/console/staff", email="bo\u200bss@city.example", name="x", role="admin"
    )
    assert refused.status == 400
    people = await office.rows(Staff)
    assert [(one.email, one.name) for one in people[1:]] == [("new@city.example", "abctxt.exe")]


async def test_notes_and_answers_hide_nothing(office: Office) -> None:
    browser = await office.at_desk(Role.ROADS, "road")
    user = await office.resident("ja")
    report = await reported(office, user)
    page = await browser.get(f"/console/reports/{report.number}")
    await browser.submit(
        page, f"/console/reports/{report.number}", note=TURNED, answer_words=f"直しました{TURNED}"
    )
    page = await browser.get(f"/console/reports/{report.number}")
    assert "abctxt.exe" in page.words
    assert "\u202e" not in page.body
    await office.done(1)
    [[message]] = office.received(user)
    assert "\u202e" not in message["text"]


async def test_a_session_cannot_be_made_or_planted(office: Office) -> None:
    """Session fixation: whatever cookies a browser sends, signing in makes a new session."""
    await office.hire(Role.ADMIN, "boss")
    browser = await office.browser()
    planted = {COOKIE: "planted", VISITOR_COOKIE: "a" * 24}
    for name, value in planted.items():
        browser.http.cookie_jar.update_cookies({name: value}, URL(f"{office.url}/console/"))
    assert "/sign-in" in (await browser.get("/console/")).url
    await browser.sign_in("boss@city.example")
    first = browser.cookie(COOKIE)
    assert first not in ("", "planted")
    forged = first.rsplit(".", 1)[0] + ".AAAAAAAAAAAAAAAAAAAAAAAAAAA"
    thief = await office.browser()
    thief.http.cookie_jar.update_cookies({COOKIE: forged}, URL(f"{office.url}/console/"))
    assert "/sign-in" in (await thief.get("/console/")).url


async def test_a_form_of_another_site_does_nothing(office: Office) -> None:
    """Every form of the console, sent without its token, by somebody who may do everything."""
    browser = await office.at_desk(Role.ADMIN, "boss")
    report = await reported(office)
    forms = [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    open_to_all = {
        *("/console/sign-in", "/console/sign-in/over", "/console/sign-in/passkey"),
        "/console/language",
        "/console/sign-in/provider/sign-out",  # of the provider, by its signature (test_provider)
    }
    assert open_to_all | {"/console/alerts/{draft_id}/restore"} <= set(forms)
    assert len(forms) > 20
    before = len(await office.audit())
    for path in set(forms) - open_to_all:
        address = re.sub(r"{number}", report.number, path)
        address = re.sub(r"{act}", "stop", re.sub(r"{\w+_id}", "1", address))
        page = await browser.post(address, {"kind": "real", "role": "admin", "csrf": "x" * 64})
        assert page.status == 403, address
    assert len(await office.audit()) == before


async def test_cookies_go_by_https_only_where_the_service_does(office: Office) -> None:
    office.app.state.context = replace(
        office.context,
        settings=replace(office.context.settings, public_url="https://city.example"),
    )
    browser = await office.browser()
    async with browser.http.get(f"{office.url}/console/sign-in") as answer:
        [cookie] = answer.headers.getall("set-cookie")
        assert "Secure" in cookie
        assert "HttpOnly" in cookie
        assert "max-age" in answer.headers["Strict-Transport-Security"]


async def test_a_stranger_with_an_invented_link_or_key_holds_up_no_writer(office: Office) -> None:
    stranger = await office.browser()
    asked: tuple[tuple[str, dict[str, str], int], ...] = (
        ("/call-up/xxxxxxxx", {"answer": "cannot"}, 404),
        ("/settings/xxxxxxxx", {"language": "ja"}, 404),
        ("/site/xxxxxxxx", {"do": "state:open"}, 404),
        ("/site/xxxxxxxx/acts", {}, 404),
    )
    async with office.database.writing(), asyncio.timeout(10):
        assert (await stranger.get("/site/xxxxxxxx")).status == 404
        for path, fields, status in asked:
            assert (await stranger.post(path, fields)).status == status, path
