"""The session ends while somebody writes: nothing typed is lost, whatever the browser can do."""

from __future__ import annotations

import json
from datetime import timedelta

import pyotp
import pytest

from console.accounts import set_one_time
from console.encryption import Encryption
from console.kept import KeptForm
from console.models import Role, Staff
from console.sessions import COOKIE, IDLE, LONGEST
from tests.support.filed_reports import reported
from tests.support.office import PASSWORD, Browser, Office, Page

WORDS = "月見川の水位が上がっています。\r\n川に近づかないでください。"
OURS = {"Sec-Fetch-Site": "same-origin"}


async def drafted(browser: Browser) -> tuple[str, Page]:
    """Begin a real alert and return its address and the page to write it on."""
    page = await browser.submit(
        await browser.get("/console/alerts"), "/console/alerts", kind="real"
    )
    return page.url.removeprefix(browser.url), page


def ended(office: Office) -> None:
    office.clock.ahead += IDLE + timedelta(minutes=1)


async def test_a_form_without_scripts_is_offered_again_after_signing_in(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    address, page = await drafted(desk)
    typed = {**page.form(address), "text-ja": WORDS, "title-my": "ရေကြီးမှု", "level": "3"}
    ended(office)

    asked = await desk.post(address, typed)
    assert asked.status == 401
    assert WORDS.splitlines()[0] not in asked.url
    # The switch of languages would lead away from what was typed.
    assert not asked.has_form("/console/language")
    again = await desk.submit(
        asked, "/console/sign-in", email="boss@city.example", password="not this one"
    )
    assert again.status == 400
    offered = await desk.submit(
        again, "/console/sign-in", email="boss@city.example", password=PASSWORD
    )
    assert "川に近づかないでください。" in offered.words
    assert not offered.has_form("/console/language")
    assert (await office.drafts())[0].texts == {}  # nothing is done before a button is pressed

    saved = await desk.submit(offered, address)
    assert saved.status == 200
    draft = (await office.drafts())[0]
    assert draft.texts["ja"]["text"] == WORDS.replace("\r\n", "\n")
    assert draft.texts["my"]["title"] == "ရေကြီးမှု"
    assert draft.level == 3
    assert draft.edited_by == "boss@city.example"


async def test_somebody_else_is_told_under_whose_name_the_words_are_saved(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    await office.hire(Role.DISASTER, "relief")
    address, page = await drafted(desk)
    ended(office)
    asked = await desk.post(address, {**page.form(address), "text-ja": WORDS})
    offered = await desk.submit(
        asked, "/console/sign-in", email="relief@city.example", password=PASSWORD
    )
    note = offered.tree.xpath("string(//*[@role='alert'])")
    assert "author@city.example" in note
    assert "relief@city.example" in note
    await desk.submit(offered, address)
    assert (await office.drafts())[0].edited_by == "relief@city.example"


@pytest.mark.parametrize("who", ["author", "relief"])
async def test_a_form_of_an_earlier_session_asks_before_it_is_saved(
    office: Office, who: str
) -> None:
    """Two tabs: signed in again in one, the form of the other is still the old session's."""
    desk = await office.at_desk(Role.DISASTER, "author")
    await office.hire(Role.DISASTER, "relief")
    address, page = await drafted(desk)
    await desk.sign_in(f"{who}@city.example")
    desk.http.headers.update(OURS)
    offered = await desk.post(address, {**page.form(address), "text-ja": WORDS})
    assert f"{who}@city.example" in offered.words
    assert (await office.drafts())[0].texts == {}
    await desk.submit(offered, address)
    draft = (await office.drafts())[0]
    assert draft.texts["ja"]["text"] == WORDS.replace("\r\n", "\n")
    assert draft.edited_by == f"{who}@city.example"


async def test_an_answer_to_a_report_survives_and_is_sent_once(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "road")
    report = await reported(office)
    address = f"/console/reports/{report.number}"
    form = (await desk.get(address)).form(address)
    ended(office)
    asked = await desk.post(address, {**form, "note": "現地を見た", "state": "accepted"})
    offered = await desk.submit(
        asked, "/console/sign-in", email="road@city.example", password=PASSWORD
    )
    assert "現地を見た" in offered.words
    done = await desk.submit(offered, address)
    assert "現地を見た" in done.words
    twice = await desk.submit(offered, address)  # the same page once more: it was done
    assert twice.status == 400


async def test_a_strangers_form_is_never_offered_as_ones_own(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    address, page = await drafted(desk)
    form = {**page.form(address), "text-ja": WORDS}
    for ours, headers in (
        (False, {"Sec-Fetch-Site": "cross-site"}),
        (False, {"Sec-Fetch-Site": "same-site"}),
        (False, {"Origin": "https://evil.example"}),
        (False, {"Origin": "null"}),
        (True, {"Origin": office.url}),
        (True, OURS),
    ):
        office.clock.ahead += LONGEST
        async with desk.http.post(office.url + address, data=form, headers=headers) as answer:
            page = Page(answer.status, str(answer.url), answer.headers, await answer.text())
        assert page.has_form("/console/sign-in")
        assert ("kept" in page.form("/console/sign-in")) is ours, headers
    # A made-up seal is as good as none.
    page = await desk.get("/console/sign-in")
    page = await desk.submit(
        page, "/console/sign-in", email="boss@city.example", password=PASSWORD, kept="x.y"
    )
    assert page.url == f"{office.url}/console/"


async def test_secrets_and_presses_are_not_kept(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    address, page = await drafted(desk)
    account = (await desk.get("/console/account")).form("/console/account/password")
    begin = (await desk.get("/console/alerts")).form("/console/alerts")
    ended(office)
    secrets = {**account, "present": PASSWORD, "new": "another one of mine", "again": "x"}
    for path, form in (
        ("/console/account/password", secrets),
        ("/console/alerts", {**begin, "kind": "real"}),
        (f"{address}/discard", {**page.form(address), "text-ja": WORDS}),
    ):
        asked = await desk.post(path, form)
        assert "kept" not in asked.form("/console/sign-in"), path
    key = office.context.settings.secret_key
    sent = {"csrf": account["csrf"], "typed": "12", "alone_reason": "だれもいない"}
    asked = await desk.post(f"{address}/send", sent)
    sealed = str(asked.form("/console/sign-in")["kept"])
    kept = KeptForm.unseal(sealed, key, office.clock.now())
    assert kept is not None
    assert kept.fields == [("alone_reason", "だれもいない")]
    assert KeptForm.unseal(sealed, key, office.clock.now() + timedelta(days=1)) is None


@pytest.mark.slow
async def test_no_part_of_a_page_is_answered_with_a_sign_in_page(office: Office) -> None:
    desk = await office.at_desk(Role.ADMIN, "boss")
    address, page = await drafted(desk)
    ended(office)
    for path in ("/console/now/live", "/console/stopped/live", f"{address}/check"):
        part = await desk.get(path, **{"HX-Request": "true"})
        assert (part.status, part.body) == (401, "")
        assert "HX-Redirect" not in part.headers
    script = await desk.get("/console/reports/map.json", **{"Sec-Fetch-Mode": "cors"})
    assert (script.status, script.body) == (401, "")
    form = {**page.form(address), "text-ja": WORDS}
    async with desk.http.post(
        f"{office.url}{address}/look", data=form, headers={"HX-Request": "true"}
    ) as answer:
        assert (answer.status, await answer.text()) == (401, "")


async def test_signing_in_over_a_page_gives_its_forms_the_new_token(office: Office) -> None:
    await office.at_desk(Role.ADMIN, "boss")
    secret = pyotp.random_base32()
    async with office.database.writing() as session:
        staff = await session.get(Staff, 1, with_for_update=True)
        assert staff is not None
        keys = Encryption.of(office.context.settings)
        now = office.clock.now()
        await set_one_time(session, staff, secret, keys, now=now, actor="test")
    address, page = await drafted(await signed_in_with_code(office, secret))
    browser = await office.browser()
    over = await browser.get("/console/sign-in/over")
    fields = {"email": "boss@city.example", "password": PASSWORD}
    office.clock.ahead += timedelta(minutes=2)
    wrong = await browser.submit(over, "/console/sign-in/over", **fields)
    assert wrong.status == 400
    assert not browser.cookie(COOKIE)
    code = pyotp.TOTP(secret).at(office.clock.now())
    right = await browser.submit(over, "/console/sign-in/over", **fields, code=code)
    assert right.status == 200
    found = json.loads(right.body)
    assert found["email"] == "boss@city.example"
    saved = await browser.post(
        address, {**page.form(address), "csrf": found["token"], "text-ja": WORDS}
    )
    assert saved.status == 200
    assert (await office.drafts())[0].texts["ja"]["text"] == WORDS.replace("\r\n", "\n")


async def signed_in_with_code(office: Office, secret: str) -> Browser:
    browser = await office.browser()
    office.clock.ahead += timedelta(minutes=1)
    code = pyotp.TOTP(secret).at(office.clock.now())
    page = await browser.sign_in("boss@city.example", code=code)
    assert page.url == f"{office.url}/console/"
    return browser


async def test_asking_how_long_it_holds_does_not_lengthen_it(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "seer")
    office.clock.ahead += timedelta(minutes=25)
    assert json.loads((await desk.get("/console/session/live")).body)["seconds"] <= 5 * 60
    office.clock.ahead += timedelta(minutes=3)
    assert json.loads((await desk.get("/console/session/live")).body)["seconds"] <= 2 * 60
    assert json.loads((await desk.get("/console/session")).body)["seconds"] > 29 * 60
    assert json.loads((await desk.get("/console/session/live")).body)["seconds"] > 29 * 60
    # Nothing lengthens it beyond a shift.
    for _ in range(23):
        office.clock.ahead += timedelta(minutes=29)
        await desk.get("/console/session")
    left = json.loads((await desk.get("/console/session/live")).body)["seconds"]
    assert left <= 12 * 60 * 60 - (28 + 23 * 29) * 60
    office.clock.ahead += timedelta(seconds=left + 1)
    part = await desk.get("/console/session/live", **{"Sec-Fetch-Mode": "cors"})
    assert part.status == 401


async def test_words_of_a_form_that_one_may_not_send_can_be_copied(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "seer")
    token = (await desk.get("/console/account")).form("/console/account/password")["csrf"]
    report = await reported(office)
    page = await desk.post(
        f"/console/reports/{report.number}", {"csrf": token, "note": "穴が広がっている"}
    )
    assert page.status == 403
    assert "穴が広がっている" in page.words
