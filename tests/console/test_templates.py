"""The city's templates, their blanks in every language, and where an alert's words come from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from alerts.models import AlertTemplate, TemplateVersion
from alerts.origins import machine_languages, origins
from console.models import Role
from console.web import SENT_COOKIE
from core.settings import TranslatorSettings
from feeds import limits
from feeds.texts import machine_translated
from tests.support.office import Browser, Office, Page

LIST = "/console/templates"
ADDRESS = "/console/alerts/1"
SCRIPT = '<script>alert(1)</script>"><img src=x>'


async def written(office: Office, **texts: str) -> tuple[Browser, Page]:
    """Save a template as somebody at the desk."""
    desk = await office.at_desk(Role.DISASTER, "author")
    page = await desk.get(f"{LIST}/new")
    return desk, await desk.submit(page, LIST, name="停電", **texts)


async def versions(office: Office) -> list[TemplateVersion]:
    async with office.database.reading() as session:
        found = []
        for template in await office.rows(AlertTemplate):
            for number in range(1, template.version + 1):
                found.append(await session.get_one(TemplateVersion, (template.id, number)))
        return found


async def test_a_template_keeps_its_versions_and_an_alert_names_the_one_it_used(
    office: Office,
) -> None:
    await office.resident("en")
    desk, page = await written(
        office,
        text__ja="停電しています。場所：｛場所｝、復旧：{時刻}",
        text__en="Power is out. Where: {place}. Until: {time}",
    )
    assert page.status == 200, page.words
    [first] = await versions(office)
    # Full-width braces and Japanese names are stored in one form.
    assert first.texts["ja"] == "停電しています。場所：{place}、復旧：{time}"

    begun = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    asked = await desk.submit(begun, ADDRESS, topic="lifeline", template="1", then="template")
    assert asked.url.endswith(f"{ADDRESS}/templates/1")
    district = office.context.city.districts[0]
    fill = f"{ADDRESS}/templates/1"
    shown = await desk.submit(
        asked, fill, areas__place=district.code, time__time="2026-06-15T18:05", then="look"
    )
    assert (await office.drafts())[0].texts == {}
    page = await desk.submit(
        shown, fill, areas__place=district.code, time__time="2026-06-15T18:05", then="insert"
    )
    [draft] = await office.drafts()
    assert draft.texts["ja"]["text"] == (
        f"停電しています。場所：{district.names['ja']}、復旧：6月15日（月）午後6時05分"
    )
    assert draft.texts["en"]["text"].startswith(f"Power is out. Where: {district.names['en']}. ")
    assert "June 15" in draft.texts["en"]["text"] or "Jun 15" in draft.texts["en"]["text"]
    assert set(draft.texts) == {"ja", "en"}

    # Ready words after it: only where there are words already.
    page = await desk.submit(page, ADDRESS, ready="water", then="add")
    [draft] = await office.drafts()
    assert set(draft.texts) == {"ja", "en"}
    assert draft.texts["en"]["text"].endswith("We will tell you when it is back.")
    assert origins(draft)["en"].templates == ((1, 1),)
    assert origins(draft)["en"].ready == ("water",)

    # The template changes; the alert that is sent still names version 1.
    edit = await desk.get(f"{LIST}/1")
    await desk.submit(edit, f"{LIST}/1", text__ja="停電：{place}、{time}まで")
    page = await desk.submit(page, ADDRESS, level="2", whole_city="yes", then="check")
    assert "第1版" in page.tree.xpath("string(//*[@data-testid='origins'])")
    sent = await desk.submit(page, f"{ADDRESS}/send", typed="1")
    assert "/console/deliveries/" in sent.url, sent.words
    assert "「停電」第1版" in sent.tree.xpath("string(//*[@data-testid='origins'])")
    [entry] = [one for one in await office.audit() if one.action == "alert.sent"]
    assert entry.detail["templates"] == [[1, 1]]
    assert [one.version for one in await versions(office)] == [1, 2]
    older = await desk.get(f"{LIST}/1?version=1")
    assert "{place}、復旧" in older.tree.xpath("string(//main)")
    assert not older.has_form(f"{LIST}/1")

    # Withdrawn, it is offered no more; and it can come back.
    await desk.submit(await desk.get(LIST), f"{LIST}/1/withdraw")
    again = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="drill")
    assert not again.tree.xpath("//select[@name='template']/option[@value='1']")
    assert (await desk.get("/console/alerts/2/templates/1")).status == 400
    await desk.submit(await desk.get(LIST), f"{LIST}/1/restore")
    assert (await desk.get("/console/alerts/2/templates/1")).status == 200
    trail = [one.action for one in await office.audit() if one.subject == "template:1"]
    assert trail == [
        *("template.saved", "template.saved", "template.withdrawn", "template.restored"),
    ]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"text__ja": "停電：{place}", "text__en": "Power is out."}, "{place}"),
        ({"text__ja": "停電", "text__en": "Power is out: {place}"}, "{place}"),
        ({"text__ja": "停電：{town}"}, "{town}"),
        ({"text__ja": "停電：{place"}, "{ }"),
        ({"text__ja": "停電の訓練です"}, "訓練"),
        ({"text__ja": "停電", "text__en": "This is not a drill"}, "訓練"),
        ({"text__ja": "停" * 1001}, "1000"),
        ({"text__ja": "", "text__en": "Power is out."}, "日本語"),
        ({"text__ja": "停電", "name": ""}, "名前"),
        ({"text__ja": "停電", "name": "名" * 81}, "80"),
    ],
)
async def test_a_template_with_a_fault_is_refused_with_what_was_typed(
    office: Office, texts: dict[str, str], said: str
) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    fields = {"name": "停電", **texts}
    page = await desk.submit(await desk.get(f"{LIST}/new"), LIST, **fields)
    assert page.status == 400
    assert said in page.tree.xpath("string(//*[@data-testid='refusal'])")
    if len(texts["text__ja"]) < 99:
        assert page.form(LIST)["text-ja"] == texts["text__ja"]
    assert await office.rows(AlertTemplate) == []


async def test_names_that_nobody_can_read_are_asked_for_in_letters(office: Office) -> None:
    desk, _ = await written(
        office, text__ja="{river}と{words}", text__ko="{river} {words}", text__my="{river} {words}"
    )
    begun = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    asked = await desk.submit(begun, ADDRESS, template="1", then="template")
    fill = f"{ADDRESS}/templates/1"
    empty = await desk.submit(asked, fill, said__words="029-000-0000")
    assert empty.status == 400
    assert "［川］" in empty.tree.xpath("string(//*[@data-testid='refusal'])")
    unknown = await desk.submit(asked, fill, said__river="月見川", said__words="029-000-0000")
    assert unknown.status == 400
    braces = await desk.submit(asked, fill, said__river="{月見}川", said__words="029-000-0000")
    assert braces.status == 400
    assert "月見川" in unknown.tree.xpath("string(//*[@data-testid='refusal'])")
    assert unknown.form(fill)["said-river"] == "月見川"
    await desk.submit(unknown, fill, latin__river="Tsukimi River", then="insert")
    [draft] = await office.drafts()
    assert draft.texts["ja"]["text"] == "月見川と029-000-0000"
    assert draft.texts["my"]["text"] == "Tsukimi River 029-000-0000"
    # A river that the agency's tables know has each language's own form.
    page = await desk.get(fill)
    await desk.submit(page, fill, said__river="利根川", said__words="1", where="instead")
    assert (await office.drafts())[0].texts["ko"]["text"] == "도네강 1"


async def test_a_filled_in_sentence_has_one_full_stop_and_numbers_have_their_readers_form(
    office: Office,
) -> None:
    desk, _ = await written(
        office, text__ja="{words}まで、{time}。", text__en="Call {words}. Open at {time}."
    )
    begun = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    asked = await desk.submit(begun, ADDRESS, template="1", then="template")
    typed = {"said__words": "０２９－０００－００００", "time__time": "2026-06-15T02:40"}
    await desk.submit(asked, f"{ADDRESS}/templates/1", **typed, then="insert")
    [draft] = await office.drafts()
    assert draft.texts["ja"]["text"].startswith("０２９－０００－００００まで")
    english = draft.texts["en"]["text"]
    assert english.startswith("Call 029-000-0000. Open at ")
    assert english.endswith("a.m.") and not english.endswith("..")


async def test_words_that_were_only_looked_at_are_not_taken_as_accepted(office: Office) -> None:
    """The browser keeps what goes into the blanks until it is in the alert."""
    desk, _ = await written(office, text__ja="{words}")
    begun = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    asked = await desk.submit(begun, ADDRESS, template="1", then="template")
    fill = f"{ADDRESS}/templates/1"
    fields = {**asked.form(fill), "said-words": "1", "sending": "0123456789abcdef"}
    await desk.post(fill, {**fields, "then": "look"})
    assert desk.cookie(SENT_COOKIE) == ""
    await desk.post(fill, {**fields, "then": "insert"})
    assert desk.cookie(SENT_COOKIE) == "0123456789abcdef"


async def test_the_templates_to_begin_with_speak_every_language(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "author")
    await desk.submit(await desk.get(LIST), f"{LIST}/starters")
    made = await versions(office)
    assert len(made) == 3
    for one in made:
        assert set(one.texts) == set(office.context.city.languages)
    page = await desk.get(LIST)
    assert not page.has_form(f"{LIST}/starters")


async def test_a_template_is_shown_as_text_and_only_to_those_who_write_alerts(
    office: Office,
) -> None:
    desk, page = await written(office, text__ja=SCRIPT)
    await desk.submit(page, f"{LIST}/1", name=f"=1+1{SCRIPT}", text__ja=f"{SCRIPT}\u202e{{words}}")
    begun = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    assert SCRIPT not in begun.body
    fill = f"{ADDRESS}/templates/1"
    for path in (LIST, f"{LIST}/1", f"{LIST}/1?version=1", fill, "/console/audit"):
        page = await desk.get(path)
        assert page.status == 200
        assert SCRIPT not in page.body, path
        assert "\u202e" not in page.body, path
    page = await desk.submit(await desk.get(fill), fill, said__words=SCRIPT, then="look")
    assert SCRIPT not in page.body
    token = (await desk.get(LIST)).form(f"{LIST}/1/withdraw")["csrf"]
    odd: dict[str, Any] = {"csrf": token, "name": "x", "text-ja": "\x00"}
    assert (await desk.post(LIST, odd)).status == 400
    assert (await desk.post(f"{LIST}/99", {**odd, "text-ja": "x"})).status == 400
    assert (await desk.get(f"{LIST}/99")).status == 400
    assert (await desk.get(f"{LIST}/{'9' * 30}")).status == 404
    for role in (Role.ROADS, Role.EDITOR, Role.VIEWER):
        other = await office.at_desk(role, role.value)
        form = (await other.get("/console/account")).form("/console/account/password")
        assert (await other.get(LIST)).status == 403
        assert (await other.post(LIST, {"csrf": form["csrf"], "name": "x"})).status == 403
        assert (await other.post(f"{LIST}/1/withdraw", {"csrf": form["csrf"]})).status == 403


async def test_two_who_change_one_template_do_not_overwrite_each_other(office: Office) -> None:
    desk, page = await written(office, text__ja="停電")
    other = await office.at_desk(Role.DISASTER, "colleague")
    theirs = await other.get(f"{LIST}/1")
    await desk.submit(page, f"{LIST}/1", text__ja="停電しています")
    refused = await other.submit(theirs, f"{LIST}/1", text__ja="停電中")
    assert refused.status == 400
    assert refused.form(f"{LIST}/1")["text-ja"] == "停電中"
    assert [one.texts["ja"] for one in await versions(office)] == ["停電", "停電しています"]


class Translator:
    """A LibreTranslate server that knows English, Thai and Korean."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}
        self.status = 200
        self.hang: asyncio.Event | None = None
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        if self.hang is not None:
            await self.hang.wait()
        if self.status != 200:
            return web.Response(status=self.status)
        if request.path == "/languages":
            return web.json_response([{"code": "ja", "targets": ["en", "th", "ko"]}])
        said = await request.json()
        made = self.made[said["target"]]
        return web.json_response({"translatedText": [made for _ in said["q"]]})


@pytest.fixture
async def translator(office: Office) -> AsyncIterator[Translator]:
    made = Translator()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    settings = replace(
        office.context.settings, translator=TranslatorSettings(name="libretranslate", url=made.url)
    )
    office.app.state.context = replace(office.context, settings=settings)
    yield made
    if made.hang is not None:
        made.hang.set()
    await runner.cleanup()


async def drafted(office: Office, **fields: Any) -> tuple[Browser, Page]:
    desk = await office.at_desk(Role.DISASTER, "author")
    page = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    wanted = {"topic": "lifeline", "level": "2", "whole_city": "yes", "text__ja": "6時に止まります"}
    return desk, await desk.submit(page, ADDRESS, **{**wanted, **fields}, then="machine")


async def test_a_machine_drafts_what_is_missing_and_says_so_to_residents(
    office: Office, translator: Translator
) -> None:
    reader = await office.resident("en")
    translator.made = {"en": "It stops at 6", "th": "หยุดเวลา 9 น.", "ko": "6시에 멈춥니다"}
    desk, page = await drafted(office, text__ko="제가 썼습니다")
    [draft] = await office.drafts()
    # What has other numbers is not used; what somebody wrote stays.
    assert {code: own["text"] for code, own in draft.texts.items()} == {
        "ja": "6時に止まります",
        "en": "It stops at 6",
        "ko": "제가 썼습니다",
    }
    said = page.tree.xpath("string(//*[@data-testid='machine-said'])")
    assert "タイ語" in said
    assert "数字" in said
    assert "ミャンマー語" in said
    assert page.tree.xpath("//*[@id='origin-en']//*[@data-origin='machine']")
    check = await desk.get(f"{ADDRESS}/check")
    assert "LibreTranslate" in check.tree.xpath("string(//*[@data-testid='origins'])")

    # A change makes it a person's: the sentence goes, here only in a preview.
    typed = {**page.form(ADDRESS), "text-en": "It stops at 6.", "preview_language": "en"}
    look = await desk.post(f"{ADDRESS}/look", typed)
    assert machine_translated("en") not in look.words
    assert look.tree.xpath("//*[@id='origin-en']//*[@data-origin='person']")

    sent = await desk.submit(check, f"{ADDRESS}/send", typed="1")
    await office.done(1)
    assert machine_translated("en") in str(office.received(reader))
    [entry] = [one for one in await office.audit() if one.action == "alert.sent"]
    assert entry.detail["machine"] == ["en"]

    # A correction begins with the same words of the same machine.
    back = await desk.submit(sent, "/console/notices/1/take-back", status="corrected")
    assert back.tree.xpath("//*[@id='origin-en']//*[@data-origin='machine']")
    assert machine_languages((await office.drafts())[1]) == ["en"]


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
async def test_a_translator_in_trouble_loses_nothing_and_stops_nothing(
    office: Office, translator: Translator, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.resident("en")
    if trouble == "fails":
        translator.status = 503
    else:
        translator.hang = asyncio.Event()
        monkeypatch.setattr(limits, "TRANSLATION_TIMEOUT", 0.2)
    desk, page = await drafted(office)
    assert "応答" in page.tree.xpath("string(//*[@data-testid='machine-said'])")
    [draft] = await office.drafts()
    assert draft.texts == {"ja": {"title": "", "text": "6時に止まります"}}
    check = await desk.get(f"{ADDRESS}/check")
    sent = await desk.submit(check, f"{ADDRESS}/send", typed="1")
    assert "/console/deliveries/" in sent.url, sent.words


async def test_without_a_translator_there_is_no_button(office: Office) -> None:
    _, page = await drafted(office)
    assert not page.tree.xpath("//*[@data-testid='by-machine']")
    assert set((await office.drafts())[0].texts) == {"ja"}
