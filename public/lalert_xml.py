"""Write L-Alert's documents: 公共情報コモンズ XML in an EDXL-DE envelope.

Element names, their order and the name spaces are those of version 1 of the definition, as its
published explanation and two open implementations show them (docs/lalert.md). What is not public is
left out, not guessed.

Two things are not confirmed. The name space of ``AntidisasterHeadquarter`` (``pcx_ah``) is formed
like the others; no published sample has it. Nothing public says whether version 2 keeps the name
spaces of version 1. Compare :data:`NAMESPACES` with the foundation's present schema before a
document is handed over.
"""

from __future__ import annotations

from datetime import datetime

from lxml import etree

from city.city import City
from core.clock import in_japan
from feeds.cap_areas import municipality_with_check_digit
from public.feeds import xml_text
from public.lalert import (
    Document,
    EvacuationLine,
    Headquarters,
    Information,
    Kind,
    ShelterLine,
)

NAMESPACES = {
    # Confirmed by published samples: all but pcx_ah.
    "edxlde": "urn:oasis:names:tc:emergency:EDXL:DE:1.0",
    "commons": "http://xml.publiccommons.ne.jp/xml/edxl/",
    "pcx": "http://xml.publiccommons.ne.jp/pcxml1/3",
    "pcx_ib": "http://xml.publiccommons.ne.jp/pcxml1/informationBasis3/",
    "pcx_eb": "http://xml.publiccommons.ne.jp/pcxml1/elementBasis3/",
    "pcx_ev": "http://xml.publiccommons.ne.jp/pcxml1/body/evacuation3",
    "pcx_sh": "http://xml.publiccommons.ne.jp/pcxml1/body/shelter3",
    "pcx_ah": "http://xml.publiccommons.ne.jp/pcxml1/body/antidisasterHeadquarter3",
    "pcx_gi": "http://xml.publiccommons.ne.jp/pcxml1/body/GeneralInformation3",
}
CONFIDENTIALITY = "UNCLASSIFIED AND NOT SENSITIVE"


def written(document: Document, city: City, sender: str, now: datetime) -> bytes:
    """Return a document as it is handed over.

    Parameters
    ----------
    sender
        Who sends it: the id that the commons gave the city's system.
    """
    shown = {name: uri for name, uri in NAMESPACES.items() if name != "pcx"}
    declared = " ".join(f'xmlns:{name}="{uri}"' for name, uri in shown.items())
    root = etree.fromstring(f"<edxlde:EDXLDistribution {declared}/>".encode())
    status = "Exercise" if document.drill else "Actual"
    office = city.name["ja"]
    add(root, "edxlde:distributionID", str(document.distribution_id))
    add(root, "edxlde:senderID", sender)
    add(root, "edxlde:dateTimeSent", _moment(now))
    add(root, "edxlde:distributionStatus", status)
    add(root, "edxlde:distributionType", document.update)
    add(root, "edxlde:combinedConfidentiality", CONFIDENTIALITY)
    area = add(root, "commons:targetArea")
    add(area, "commons:areaName", office)
    add(area, "commons:jisX0402", municipality_with_check_digit(city.jma.municipality[:5]))
    content = add(root, "commons:contentObject")
    add(content, "edxlde:contentDescription", document.headline)
    embedded = add(add(content, "edxlde:xmlContent"), "edxlde:embeddedXMLContent")
    # The report has no prefix, as in the published samples.
    report = etree.SubElement(embedded, _name("pcx:Report"), nsmap={None: NAMESPACES["pcx"]})  # type: ignore[dict-item]
    _control(report, document, status, office)
    _head(report, document, office)
    _body(report, document, city)
    add(content, "commons:publishingOfficeName", office)
    if document.revision > 1:
        add(content, "commons:previousDocumentRevision", str(document.revision - 1))
    add(content, "commons:documentRevision", str(document.revision))
    add(content, "commons:documentID", str(document.document_id))
    add(content, "commons:category", document.kind)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _control(report: etree._Element, document: Document, status: str, office: str) -> None:
    control = add(report, "pcx:Control")
    add(control, "pcx:Title", document.kind)
    add(control, "edxlde:distributionStatus", status)
    for name in ("EditorialOffice", "PublishingOffice"):
        add(add(control, f"pcx:{name}"), "pcx_eb:OfficeName", office)


def _head(report: etree._Element, document: Document, office: str) -> None:
    head = add(report, "pcx_ib:Head")
    add(head, "pcx_ib:Title", document.title)
    add(head, "pcx_ib:CreateDateTime", _moment(document.at))
    add(head, "pcx_ib:FirstCreateDateTime", _moment(document.first_at))
    add(head, "pcx_ib:ReportDateTime", _moment(document.at))
    if document.valid_until is not None:
        add(head, "pcx_ib:ValidDateTime", _moment(document.valid_until))
    add(head, "edxlde:distributionID", str(document.distribution_id))
    add(head, "edxlde:distributionType", document.update)
    add(head, "commons:documentRevision", str(document.revision))
    if document.revision > 1:
        add(head, "commons:previousDocumentRevision", str(document.revision - 1))
    add(head, "commons:documentID", str(document.document_id))
    headline = add(head, "pcx_ib:Headline")
    add(headline, "pcx_ib:Text", document.headline)
    area = add(add(headline, "pcx_ib:Areas"), "pcx_ib:Area")
    add(area, "commons:areaName", office)


def _body(report: etree._Element, document: Document, city: City) -> None:
    match document.content:
        case Headquarters() as said:
            _headquarters(report, said)
        case Information() as said:
            body = add(report, "pcx_gi:GeneralInformation")
            add(body, "pcx_gi:Title", said.title)
            add(body, "pcx_gi:Description", said.text)
            if said.url:
                add(body, "pcx_gi:URL", said.url)
        case lines if document.kind is Kind.EVACUATION:
            _evacuation(report, [one for one in lines if isinstance(one, EvacuationLine)])
        case lines:
            _shelters(report, [one for one in lines if isinstance(one, ShelterLine)])


def _evacuation(report: etree._Element, lines: list[EvacuationLine]) -> None:
    body = add(report, "pcx_ev:EvacuationOrder")
    _numbers(body, "pcx_ev:TotalNumber", [one for one in lines if one.issued])
    groups: dict[tuple[str, bool], list[EvacuationLine]] = {}
    for line in lines:
        groups.setdefault((line.sort, line.issued), []).append(line)
    for (sort, issued), own in groups.items():
        detail = add(body, "pcx_ev:Detail")
        add(detail, "pcx_ev:Sort", sort)
        add(detail, "pcx_ev:IssueOrLift", "発令" if issued else "解除")
        _numbers(detail, "pcx_ev:Object", own)
        areas = add(detail, "pcx_ev:Areas")
        for line in own:
            area = add(areas, "pcx_ev:Area")
            add(add(area, "pcx_eb:Location"), "commons:areaName", line.area)
            add(area, "pcx_ev:DateTime", _moment(line.at))
            _numbers(area, "pcx_ev:Object", [line])


def _numbers(parent: etree._Element, name: str, lines: list[EvacuationLine]) -> None:
    """Say households and people, if they are known of every district; a part is no sum."""
    households = [one.households for one in lines]
    people = [one.people for one in lines]
    if not lines or (None in households and None in people):
        return
    numbers = add(parent, name)
    if None not in households:
        counted = add(numbers, "pcx_ev:Households", str(sum(one or 0 for one in households)))
        counted.set(_name("pcx_ev:unit"), "世帯")
    if None not in people:
        add(numbers, "pcx_ev:HeadCount", str(sum(one or 0 for one in people)))


def _shelters(report: etree._Element, lines: list[ShelterLine]) -> None:
    body = add(report, "pcx_sh:Shelter")
    opened = [one for one in lines if one.sort == "開設"]
    counted = [one.heads for one in opened]
    if counted and None not in counted:
        add(add(body, "pcx_sh:TotalNumber"), "pcx_sh:HeadCount", str(sum(n or 0 for n in counted)))
    add(body, "pcx_sh:TotalNumberOfShelter", str(len(opened)))
    informations = add(body, "pcx_sh:Informations")
    for line in lines:
        one = add(informations, "pcx_sh:Information")
        location = add(one, "pcx_sh:Location")
        add(location, "edxlde:circle", f"{line.latitude:.6f},{line.longitude:.6f},0")
        add(location, "commons:areaName", line.name)
        if line.kana:
            add(location, "commons:areaNameKana", line.kana)
        if line.phone:
            contact = add(location, "pcx_eb:ContactInfo", line.phone)
            contact.set(_name("pcx_eb:contactType"), "phone")
        if line.address:
            add(location, "pcx_sh:Address", line.address)
        add(one, "pcx_sh:Type", "避難所")
        add(one, "pcx_sh:Sort", line.sort)
        add(one, "pcx_sh:DateTime", _moment(line.at))
        if line.capacity is not None:
            add(one, "pcx_sh:Capacity", str(line.capacity))
        if line.status:
            add(one, "pcx_sh:Status", line.status)
        if line.heads is not None:
            add(add(one, "pcx_sh:NumberOf"), "pcx_sh:HeadCount", str(line.heads))
        add(one, "pcx_sh:CheckedDateTime", _moment(line.at))


def _headquarters(report: etree._Element, said: Headquarters) -> None:
    body = add(report, "pcx_ah:AntidisasterHeadquarter")
    add(body, "pcx_ah:Type", said.sort)
    add(body, "pcx_ah:Status", "設置" if said.dissolved is None else "解散")
    add(body, "pcx_ah:DateTime", _moment(said.dissolved or said.set_up))
    add(body, "pcx_ah:Name", said.name)


def _moment(moment: datetime) -> str:
    return in_japan(moment).replace(microsecond=0).isoformat()


def _name(short: str) -> str:
    prefix, _, name = short.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{name}"


def add(parent: etree._Element, short: str, text: str = "") -> etree._Element:
    """Add an element by its prefix and name."""
    element = etree.SubElement(parent, _name(short))
    if text:
        element.text = xml_text(text)
    return element
