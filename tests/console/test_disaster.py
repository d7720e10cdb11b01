"""The switch of disaster mode: one page, numbers before, a typed confirmation, in the trail."""

from __future__ import annotations

from bot.richmenu import RichMenus
from bot.richmenu.moves import MenuMoves
from channels.line.client import LineClient
from console.models import Role
from response.by_rule import BY_DANGER, keep_rules
from response.models import DisasterMode, MenuMove
from tests.support.office import Browser, Office, Page


async def a_city(office: Office) -> tuple[str, str]:
    """Residents of two districts and one without; returns the districts."""
    first, second = (district.code for district in office.context.city.districts[:2])
    for areas in ((first,), (first, second), (second,), ()):
        await office.resident(areas=areas)
    return first, second


async def check(desk: Browser, kind: str, *areas: str) -> Page:
    where = "&".join(f"areas={code}" for code in areas) or "whole_city=yes"
    return await desk.get(f"/console/disaster/check?kind={kind}&{where}")


def number(page: Page, name: str) -> str:
    [found] = page.tree.xpath(f"//*[@data-testid='{name}']")
    return str(found.text_content()).split()[0]


async def begin(desk: Browser, kind: str, typed: str, *areas: str) -> Page:
    page = await check(desk, kind, *areas)
    return await desk.submit(page, "/console/disaster/begin", typed=typed)


async def test_the_real_one_needs_the_number_of_residents_who_get_the_menu(office: Office) -> None:
    first, _ = await a_city(office)
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await check(desk, "real", first)
    assert number(page, "recipients") == "3" and "地区を選んでいない住民も含みます" in page.words
    for wrong in ("", "訓練", "4", "30"):
        refused = await desk.submit(page, "/console/disaster/begin", typed=wrong)
        assert refused.status == 400 and "「3」を入力してください" in refused.words
    assert not await office.rows(DisasterMode)
    done = await desk.submit(page, "/console/disaster/begin", typed="３")
    assert done.status == 200 and number(done, "residents") == "3"
    assert "災害モードがオンです【本番】" in done.words and "desk@city.example" in done.words
    # It is said on every page, also to those who may not switch it.
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    home = await viewer.get("/console/")
    assert home.tree.xpath("//*[@data-testid='mode-on']") and "本番" in home.words
    # It ends with the number too, and only as what it is.
    refused = await desk.submit(done, "/console/disaster/end", typed="訓練")
    assert refused.status == 400
    refused = await desk.submit(done, "/console/disaster/end", typed="3", world="drill")
    assert refused.status == 400
    ended = await desk.submit(done, "/console/disaster/end", typed="3")
    assert "災害モードはオフです" in ended.words
    acts = [one.action for one in await office.audit() if one.subject.startswith("disaster")]
    assert acts == ["disaster_mode.begun", "disaster_mode.ended"]


async def test_a_drill_for_staff_only_moves_no_menu_and_one_with_residents_only_theirs(
    office: Office,
) -> None:
    first, _ = await a_city(office)
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await check(desk, "staff-only")
    assert number(page, "recipients") == "0"
    assert "住民のスマートフォンは何も変わりません" in page.words
    refused = await desk.submit(page, "/console/disaster/begin", typed="0")
    assert refused.status == 400
    done = await desk.submit(page, "/console/disaster/begin", typed="訓練")
    assert "職員だけの訓練中です" in done.words
    assert not await office.rows(MenuMove)
    page = await check(desk, "with-residents", first)
    assert number(page, "recipients") == "2"
    assert "地区を選んでいない住民は含みません" in page.words
    done = await desk.submit(page, "/console/disaster/begin", typed="訓練")
    assert number(done, "residents") == "2"
    line: LineClient = office.app.state.line
    await MenuMoves(office.context, line, RichMenus(office.context, line)).work("all")
    live = await desk.get("/console/disaster/live")
    assert "全2人のメニューが切り替わりました" in live.words
    menus = office.simulator.rich_menus.menus
    users = [office.simulator.users.get(one) for one in office.simulator.users.followers()]
    given = [str(menus[user.rich_menu_id].content["name"]) for user in users if user.rich_menu_id]
    assert sorted(name.rsplit("-", 1)[0] for name in given) == ["todoke-ja-drill"] * 2


async def test_nothing_is_chosen_by_itself(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    for query in ("", "kind=real", "whole_city=yes", "kind=x&whole_city=yes", "kind=real&areas=x"):
        page = await desk.get(f"/console/disaster/check?{query}")
        assert page.status == 400 and page.tree.xpath("//*[@data-testid='refusal']")


async def test_a_number_that_has_changed_is_asked_for_again(office: Office) -> None:
    await a_city(office)
    desk = await office.at_desk(Role.DISASTER, "desk")
    page = await check(desk, "real")
    for _ in range(11):
        await office.resident()
    refused = await desk.submit(page, "/console/disaster/begin", typed="4")
    assert refused.status == 400 and number(refused, "recipients") == "15"
    # In a disaster people join all the time: a few more keep nobody from switching it on.
    await office.resident()
    done = await desk.submit(refused, "/console/disaster/begin", typed="15")
    assert done.status == 200 and number(done, "residents") == "16"


async def test_nobody_takes_back_what_a_colleague_switched_meanwhile(office: Office) -> None:
    first, second = await a_city(office)
    desk = await office.at_desk(Role.DISASTER, "desk")
    colleague = await office.at_desk(Role.DISASTER, "colleague")
    page = await check(desk, "real", second)
    await begin(colleague, "real", "3", first)
    refused = await desk.submit(page, "/console/disaster/begin", typed="3")
    assert refused.status == 400 and "ほかの職員または自動のルール" in refused.words
    [mode] = await office.rows(DisasterMode)
    assert (mode.areas, mode.ended_at) == ([first], None)
    # Who has seen it may replace it.
    assert (await desk.submit(refused, "/console/disaster/begin", typed="3")).status == 200
    stale = await colleague.get("/console/disaster")
    await begin(desk, "real", "4")
    refused = await colleague.submit(stale, "/console/disaster/end", typed="4")
    assert refused.status == 400
    assert [mode.areas for mode in await office.rows(DisasterMode) if mode.ended_at is None] == [[]]


async def test_staff_are_told_on_every_page_that_a_danger_ended_the_drill(office: Office) -> None:
    desk = await office.at_desk(Role.DISASTER, "desk")
    await begin(desk, "with-residents", "訓練")
    await office.hazard(4, "レベル４大雨危険警報")
    await keep_rules(office.context)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    for page in (await desk.get("/console/disaster"), await viewer.get("/console/alerts")):
        [said] = page.tree.xpath("//*[@data-testid='drill-ended']")
        assert "これは訓練ではありません" in said.text_content()
    ends = [one for one in await office.audit() if one.action == "disaster_mode.ended"]
    assert [one.actor for one in ends] == [BY_DANGER]
    refused = await begin(desk, "staff-only", "訓練")
    assert refused.status == 400 and "レベル４大雨危険警報" in refused.words
    refused = await begin(desk, "real", "0")
    assert refused.status == 200
