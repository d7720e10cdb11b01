"""L-Alert's documents: the published structure, whole states, right versions, drills as drills."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from core.errors import BadInput
from feeds.models import Notice, Status
from public import lalert_facts as facts
from public.lalert import Document, EvacuationLine, Headquarters, Update
from public.lalert_export import FileExporter, FolderExporter
from public.lalert_xml import NAMESPACES, written
from response import modes
from response.models import ShelterState
from response.shelters import set_state
from tests.support.notices import a_notice
from tests.support.office import Office

# The order of elements in the foundation's samples and in LGDIS and SaigaiTask (docs/lalert.md).
ORDERS = {
    name: words.split()
    for name, words in {
        "EDXLDistribution": "distributionID senderID dateTimeSent distributionStatus"
        " distributionType combinedConfidentiality targetArea contentObject",
        "targetArea": "circle areaName areaNameKana jisX0402",
        "contentObject": "contentDescription xmlContent publishingOfficeName"
        " previousDocumentRevision documentRevision documentID category",
        "Control": "Title distributionStatus EditorialOffice PublishingOffice Errata",
        "Head": "Title CreateDateTime FirstCreateDateTime ReportDateTime TargetDateTime"
        " ValidDateTime distributionID distributionType documentRevision"
        " previousDocumentRevision documentID Headline",
        "EvacuationOrder": "Disaster ComplementaryInfo TotalNumber Detail",
        "Detail": "Sort IssueOrLift Object Areas",
        "Area": "Location DateTime Object areaName",
        "Object": "Households HeadCount",
        "TotalNumber": "Households HeadCount",
        "Shelter": "Disaster ComplementaryInfo TotalNumber TotalNumberOfShelter Informations",
        "Location": "circle areaName areaNameKana ContactInfo Address",
        "Information": "Location Type Sort DateTime Capacity Status NumberOf CheckedDateTime",
        "AntidisasterHeadquarter": "Disaster Type Status DateTime Name ComplementaryInfo",
        "GeneralInformation": "DisasterInformationType Disaster Category subCategory Title"
        " Description URL",
    }.items()
}
NS = dict(NAMESPACES)


def checked(document: Document, office: Office) -> etree._Element:
    """Return a document as XML that has the published structure."""
    city = office.context.city
    tree = etree.fromstring(written(document, city, "todoke.city.example", office.clock.now()))
    for element in tree.iter():
        order = ORDERS.get(etree.QName(element).localname)
        names = [etree.QName(child).localname for child in element]
        if order is not None:
            assert set(names) <= set(order), (element.tag, names)
            assert names == sorted(names, key=order.index), (element.tag, names)
    status = {one.text for one in tree.iterfind(".//edxlde:distributionStatus", NS)}
    assert status == {"Exercise" if document.drill else "Actual"}
    for name in ("documentID", "documentRevision"):
        assert len({one.text for one in tree.iterfind(f".//commons:{name}", NS)}) == 1
    assert tree.findtext(".//commons:jisX0402", namespaces=NS) == "082201"
    assert tree.findtext(".//pcx:Control/pcx:Title", namespaces=NS) == tree.findtext(
        ".//commons:category", namespaces=NS
    )
    return tree


def lines(document: Document) -> list[tuple[str, bool, str]]:
    assert isinstance(document.content, tuple)
    found = [one for one in document.content if isinstance(one, EvacuationLine)]
    return [(one.sort, one.issued, one.area) for one in found]


async def evacuation(office: Office, *, drill: bool = False) -> list[Document]:
    now = office.clock.now()
    async with office.database.reading() as session:
        since = now - timedelta(days=14)
        return await facts.evacuation(session, office.context.city, since, drill=drill)


async def test_evacuation_information_says_the_whole_state_with_the_next_revision(
    office: Office,
) -> None:
    city, now = office.context.city, office.clock.now()
    a, b, c = city.districts[:3]
    name = {one.code: one.names["ja"] for one in city.districts}

    def at(identity: str, **values: Any) -> Notice:
        return a_notice(now, identity, topic="evacuation", emergency=True, **values)

    await office.store(
        at("weather warning", hazard="heavy-rain", level=3),
        a_notice(now, "news", level=0, topic="events"),
        at("first", level=4, areas=[a.code, b.code]),
    )
    (first,) = await evacuation(office)
    assert (first.revision, first.update) == (1, Update.REPORT)
    assert lines(first) == [("避難指示", True, name[a.code]), ("避難指示", True, name[b.code])]
    tree = checked(first, office)
    assert tree.find(".//commons:previousDocumentRevision", NS) is None
    assert [one.text for one in tree.iterfind(".//pcx_ev:IssueOrLift", NS)] == ["発令"]
    assert tree.find(".//pcx_ev:Households", NS) is None, "nobody said how many live there"
    # Two levels sent together are one revision.
    raised = {"status": Status.RAISED, "level": 5, "areas": [b.code]}
    await office.store(at("raised", replaces_id=3, **raised))
    await office.store(at("lower", level=3, areas=[c.code], replaces_id=4, with_id=4))
    (second,) = await evacuation(office)
    assert (second.document_id, second.revision) == (first.document_id, 2)
    assert lines(second) == [
        ("緊急安全確保", True, name[b.code]),
        ("避難指示", True, name[a.code]),
        ("高齢者等避難", True, name[c.code]),
    ]
    assert (
        checked(second, office).findtext(
            ".//commons:contentObject/commons:previousDocumentRevision", namespaces=NS
        )
        == "1"
    )
    await office.store(at("end", status=Status.LIFTED, level=0, areas=[b.code], replaces_id=5))
    (third,) = await evacuation(office)
    assert (third.revision, third.update) == (3, Update.UPDATE)
    assert lines(third)[-1] == ("緊急安全確保", False, name[b.code])
    assert [one[1] for one in lines(third)] == [True, True, False]
    details = checked(third, office).iterfind(".//pcx_ev:Detail", NS)
    assert [
        (
            one.findtext("pcx_ev:Sort", namespaces=NS),
            one.findtext("pcx_ev:IssueOrLift", namespaces=NS),
        )
        for one in details
    ] == [("避難指示", "発令"), ("高齢者等避難", "発令"), ("緊急安全確保", "解除")]
    await office.store(at("withdrawn", status=Status.CANCELLED, level=0, replaces_id=6))
    (last,) = await evacuation(office)
    assert (last.document_id, last.revision, last.update) == (first.document_id, 4, Update.CANCEL)
    assert not any(issued for _, issued, _ in lines(last))
    checked(last, office)


async def test_households_are_said_only_where_all_are_known(office: Office) -> None:
    at = office.clock.now()
    line = EvacuationLine(sort="避難指示", issued=True, area="一", at=at, households=10, people=25)
    await office.store(a_notice(at, "order", topic="evacuation", level=4))
    (document,) = await evacuation(office)
    both = replace(document, content=(line, replace(line, households=5, people=None)))
    tree = checked(both, office)
    total = tree.find(".//pcx_ev:TotalNumber", NS)
    assert total is not None
    assert total.findtext("pcx_ev:Households", namespaces=NS) == "15"
    assert total.find("pcx_ev:HeadCount", NS) is None
    assert tree.find(".//pcx_ev:Households", NS).get(f"{{{NS['pcx_ev']}}}unit") == "世帯"  # type: ignore[union-attr]


async def test_a_drill_is_never_the_real_document(office: Office) -> None:
    """Promise 5, for the press."""
    now = office.clock.now()
    await office.store(
        a_notice(now, "drill", topic="evacuation", level=4, drill=True),
        a_notice(now, "real", topic="evacuation", level=4),
    )
    (drill,), (real,) = await evacuation(office, drill=True), await evacuation(office)
    assert drill.title.startswith("【訓練】")
    assert drill.headline.startswith("【訓練】")
    assert "訓練" not in real.title + real.headline
    assert drill.document_id != real.document_id
    checked(drill, office)
    checked(real, office)
    said = Headquarters(sort="対策本部", name="市災害対策本部", set_up=now)
    city = office.context.city
    assert facts.headquarters(city, said, drill=True).document_id != (
        facts.headquarters(city, said, drill=False).document_id
    )


async def test_the_sites_are_as_staff_say_they_are(office: Office) -> None:
    sites, city = office.folder.shelters, office.context.city

    async def said(code: str, state: ShelterState, heads: int, *, drill: bool = False) -> None:
        now = office.clock.now()
        async with office.database.writing() as session:
            await set_state(
                session, sites, code, state, now, actor="desk", drill=drill, heads=heads
            )

    async def now(*, drill: bool = False) -> Document | None:
        async with office.database.reading() as session:
            return await facts.shelters(session, city, sites, drill=drill)

    assert await now() is None
    async with office.database.writing() as session:
        await modes.begin(session, city, [], office.clock.now(), drill=False, actor="desk")
    await said("0001", ShelterState.OPEN, 12)
    await said("0003", ShelterState.OPEN, 3, drill=True)
    first = await now()
    assert first is not None
    await said("0002", ShelterState.FULL, 40)
    await said("0001", ShelterState.CLOSED, 0)
    second = await now()
    assert second is not None
    assert second.document_id == first.document_id
    assert second.revision > first.revision
    tree = checked(second, office)
    assert tree.findtext(".//pcx_sh:TotalNumberOfShelter", namespaces=NS) == "1"
    rows = [
        [one.findtext(name, namespaces=NS) for name in ("pcx_sh:Sort", "pcx_sh:Status")]
        for one in tree.iterfind(".//pcx_sh:Information", NS)
    ]
    assert rows == [["閉鎖", None], ["開設", "定員一杯"]]
    heads = tree.findtext(".//pcx_sh:TotalNumber/pcx_sh:HeadCount", namespaces=NS)
    assert heads == "40"
    drill = await now(drill=True)
    assert drill is not None
    assert drill.document_id != second.document_id
    assert drill.headline.startswith("【訓練】")


async def test_headquarters_and_notices(office: Office, tmp_path: Path) -> None:
    city, now = office.context.city, office.clock.now()
    set_up = Headquarters(sort="対策本部", name="市災害対策本部", set_up=now)
    first = facts.headquarters(city, set_up, drill=False)
    later = facts.headquarters(
        city, replace(set_up, dissolved=now + timedelta(days=2)), drill=False
    )
    assert (later.document_id, later.revision) == (first.document_id, 2)
    assert checked(later, office).findtext(".//pcx_ah:Status", namespaces=NS) == "解散"
    with pytest.raises(BadInput):
        facts.headquarters(city, replace(set_up, dissolved=now - timedelta(1)), drill=False)
    await office.store(
        a_notice(
            now, "water", texts={"ja": {"title": "<断水>", "text": "給水します\x0b ]]>&"}}, level=0
        )
    )
    async with office.database.reading() as session:
        document = await facts.notice(session, city, 1)
        with pytest.raises(BadInput):
            await facts.notice(session, city, 99)
    tree = checked(document, office)
    assert tree.findtext(".//pcx_gi:Title", namespaces=NS) == "<断水>"
    assert tree.findtext(".//pcx_gi:Description", namespaces=NS) == "給水します ]]>&"
    # The seam: the same document handed over twice is there once.
    data = written(document, city, "x", datetime.now().astimezone())
    out = tmp_path / "out"
    folder = FolderExporter(out)
    assert folder.hand_over(document, data) == folder.hand_over(document, b"other")
    (only,) = out.iterdir()
    assert only.read_bytes() == data
    assert FileExporter(tmp_path / "a" / "b.xml").hand_over(document, data).endswith("b.xml")
    with pytest.raises(BadInput):
        FileExporter(only / "x.xml").hand_over(document, data)
