"""A resident's own page: theirs alone, for minutes, in their language, and without script."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlmodel import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.languages import LANGUAGES
from core.work import LocalQueue
from public.links import PATH, VALID, Links
from response import modes
from simulator.line import FaultPlan
from subscriptions import other_media, residents
from subscriptions.models import Resident
from subscriptions.residents import MENU_TASK, Preferences
from tests.support.office import Browser, Office, Page
from tests.support.serving import served

LIFF = "1234567890-AbcdEfgh"


async def follower(office: Office, language: str = "en", **choices: Any) -> Resident:
    user = await office.resident(language, **choices)
    async with office.database.reading() as session:
        found = await residents.find(session, user)
    assert found is not None
    return found


def user_of(resident: Resident) -> str:
    assert resident.line_user_id is not None
    return resident.line_user_id


def address(office: Office, resident: Resident) -> str:
    return f"{PATH}/{links(office).token(resident, office.clock.now())}"


def links(office: Office) -> Links:
    made: Links = office.app.state.links
    return made


async def preferences(office: Office, resident: Resident) -> Preferences:
    assert resident.id is not None
    async with office.database.reading() as session:
        return await residents.preferences(session, office.context.city, resident.id)


def is_refused(page: Page) -> bool:
    return page.status == 404 and "このリンクはもう使えません" in page.words


async def test_everything_can_be_changed_on_one_page(office: Office) -> None:
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    assert page.status == 200
    year = office.clock.now().year - 1
    saved = await browser.submit(
        page,
        path,
        language="pt",
        area=["chuo", "umesato"],
        topic__weather="3",
        topic__tsunami="off",
        quiet="some",
        quiet__start="21:30",
        quiet__end="06:15",
        digest="7",
        reminder="morning",
        child__year=[str(year), ""],
        child__month=["2", ""],
    )
    assert "Salvo" in saved.words or saved.url.endswith("?saved=1")
    chosen = await preferences(office, resident)
    assert chosen.language == "pt"
    assert chosen.areas == ("chuo", "umesato")
    assert chosen.topics["weather"] == 3 and "tsunami" not in chosen.topics
    assert "evacuation" in chosen.topics
    assert (chosen.quiet_start, chosen.quiet_end) == (1290, 375)
    assert (chosen.digest_hour, chosen.remind_in_morning) == (7, True)
    assert chosen.children == (f"{year}-02",)
    assert "childcare" in chosen.topics, "reminders come under this topic"
    again = await browser.submit(saved, path, child=None, quiet="none")
    assert again.status == 200
    chosen = await preferences(office, resident)
    assert chosen.children == () and chosen.quiet_start == chosen.quiet_end


async def test_somebody_of_another_medium_has_the_same_page_and_no_menu_at_line(
    office: Office,
) -> None:
    async with office.database.writing() as session:
        mail = "someone@mail.example"
        resident = await other_media.follow_at(
            session, office.context.city, "email", mail, "en", office.clock.now()
        )
    await follower(office)
    browser, path = await office.browser(), address(office, resident)
    shown = await browser.get(path)
    assert shown.form(path)["reminder"] == "evening"
    child = {"child-year": ["2025", ""], "child-month": ["6", ""]}
    saved = await browser.submit(
        shown, path, language="pt", area=["chuo"], reminder="morning", **child
    )
    assert saved.status == 200
    chosen = await preferences(office, resident)
    assert (chosen.language, chosen.remind_in_morning) == ("pt", True)
    assert chosen.children == ("2025-06",), "they are reminded by mail"
    kept = json.loads((await browser.get(f"{path}/data.json")).body)
    assert kept["settings"]["address"] == mail
    assert "webhook_events" not in kept["kept"], "rows of no user at LINE are not theirs"


async def test_another_language_or_district_moves_the_menu_at_line(office: Office) -> None:
    """As in the chat: districts matter while a disaster is in some of them."""
    moved: list[str] = []

    async def give(user: str) -> None:
        moved.append(user)

    queue = office.context.queue
    assert isinstance(queue, LocalQueue)
    queue.register(MENU_TASK, give)
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)

    async def moves_after(**changes: Any) -> int:
        moved.clear()
        await browser.submit(await browser.get(path), path, **changes)
        await queue.drained()
        assert set(moved) <= {user_of(resident)}
        return len(moved)

    assert await moves_after(digest="9") == 0
    assert await moves_after(language="pt") == 1
    assert await moves_after(area=["chuo"]) == 0
    async with office.database.writing() as session:
        await modes.begin(
            session, office.context.city, ["umesato"], office.clock.now(), drill=False, actor="test"
        )
    assert await moves_after(digest="8") == 0
    assert await moves_after(area=["umesato"]) == 1


async def test_saving_without_a_change_changes_nothing(office: Office) -> None:
    """Somebody who never chose quiet hours keeps the city's."""
    resident = await follower(office, areas=("chuo",), topics={"weather": 2, "crime": 0})
    before = await preferences(office, resident)
    browser, path = await office.browser(), address(office, resident)
    await browser.submit(await browser.get(path), path)
    after = await preferences(office, resident)
    assert after.topics == before.topics and after.areas == before.areas
    assert (after.quiet_start, after.quiet_end, after.digest_hour) == (None, None, None)


async def test_what_the_chat_changed_meanwhile_stays(office: Office) -> None:
    """The page is opened, the chat changes some choices, then another one is saved on the page."""
    resident = await follower(office, areas=("chuo",), topics={"weather": 2, "crime": 0})
    assert resident.id is not None
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    city, now = office.context.city, office.clock.now()
    async with office.database.writing() as session:
        await residents.choose_language(session, city, resident.id, "vi", now)
        await residents.choose_areas(session, city, resident.id, ["chuo", "umesato"], now)
        await residents.choose_topics(session, city, resident.id, {"weather": 4, "crime": 0}, now)
        await residents.choose_quiet_hours(session, city, resident.id, 60, 120, now)
        await residents.choose_digest_hour(session, city, resident.id, 11, now)
    await browser.submit(page, path, area=[], topic__crime="off", reminder="morning")
    chosen = await preferences(office, resident)
    assert (chosen.language, chosen.areas) == ("vi", ("umesato",))
    assert chosen.topics == {"evacuation": 0, "weather": 4}
    assert (chosen.quiet_start, chosen.quiet_end, chosen.digest_hour) == (60, 120, 11)
    assert chosen.remind_in_morning


async def test_more_children_than_are_kept_are_refused_also_when_the_chat_added_some(
    office: Office,
) -> None:
    resident = await follower(office)
    assert resident.id is not None
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    year = office.clock.now().year - 1
    months = [f"{year}-{month:02}" for month in range(1, residents.MOST_CHILDREN + 1)]
    async with office.database.writing() as session:
        now, city = office.clock.now(), office.context.city
        await residents.choose_children(session, city, resident.id, months, now)
    answer = await browser.submit(
        page, path, child__year=[str(year - 1), ""], child__month=["2", ""]
    )
    assert answer.status == 422
    assert list((await preferences(office, resident)).children) == months


async def test_a_form_with_a_mistake_saves_nothing_and_says_where(office: Office) -> None:
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    for wrong in (
        {"language": "xx"},
        {"area": ["nowhere"]},
        {"topic__weather": "9"},
        {"topic__weather": "-1"},
        {"quiet": "some", "quiet__start": "25:99"},
        {"digest": "24"},
        {"child__year": ["1890", ""], "child__month": ["1", ""]},
        {"child": ["2024-13"]},
    ):
        changes: dict[str, Any] = {"digest": "9", **wrong}
        answer = await browser.submit(page, path, **changes)
        assert answer.status == 422, wrong
        assert len(answer.tree.xpath('//p[@class="wrong"]')) >= 1, wrong
    assert (await preferences(office, resident)).digest_hour is None


async def test_the_page_is_in_the_residents_language_and_has_no_script(office: Office) -> None:
    browser = await office.browser()
    for language in LANGUAGES:
        page = await browser.get(address(office, await follower(office, language)))
        assert page.tree.get("lang") is not None
        assert page.tree.xpath("//script") == []
        assert "script-src" not in page.headers["Content-Security-Policy"]
        for field in page.tree.xpath("//select | //input[not(@type='hidden')]"):
            named = field.get("aria-label") or field.xpath("ancestor::label")
            named = named or page.tree.xpath(f'//label[@for="{field.get("id")}"]')
            assert named, (language, field.get("name"))


async def test_nothing_of_it_is_kept_or_told_to_others(office: Office) -> None:
    resident = await follower(office)
    path = address(office, resident)
    browser = await office.browser()
    for one in (path, f"{path}/data.json", f"{PATH}/forged"):
        page = await browser.get(one)
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in page.headers
    assert user_of(resident) not in path
    assert user_of(resident) not in (await browser.get(path)).body


async def test_a_link_that_was_guessed_or_altered_opens_nothing(office: Office) -> None:
    resident = await follower(office)
    other = await follower(office, "ja")
    token = links(office).token(resident, office.clock.now())
    foreign = Links("another key", office.context.settings.public_url)
    browser = await office.browser()
    changed = [
        token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :] for n in range(len(token))
    ]
    async with office.database.reading() as session:
        assert await links(office).open(session, token, office.clock.now()) is not None
        for one in changed:
            assert await links(office).open(session, one, office.clock.now()) is None, one
    for forged in (
        str(resident.id),
        user_of(resident),
        foreign.token(other, office.clock.now()),
        token[:-1],
        token + "A",
        token * 5,
        "%00",
        "é" * 50,
        "..%2f..%2fconsole",
        changed[30],
    ):
        assert (await browser.get(f"{PATH}/{forged}")).status == 404, forged
        assert (await browser.get(f"{PATH}/{forged}/data.json")).status == 404, forged
        assert (await browser.post(f"{PATH}/{forged}", {"language": "ja"})).status == 404, forged


async def test_a_link_ends_after_its_minutes_and_is_no_good_before_its_time(office: Office) -> None:
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    office.clock.ahead += VALID - timedelta(seconds=30)
    assert (await browser.get(path)).status == 200
    office.clock.ahead += timedelta(seconds=60)
    assert is_refused(await browser.get(path))
    assert is_refused(await browser.submit(page, path, digest="9"))
    assert (await preferences(office, resident)).digest_hour is None


async def test_a_link_is_void_when_the_resident_left_also_after_coming_back(office: Office) -> None:
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)
    city, user = office.context.city, user_of(resident)
    async with office.database.writing() as session:
        await residents.unfollow(session, city, user, office.clock.now())
    assert is_refused(await browser.get(path))
    later = office.clock.now() + timedelta(seconds=1)
    async with office.database.writing() as session:
        back = await residents.follow(session, city, user, "en", later)
    assert is_refused(await browser.get(path))
    assert (await browser.get(address(office, back))).status == 200


async def test_a_link_is_void_when_the_resident_was_erased(office: Office) -> None:
    resident = await follower(office)
    browser, path = await office.browser(), address(office, resident)
    assert resident.id is not None
    async with office.database.writing() as session:
        await residents.erase(session, office.context.city, resident.id, office.clock.now())
    await follower(office)  # nobody gets the number again
    assert is_refused(await browser.get(path))
    assert is_refused(await browser.get(f"{path}/data.json"))


async def test_a_form_of_another_site_or_link_changes_nothing(office: Office) -> None:
    resident, other = await follower(office), await follower(office)
    browser, path = await office.browser(), address(office, resident)
    page = await browser.get(path)
    fields: dict[str, Any] = {**page.form(path), "digest": "9"}
    others = await browser.get(address(office, other))
    token = others.form(address_of(others))["csrf"]
    for wrong in ({**fields, "csrf": ""}, {**fields, "csrf": token}, {"digest": "9"}):
        assert is_refused(await browser.post(path, wrong))
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        async with browser.http.post(office.url + path, data=fields, headers=headers) as answer:
            assert answer.status == 404, headers
    async with browser.http.post(office.url + path, json=fields) as answer:
        assert answer.status == 404
    assert (await preferences(office, resident)).digest_hour is None


def address_of(page: Page) -> str:
    return str(page.tree.xpath("//form/@action")[0])


async def test_what_is_kept_comes_as_a_file(office: Office) -> None:
    resident = await follower(office, areas=("chuo",))
    page = await (await office.browser()).get(f"{address(office, resident)}/data.json")
    assert page.headers["Content-Type"] == "application/json"
    assert "attachment" in page.headers["Content-Disposition"]
    kept = json.loads(page.body)
    assert kept["settings"]["line_user_id"] == user_of(resident)
    assert kept["kept"]["resident_areas"] == [{"resident_id": resident.id, "area": "chuo"}]
    assert {"webhook_events", "reports", "resident_children", "dialogues"} <= set(kept["kept"])


# As a LIFF app


@pytest.fixture
def with_liff(office: Office) -> Office:
    city = office.context.city.model_copy(update={"liff_id": LIFF})
    object.__setattr__(office.context, "city", city)
    return office


async def signed_in(browser: Browser, id_token: str) -> Page:
    return await browser.post(f"{PATH}/liff", {"id_token": id_token})


async def test_who_opens_it_within_line_is_known_by_line_alone(with_liff: Office) -> None:
    office, resident = with_liff, await follower(with_liff)
    browser = await office.browser()
    page = await browser.get(f"{PATH}/liff")
    assert LIFF in page.body
    tokens = office.simulator.platform.tokens
    opened = await signed_in(browser, tokens.id_token(user_of(resident), "1234567890"))
    assert opened.status == 200 and "Settings" in opened.words
    stranger = f"U{7:032x}"
    for forged in (
        "",
        "x" * 6000,
        user_of(resident),
        tokens.id_token(user_of(resident), "999"),
        tokens.id_token(stranger, "1234567890"),
    ):
        assert is_refused(await signed_in(browser, forged)), forged[:40]


async def test_an_id_token_that_has_expired_or_that_line_cannot_check_opens_nothing(
    with_liff: Office,
) -> None:
    office, resident = with_liff, await follower(with_liff)
    token = office.simulator.platform.tokens.id_token(user_of(resident), "1234567890")
    browser = await office.browser()
    office.simulator.faults = FaultPlan.parse("5xx-before=100%")
    assert is_refused(await signed_in(browser, token))
    office.simulator.faults = FaultPlan()
    assert (await signed_in(browser, token)).status == 200
    office.simulator.time.advance(2 * 3600)
    assert is_refused(await signed_in(browser, token))


class SlowLine:
    """LINE's endpoint for ID tokens, which answers when a test wants."""

    def __init__(self) -> None:
        self.asked = 0
        self.go_on = asyncio.Event()
        self.change = asyncio.Condition()

    async def verify(self, _request: Request) -> Response:
        async with self.change:
            self.asked += 1
            self.change.notify_all()
        await self.go_on.wait()
        return Response(status_code=400)

    async def until(self, asked: int) -> None:
        async with self.change:
            await self.change.wait_for(lambda: self.asked >= asked)


@pytest.fixture
async def slow_line(with_liff: Office) -> AsyncIterator[SlowLine]:
    line, context = SlowLine(), with_liff.context
    app = Starlette(routes=[Route("/oauth2/v2.1/verify", line.verify, methods=["POST"])])
    async with served(app) as url:
        settings = dataclasses.replace(context.settings, line_api_url=url)
        object.__setattr__(context, "settings", settings)
        yield line
        line.go_on.set()


async def test_line_is_asked_about_a_few_tokens_at_once_and_no_connection_waits(
    with_liff: Office, slow_line: SlowLine
) -> None:
    office, tokens = with_liff, with_liff.simulator.platform.tokens
    browser = await office.browser()
    crowd = [
        asyncio.create_task(signed_in(browser, tokens.id_token(f"U{n:032x}", "1234567890")))
        for n in range(4)
    ]
    await slow_line.until(4)
    pool = office.database.engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    assert pool.checkedout() < 4
    fifth = await signed_in(browser, tokens.id_token(f"U{5:032x}", "1234567890"))
    assert fifth.status == 503 and int(fifth.headers["Retry-After"]) > 0
    assert slow_line.asked == 4
    slow_line.go_on.set()
    for answer in crowd:
        assert is_refused(await answer)


async def test_line_is_not_asked_about_what_can_be_no_token_of_ours(
    with_liff: Office, slow_line: SlowLine
) -> None:
    """RFC 7519 and LINE Login: header, claims and signature, our channel, and a time to come."""
    slow_line.go_on.set()
    office, browser, user = with_liff, await with_liff.browser(), f"U{1:032x}"
    tokens = office.simulator.platform.tokens
    good = tokens.id_token(user, "1234567890")
    head, claims, signature = good.split(".")
    for wrong in (
        f"{head}.{claims}",
        f"{good}.x",
        f"{head}.{claims}.",
        f"{head}.{claims}.a+b",
        f"{head}.{signature}.{claims}",
        f"{head}.x.{signature}",
        f"{head}.W10.{signature}",
        tokens.id_token(user, "999"),
    ):
        assert is_refused(await signed_in(browser, wrong)), wrong
    now = office.clock.ahead
    office.clock.ahead += timedelta(days=400)
    assert is_refused(await signed_in(browser, good))
    assert slow_line.asked == 0
    office.clock.ahead = now
    await signed_in(browser, good)
    assert slow_line.asked == 1


async def test_a_city_without_a_liff_app_has_no_such_page(office: Office) -> None:
    browser = await office.browser()
    assert is_refused(await browser.get(f"{PATH}/liff"))
    assert is_refused(await signed_in(browser, "x"))


async def test_every_resident_is_found_by_their_own_link_alone(office: Office) -> None:
    people = [await follower(office) for _ in range(3)]
    browser = await office.browser()
    for number, one in enumerate(people):
        page = await browser.get(address(office, one))
        await browser.submit(page, address_of(page), digest=str(6 + number))
    async with office.database.reading() as session:
        hours = {one.id: one.digest_hour for one in await session.scalars(select(Resident))}
    assert hours == {one.id: 6 + number for number, one in enumerate(people)}
