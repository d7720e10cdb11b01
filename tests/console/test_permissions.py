"""Each address of the console, for each role and for nobody, against the table in SECURITY.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from console import access
from console.access import Permission, may_everywhere
from console.models import Role
from console.pages import ROUTERS
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SECURITY = Path(__file__).resolve().parents[2] / "SECURITY.md"
ROLES = tuple(Role)
"""In the order of the table's columns."""

OPEN = "open"
ADDRESSES = {
    OPEN: """
        GET /console/sign-in
        POST /console/sign-in
        GET /console/sign-in/over
        POST /console/sign-in/over
        POST /console/language
        GET /console/sign-in/provider
        GET /console/sign-in/provider/back
        POST /console/sign-in/provider/sign-out
        POST /console/sign-in/passkey
        GET /console
    """,
    "look": """
        GET /console/
        GET /console/session
        GET /console/session/live
        GET /console/stopped/live
        GET /console/now/live
        GET /console/now/map/live
        GET /console/account
        POST /console/account/password
        GET /console/account/code
        POST /console/account/code
        POST /console/account/code/off
        POST /console/account/elsewhere
        POST /console/account/name
        GET /console/account/passkeys
        POST /console/account/passkeys
        POST /console/account/passkeys/{passkey_id}
        POST /console/account/passkeys/{passkey_id}/remove
        GET /console/account/recovery
        POST /console/account/recovery
        GET /console/alerts
        GET /console/deliveries/{delivery_id}
        GET /console/deliveries/{delivery_id}/live
        GET /console/deliveries/{delivery_id}/spoken
        GET /console/deliveries/{delivery_id}/spoken.wav
        GET /console/chains/{notice_id}
        GET /console/feeds
        GET /console/feeds/items/{item_id}
        GET /console/held
        GET /console/held/{notice_id}
        GET /console/rules
        GET /console/rehearsal
        GET /console/rehearsal/{rehearsal}
        GET /console/rehearsal/{rehearsal}/report.csv
        GET /console/rules/{version_id}
        GET /console/rules/{version_id}/live
        GET /console/reports
        POST /console/reports/filters
        POST /console/reports/filters/{filter_id}
        POST /console/reports/filters/{filter_id}/remove
        GET /console/reports/map.json
        GET /console/report-statistics
        GET /console/report-statistics/map.json
        GET /console/report-statistics/ready
        GET /console/report-statistics/numbers.csv
        GET /console/reports/{number}
        GET /console/reports/{number}/map.json
        GET /console/reports/{number}/photos/{photo_id}
        GET /console/danger-words
        GET /console/danger-words/check
        GET /console/kinds
        GET /console/kinds.toml
        GET /console/kinds/{code}
        GET /console/kinds/{code}/check
        GET /console/kinds/{code}/questions/{n}
        GET /console/kinds/{code}/words/{language}
        GET /console/words
        GET /console/words/{part}
        GET /console/words/{part}/row
        GET /console/words/{part}/rows.csv
        GET /console/forwards
        GET /console/orders
        GET /console/orders/{order_id}
        GET /console/orders/{order_id}/print
        GET /console/orders/{order_id}/order.pdf
        GET /console/orders/{order_id}/map.png
        GET /console/people
        GET /console/people/live
        GET /console/people/map.json
        GET /console/news
        GET /console/news-calendar
        GET /console/news/{news_id}/check
        GET /console/surveys
        GET /console/surveys/{survey_id}/results
        GET /console/surveys/{survey_id}/results/live
        GET /console/surveys/{survey_id}/words/{place}
        GET /console/surveys/{survey_id}/counts.csv
        POST /console/surveys/{survey_id}/words.csv
        POST /console/surveys/{survey_id}/answers.csv
        GET /console/tasks
        GET /console/tasks/live
        GET /console/tasks/{task_id}
        GET /console/papers/{name}
        POST /console/tour
        POST /console/sign-out
    """,
    "alerts before they are sent": """
        GET /console/alerts/{draft_id}/live
        GET /console/alerts/{draft_id}/check
        GET /console/alerts/{draft_id}/texts/{medium}
        GET /console/alerts/{draft_id}/phones/{language}
        GET /console/alerts/{draft_id}/spoken
        GET /console/alerts/{draft_id}/spoken.wav
        GET /console/deliveries/{delivery_id}/stop
        POST /console/deliveries/{delivery_id}/{act}
        POST /console/held-alarm
    """,
    "alerts": """
        POST /console/alerts
        GET /console/alerts/{draft_id}
        POST /console/alerts/{draft_id}
        POST /console/alerts/{draft_id}/live
        POST /console/alerts/{draft_id}/auto
        POST /console/alerts/{draft_id}/look
        POST /console/alerts/{draft_id}/still-right
        POST /console/alerts/{draft_id}/restore
        POST /console/alerts/{draft_id}/discard
        POST /console/alerts/{draft_id}/after
        POST /console/alerts/{draft_id}/ask
        POST /console/alerts/{draft_id}/media
        POST /console/alerts/{draft_id}/test
        GET /console/alerts/{draft_id}/templates/{template_id}
        POST /console/alerts/{draft_id}/templates/{template_id}
        GET /console/templates
        POST /console/templates
        GET /console/templates/new
        POST /console/templates/starters
        POST /console/templates/look
        GET /console/templates/{template_id}
        POST /console/templates/{template_id}
        POST /console/templates/{template_id}/withdraw
        POST /console/templates/{template_id}/restore
        POST /console/notices/{notice_id}/again
        POST /console/notices/{notice_id}/take-back
        POST /console/held/{notice_id}/draft
        POST /console/rules
        POST /console/rules/back
        POST /console/rules/{version_id}/try
        POST /console/rules/{version_id}/discard
    """,
    "alerts, the last word": """
        POST /console/alerts/{draft_id}/confirm
        POST /console/alerts/{draft_id}/send
        POST /console/held/{notice_id}
        POST /console/rules/{version_id}/confirm
        POST /console/clock
        POST /console/restored
    """,
    "a disaster as it runs": """
        GET /console/lalert
        GET /console/record
        GET /console/record/live
        GET /console/record/print
        POST /console/record
        POST /console/record/export.csv
        GET /console/call-up
        POST /console/call-up/check
        POST /console/call-up/write
        POST /console/call-up/send
        GET /console/call-up/{call_up_id}
        GET /console/call-up/{call_up_id}/live
        GET /console/call-up/{call_up_id}/print
        POST /console/call-up/{call_up_id}/export.csv
        POST /console/call-up/{call_up_id}/ask-again
        POST /console/call-up/{call_up_id}/widen
        POST /console/call-up/{call_up_id}/end
        POST /console/call-up/{call_up_id}/note
        GET /console/call-up/staff
        POST /console/call-up/staff
        POST /console/call-up/staff/import
        GET /console/call-up/staff/codes
        POST /console/call-up/staff/codes
        GET /console/call-up/staff/{member_id}
        POST /console/call-up/staff/{member_id}
        POST /console/call-up/staff/{member_id}/code
        POST /console/call-up/staff/{member_id}/unlink
        POST /console/call-up/staff/{member_id}/remove
        GET /console/disaster
        GET /console/disaster/live
        GET /console/disaster/check
        POST /console/disaster/begin
        POST /console/disaster/end
        GET /console/shelters
        POST /console/shelters
        GET /console/shelters/map.json
        GET /console/shelters/site
        POST /console/shelters/links
        POST /console/shelters/links/{link_id}/revoke
        GET /console/lifelines
        POST /console/lifelines
        GET /console/lifelines/map.json
        GET /console/lifelines/{lifeline_id}
        POST /console/lifelines/{lifeline_id}
    """,
    "tasks between departments": """
        POST /console/tasks
        POST /console/tasks/{task_id}
    """,
    "people in a disaster": """
        GET /console/dangers
        GET /console/dangers/live
        GET /console/dangers/map.json
        GET /console/dangers/{danger_id}
        GET /console/dangers/{danger_id}/photos/{sha256}
        POST /console/dangers/{danger_id}
        GET /console/people/{case_id}
        GET /console/people/{case_id}/photos/{shot_id}
        POST /console/people/{case_id}
    """,
    "reports": """
        GET /console/orders/new
        POST /console/orders/new
        POST /console/orders
        GET /console/orders/places
        POST /console/orders/places
        POST /console/orders/places/{place_id}/remove
        POST /console/orders/{order_id}
        POST /console/orders/{order_id}/items/{item_id}
        POST /console/orders/{order_id}/links
        POST /console/orders/{order_id}/links/{link_id}/revoke
        POST /console/danger-words
        POST /console/danger-words/back
        POST /console/danger-words/confirm
        POST /console/danger-words/discard
        GET /console/new-kind
        POST /console/new-kind
        POST /console/kinds/{code}
        POST /console/kinds/{code}/back
        POST /console/kinds/{code}/confirm
        POST /console/kinds/{code}/discard
        POST /console/kinds/{code}/questions/{n}
        POST /console/kinds/{code}/words/{language}
        POST /console/reports/{number}
        POST /console/reports/{number}/correct
        POST /console/reports/{number}/join
        POST /console/reports/{number}/opened
        POST /console/reports/{number}/part
        POST /console/reports/{number}/photos/{photo_id}/turn
        GET /console/teams
        POST /console/teams
        GET /console/teams/{team_id}
        POST /console/teams/{team_id}
        POST /console/reports/export.csv
        GET /console/reports/inbox
        POST /console/reports/inbox
        POST /console/reports/together
        POST /console/reports/together/do
        POST /console/reports/export.geojson
        POST /console/reports/{number}/answer-look
        GET /console/answers
        POST /console/answers
        GET /console/answers/new
        POST /console/answers/look
        GET /console/answers/{code}
        POST /console/answers/{code}
        POST /console/answers/{code}/withdraw
        POST /console/answers/{code}/restore
        GET /console/report-alarms
        POST /console/report-alarms/{department}
        POST /console/report-alarms/{department}/test
        POST /console/reports/export.gpkg
        GET /console/reports/exports/{export_id}
        GET /console/reports/exports/{export_id}/live
        GET /console/reports/exports/{export_id}/reports.gpkg
        POST /console/reports/{number}/reporters
        GET /console/reports/{number}/forward
        POST /console/reports/{number}/forward
        POST /console/forwards/{forward_id}/{act}
        GET /console/entry
        POST /console/entry
        GET /console/entry/spreadsheet
        POST /console/entry/spreadsheet
        GET /console/release
        GET /console/release/{photo_id}
        POST /console/release/{photo_id}
        GET /console/release/{photo_id}/public
    """,
    "the city's own words": """
        POST /console/words/{part}/row
        POST /console/words/{part}/undo
        GET /console/words/{part}/spreadsheet
        POST /console/words/{part}/spreadsheet
    """,
    "chats with residents": """
        GET /console/chat
        GET /console/chat/live
        GET /console/chat/{thread_id}
        GET /console/chat/{thread_id}/live
        GET /console/chat/{thread_id}/photos/{message_id}
        POST /console/chat/{thread_id}
    """,
    "questions that were not understood": """
        GET /console/questions
        GET /console/questions/answer
        POST /console/questions/answer
        POST /console/questions/dismiss
        POST /console/questions/reopen
    """,
    "news": """
        POST /console/news
        GET /console/news/{news_id}
        POST /console/news/{news_id}
        POST /console/news/{news_id}/look
        POST /console/news/{news_id}/discard
        POST /console/news/{news_id}/restore
        POST /console/news/{news_id}/plan
        POST /console/news/{news_id}/recall
        POST /console/news/{news_id}/test
        POST /console/news/from/{notice_id}
        POST /console/news/{news_id}/correct/{notice_id}
        POST /console/surveys
        GET /console/surveys/{survey_id}
        POST /console/surveys/{survey_id}
        POST /console/surveys/{survey_id}/look
        POST /console/surveys/{survey_id}/discard
        POST /console/surveys/{survey_id}/close
    """,
    "news, the last word": """
        POST /console/news/{news_id}/approve
        POST /console/news/{news_id}/send-back
    """,
    "figures": """
        GET /console/figures
        GET /console/figures/month/{month}
        POST /console/figures/figures.csv
        POST /console/figures/month/{month}/figures.csv
    """,
    "the audit trail": """
        GET /console/audit
        POST /console/audit
        POST /console/audit/head
        POST /console/audit/export.csv
    """,
    "staff accounts": """
        GET /console/reports/{number}/dossier
        POST /console/reports/{number}/dossier
        GET /console/staff
        POST /console/staff
        GET /console/staff/{staff_id}
        POST /console/staff/{staff_id}
        POST /console/staff/{staff_id}/reset
        POST /console/staff/{staff_id}/promotion
        POST /console/staff/{staff_id}/close
        GET /console/moving-in
        POST /console/moving-in
        POST /console/moving-in/undo
        GET /console/webhooks
        POST /console/webhooks
        GET /console/webhooks/{webhook_id}
        POST /console/webhooks/{webhook_id}/{act}
    """,
}
NOWHERE = "/console/{_rest:path}"


def expected() -> dict[tuple[str, str], frozenset[Role] | None]:
    """Read which roles may go to each address; None where nobody has to be signed in."""
    rows: dict[str, frozenset[Role]] = {}
    for line in SECURITY.read_text(encoding="utf-8").splitlines():
        what, *cells = (cell.strip() for cell in line.strip("| ").split("|"))
        if len(cells) == len(ROLES) and set(cells) <= {"yes", "own", "no"}:
            said = zip(ROLES, cells, strict=True)
            rows[what.partition(":")[0]] = frozenset(role for role, cell in said if cell != "no")
    assert set(ADDRESSES) - {OPEN} <= set(rows)
    found: dict[tuple[str, str], frozenset[Role] | None] = {}
    for what, lines in ADDRESSES.items():
        for line in filter(None, map(str.strip, lines.splitlines())):
            method, _, path = line.partition(" ")
            assert (method, path) not in found
            found[method, path] = rows.get(what)
    return found


def test_the_paper_says_for_each_permission_what_the_code_says(database: object) -> None:
    said = [
        tuple(cells)
        for line in SECURITY.read_text(encoding="utf-8").splitlines()
        if len(cells := [cell.strip() for cell in line.strip("| ").split("|")][1:]) == len(ROLES)
        and set(cells) <= {"yes", "own", "no"}
    ]
    assert said == [
        tuple(
            "yes"
            if may_everywhere([role], permission)
            else "own"
            if access.may([role], permission)
            else "no"
            for role in ROLES
        )
        for permission in Permission
    ]


def test_no_address_of_the_console_is_missing_here(database: object) -> None:
    served = {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert served == {*expected(), ("GET", NOWHERE)}


async def asked(browser: Browser, method: str, path: str, fields: dict[str, str]) -> int:
    form = None if method == "GET" else fields
    address = browser.url + path
    async with browser.http.request(method, address, data=form, allow_redirects=False) as answer:
        await answer.read()
        to_sign_in = "/sign-in" in answer.headers.get("Location", "")
        return 401 if answer.status == 303 and to_sign_in else answer.status


def filled(path: str, number: str) -> str:
    """An address of a report that is there, and of rows that are not."""
    path = path.replace("{sha256}", "0" * 64).replace("{number}", number).replace("{act}", "stop")
    path = path.replace("{code}", "thanks").replace("{department}", "roads")
    path = path.replace("{part}", "items").replace("{month}", "2026-05")
    return re.sub(r"{\w+_id}", "99", path)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
async def test_each_role_goes_where_the_table_lets_it_and_nowhere_else(
    office: Office, role: Role
) -> None:
    report = await reported(office)
    wrong = []
    of = ("parks",) if role is Role.DEPARTMENT else ()
    browser = await office.at_desk(role, role.value, *of)
    async with browser.http.get(office.url + "/console/session") as answer:
        token = (await answer.json())["token"]
    for (method, path), may in expected().items():
        if may is None or path in ("/console/sign-out", "/console/account/elsewhere"):
            continue  # what ends the session comes last
        status = await asked(browser, method, filled(path, report.number), {"csrf": token})
        right = status in (200, 204, 303, 400, 404) if role in may else status == 403
        if not right:
            wrong.append((method, path, status))
    for path in ("/console/account/elsewhere", "/console/sign-out"):
        async with browser.http.get(office.url + "/console/session") as answer:
            token = (await answer.json())["token"]
        assert await asked(browser, "POST", path, {"csrf": token}) in (303, 401), path
    if await asked(browser, "GET", "/console/", {}) != 401:
        wrong.append(("GET", "/console/", 200))
    assert wrong == []


async def test_nobody_goes_anywhere_but_to_the_sign_in(office: Office) -> None:
    report = await reported(office)
    browser = await office.browser()
    wrong = []
    for (method, path), may in expected().items():
        status = await asked(browser, method, filled(path, report.number), {"csrf": "x" * 64})
        right = status == 401 if may is not None else status in (200, 303, 307, 400)
        if not right:
            wrong.append((method, path, status))
    assert wrong == []
    assert not await office.drafts()
    assert [e for e in await office.audit() if not e.action.startswith("report")] == []
