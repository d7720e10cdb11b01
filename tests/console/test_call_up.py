"""Call-up of staff on the pages: the list, whom, preview, send, the live table, mail's page."""

from __future__ import annotations

import asyncio
import csv
import io
import re

import pytest

from console.models import Role
from response import joining
from response.models import CallUp, StaffLineLink, StaffMember, StaffMessage
from tests.support.called_staff import LIST, join, listed, sent
from tests.support.office import Browser, Office, Page


async def checked(desk: Browser, **fields: object) -> Page:
    page = await desk.get("/console/call-up")
    wanted = {"kind": "drill", "whom": "all", "words": "震度６弱。市役所３階へ。", **fields}
    return await desk.submit(page, "/console/call-up/check", **wanted)


def heads(page: Page) -> dict[str, int]:
    names = ("called", "reached", "coming", "at-office", "safe", "cannot", "silent")
    return {
        name: int(page.tree.xpath(f"//*[@data-testid='{name}']")[0].text_content())
        for name in names
        if page.tree.xpath(f"//*[@data-testid='{name}']")
    }


async def test_a_drill_is_called_answered_by_mail_and_seen_in_the_table(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    taken = await listed(desk)
    assert "追加3名、変更0名、変わらず0名" in taken.words
    members = {each.name: each for each in await office.rows(StaffMember)}
    user = await join(office, members["佐藤 花子"].id)
    check = await checked(desk)
    assert "【訓練】 職員参集：参集してください" in check.words
    assert "高橋 三郎" in check.words, "who can be reached by nothing is named"
    assert await office.rows(CallUp) == [], "the check sends nothing"
    refused = await desk.submit(check, "/console/call-up/send", typed="3")
    assert refused.status == 400 and await office.rows(CallUp) == []
    table, again = await asyncio.gather(
        *(desk.submit(refused, "/console/call-up/send", typed="訓練") for _ in range(2))
    )
    assert table.url == again.url and len(await office.rows(CallUp)) == 1
    await sent(office, 3)
    [card] = [message for batch in office.received(user) for message in batch]
    assert card["altText"].startswith("【訓練】 職員参集")
    [letter] = office.mails.to("suzuki@city.example")
    link = re.findall(r"http://127\.0\.0\.1:8000(/call-up/\S+answer=cannot)", letter.get_content())
    stranger = await office.browser()
    for _ in range(2):
        page = await stranger.get(link[0])
        assert "【訓練】" in page.words and "鈴木 次郎" in page.words
    assert heads(await desk.get("/console/call-up/1"))["cannot"] == 0, "opening answers nothing"
    action = link[0].partition("?")[0]
    given = await stranger.submit(page, action)
    assert "あなたの回答: 参集できない" in given.words
    replayed = await stranger.submit(page, action, answer="coming-10")
    assert replayed.status == 409 and "その間に回答が変わりました" in replayed.words
    live = await desk.get("/console/call-up/1/live")
    assert heads(live) == {
        "called": 3,
        "reached": 2,
        "coming": 0,
        "at-office": 0,
        "safe": 0,
        "cannot": 1,
        "silent": 2,
    }
    noted = await desk.submit(
        await desk.get("/console/call-up/1"),
        "/console/call-up/1/note",
        member=str(members["高橋 三郎"].id),
        answer="coming-60",
    )
    assert heads(noted)["coming"] == 1
    printed = await desk.get("/console/call-up/1/print")
    assert "【訓練】職員参集" in printed.words
    file = await desk.post(
        "/console/call-up/1/export.csv", noted.form("/console/call-up/1/export.csv")
    )
    rows = list(csv.reader(io.StringIO(file.body.lstrip("\ufeff"))))
    assert [row[:3] for row in rows[1:]] == [
        ["訓練", "危機管理課", "佐藤 花子"],
        ["訓練", "道路課", "鈴木 次郎"],
        ["訓練", "道路課", "高橋 三郎"],
    ]
    ended = await desk.submit(noted, "/console/call-up/1/end", tell=None)
    assert not ended.has_form("/console/call-up/1/ask-again")
    late = await stranger.submit(page, action, answer="coming-10")
    assert late.status == 409 and "終了しました" in late.words
    record = await desk.get("/console/record?world=drill")
    assert "職員を参集：震度６弱" in record.words
    assert "職員を参集" not in (await desk.get("/console/record?world=real")).words
    entries = [entry for entry in await office.audit() if entry.subject == "call_up:1"]
    acts = [entry.action for entry in entries]
    assert acts == ["call_up.begun", "call_up.noted", "call_up.exported", "call_up.ended"]
    assert all(entry.detail["drill"] is True for entry in entries)


async def test_drill_and_real_are_never_one_list_and_real_wants_the_number(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await listed(desk)
    for kind, typed in (("drill", "訓練"), ("real", "２")):
        check = await checked(desk, kind=kind, whom="some", department=["roads"])
        wrong = await desk.submit(
            check, "/console/call-up/send", typed="訓練" if kind == "real" else "2"
        )
        assert wrong.status == 400
        await desk.submit(wrong, "/console/call-up/send", typed=typed)
    real = await desk.get("/console/call-up?world=real")
    drill = await desk.get("/console/call-up?world=drill")
    assert real.tree.xpath("//td//a[starts-with(@href, '/console/call-up/')]/@href") == [
        "/console/call-up/2"
    ]
    assert drill.tree.xpath("//td//a[starts-with(@href, '/console/call-up/')]/@href") == [
        "/console/call-up/1"
    ]
    titles = {each.drill: each.content["title"] for each in await office.rows(StaffMessage)}
    assert titles == {
        True: "【訓練】 職員参集：参集してください",
        False: "職員参集：参集してください",
    }


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": None}, "訓練か本番かを選んでください"),
        ({"whom": None}, "全員か、どの部署・班を参集するかを選んでください"),
        ({"whom": "some"}, "全員か、どの部署・班を参集するかを選んでください"),
        ({"words": " "}, "何が起きたか、どこへ来るか"),
        ({"words": "長" * 501}, "何が起きたか、どこへ来るか"),
        ({"remind": "999"}, "再度の呼びかけ"),
        ({"whom": "some", "department": ["nowhere"]}, "部署「nowhere」がありません"),
        ({"whom": "some", "team": ["いない班"]}, "参集の対象になる職員がいません"),
    ],
)
async def test_what_cannot_be_called_is_refused_with_a_sentence_and_kept(
    office: Office, change: dict[str, object], words: str
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await listed(desk)
    page = await checked(desk, **change)
    assert page.status == 400 and words in page.words
    if change.get("words") is None and "words" not in change:
        assert "震度６弱。市役所３階へ。" in page.body


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "名簿に1件もありません"),
        ("佐藤,危機管理課\n", "列の見出し"),
        ("氏名,部署\n佐藤,ない課\n", "2行目：city.toml に部署「ない課」がありません"),
        ("氏名,部署,メール\n佐藤,道路課,x y@a\n", "2行目：「x y@a」はメールアドレスではありません"),
        ("氏名,部署,アカウント\n佐,道路課,a@a.jp\n鈴,道路課,a@a.jp\n", "3行目"),
    ],
)
async def test_a_list_with_a_mistake_is_refused_whole_with_its_line(
    office: Office, text: str, words: str
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await listed(desk, text)
    assert page.status == 400 and words in page.words
    assert await office.rows(StaffMember) == []


async def test_a_list_can_come_again_and_cells_of_a_spreadsheet_can_be_pasted(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await listed(desk)
    again = await listed(desk, LIST.replace(",", "\t").replace("第1配備", "第2配備"))
    assert "追加0名、変更2名、変わらず1名" in again.words


async def test_a_code_is_shown_until_it_was_used_and_the_link_can_be_deleted(
    office: Office,
) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await desk.get("/console/call-up/staff")
    shown = await desk.submit(page, "/console/call-up/staff", name="佐藤 花子", department="crisis")
    [code] = shown.tree.xpath("//*[@data-testid='code']/text()")
    assert joining.typed_code(code) == code
    sheet = await desk.get("/console/call-up/staff/codes")
    assert code in sheet.words and sheet.tree.xpath("//article//*[name()='svg']")
    [member] = await office.rows(StaffMember)
    user = await office.resident()
    async with office.database.writing() as session:
        codes = joining.Codes(office.context.settings.secret_key)
        await codes.join(session, code, user, office.clock.now())
    joined = await desk.get(f"/console/call-up/staff/{member.id}")
    assert code not in joined.words and "登録済み" in joined.words
    address = f"/console/call-up/staff/{member.id}/unlink"
    await desk.submit(joined, address)
    async with office.database.reading() as session:
        assert await session.get(StaffLineLink, member.id) is None
    remove = f"/console/call-up/staff/{member.id}/remove"
    await desk.submit(await desk.get(f"/console/call-up/staff/{member.id}"), remove)
    assert await office.rows(StaffMember) == []
    actions = [
        entry.action
        for entry in await office.audit()
        if entry.subject == f"staff_member:{member.id}"
    ]
    assert actions == [
        f"staff_member.{verb}" for verb in ("added", "code_made", "joined", "left", "removed")
    ]


async def test_names_are_for_the_disaster_desk_only(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await listed(desk)
    for role in (Role.VIEWER, Role.EDITOR, Role.ROADS):
        other = await office.at_desk(role, role.value)
        for path in ("/console/call-up", "/console/call-up/staff", "/console/call-up/1"):
            page = await other.get(path)
            assert page.status == 403 and "佐藤" not in page.body


async def test_a_link_that_is_no_good_says_nothing(office: Office) -> None:
    browser = await office.browser()
    for token in ("x", "WzEsMV0.AAAA", "a" * 300):
        page = await browser.get(f"/call-up/{token}")
        assert page.status == 404 and "このリンクはもう使えません" in page.words
