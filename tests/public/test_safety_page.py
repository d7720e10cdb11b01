"""A household that follows by mail alone tells the city how it is, and hears back by mail."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import async_playwright
from sqlmodel import select

from channels.email import signups
from channels.email.medium import EMAIL
from channels.email.render import SAFETY_LINK
from channels.email.tokens import MailTokens, Purpose
from console.models import Role
from core.languages import LANGUAGES
from feeds.models import Status
from feeds.texts import drill_mark
from public.safety_pages import APART
from response import households, modes
from response.models import Condition, HouseholdAnswer, HouseholdNeed
from subscriptions.models import Resident
from tests.support.accessible import faults_of
from tests.support.chromium import chromium_address
from tests.support.office import Office
from tests.support.told_notices import news, order

TARO = "taro@home.example"


def link(office: Office, purpose: Purpose = Purpose.SAFETY) -> str:
    tokens = MailTokens(office.context.settings.secret_key)
    return f"/follow/safe/{tokens.link(purpose, TARO, office.clock.now())}"


async def reader(office: Office, language: str = "en") -> Resident:
    tokens, now = MailTokens(office.context.settings.secret_key), office.clock.now()
    async with office.database.writing() as session:
        token = tokens.link(Purpose.CONFIRM, TARO, now, language)
        found = await signups.confirm(session, office.context.city, tokens, token, now)
    assert found is not None
    return found


async def begin(office: Office, *, drill: bool) -> None:
    async with office.database.writing() as session:
        await modes.begin(
            session,
            office.context.city,
            (),
            office.clock.now(),
            drill=drill,
            actor="boss@city.example",
        )


async def answers(office: Office) -> list[HouseholdAnswer]:
    return await office.rows(HouseholdAnswer)


async def needs(office: Office) -> list[HouseholdNeed]:
    async with office.database.reading() as session:
        return list(await session.scalars(select(HouseholdNeed)))


async def test_mails_of_an_emergency_have_the_link_and_no_others(office: Office) -> None:
    city = office.context.city
    for language in LANGUAGES:
        (alarm,) = EMAIL.render(order(office), language, city)
        assert str(alarm["plain"]).count(SAFETY_LINK) == str(alarm["html"]).count(SAFETY_LINK) == 1
        (drill,) = EMAIL.render(order(office, drill=True, texts=marked()), language, city)
        line = str(drill["plain"]).split(SAFETY_LINK)[0].splitlines()[-1]
        assert line.startswith(drill_mark(str(language if language in marked() else "ja"))), line
    for calm in (news(office, "library"), order(office, status=Status.LIFTED)):
        assert SAFETY_LINK not in str(EMAIL.render(calm, "ja", city))
    assert SAFETY_LINK not in EMAIL.as_read(EMAIL.render(order(office), "ja", city)).text


def marked() -> dict[str, dict[str, str]]:
    return {
        code: {"title": f"{drill_mark(code)}t", "text": f"{drill_mark(code)}x"}
        for code in ("ja", "en")
    }


async def test_who_follows_by_mail_tells_it_and_staff_answer_by_mail(office: Office) -> None:
    resident = await reader(office)
    await office.store(order(office))
    browser = await office.browser()
    page = await browser.get(link(office))
    assert page.status == 200 and page.headers["Cache-Control"] == "no-store"
    assert "119" in page.words and not await answers(office), "a look tells nothing"
    action = page.tree.xpath("//form/@action")[0]
    filled: dict[str, Any] = {
        "how": "cannot-move",
        "people": "3",
        "where": "home",
        "need": ["medicine", "water", "gold"],
        "words": "Second floor",
    }
    done = await browser.submit(page, action, **filled)
    assert done.status == 200 and "The city has your answer." in done.words
    again = await browser.submit(page, action, **filled)
    assert again.status == 200, "the same form tells once"
    (told,) = await answers(office)
    assert (told.resident_id, told.condition, told.people) == (
        resident.id,
        Condition.CANNOT_MOVE,
        3,
    )
    assert (told.words, told.drill) == ("Second floor", False)
    assert len(await needs(office)) == 2

    desk = await office.at_desk(Role.DISASTER, "helper")
    listed = await desk.get("/console/people")
    address = listed.tree.xpath('//a[starts-with(@href, "/console/people/")]/@href')[0]
    address = address.partition("?")[0]
    household = await desk.get(address)
    assert "Second floor" in household.words
    forms = [form for form in household.tree.forms if form.xpath('.//input[@value="send"]')]
    fields = dict(forms[0].form_values())
    answered = await desk.post(address, {**fields, "do": "send", "answer": "今から向かいます。"})
    assert answered.status == 200, answered.words
    async with asyncio.timeout(20):
        while not office.mails.to(TARO):
            await asyncio.sleep(0.01)
    (mail,) = office.mails.to(TARO)
    body = mail.get_body(("plain",))
    assert body is not None and "今から向かいます。" in body.get_content()


async def test_a_wrong_link_opens_nothing(office: Office) -> None:
    await reader(office)
    await office.store(order(office))
    browser = await office.browser()
    good = link(office)
    for wrong in (good[:-4] + "AAAA", "/follow/safe/x", link(office, Purpose.SETTINGS)):
        assert (await browser.get(wrong)).status == 404
        posted = await browser.post(wrong, {"how": "safe", "key": "0" * 32})
        assert posted.status == 404
    office.clock.ahead += timedelta(days=8)
    assert (await browser.get(good)).status == 404
    assert not await answers(office)


async def test_nobody_is_asked_while_nothing_is_wrong(office: Office) -> None:
    await reader(office)
    browser = await office.browser()
    page = await browser.get(link(office))
    assert "does not ask" in page.words and not page.tree.forms
    await browser.post(link(office), {"how": "safe", "key": "0" * 32})
    assert not await answers(office)


async def test_a_drill_says_so_and_a_danger_is_none(office: Office) -> None:
    await reader(office)
    await begin(office, drill=True)
    browser = await office.browser()
    path = link(office)
    page = await browser.get(path)
    assert page.tree.xpath("string(//h1)").startswith(drill_mark("en"))
    await browser.submit(page, path, how="safe")
    assert [one.drill for one in await answers(office)] == [True]
    await office.store(order(office))
    office.clock.ahead += APART
    page = await browser.get(path)
    assert drill_mark("en") not in page.words
    await browser.submit(page, path, how="safe")
    assert [one.drill for one in await answers(office)] == [True, False]


async def test_a_program_cannot_tell_again_and_again(office: Office) -> None:
    await reader(office)
    await office.store(order(office))
    browser = await office.browser()
    path = link(office)
    for number, status in ((0, 200), (1, 429)):
        assert (await browser.post(path, {"how": "safe", "key": f"{number:032x}"})).status == status
    office.clock.ahead += APART
    assert (await browser.post(path, {"how": "in-need", "key": f"{2:032x}"})).status == 200
    for bad in ({"how": "flying", "key": f"{3:032x}"}, {"how": "safe", "key": "x"}, {}):
        assert (await browser.post(path, bad)).status == 422
    assert len(await answers(office)) == 2
    async with office.database.reading() as session:
        (first, _) = await answers(office)
        last = await households.last_of(session, first.resident_id, drill=False)
    assert last is not None and last.condition is Condition.IN_NEED


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_everybody_can_use_the_page(office: Office) -> None:
    await reader(office, "my")
    await office.store(order(office))
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.connect(chromium_address())
        page = await (await chromium.new_context()).new_page()
        assert await faults_of(page, [office.url + link(office)]) == {}
        await chromium.close()
