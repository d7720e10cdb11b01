"""Correcting, changing and ending an alert: once, to everybody who was told, by two people if it
warns more.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from console.models import Role
from feeds.models import Status
from tests.support.console_alerts import TEXT, delivery_of, sent, written
from tests.support.office import Browser, Office, Page

pytestmark = pytest.mark.slow

WHY = "当直が一人だけで、川があふれています"


async def pressed(browser: Browser, delivery: int, status: str) -> tuple[int, Page]:
    """Press a button of a delivery's page; returns the draft it opens."""
    page = await browser.get(f"/console/deliveries/{delivery}")
    notice = page.tree.xpath("//form[contains(@action, '/take-back')]/@action")[0]
    fields = {**page.form(notice), "status": status}
    page = await browser.post(notice, fields)
    assert "/console/alerts/" in page.url, page.words
    return int(page.url.split("/alerts/")[1].split("/")[0].partition("?")[0]), page


async def changed(browser: Browser, number: int, **fields: Any) -> Page:
    page = await browser.get(f"/console/alerts/{number}")
    return await browser.submit(page, f"/console/alerts/{number}", then="check", **fields)


def shown(page: Page, name: str) -> int:
    [found] = page.tree.xpath(f'//*[@data-testid="{name}"]')
    return int("".join(each for each in found.text_content() if each.isdigit()))


def last_title(office: Office, user: str) -> str:
    return str(office.received(user)[-1][0]["altText"]).splitlines()[0]


async def ordered(office: Office, browser: Browser, *areas: str, kind: str = "real") -> int:
    """Send an order for these districts; returns its delivery."""
    number, page = await written(browser, kind, whole_city=None, areas=list(areas))
    reason = {"alone_reason": WHY} if kind == "real" else {}
    delivery = delivery_of(await sent(browser, number, page, **reason))
    await office.done(delivery)
    return delivery


@pytest.mark.parametrize("kind", ["real", "drill"])
async def test_a_chain_tells_everybody_what_is_true_for_them_and_ends_for_all(
    office: Office, kind: str
) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    a, b, c = (district.code for district in office.context.city.districts[:3])
    people = {
        "a": await office.resident("en", areas=(a,)),
        "b": await office.resident("en", areas=(b,)),
        "c": await office.resident("en", areas=(c,)),
        "all": await office.resident("en"),
    }
    drill = kind == "drill"
    reason = {} if drill else {"alone_reason": WHY}
    order = await ordered(office, browser, a, b, kind=kind)

    number, _ = await pressed(browser, order, "corrected")
    page = await changed(browser, number, whole_city=None, areas=[b, c])
    assert shown(page, "recipients") == 4
    assert shown(page, "part-main-recipients") == 2
    assert shown(page, "part-new-recipients") == 1
    assert shown(page, "part-elsewhere-recipients") == 1
    correction = delivery_of(await sent(browser, number, page, **reason))
    assert (await office.done(correction)).recipients == 4
    titles = {name: last_title(office, user) for name, user in people.items()}
    mark = "[DRILL]" if drill else ""
    assert all(title.startswith(mark) for title in titles.values())
    assert "Not for your district" in titles["a"]
    assert "Corrected" in titles["b"]
    assert "Corrected" in titles["all"]
    assert "Corrected" not in titles["c"]
    wrong = json.dumps(office.received(people["a"])[-1], ensure_ascii=False)
    assert "you do not need to do anything" in wrong
    assert TEXT not in wrong
    page = await browser.get(f"/console/deliveries/{correction}")
    assert (shown(page, "recipients"), shown(page, "part-elsewhere")) == (4, 1)

    number, _ = await pressed(browser, correction, "raised")
    page = await changed(browser, number, whole_city=None, areas=[c], level="5")
    assert shown(page, "recipients") == 4
    raised = delivery_of(await sent(browser, number, page, **reason))
    assert (await office.done(raised)).recipients == 4
    assert "Raised" in last_title(office, people["c"])
    assert "Still in effect in your district" in last_title(office, people["b"])
    assert "Not for your district" in last_title(office, people["a"])

    number, page = await pressed(browser, raised, "lifted")
    assert shown(page, "recipients") == 4
    lifted = delivery_of(await sent(browser, number, page, **reason))
    assert (await office.done(lifted)).recipients == 4
    assert all("Lifted" in last_title(office, user) for user in people.values())
    assert "not about the districts you chose" in json.dumps(office.received(people["a"])[-1])
    assert office.receivers() == {
        people["a"]: 4,
        people["b"]: 4,
        people["all"]: 4,
        people["c"]: 3,
    }
    statuses = [notice.status for notice in await office.notices()]
    assert statuses == [Status.ISSUED, Status.CORRECTED, Status.RAISED, Status.LIFTED]


async def test_what_is_over_cannot_be_ended_again(office: Office) -> None:
    browser = await office.at_desk(Role.DISASTER, "writer")
    user = await office.resident("ja")
    order = await ordered(office, browser, office.context.city.districts[0].code)
    old = await browser.get(f"/console/deliveries/{order}")
    number, page = await pressed(browser, order, "lifted")
    lifted = delivery_of(await sent(browser, number, page, alone_reason=WHY))
    await office.done(lifted)
    for delivery in (order, lifted):
        page = await browser.get(f"/console/deliveries/{delivery}")
        assert not page.tree.xpath('//*[@data-testid="take-back-lifted"]')
        assert page.tree.xpath('//*[@data-testid="take-back-corrected"]')
    # A page that was left open knows nothing of it.
    notice = (await office.notices())[0]
    action = f"/console/notices/{notice.id}/take-back"
    for status in ("lifted", "cancelled", "raised"):
        answer = await browser.post(action, {**old.form(action), "status": status})
        assert answer.status == 400
        assert "すでに終わっています" in answer.words
    assert len(office.received(user)) == 2


async def test_the_second_of_two_who_correct_one_alert_is_asked(office: Office) -> None:
    """Two colleagues, one alert: the second must look at the first one's notice before sending."""
    first = await office.at_desk(Role.DISASTER, "first")
    second = await office.at_desk(Role.DISASTER, "second")
    a, b, c = (district.code for district in office.context.city.districts[:3])
    user = await office.resident("ja", areas=(a,))
    order = await ordered(office, first, a, b)
    correction, _ = await pressed(first, order, "corrected")
    withdrawal, waiting = await pressed(second, order, "cancelled")
    page = await changed(first, correction, whole_city=None, areas=[a, b], text__ja="別の言葉")
    await office.done(delivery_of(await sent(first, correction, page)))
    refused = await sent(second, withdrawal, waiting)
    assert refused.status == 400
    assert "first@city.example" in refused.words
    assert not refused.has_form(f"/console/alerts/{withdrawal}/send")
    assert refused.tree.xpath('//*[@data-testid="overtaken"]//a[@href="/console/deliveries/2"]')
    assert len(office.received(user)) == 2
    page = await second.submit(refused, f"/console/alerts/{withdrawal}/after")
    assert page.has_form(f"/console/alerts/{withdrawal}/send")
    await office.done(delivery_of(await sent(second, withdrawal, page)))
    assert len(office.received(user)) == 3
    notices = await office.notices()
    assert [each.replaces_id for each in notices] == [None, notices[0].id, notices[1].id]
    assert c not in notices[2].areas


async def test_two_corrections_at_the_same_moment_never_both_leave(office: Office) -> None:
    first = await office.at_desk(Role.DISASTER, "first")
    a = office.context.city.districts[0].code
    user = await office.resident("ja", areas=(a,))
    order = await ordered(office, first, a)
    correction, _ = await pressed(first, order, "corrected")
    withdrawal, other = await pressed(first, order, "cancelled")
    page = await changed(first, correction, text__ja="別の言葉")
    answers = await asyncio.gather(sent(first, correction, page), sent(first, withdrawal, other))
    assert sorted(answer.status for answer in answers) == [200, 400]
    [left] = [answer for answer in answers if answer.status == 200]
    await office.done(delivery_of(left))
    assert len(office.received(user)) == 2


async def test_what_everybody_gets_says_how_grave_it_is(office: Office) -> None:
    """An evacuation with the level "–" would reach all and need nobody's confirmation."""
    browser = await office.at_desk(Role.DISASTER, "writer")
    number, page = await written(browser, "real", level="0")
    assert not page.has_form(f"/console/alerts/{number}/send")
    assert "レベル1〜5" in page.words
    number, page = await written(browser, "real", topic="city-news", level="0")
    assert page.has_form(f"/console/alerts/{number}/send")
