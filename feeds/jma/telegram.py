"""One telegram of the Meteorological Agency: the parts that all kinds share.

Source: 気象庁防災情報XMLフォーマット, Control and Head parts. The module of its family reads the
body. Nothing outside the bytes is ever fetched: no DTD, no entities, no network.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from lxml import etree

from feeds.errors import UnknownKind, Unreadable
from feeds.limits import MAX_TELEGRAM
from feeds.reasons import reason
from feeds.xml import read_xml

Element = etree._Element
NAMESPACE = "http://xml.kishou.go.jp/jmaxml1/"
MAX_HEADLINE = 4_000
MAX_NAME = 100
FIRST_YEAR, LAST_YEAR = 1990, 2200
RIVER_FAMILIES = ("VXKO", "VXSU")
_E = TypeVar("_E", bound=StrEnum)


class InfoType(StrEnum):
    """What the telegram does to earlier ones (Head/InfoType)."""

    ISSUED = "発表"
    CORRECTED = "訂正"
    DELAYED = "遅延"
    CANCELLED = "取消"


class Operation(StrEnum):
    """Whether it is meant (Control/Status)."""

    NORMAL = "通常"
    TRAINING = "訓練"
    TEST = "試験"


TITLES: dict[str, str] = {
    "全般台風情報": "VPTI50",
    "全般台風情報(定型)": "VPTI51",
    "全般台風情報(詳細)": "VPTI52",
    "気象警報・注意報": "VPWW50",
    "気象特別警報・警報・注意報": "VPWW53",
    "気象警報・注意報(H27)": "VPWW54",
    "気象警報・注意報(R06)(大雨)": "VPWW55",
    "気象警報・注意報(R06)(土砂)": "VPWW56",
    "気象警報・注意報(R06)(高潮)": "VPWW57",
    "気象警報・注意報(R06)(暴風)": "VPWW58",
    "気象警報・注意報(R06)(波浪)": "VPWW59",
    "気象警報・注意報(R06)(大雪)": "VPWW60",
    "気象警報・注意報(R06)(その他注意報)": "VPWW61",
    "気象警報・注意報(R06)(その他の注意報)": "VPWW61",
    "気象警報・注意報(R06)(その他注警報)": "VPWW61",
    "気象警報・注意報(R06)(集約通報)": "VPWS50",
    "指定河川洪水予報": "VXKO",
    "水位周知河川に関する情報": "VXSU",
    "土砂災害警戒情報": "VXWW50",
    "記録的短時間大雨情報": "VPOA50",
    "竜巻注意情報": "VPHW50",
    "竜巻注意情報(目撃情報付き)": "VPHW51",
    "府県気象防災速報": "VPBS50",
    "気象特別警報報知": "VPNO50",
    "震度速報": "VXSE51",
    "震源に関する情報": "VXSE52",
    "震源・震度に関する情報": "VXSE53",
    "顕著な地震の震源要素更新のお知らせ": "VXSE61",
    "長周期地震動に関する観測情報": "VXSE62",
    "津波警報・注意報・予報a": "VTSE41",
    "津波情報a": "VTSE51",
    "沖合の津波観測に関する情報": "VTSE52",
    "噴火警報・予報": "VFVO50",
    "降灰予報(定時)": "VFVO53",
    "降灰予報(速報)": "VFVO54",
    "降灰予報(詳細)": "VFVO55",
    "噴火速報": "VFVO56",
    "南海トラフ地震臨時情報": "VYSE50",
    "南海トラフ地震関連解説情報": "VYSE51",
    "北海道・三陸沖後発地震注意情報": "VYSE60",
    "早期注意情報(明後日まで)": "VPFD61",
    "警報級の可能性(明日まで)": "VPFD60",
    "気象警報・注意報時系列情報(R06)": "VPWP50",
}
"""Control/Title in its half-width form, and the kind it belongs to."""


@dataclass(frozen=True)
class Telegram:
    """The content of Control and Head, and the parsed document for the family's reader.

    ``kind`` is the four letters and two digits of the telegram's address; the rivers' VXKO50
    to VXKO89 are all ``VXKO``, VXSU50 to VXSU59 ``VXSU``.
    """

    kind: str
    title: str
    published_at: datetime
    operation: Operation
    editorial_office: str
    office: str
    head_title: str
    reported_at: datetime
    target_at: datetime | None
    valid_until: datetime | None
    event_id: str
    info_type: InfoType
    serial: str
    info_kind: str
    headline: str
    head: Element = field(repr=False, compare=False)
    body: Element | None = field(repr=False, compare=False)

    @property
    def drill(self) -> bool:
        """A drill (訓練) and a test (試験) are alike: they are not news."""
        return self.operation is not Operation.NORMAL

    @property
    def order(self) -> tuple[datetime, datetime, int]:
        """Later telegrams sort after earlier ones; the serial decides for equal times."""
        return (
            self.reported_at,
            self.published_at,
            int(self.serial) if self.serial.isdecimal() else 0,
        )


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The direct children called ``name``, whatever their namespace."""
    return iter(()) if element is None else element.iterchildren("{*}" + name)


def child(element: Element | None, *path: str) -> Element | None:
    """The first element along a path of names, or None."""
    for name in path:
        element = next(children(element, name), None)
    return element


def text(element: Element | None, *path: str) -> str:
    """The trimmed text at the end of a path of names; empty if there is none."""
    found = child(element, *path)
    return (found.text or "").strip() if found is not None else ""


def name_of(element: Element | None) -> str:
    """The official name in an element's Name.

    Raises
    ------
    Unreadable
        It has none. We never make up a name.
    """
    name = text(element, "Name")
    if not name or len(name) > MAX_NAME:
        raise Unreadable(reason("telegram.code-without-name"))
    return name


def descendants_text(element: Element | None) -> str:
    """All text below an element, in one line."""
    return "" if element is None else " ".join(str(part).strip() for part in element.itertext())


def utc_moment(value: str) -> datetime | None:
    """An aware moment in UTC, or None for an empty element.

    Raises
    ------
    Unreadable
        The value is no time, or has no zone.
    """
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise Unreadable(reason("telegram.bad-time", value=value[:40])) from None
    if parsed.tzinfo is None:
        raise Unreadable(reason("telegram.no-zone", value=value[:40]))
    if not FIRST_YEAR <= parsed.year < LAST_YEAR:
        raise Unreadable(reason("telegram.impossible-time", value=value[:40]))
    return parsed.astimezone(UTC)


def half_width(value: str) -> str:
    """Full-width letters, digits and brackets as half-width ones."""
    return unicodedata.normalize("NFKC", value)


def read_telegram(data: bytes, *, kind: str | None = None) -> Telegram:
    """Read the bytes of a telegram.

    Parameters
    ----------
    data
        The unchanged document.
    kind
        The kind from its address (``VPWW55``, ``VXKO62``). Without it, Control/Title decides.

    Raises
    ------
    Unreadable
        It is too large, has a DTD, is not XML, or a required part is missing.
    UnknownKind
        It is a telegram of a kind that this service does not know.
    """
    root = _parse(data)
    control, head = child(root, "Control"), child(root, "Head")
    if control is None or head is None:
        raise Unreadable(reason("telegram.no-head"))
    title = text(control, "Title")
    reported_at = utc_moment(text(head, "ReportDateTime"))
    published_at = utc_moment(text(control, "DateTime"))
    if reported_at is None or published_at is None:
        raise Unreadable(reason("telegram.no-time"))
    return Telegram(
        kind=_kind(kind, title),
        title=title,
        published_at=published_at,
        operation=_one_of(Operation, text(control, "Status"), "Control/Status"),
        editorial_office=text(control, "EditorialOffice"),
        office=text(control, "PublishingOffice"),
        head_title=text(head, "Title"),
        reported_at=reported_at,
        target_at=utc_moment(text(head, "TargetDateTime")),
        valid_until=utc_moment(text(head, "ValidDateTime")),
        event_id=text(head, "EventID")[:64],
        info_type=_one_of(InfoType, text(head, "InfoType"), "Head/InfoType"),
        serial=text(head, "Serial")[:16],
        info_kind=text(head, "InfoKind"),
        headline=text(head, "Headline", "Text")[:MAX_HEADLINE],
        head=head,
        body=child(root, "Body"),
    )


def _parse(data: bytes) -> Element:
    root = read_xml(data, limit=MAX_TELEGRAM)
    name = etree.QName(root)
    if name.localname != "Report" or name.namespace != NAMESPACE:
        raise Unreadable(reason("telegram.no-telegram"))
    return root


def _kind(given: str | None, title: str) -> str:
    kind = given.upper() if given else TITLES.get(half_width(title), "")
    if kind.startswith(RIVER_FAMILIES):
        return kind[:4]
    if not kind:
        raise UnknownKind(reason("telegram.unknown-title", title=title[:80]))
    return kind


def _one_of(members: type[_E], value: str, where: str) -> _E:
    try:
        return members(value)
    except ValueError:
        raise Unreadable(reason("telegram.unknown-word", value=value[:20], where=where)) from None
