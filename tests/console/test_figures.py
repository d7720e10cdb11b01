"""The figures as staff see, print and take them along; small numbers stay hidden."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from sqlmodel import select

from console.figures.hiding import single, together
from console.figures.kept import month_of, period_of
from console.figures.models import DayFigures
from console.figures.projection import Reading, project
from console.models import Role
from core.waits import in_steps, within
from tests.support.figures import FORMULA, a_month, day
from tests.support.office import Office, Page


def table(page: Page, part: str) -> dict[str, list[str]]:
    """Return a part's table: cells by the row's label."""
    found = {}
    for row in page.tree.xpath(f'//section[@id="{part}"]//tbody/tr'):
        label, *cells = [" ".join(cell.text_content().split()) for cell in row]
        found[label] = cells
    return found


def sentence(page: Page, part: str) -> str:
    [found] = page.tree.xpath(f'//section[@id="{part}"]/p[1]')
    return str(found.text_content())


async def test_the_page_says_what_the_days_say(office: Office) -> None:
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures")
    assert page.status == 200
    # 14 days of 6 who came, 1 of them back, and of 2 who blocked.
    assert "登録は84人（うち再登録14人）、離脱は28人（うちブロック28人）" in page.words
    assert "1,540通を配信し、14通が配信できませんでした" in page.words
    assert "質問は112件、うち理解できなかったものは28件（25％" in page.words
    assert table(page, "left-after") == {"大雨警報": ["28"]}
    assert table(page, "by-medium")["LINE"] == ["1,400", "14"]
    assert table(page, "menu") == {"避難場所": ["42"]}
    assert table(page, "notices")["大雨警報"] == ["1,400", "700", "25", "50 %", "70"]
    # Of 100 calls, 90 took at most 5 ms and all at most 20.
    assert "95回は20ミリ秒以内" in sentence(page, "response")
    assert table(page, "friends")["6月14日(日)"] == ["900", "200", "1,200"]
    assert "42件のチャットが始まり、28件に回答し、14件が終了" in page.words
    assert "受付56件、対応開始42件、終了28件です。期限のある28件のうち14件" in page.words


async def test_each_chart_has_its_sentence_and_its_table(office: Office) -> None:
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    for address in ("/console/figures", "/console/figures?period=year"):
        page = await viewer.get(address)
        sections = page.tree.xpath('//section[contains(@class,"chart-card")]')
        assert len(sections) == 18
        for section in sections:
            assert section.xpath("./p")[0].text_content().strip()
            assert section.xpath('.//*[local-name()="svg"]/@aria-label')
            assert section.xpath(".//table//tbody/tr")


async def test_a_hidden_number_does_not_follow_from_the_others(office: Office) -> None:
    """Seven of 1,000 read Burmese: with that row alone hidden, the total would tell it."""
    languages = {"ja": 900, "en": 93, "my": 7}
    census = {"state-now": {"following": 1_000}, "language-now": languages}
    await office.store(day(14, census, office))
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures")
    assert table(page, "languages") == {
        "日本語": ["900"],
        "ミャンマー語": ["10未満"],
        "英語": ["10未満"],
    }
    assert ">93<" not in page.body and ">7<" not in page.body
    drawn = page.tree.xpath('//section[@id="languages"]//*[local-name()="path"]/@d')
    assert sorted(map(bool, drawn)) == [False, False, True]


async def test_few_who_left_are_not_shown_by_notice(office: Office) -> None:
    await a_month(office)
    await office.store(day(20, {}, office))
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    async with office.database.writing() as session:
        for row in await session.scalars(select(DayFigures)):
            row.counts = {"left": {"blocked": 1}} | (
                {"left-after": {"1": 3}} if row.day == date(2026, 6, 3) else {}
            )
    page = await viewer.get("/console/figures")
    assert table(page, "left-after") == {}
    assert "10人未満" in sentence(page, "left-after")


def test_what_is_hidden_is_at_least_two_numbers_and_ten_people() -> None:
    assert together({"a": 500, "b": 40, "c": 12, "d": 3}) == {
        "a": 500,
        "b": 40,
        "c": None,
        "d": None,
    }
    # Two small ones that are three together: the sum would say so, and so a third one goes.
    assert together({"a": 500, "b": 40, "c": 2, "d": 1}) == {
        "a": 500,
        "b": None,
        "c": None,
        "d": None,
    }
    assert together({"a": 500, "b": 9, "c": 9}) == {"a": 500, "b": None, "c": None}
    assert together({"a": 50, "b": 4}) == {"a": None, "b": None}
    assert together({"a": 50, "b": 0, "c": 10}) == {"a": 50, "b": 0, "c": 10}
    assert [single(n) for n in (0, 1, 9, 10)] == [0, None, None, 10]


def test_the_month_ends_where_its_weekdays_lead() -> None:
    """Worked by hand: weekdays use 100, Saturdays and Sundays 10, for four weeks before.

    The 16th of November 2026 is a Monday. Until Sunday the 15th, 1,050 are used; today 40 so far.
    Left are today's other 60, then ten more weekdays to the 30th and four days of weekends.
    """
    today, used = date(2026, 11, 16), 0
    readings = {}
    for back in range(29, 0, -1):
        at = today - timedelta(days=back)
        used = 0 if at.day == 1 else used
        used += 10 if at.weekday() >= 5 else 100
        readings[at] = Reading(5_000, used)
    # 1, 7, 8, 14, 15 are weekend days (5 * 10), ten are weekdays (10 * 100).
    assert readings[date(2026, 11, 15)].used == 1_050
    readings[today] = Reading(5_000, 1_090)
    found = project(readings, today)
    # 1,090 + 60 + 10 * 100 (17-20, 23-27, 30) + 4 * 10 (21, 22, 28, 29) = 2,190.
    assert found is not None
    assert (found.used, found.end, found.runs_out) == (1_090, 2_190, None)
    # With 1,500: 1,150 tonight, 1,450 on Thursday the 19th, 1,550 on Friday the 20th.
    short = {at: Reading(1_500, one.used) for at, one in readings.items()}
    found = project(short, today)
    assert found is not None and found.runs_out == date(2026, 11, 20)


def test_a_month_that_has_just_begun_and_one_without_words_of_line() -> None:
    assert project({}, date(2027, 1, 1)) is None
    assert project({date(2026, 12, 31): Reading(100, 90)}, date(2027, 1, 1)) is None
    # Alone: 31 are used on the first, so the month ends at 31 * 31.
    found = project({date(2027, 1, 1): Reading(None, 31)}, date(2027, 1, 1))
    assert found is not None and (found.end, found.runs_out) == (961, None)
    # New Year: the 31st's use is no part of January's, and starts it as an example.
    readings = {
        date(2026, 12, 30): Reading(1_000, 700),
        date(2026, 12, 31): Reading(1_000, 710),
        date(2027, 1, 1): Reading(1_000, 4),
    }
    found = project(readings, date(2027, 1, 1))
    assert found is not None and found.end == 31 * 10  # 10 a day, 4 of today's used already


def test_times_are_steps() -> None:
    counts = in_steps([0.4, 3, 30, 31, 999_999])
    assert counts == {"1": 1, "5": 1, "50": 2, "more": 1}
    assert within(counts, 0.5) == 50
    assert within(counts, 0.95) == 300_000
    assert within({}, 0.5) is None


async def test_the_quota_warns_before_it_is_used_up(office: Office) -> None:
    """2,500 of the month, 100 a day, 1,500 used on the 15th: on the 26th it is too much."""
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures")
    assert "今月は2,500通のうち1,500通を使いました" in sentence(page, "quota")
    assert "約3,000通" in sentence(page, "quota")
    assert "6月26日(金)に使い切る" in sentence(page, "quota")
    assert page.tree.xpath('//section[@id="quota"]/p[contains(@class,"note-warn")]')


async def test_all_of_it_is_a_file_that_runs_no_formula_and_is_in_the_trail(
    office: Office,
) -> None:
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures")
    taken = await viewer.submit(page, "/console/figures/figures.csv")
    assert taken.headers["Content-Disposition"] == 'attachment; filename="figures-2026-06.csv"'
    rows = list(csv.reader(io.StringIO(taken.body.lstrip("\ufeff"))))
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert any(row[3] == f"'{FORMULA}" for row in rows)
    assert ["2026-06-01", "2026-06-30", "分野別", "イベント", "6月14日(日)", "10未満"] in rows
    assert ["2026-06-01", "2026-06-30", "手段別の配信数", "LINE", "配信済み", "1400"] in rows
    month = await viewer.get("/console/figures/month/2026-06")
    again = await viewer.submit(month, "/console/figures/month/2026-06/figures.csv")
    assert again.body == taken.body
    trail = [entry for entry in await office.audit() if entry.action == "figures.exported"]
    assert [entry.subject for entry in trail] == ["figures:2026-06"] * 2


async def test_the_month_on_paper_has_every_table_open(office: Office) -> None:
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures/month/2026-06")
    assert "月報 2026-06" in page.words
    parts = page.tree.xpath('//section[contains(@class,"chart-card")]//details')
    assert parts and all("open" in part.attrib for part in parts)
    for wrong in ("2026-07", "2026-13", "1999-01", "x", "2026-6"):
        assert (await viewer.get(f"/console/figures/month/{wrong}")).status == 404


async def test_an_empty_service_says_so(office: Office) -> None:
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures?month=1990-99&period=%27%3B")
    assert page.status == 200
    assert "まだ集計されていません" in page.words
    assert not page.tree.xpath("//section//table")


async def test_english_says_the_same(office: Office) -> None:
    await a_month(office)
    viewer = await office.at_desk(Role.VIEWER, "viewer")
    page = await viewer.get("/console/figures", **{"Accept-Language": "en"})
    await viewer.submit(page, "/console/language")
    page = await viewer.get("/console/figures?period=year")
    assert "84 came, 14 of them back; 28 left" in page.words
    assert table(page, "residents") == {"Jun 2026": ["1,000"]}


def test_periods_are_whole_months() -> None:
    today = date(2027, 1, 15)
    assert month_of("2026-02", today) == date(2026, 2, 1)
    assert month_of("2027-05", today) == date(2027, 1, 1)
    assert month_of("', x", today) == date(2027, 1, 1)
    year = period_of(date(2026, 12, 1), year=True)
    assert (year.first, year.last, len(year.steps)) == (date(2026, 1, 1), date(2026, 12, 31), 12)
    leap = period_of(date(2028, 2, 1), year=False)
    assert (leap.first, leap.last, len(leap.steps)) == (date(2028, 2, 1), date(2028, 2, 29), 29)


@pytest.mark.parametrize("role", list(Role))
async def test_everybody_may_see_them(office: Office, role: Role) -> None:
    of = ("parks",) if role is Role.DEPARTMENT else ()
    desk = await office.at_desk(role, role.value.replace(" ", "-"), *of)
    assert (await desk.get("/console/figures")).status == 200
