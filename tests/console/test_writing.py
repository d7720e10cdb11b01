"""A draft that saves itself while two people write in it, by HTTP as the page's script does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from console import words
from console.models import Role
from core.web import FORM_LIMIT_BYTES
from tests.support.office import Browser, Office, Page

ADDRESS = "/console/alerts/1"
WORDS = "川の水位が上がっています。"


async def begun(office: Office, **fields: Any) -> tuple[Browser, Page]:
    desk = await office.at_desk(Role.DISASTER, "author")
    page = await desk.submit(await desk.get("/console/alerts"), "/console/alerts", kind="real")
    if fields:
        page = await desk.submit(page, ADDRESS, **fields, then="stay")
    return desk, page


async def write(desk: Browser, page: Page, was: dict[str, list[str]], **changed: Any) -> Any:
    """Send changed fields as the script does; ``was`` are the values the page began with."""
    form = page.form(ADDRESS)
    fields: dict[str, Any] = {"csrf": form["csrf"], "version": "1", "dirty": []}
    for name, value in changed.items():
        name = name.replace("__", "-")
        fields["dirty"].append(name)
        fields[name] = value
        fields[f"was-{name}"] = was.get(name, [])
    answer = await desk.post(f"{ADDRESS}/auto", fields)
    return {"status": answer.status, **json.loads(answer.body)}


def stored(page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = json.loads(page.tree.xpath("//form[@id='alert']/@data-stored")[0])
    return found


async def test_a_draft_saves_what_was_typed_and_nobody_pressed_anything(office: Office) -> None:
    desk, page = await begun(office)
    answer = await write(desk, page, stored(page), text__ja=WORDS, level="4", areas=[])
    assert (answer["status"], answer["conflicts"]) == (200, [])
    assert answer["fields"]["text-ja"] == [WORDS]
    [draft] = await office.drafts()
    assert (draft.texts["ja"]["text"], draft.level, draft.version) == (WORDS, 4, 2)
    # The same again is no new version.
    again = await write(desk, page, answer["fields"], text__ja=f" {WORDS}\r\n")
    assert again["version"] == 2


async def test_two_people_keep_each_others_words_and_both_are_shown(office: Office) -> None:
    desk, page = await begun(office)
    other = await office.at_desk(Role.DISASTER, "colleague")
    theirs = await other.get(ADDRESS)
    await write(desk, page, stored(page), text__ja=WORDS)
    # Another field: both stay.
    answer = await write(other, theirs, stored(theirs), text__en="The river rises.", level="3")
    assert answer["conflicts"] == []
    assert answer["fields"]["text-ja"] == [WORDS]
    # The same field, begun from an older value: what is stored stays, and comes back.
    answer = await write(other, theirs, stored(theirs), text__ja="別の本文です。", text__ko="강")
    assert answer["conflicts"] == ["text-ja"]
    assert answer["fields"]["text-ja"] == [WORDS]
    [draft] = await office.drafts()
    assert {code: own["text"] for code, own in draft.texts.items()} == {
        "ja": WORDS,
        "en": "The river rises.",
        "ko": "강",
    }


async def test_words_typed_after_a_confirmation_take_it_back(office: Office) -> None:
    await office.resident("ja")
    desk, _ = await begun(office, topic="evacuation", level="4", whole_city="yes", text__ja=WORDS)
    other = await office.at_desk(Role.DISASTER, "colleague")
    await other.submit(await other.get(f"{ADDRESS}/check"), f"{ADDRESS}/confirm")
    assert (await office.drafts())[0].confirmed_by == "colleague@city.example"
    edit = await other.get(ADDRESS)
    await write(other, edit, stored(edit), text__ja=f"{WORDS}逃げてください。")
    [draft] = await office.drafts()
    assert draft.confirmed_by is None
    # Both wrote this version: neither is the second person for it.
    for one in (desk, other):
        check = await one.get(f"{ADDRESS}/check")
        assert not check.has_form(f"{ADDRESS}/confirm")
        refused = await one.submit(check, f"{ADDRESS}/send", typed="1")
        assert refused.status == 400, refused.words
    assert await office.deliveries() == []
    # Whoever saves it with the button takes it over as a whole; the other confirms it.
    await desk.submit(await desk.get(ADDRESS), ADDRESS, then="stay")
    await other.submit(await other.get(f"{ADDRESS}/check"), f"{ADDRESS}/confirm")
    assert (await office.drafts())[0].confirmed_by == "colleague@city.example"


async def test_the_trail_has_one_entry_a_sitting(office: Office) -> None:
    desk, page = await begun(office)
    was = stored(page)
    for number in range(5):
        answer = await write(desk, page, was, text__ja=f"{WORDS}{number}")
        was = answer["fields"]
        office.clock.ahead += timedelta(minutes=5)
    assert [e.action for e in await office.audit()].count("alert.written") == 1
    office.clock.ahead += timedelta(minutes=31)
    await desk.sign_in("author@city.example")
    page = await desk.get(ADDRESS)
    await write(desk, page, stored(page), text__ja="後で書いた本文です。")
    written = [e for e in await office.audit() if e.action == "alert.written"]
    assert [e.subject for e in written] == ["draft:1", "draft:1"]


async def looked(desk: Browser, page: Page, version: int) -> Any:
    form = page.form(ADDRESS)
    fields = {"csrf": form["csrf"], "version": str(version), "seen": ""}
    answer = await desk.post(f"{ADDRESS}/live", fields)
    assert answer.status == 200
    return json.loads(answer.body)


async def test_each_sees_that_the_other_is_there_and_what_they_changed(office: Office) -> None:
    desk, page = await begun(office)
    other = await office.at_desk(Role.DISASTER, "colleague")
    theirs = await other.get(ADDRESS)
    came = [words.clock(office.clock.now())]
    assert (await looked(desk, page, 1))["writers"] == []
    came.append(words.clock(office.clock.now()))
    [line] = (await looked(other, theirs, 1))["writers"]
    assert "author@city.example" in line
    assert any(time in line for time in came)
    await write(other, theirs, stored(theirs), text__ja=WORDS)
    news = await looked(desk, page, 1)
    assert news["by"] == "colleague@city.example"
    assert news["fields"]["text-ja"] == [WORDS]
    assert "colleague@city.example" in news["writers"][0]
    # Also beside what is about to be sent.
    check = await desk.get(f"{ADDRESS}/live?version=2&seen=&check=true")
    assert "colleague@city.example" in check.tree.xpath("string(//*[@data-testid='writing'])")
    office.clock.ahead += timedelta(minutes=1)
    assert (await looked(desk, page, 2))["writers"] == []


async def test_nothing_is_saved_in_a_draft_that_was_sent_or_thrown_away(office: Office) -> None:
    desk, page = await begun(office, text__ja=WORDS)
    await desk.post(f"{ADDRESS}/discard", page.form(ADDRESS))
    answer = await write(desk, page, stored(page), text__ja="遅すぎた本文です。")
    assert answer["status"] == 400
    assert answer["refused"]
    assert (await office.drafts())[0].texts["ja"]["text"] == WORDS
    assert not (await looked(desk, page, 2))["open"]


@pytest.mark.parametrize("path", ["auto", "live"])
async def test_the_scripts_addresses_are_as_closed_as_the_others(office: Office, path: str) -> None:
    desk, page = await begun(office)
    token = page.form(ADDRESS)["csrf"]
    assert (await desk.post(f"{ADDRESS}/{path}", {"csrf": "x", "version": "1"})).status in (
        403,
        409,
    )
    assert (await desk.post(f"/console/alerts/99/{path}", {"csrf": token})).status in (400, 404)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    form = (await viewer.get("/console/account")).form("/console/account/password")
    assert (await viewer.post(f"{ADDRESS}/{path}", {"csrf": form["csrf"]})).status == 403
    odd = {
        "csrf": token,
        "dirty": ["text-ja", "csrf", "written_by", "text-xx", "topic", "level", "areas"],
        "text-ja": "<script>alert(1)</script>\u202e",
        "was-text-ja": "",
        "topic": "x" * 500,
        "level": "9" * 40,
        "areas": ["=1+1", "y" * 99],
    }
    answer = await desk.post(f"{ADDRESS}/{path}", odd)
    assert answer.status == 200
    page = await desk.get(ADDRESS)
    assert "<script>alert" not in page.body
    assert "\u202e" not in page.body
    nul = await desk.post(
        f"{ADDRESS}/{path}", {"csrf": token, "dirty": "text-ja", "text-ja": "\x00"}
    )
    assert nul.status == 400
    large = {"csrf": token, "dirty": "text-ja", "text-ja": "あ" * FORM_LIMIT_BYTES}
    assert (await desk.post(f"{ADDRESS}/{path}", large)).status == 400


async def test_the_page_learns_which_form_was_accepted(office: Office) -> None:
    desk, page = await begun(office)
    name, refused = "0123456789abcdef", "fedcba9876543210"
    await desk.submit(page, ADDRESS, text__ja=WORDS, sending=name, then="stay")
    assert desk.cookie("todoke_sent") == name
    await desk.submit(page, ADDRESS, text__ja="古い版から", sending=refused, then="stay")
    assert desk.cookie("todoke_sent") == name
    await desk.submit(await desk.get(ADDRESS), ADDRESS, sending="x; path=/", then="stay")
    assert desk.cookie("todoke_sent") == name
