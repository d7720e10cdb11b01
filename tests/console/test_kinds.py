"""The office shapes a kind: written, checked, confirmed, in every language, undone."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from city.kinds import ReportCategory
from console.models import Role
from core.audit import AuditEntry
from reports import kinds
from reports.kinds import city_now
from reports.models import KindVersion
from tests.support.office import Browser, Office, Page

LIST = "/console/kinds"
SCRIPT = '<script>alert(1)</script>"><img src=x>'


async def held(office: Office, code: str) -> ReportCategory | None:
    async with office.database.reading() as session:
        return (await city_now(session, office.context.city)).kind(code)


async def confirmed(desk: Browser, page: Page) -> Page:
    address = page.url.split("?")[0].removesuffix("/check")
    path = "/console/" + address.split("/console/")[1]
    return await desk.submit(page, f"{path}/confirm")


async def test_a_kind_is_changed_looked_at_and_then_holds(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"{LIST}/park")
    page = await desk.submit(
        page, f"{LIST}/park", due_days="3", name__en="Playground", note="要望が多い"
    )
    assert page.status == 200, page.words
    assert page.url.endswith("/park/check")
    assert "Playground" in page.words
    before = await held(office, "park")
    assert before is not None and before.due_days is None, "only written, not confirmed"
    page = await confirmed(desk, page)
    assert page.status == 200, page.words
    kind = await held(office, "park")
    assert kind is not None
    assert (kind.due_days, kind.names["en"]) == (3, "Playground")
    assert kind.names["my"] == before.names["my"], "other languages stay"
    assert kind.published and not kind.danger
    listed = await desk.get("/console/reports")
    assert "公園の遊具" in listed.words
    entries = [one for one in await office.rows(AuditEntry) if one.subject == "kind:park"]
    assert [one.action for one in entries] == ["kind.proposed", "kind.confirmed"]
    assert entries[1].detail["note"] == "要望が多い"


async def test_nothing_wrong_is_saved_and_what_was_typed_stays(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"{LIST}/park")
    page = await desk.submit(
        page,
        f"{LIST}/park",
        season_start="13-01",
        season_end="03-31",
        due_days="soon",
        name__en=SCRIPT,
    )
    assert page.status == 400
    assert "13-01" in page.body
    assert SCRIPT not in page.body
    assert await office.rows(KindVersion) == []


async def test_a_new_kind_gets_questions_and_words_in_every_language(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get("/console/new-kind")
    page = await desk.submit(page, "/console/new-kind", code="bench", name="ベンチ")
    assert page.status == 200, page.words
    page = await desk.get(f"{LIST}/bench/questions/0")
    address = f"{LIST}/bench/questions/0"
    refused = await desk.submit(
        page, address, code="part", name__ja="どこですか", type="one-of", choice__0__code="seat"
    )
    assert refused.status == 400
    page = await desk.submit(
        refused,
        address,
        code="part",
        name__ja="どこですか",
        name__en="Which part?",
        type="one-of",
        needed="yes",
        **fields(("seat", "座面"), ("leg", "脚")),
    )
    assert page.status == 200, page.words
    page = await desk.get(f"{LIST}/bench/words/my")
    said = {
        "text:names": "ခုံတန်း",
        "text:questions/part/names": "ဘယ်အပိုင်းလဲ။",
        "text:questions/part/choices/seat/names": "ထိုင်ခုံ",
    }
    page = await desk.submit(page, f"{LIST}/bench/words/my", **said)
    assert page.status == 200, page.words
    page = await desk.get(f"{LIST}/bench/check?language=my")
    assert "ဘယ်အပိုင်းလဲ။" in page.words, "the card as the phone shows it"
    assert "ထိုင်ခုံ" in page.words
    page = await confirmed(desk, page)
    assert page.status == 200, page.words
    kind = await held(office, "bench")
    assert kind is not None
    assert kind.names == {"ja": "ベンチ", "my": "ခုံတန်း"}
    [question] = kind.questions
    assert question.needed
    assert [choice.code for choice in question.choices] == ["seat", "leg"]
    assert question.choices[0].names == {"ja": "座面", "my": "ထိုင်ခုံ"}
    listed = await desk.get(LIST)
    assert "ベンチ" in listed.words


def fields(*choices: tuple[str, str]) -> dict[str, Any]:
    return {
        name: value
        for n, (code, called) in enumerate(choices)
        for name, value in ((f"choice-{n}-code", code), (f"choice-{n}-ja", called))
    }


async def test_a_question_is_moved_and_taken_away(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"{LIST}/street-light/questions/2")
    page = await desk.submit(page, f"{LIST}/street-light/questions/2", place="1")
    assert page.status == 200, page.words
    page = await desk.get(f"{LIST}/street-light/questions/2")
    page = await desk.submit(page, f"{LIST}/street-light/questions/2", then="remove")
    assert page.status == 200, page.words
    await confirmed(desk, await desk.get(f"{LIST}/street-light/check"))
    kind = await held(office, "street-light")
    assert kind is not None
    assert [one.code for one in kind.questions] == ["lamp"]
    assert kind.questions[0].names["th"], "its words in all languages stay"


async def test_a_message_with_hours_stands_instead_of_a_report(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"{LIST}/sign")
    page = await desk.submit(
        page,
        f"{LIST}/sign",
        has_message="yes",
        message__ja="電話してください",
        phone="029-000-0007",
        closed__ja="時間外です",
        **{
            "hours-0-days": "mon",
            "hours-0-start": "08:30",
            "hours-0-end": "17:15",
        },
    )
    assert page.status == 200, page.words
    assert "電話してください" in page.words and "時間外です" in page.words
    await confirmed(desk, page)
    kind = await held(office, "sign")
    assert kind is not None and kind.message is not None
    assert kind.message.hours[0].days == ("mon",)
    page = await desk.get(f"{LIST}/sign")
    assert 'value="08:30"' in page.body
    page = await desk.submit(page, f"{LIST}/sign", has_message="")
    await confirmed(desk, page)
    kind = await held(office, "sign")
    assert kind is not None and kind.message is None


async def test_an_earlier_version_and_the_folder_come_back(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    for days in ("3", "7"):
        page = await desk.submit(await desk.get(f"{LIST}/park"), f"{LIST}/park", due_days=days)
        await confirmed(desk, page)
    page = await desk.submit(await desk.get(f"{LIST}/park"), f"{LIST}/park/back", version="1")
    assert "3" in page.words
    await confirmed(desk, page)
    kind = await held(office, "park")
    assert kind is not None and kind.due_days == 3
    page = await desk.get(f"{LIST}/park")
    page = await desk.submit(page, f"{LIST}/park/back", version="")
    await confirmed(desk, page)
    assert await held(office, "park") == office.context.city.kind("park")


async def test_two_who_write_the_same_kind_do_not_lose_each_others_words(office: Office) -> None:
    aiko = await office.at_desk(Role.ROADS, "aiko")
    ken = await office.at_desk(Role.ROADS, "ken")
    seen = await ken.get(f"{LIST}/park")
    await aiko.submit(await aiko.get(f"{LIST}/park"), f"{LIST}/park", due_days="3")
    refused = await ken.submit(seen, f"{LIST}/park", due_days="9")
    assert refused.status == 400
    assert 'value="9"' in refused.body
    old = await ken.get(f"{LIST}/park/check")
    await aiko.submit(await aiko.get(f"{LIST}/park"), f"{LIST}/park", due_days="4")
    refused = await ken.submit(old, f"{LIST}/park/confirm")
    assert refused.status == 400, "ken looked at something else"
    assert (await held(office, "park")) == office.context.city.kind("park")


async def test_the_kinds_are_written_out_as_they_hold(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.submit(
        await desk.get(f"{LIST}/park"), f"{LIST}/park", name__en='A "quoted" \\ name'
    )
    await confirmed(desk, page)
    text = (await desk.get("/console/kinds.toml")).body
    read = [kinds.read_kind(_plain(one)) for one in tomllib.loads(text)["report_categories"]]
    async with office.database.reading() as session:
        city = await city_now(session, office.context.city)
    assert read == [kind.model_copy(update={"order": 0}) for kind in city.report_categories]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


@pytest.mark.parametrize("code", ["nobody", "..", "%00"])
async def test_a_kind_that_is_not_there_is_not_found(office: Office, code: str) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    assert (await desk.get(f"{LIST}/{code}/check")).status == 404


async def test_somebody_who_only_looks_sees_no_button(office: Office) -> None:
    desk = await office.at_desk(Role.VIEWER, "viewer")
    page = await desk.get(f"{LIST}/park")
    assert page.status == 200
    assert "save-kind" not in page.body


async def test_words_of_danger_are_written_in_the_form_and_those_of_other_languages_stay(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    address = f"{LIST}/guard-rail"
    page = await desk.submit(
        await desk.get(address),
        address,
        danger__danger__ja="ぐらつ、外れそう,ぐらつ",
        danger__harmless__en="school, kindergarten",
    )
    assert page.status == 200, page.words
    assert "ぐらつ" in page.words, "what changes, on the page to confirm"
    await confirmed(desk, page)
    kind = await held(office, "guard-rail")
    assert kind is not None
    assert kind.danger_words.danger == {"ja": ("ぐらつ", "外れそう")}
    assert kind.danger_words.harmless == {"en": ("school", "kindergarten")}
    page = await desk.get(address)
    assert page.form(address)["danger-danger-ja"] == "ぐらつ、外れそう"
    refused = await desk.submit(page, address, danger__danger__en="x")
    assert refused.status == 400 and "2〜60文字" in refused.words


async def test_why_a_kind_is_changed_stays_while_its_questions_are_written(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(f"{LIST}/park")
    page = await desk.submit(page, f"{LIST}/park", due_days="soon", note="要望が多い")
    assert page.status == 400
    assert page.form(f"{LIST}/park")["note"] == "要望が多い"
    await desk.submit(page, f"{LIST}/park", due_days="3")
    address = f"{LIST}/park/questions/0"
    page = await desk.get(address)
    await desk.submit(page, address, code="part", name__ja="どこですか", type="text")
    page = await desk.get(f"{LIST}/park")
    assert page.form(f"{LIST}/park")["note"] == "要望が多い"
    await confirmed(desk, await desk.get(f"{LIST}/park/check"))
    entries = [one for one in await office.rows(AuditEntry) if one.subject == "kind:park"]
    assert [one.detail["note"] for one in entries] == ["要望が多い"] * 3


async def test_choices_that_a_question_cannot_have_are_not_lost_unseen(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    address = f"{LIST}/park/questions/0"
    page = await desk.get(address)
    typed = {"code": "part", "name__ja": "どこですか", **fields(("seat", "座面"), ("leg", "脚"))}
    page = await desk.submit(page, address, type="text", **typed)
    assert page.status == 400
    assert page.form(address)["choice-1-ja"] == "脚"
    page = await desk.submit(page, address, type="one-of")
    assert page.status == 200, page.words
    page = await desk.get(f"{LIST}/park/questions/1")
    page = await desk.submit(page, f"{LIST}/park/questions/1", type="yes-no")
    assert page.status == 200, "choices that were there go with their kind of answer"


async def test_what_a_change_would_change_is_said_in_words(office: Office) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    city = office.context.city
    district, department = city.districts[0], city.departments[0]
    page = await desk.get(f"{LIST}/park")
    page = await desk.submit(
        page,
        f"{LIST}/park",
        danger="yes",
        area__0__districts=district.code,
        area__0__department=department.code,
        has_message="yes",
        message__ja="公園の事務所へ電話してください。",
        phone="029-000-0000",
        hours__0__days="mon",
        hours__0__start="09:00",
        hours__0__end="17:00",
        closed__ja="明日お電話ください。",
        closed_phone="029-000-0001",
    )
    assert page.url.endswith("/check"), page.words
    rows = [
        " ".join(cell.text_content().strip() for cell in row.xpath("td"))
        for row in page.tree.xpath("//table/tbody/tr")
    ]
    assert "危険：緊急の電話番号を先に出す – はい" in rows
    assert not [row for row in rows if row.startswith(("並び順", "地区ごとの担当 › 1 › 並び順"))]
    assert f"地区ごとの担当 › 1 › 地区 – {district.names['ja']}" in rows
    assert f"地区ごとの担当 › 1 › 担当課 – {department.names['ja']}" in rows
    assert "通報の代わりに案内 › 受付時間 › 1 › 曜日 – 月" in rows
    assert "通報の代わりに案内 › 受付時間 › 1 › 開始 – 09:00" in rows
    assert "通報の代わりに案内 › 時間外の案内 › 日本語 – 明日お電話ください。" in rows
    assert "通報の代わりに案内 › 時間外の電話 – 029-000-0001" in rows


@pytest.mark.parametrize("path", ["/console/new-kind", "/console/danger-words"])
async def test_pages_of_the_kinds_keep_their_place_in_the_navigation(
    office: Office, path: str
) -> None:
    desk = await office.at_desk(Role.ROADS, "roads")
    page = await desk.get(path)
    here = page.tree.xpath("//a[@aria-current='page']/@href")
    assert set(here) == {LIST}
