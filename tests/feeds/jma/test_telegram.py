"""Promise 8: what comes from outside is hostile until checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city.city import JmaCodes
from core.errors import Permanent
from feeds.errors import UnknownKind, Unreadable
from feeds.jma import HazardBoard, facts, read_telegram
from feeds.jma.telegram import Operation
from feeds.limits import MAX_TELEGRAM
from tests.support.telegrams import CODES, City, old_warning, rain, raw

GOOD = rain(0, "43", last="03")


def with_dtd(declaration: str, reference: str) -> bytes:
    return GOOD.replace(b"<Report", f"{declaration}\n<Report".encode(), 1).replace(
        "見出しです。".encode(), reference.encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"\x00\x01\x02",
        b"<html><body>Service unavailable</body></html>",
        b"<?xml version='1.0'?><feed xmlns='http://www.w3.org/2005/Atom'/>",
        b"<Report/>",
        GOOD[: len(GOOD) // 2],
        GOOD.replace(b'jmaxml1/"', b'jmaxml9/"', 1),
        b"<a>" * 5000,
    ],
    ids=["empty", "blank", "binary", "html", "atom", "no-namespace", "cut", "other", "deep"],
)
def test_what_is_no_telegram_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read_telegram(data)
    assert str(refused.value).endswith((".", ")")) or "XML" in str(refused.value)


def test_a_document_type_definition_is_refused() -> None:
    with pytest.raises(Unreadable, match="document type definition"):
        read_telegram(with_dtd('<!DOCTYPE Report SYSTEM "http://127.0.0.1:9/x.dtd">', "x"))


def test_an_external_entity_is_not_read() -> None:
    with pytest.raises(Unreadable):
        read_telegram(
            with_dtd('<!DOCTYPE Report [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;")
        )


def test_a_billion_laughs_is_refused_at_once() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    with pytest.raises(Unreadable):
        read_telegram(with_dtd(f'<!DOCTYPE Report [<!ENTITY l0 "ha">{levels}]>', "&l9;"))


def test_a_telegram_too_large_is_not_even_parsed() -> None:
    with pytest.raises(Unreadable, match="bytes long"):
        read_telegram(GOOD + b" " * MAX_TELEGRAM)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<Status>\xe9\x80\x9a\xe5\xb8\xb8</Status>", b"<Status>maybe</Status>"),
        (b"<InfoType>\xe7\x99\xba\xe8\xa1\xa8</InfoType>", b"<InfoType>?</InfoType>"),
        (b"+09:00</ReportDateTime>", b"</ReportDateTime>"),
        (b"2026-07-01T12:00:00+09:00</ReportDateTime>", b"yesterday</ReportDateTime>"),
        (b"2026-07-01T12:00:00+09:00</ReportDateTime>", b"</ReportDateTime>"),
        (b"2026-07-01T12:00:00", b"0001-01-01T00:00:00"),
        (b"2026-07-01T12:00:00+09:00", b"9999-12-31T23:59:59-23:59"),
    ],
    ids=["status", "info-type", "zone", "date", "no-date", "first-year", "last-year"],
)
def test_a_head_that_is_not_understood_is_never_guessed_at(old: bytes, new: bytes) -> None:
    assert old in GOOD
    with pytest.raises(Unreadable):
        read_telegram(GOOD.replace(old, new))


def test_an_unknown_kind_is_named_as_such() -> None:
    with pytest.raises(UnknownKind, match="火星気象情報"):
        read_telegram(raw("火星気象情報"))
    telegram = read_telegram(raw("火星気象情報"), kind="VPMA50")
    with pytest.raises(UnknownKind, match="VPMA50"):
        facts(telegram, CODES, HazardBoard())


def test_a_known_kind_without_news_is_read_in_silence() -> None:
    telegram = read_telegram(raw("府県天気予報"), kind="VPFD51")
    assert facts(telegram, CODES, HazardBoard()) == []


def test_the_address_tells_the_kind_before_the_title() -> None:
    assert read_telegram(GOOD, kind="vpww55").kind == "VPWW55"
    assert read_telegram(raw("指定河川洪水予報"), kind="VXKO62").kind == "VXKO"


@pytest.mark.parametrize("status", ["訓練", "試験"])
def test_drills_and_tests_are_marked(status: str) -> None:
    telegram = read_telegram(raw("震度速報", status=status))
    assert telegram.operation in (Operation.TRAINING, Operation.TEST)
    assert telegram.drill


def test_an_unknown_warning_for_this_city_is_set_aside_and_changes_nothing() -> None:
    city = City()
    city.read(rain(0, "10"))
    before = dict(city.board.items())
    with pytest.raises(Unreadable, match="unknown code"):
        city.read(old_warning(5, ("10", "大雨注意報", "継続", ""), ("98", "隕石警報", "発表", "")))
    with pytest.raises(Unreadable, match="unknown status"):
        city.read(old_warning(5, ("10", "大雨注意報", "増量中", "")))
    assert dict(city.board.items()) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<Code>43</Code><Status>", "<Status>"),
        ("<Code>43</Code><Status>", "<Code></Code><Status>"),
        ("<Code>43</Code><Status>", "<Code>00</Code><Status>"),
        ("<Name>レベル４大雨危険警報</Name>", "<Name/>"),
        ("<Status>発表</Status>", "<Status>なし</Status>"),
        ("<Kind>", "<Sort>"),
        ("<Warning ", "<Omen "),
    ],
)
def test_a_warning_that_lost_a_part_is_no_end_of_it(old: str, new: str) -> None:
    city = City()
    city.read(rain(0), rain(10, "43"))
    broken = rain(20, "43", "発表", "43").decode()
    head, separator, body = broken.partition("<Body")
    for opening, closing in (("<Kind>", "</Kind>"), ("<Warning ", "</Warning>")):
        if old == opening:
            body = body.replace(closing, "</" + new.strip("<> ") + ">")
    changed = (head + separator + body.replace(old, new)).encode()
    assert changed != broken.encode()
    with pytest.raises(Unreadable):
        city.read(changed)
    assert city.news() == [("issued", "heavy-rain", 4)]


def test_an_unknown_warning_elsewhere_does_not_matter() -> None:
    data = old_warning(5, ("98", "隕石警報", "発表", "")).replace(b"0822000", b"0820300")
    assert City().read(data) == []


@given(st.data())
def test_a_damaged_telegram_is_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        if data.draw(st.booleans()):
            damaged[place] = data.draw(st.integers(0, 255))
        else:
            del damaged[place : place + data.draw(st.integers(1, 200))]
    try:
        found = facts(
            read_telegram(bytes(damaged)), JmaCodes(municipality="0822000"), HazardBoard()
        )
    except Permanent:
        return
    assert all(fact.kind and 0 <= fact.level <= 5 for fact in found)
