"""The office writes what residents are told, and says who hears of new reports."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from console.models import Role
from core.languages import LANGUAGES
from feeds.texts import machine_translated
from reports import answer_words, following
from reports.models import ReportAlarm, Rhythm, StaffNotice
from subscriptions import residents
from tests.support.filed_reports import reported
from tests.support.office import Browser, Office, Page
from tests.support.translator import translator

SCRIPT = "<script>alert(1)</script>"
IN_HTML = "&lt;script&gt;alert(1)&lt;/script&gt;"


async def desk(office: Office) -> Browser:
    return await office.at_desk(Role.ROADS, "road")


async def look(browser: Browser, number: str, **fields: Any) -> Page:
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    return await browser.post(f"/console/reports/{number}/answer-look", {"csrf": token, **fields})


async def test_every_template_is_there_in_all_languages_and_can_be_changed(office: Office) -> None:
    browser = await desk(office)
    page = await browser.get("/console/answers")
    assert page.status == 200
    assert "自動で伝える" in page.words and "補修が済んだ" in page.words
    assert not page.tree.xpath("//*[contains(@class, 'tag-warn')]")
    edit = await browser.get("/console/answers/finished")
    fields = edit.form("/console/answers/finished")
    assert {f"text-{code}" for code in LANGUAGES} <= set(fields)
    assert all(fields[f"text-{code}"] for code in office.context.city.languages)
    saved = await browser.submit(
        edit, "/console/answers/finished", text__ja="工事が終わりました。", text__ne=""
    )
    assert saved.status == 200 and "/console/answers/finished" in saved.url
    assert "ネパール語" in saved.tree.xpath("//*[@data-testid='missing']")[0].text_content()
    behind = saved.tree.xpath("//*[@data-testid='behind']")[0].text_content()
    assert "英語" in behind and "ネパール語" not in behind
    old = await browser.submit(edit, "/console/answers/finished", text__ja="古い版から")
    assert old.status == 400 and "古い版から" in old.body
    listed = await browser.get("/console/answers")
    assert "工事が終わりました。" in listed.words and "第1版" in listed.words
    actions = [entry.action for entry in await office.audit()]
    assert actions.count("answer_template.changed") == 1


async def test_what_is_typed_is_shown_as_text(office: Office) -> None:
    browser = await desk(office)
    new = await browser.get("/console/answers/new")
    saved = await browser.submit(
        new, "/console/answers", name=SCRIPT, text__ja=f"本文{SCRIPT}", said_when="done"
    )
    for page in (saved, await browser.get("/console/answers")):
        assert page.status == 200
        assert SCRIPT not in page.body and IN_HTML in page.body
    report = await reported(office, await office.resident("ja"))
    shown = await look(browser, report.number, answer_words=SCRIPT, state="accepted")
    assert SCRIPT not in shown.body and IN_HTML in shown.body


@pytest.mark.parametrize(
    "fields",
    [
        {"text__ja": ""},
        {"name": ""},
        {"text__ja": "{secret}"},
        {"text__ja": "{number"},
        {"text__ja": "{number.__class__}"},
        {"text__ja": "番号{番号}", "text__en": "number"},
        {"said_when": "never"},
        {"by_itself": "yes", "said_when": ""},
        {"kinds": "no-kind"},
        {"text__ja": "あ" * 2001},
    ],
)
async def test_what_cannot_be_said_is_refused_with_its_words(
    office: Office, fields: dict[str, str]
) -> None:
    browser = await desk(office)
    new = await browser.get("/console/answers/new")
    good = {"name": "名前", "text__ja": "本文", "said_when": "done"}
    refused = await browser.submit(new, "/console/answers", **{**good, **fields})
    assert refused.status == 400
    assert refused.tree.xpath("//*[@data-testid='refusal']")
    assert "answer_template.changed" not in {entry.action for entry in await office.audit()}


async def test_taken_out_words_are_not_said_and_the_page_names_the_state(office: Office) -> None:
    browser = await desk(office)
    page = await browser.get("/console/answers")
    await browser.submit(page, "/console/answers/finished/withdraw")
    page = await browser.get("/console/answers")
    [silent] = page.tree.xpath("//*[@data-testid='silent']")
    assert "補修済み" in silent.text_content() or "完了" in silent.text_content()
    report = await reported(office, await office.resident("ja"))
    shown = await look(browser, report.number, state="done")
    assert shown.tree.xpath("//*[@data-testid='silent']")
    await browser.submit(page, "/console/answers/finished/restore")
    shown = await look(browser, report.number, state="done")
    assert not shown.tree.xpath("//*[@data-testid='silent']")


async def test_the_page_says_who_hears_what_before_it_is_saved(office: Office) -> None:
    browser = await desk(office)
    report = await reported(office, await office.resident("ne"))
    shown = await look(browser, report.number, state="done")
    assert shown.status == 200
    [told] = shown.tree.xpath("//*[@data-testid='told']")
    assert "1人" in told.text_content()
    assert shown.tree.xpath("//*[@data-testid='phone-ne']")
    assert report.number in shown.body
    assert "त्यो ठाउँ अब ठीक छ?" in shown.body
    nobody = await look(browser, report.number, state="done", answer_nobody="yes")
    assert "知らせない理由" in nobody.words
    assert await office.deliveries() == []
    assert (await look(browser, "2026-999999")).status == 404


async def test_who_hears_of_new_reports_is_chosen_and_tested(office: Office) -> None:
    browser = await desk(office)
    page = await browser.get("/console/report-alarms")
    assert page.status == 200
    address = "/console/report-alarms/roads"
    saved = await browser.submit(
        page,
        address,
        mails="road@city.example\nroad@city.example\nnight@city.example",
        chat_url="https://chat.example/hooks/very-secret",
        rhythm="hourly",
        quiet="own",
        quiet_start="18:00",
        quiet_end="08:00",
    )
    assert saved.status == 200
    [alarm] = await rows(office)
    assert alarm.mails == ["road@city.example", "night@city.example"]
    assert (alarm.quiet_start, alarm.quiet_end) == (18 * 60, 8 * 60)
    for shown in (saved, await browser.get("/console/report-alarms")):
        assert "very-secret" not in shown.body and "chat.example" in shown.body
    assert "very-secret" not in str([entry.detail for entry in await office.audit()])
    # Somebody else's older page changes nothing; an empty chat address keeps the old one.
    stale = await browser.submit(page, address, mails="other@city.example")
    assert stale.status == 400 and "other@city.example" in stale.body
    again = await browser.submit(await browser.get("/console/report-alarms"), address)
    [alarm] = await rows(office)
    assert alarm.chat_url.endswith("very-secret")
    tested = await browser.submit(again, f"{address}/test")
    assert "メール · 【試験】" in tested.words and "チャット · 【試験】" in tested.words
    assert len(await office.rows(StaffNotice)) == 3
    off = await browser.submit(tested, address, chat_off="yes")
    assert off.status == 200
    [alarm] = await rows(office)
    assert alarm.chat_url == ""


async def rows(office: Office) -> list[ReportAlarm]:
    async with office.database.reading() as session:
        return list(await session.scalars(select(ReportAlarm)))


@pytest.mark.parametrize(
    "fields",
    [
        {"mails": "not an address"},
        {"mails": "\n".join(f"a{n}@city.example" for n in range(11))},
        {"chat_url": "http://10.0.0.1/x"},
        {"chat_url": "https://169.254.169.254/"},
        {"rhythm": "sometimes"},
        {"chat_form": "fax"},
        {"quiet": "own", "quiet_start": "25:99", "quiet_end": "x"},
        {"again_minutes": "0"},
        {"again_minutes": "99999999999999999999"},
    ],
)
async def test_what_cannot_be_an_address_is_refused(office: Office, fields: dict[str, str]) -> None:
    browser = await desk(office)
    page = await browser.get("/console/report-alarms")
    refused = await browser.submit(page, "/console/report-alarms/roads", **fields)
    assert refused.status == 400
    assert await rows(office) == []
    token = page.form("/console/report-alarms/roads")["csrf"]
    nowhere = await browser.post("/console/report-alarms/nobody", {"csrf": token})
    assert nowhere.status == 400


async def test_what_was_chosen_stays_when_it_is_refused(office: Office) -> None:
    browser = await desk(office)
    address = "/console/report-alarms/roads"
    typed = {
        "mails": "not an address",
        "chat_form": "teams",
        "rhythm": "hourly",
        "quiet": "own",
        "quiet_start": "18:15",
        "quiet_end": "08:45",
        "calls_members": "",
        "again_minutes": "25",
    }
    page = await browser.submit(await browser.get("/console/report-alarms"), address, **typed)
    assert page.status == 400
    kept = page.form(address)
    assert {name: kept.get(name, "") for name in typed} == typed
    mended = await browser.submit(page, address, mails="road@city.example")
    assert mended.status == 200
    [alarm] = await rows(office)
    assert (alarm.rhythm, alarm.again_minutes) == (Rhythm.HOURLY, 25)
    assert (alarm.quiet_start, alarm.calls_members) == (18 * 60 + 15, False)


async def test_who_does_not_work_on_reports_changes_neither(office: Office) -> None:
    browser = await office.at_desk(Role.VIEWER, "viewer")
    token = (await browser.get("/console/account")).form("/console/account/password")["csrf"]
    for path in ("/console/answers", "/console/answers/thanks", "/console/report-alarms"):
        assert (await browser.get(path)).status == 403
    for path in ("/console/answers/thanks/withdraw", "/console/report-alarms/roads"):
        assert (await browser.post(path, {"csrf": token})).status == 403
    worker = await desk(office)
    assert (await worker.post("/console/answers/thanks/withdraw", {"csrf": "x"})).status == 403


async def test_a_machine_s_words_are_checked_shown_and_said_to_be_a_machine_s(
    office: Office,
) -> None:
    """English keeps the number, Thai loses it and is not used; Nepali the machine does not have."""
    browser = await desk(office)
    users = {code: await office.resident(code) for code in ("en", "th", "ne")}
    report = await reported(office, users["en"])
    async with office.database.writing() as session:
        for code in ("th", "ne"):
            found = await residents.find(session, users[code])
            assert found is not None and found.id is not None
            await following.join(session, report.number, found.id, office.clock.now())
    words = "7月3日に直します。"
    made = {"en": "We mend it on July 3 (month 7).", "th": "เราจะซ่อม"}
    address = f"/console/reports/{report.number}"
    async with translator(office, made):
        shown = await look(browser, report.number, answer_words=words)
        assert made["en"] in shown.body and made["th"] not in shown.body
        page = await browser.get(address)
        saved = await browser.submit(page, address, answer_words=words)
        assert saved.status == 200, saved.words[:300]
    texts = {}
    for delivery in await office.deliveries():
        await office.done(delivery.id or 0)
    for code, user in users.items():
        [[message]] = office.received(user)
        texts[code] = message["text"]
    assert made["en"] in texts["en"] and machine_translated("en") in texts["en"]
    for code in ("th", "ne"):
        said = answer_words.CATALOGUE.text(code, answer_words.WRITTEN_IN_JAPANESE)
        assert words in texts[code] and said in texts[code]
    entries = [entry for entry in await office.audit() if entry.action == "report.answered"]
    assert "libretranslate" in str(entries[-1].detail)
