"""The form of all telegrams: Control, Head, Body, and their elements.

Source: 気象庁防災情報XMLフォーマット. ``simulator.agency.writing`` writes the Body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from lxml import etree

from core.clock import in_japan

Element = etree._Element

BASE = "http://xml.kishou.go.jp/jmaxml1/"
HEAD = BASE + "informationBasis1/"
METEOROLOGY = BASE + "body/meteorology1/"
SEISMOLOGY = BASE + "body/seismology1/"
BASIS = BASE + "elementBasis1/"
FORECAST_AREAS = "気象情報／府県予報区・細分区域等"
MUNICIPALITIES = "気象・地震・火山情報／市町村等"

_DEFAULT: Any = None
"""lxml's own key for the default namespace, which its type stubs do not know."""
PREFIXES: Any = {_DEFAULT: BASE, "jmx": BASE, "jmx_eb": BASIS}


class InfoType(StrEnum):
    """What a telegram does to earlier ones (Head/InfoType)."""

    ISSUED = "発表"
    CORRECTED = "訂正"
    DELAYED = "遅延"
    CANCELLED = "取消"


class Operation(StrEnum):
    """Whether a telegram is real, a drill or a test (Control/Status)."""

    NORMAL = "通常"
    TRAINING = "訓練"
    TEST = "試験"


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The head of a telegram."""

    at: datetime
    operation: Operation = Operation.NORMAL
    info_type: InfoType = InfoType.ISSUED
    event_id: str = ""
    serial: str = ""
    headline: str = ""
    valid_until: datetime | None = None
    sent: datetime | None = None
    """Control/DateTime; the report's own moment when not given."""


def report(
    title: str,
    office: str,
    head_title: str,
    info_kind: tuple[str, str],
    envelope: Envelope,
    headline_parts: Sequence[Element],
    body: Element,
    *,
    publisher: str = "",
    target: datetime | None = None,
) -> bytes:
    """A whole telegram. ``info_kind`` is InfoKind and its version; ``target`` the moment meant,
    the report's own when not given."""
    root = etree.Element(f"{{{BASE}}}Report", nsmap=PREFIXES)
    control = add(root, "Control")
    add(control, "Title", title)
    add(control, "DateTime", utc(envelope.sent or envelope.at))
    add(control, "Status", envelope.operation.value)
    add(control, "EditorialOffice", office)
    add(control, "PublishingOffice", publisher or office)
    head = element(HEAD, "Head")
    root.append(head)
    add(head, "Title", head_title)
    add(head, "ReportDateTime", japan(envelope.at))
    add(head, "TargetDateTime", japan(target or envelope.at))
    if envelope.valid_until is not None:
        add(head, "ValidDateTime", japan(envelope.valid_until))
    add(head, "EventID", envelope.event_id)
    add(head, "InfoType", envelope.info_type.value)
    add(head, "Serial", envelope.serial)
    add(head, "InfoKind", info_kind[0])
    add(head, "InfoKindVersion", info_kind[1])
    headline = add(head, "Headline")
    add(headline, "Text", envelope.headline)
    headline.extend(headline_parts)
    root.append(body)
    return written(root)


def information(
    name: str, kinds: Sequence[Element], system: str, areas: Sequence[tuple[str, str]]
) -> Element:
    """An Information of the headline: these kinds for these areas (code, name)."""
    made = element(HEAD, "Information")
    made.set("type", name)
    item = add(made, "Item")
    for each in kinds:
        item.append(etree.fromstring(etree.tostring(each)))
    add_areas(item, system, areas)
    return made


def kind(name: str, code: str = "", condition: str = "") -> Element:
    """A Kind of the headline."""
    made = element(HEAD, "Kind")
    add(made, "Name", name)
    if code:
        add(made, "Code", code)
    if condition:
        add(made, "Condition", condition)
    return made


def add_areas(parent: Element, system: str, areas: Sequence[tuple[str, str]]) -> None:
    """Areas in a code system, each (code, name)."""
    group = add(parent, "Areas", codeType=system)
    for area in areas:
        add_area(group, area)


def add_area(parent: Element, area: tuple[str, str]) -> None:
    """One area (code, name)."""
    made = add(parent, "Area")
    add(made, "Name", area[1])
    add(made, "Code", area[0])


def element(namespace: str, name: str) -> Element:
    """A separate element; its children have the same namespace."""
    return etree.Element(f"{{{namespace}}}{name}", nsmap={_DEFAULT: namespace})


def add(parent: Element, name: str, value: str = "", **attributes: str) -> Element:
    """A child in the parent's own namespace, unless the name brings one."""
    tag = name if name.startswith("{") else f"{{{etree.QName(parent).namespace}}}{name}"
    made = etree.SubElement(parent, tag, attributes)
    if value:
        made.text = value
    return made


def written(root: Element) -> bytes:
    """The document's bytes."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def utc(moment: datetime) -> str:
    """A moment as Control writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def japan(moment: datetime) -> str:
    """A moment as Head and Body write it."""
    return in_japan(moment).isoformat(timespec="seconds")
