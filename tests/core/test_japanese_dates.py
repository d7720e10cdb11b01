"""Days and times as offices write them are read, and what is none is not guessed at."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.japanese_dates import read_clock, read_date, read_moment

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        # 令和元年 is 2019, 平成元年 1989, 昭和元年 1926.
        ("令和8年11月3日", date(2026, 11, 3)),
        ("令和元年5月1日", date(2019, 5, 1)),
        ("Ｒ８．１１．３", date(2026, 11, 3)),
        ("r8/11/3", date(2026, 11, 3)),
        ("H31.4.30", date(2019, 4, 30)),
        ("昭和64年1月7日", date(1989, 1, 7)),
        ("2026-11-03", date(2026, 11, 3)),
        ("２０２６年１１月３日（火）", date(2026, 11, 3)),
        ("11/3", date(2026, 11, 3)),
        ("12月28日", date(2025, 12, 28)),  # no such day of this year has come yet
        ("令8.11.3", date(2026, 11, 3)),
        ("㋿元年5月1日", date(2019, 5, 1)),
        ("令和元年12月31日", date(2019, 12, 31)),
        ("20261103", date(2026, 11, 3)),
        ("202611031", None),
        ("8.11.3", date(2026, 8, 11)),  # and ".3" follows, which no moment has
        ("2/29", None),
        ("令和8年13月1日", None),
        ("令和0年1月1日", None),
        ("昨日", None),
        ("", None),
    ],
)
def test_a_day_is_read(text: str, day: date | None) -> None:
    found = read_date(text, TODAY)
    assert (found[0] if found else None) == day


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("14:05", "14:05"),
        ("１４：０５", "14:05"),
        ("14:05:30", "14:05"),
        ("午後2時5分", "14:05"),
        ("午前12時", "0:00"),
        ("午後12時半", "12:30"),
        ("PM 2:05", "14:05"),
        ("9時", "9:00"),
        ("午後14時", None),
        ("正午", "12:00"),
        ("14時ごろ", "14:00"),
        ("14:05頃", "14:05"),
        # The night after a day, in hours of that day.
        ("24:00", "24:00"),
        ("25:30", "25:30"),
        ("２４時", "24:00"),
        ("30:01", None),
        ("12:60", None),
        ("昼", None),
    ],
)
def test_a_time_is_read(text: str, at: str | None) -> None:
    wanted = None
    if at is not None:
        hours, minutes = map(int, at.split(":"))
        wanted = timedelta(hours=hours, minutes=minutes)
    assert read_clock(text) == wanted


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("R8.11.3 午後2時5分", "2026-11-03T14:05:00"),
        ("2026-11-03 00:00", "2026-11-03T00:00:00"),
        ("11月3日", "2026-11-03T00:00:00"),
        ("11月3日ごろ", None),
        ("R8.11.3 25:30", "2026-11-04T01:30:00"),
        ("令和8年11月3日（火）24時頃", "2026-11-04T00:00:00"),
    ],
)
def test_a_day_with_a_time_is_one_moment_and_more_than_that_is_none(
    text: str, moment: str | None
) -> None:
    found = read_moment(text, TODAY)
    assert (found.isoformat() if found else None) == moment
