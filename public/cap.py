"""Write the Common Alerting Protocol 1.2 (OASIS): one message for each act of sending.

A message has a sequence of ``info`` blocks for each language: one for each level, and one for what
still holds elsewhere. A drill is an ``Exercise``. Positions are latitude first; a polygon has no
holes, so its outer ring is given, and nobody inside is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from lxml import etree

from channels.notice_words import notice_words
from city.city import City, District, name_in
from core.clock import in_japan
from feeds.cap import NAMESPACE
from feeds.cap_areas import municipality_with_check_digit, own_districts
from feeds.in_force import end_of, group_of
from feeds.jma.store import LIFTED_BY_TELEGRAM
from feeds.models import OVER, Notice
from feeds.texts import topic_name
from public.cap_acts import Act, Block
from public.cap_levels import category_of, gravity_of, message_type, response_type
from public.feeds import notice_url, xml_text

MOST_POINTS = 40_000
"""Corners in one message. With more, only the first language has the outlines; the others have the
names and codes of the same areas, in the same order."""
MOST_HEADLINE = 160
"""Characters (CAP 1.2, 3.2.2: some devices show no more)."""
MUNICIPALITY, LOCAL_GOVERNMENT = "JMA-MUNICIPALITY", "JIS-X0402"


def sender_of(public_url: str) -> str:
    """Return the city's service as CAP's sender: the name of its host."""
    return urlsplit(public_url).hostname or "todoke"


def identifier_of(notice: Notice, city: City) -> str:
    """Return the identifier of an act, by its first notice."""
    return f"todoke-{city.jma.municipality}-{notice.id}"


def sent_at(notice: Notice) -> str:
    """Return when a message was made, in the only form that CAP takes."""
    return _moment(notice.created_at)


def reference_to(notice: Notice, city: City, public_url: str) -> str:
    """Return ``sender,identifier,sent`` of another message."""
    return f"{sender_of(public_url)},{identifier_of(notice, city)},{sent_at(notice)}"


def cap_message(act: Act, city: City, public_url: str, *, test: bool = False) -> etree._Element:
    """Return the message of an act.

    Parameters
    ----------
    test
        Whether this is no city's real service (the demo): then nothing is ``Actual``.

    Raises
    ------
    BadInput
        A notice has no words, or a real one begins like a drill.
    """
    first = act.first
    alert = etree.fromstring(f'<alert xmlns="{NAMESPACE}"/>'.encode())
    _add(alert, "identifier", identifier_of(first, city))
    _add(alert, "sender", sender_of(public_url))
    _add(alert, "sent", sent_at(first))
    _add(alert, "status", "Exercise" if first.drill else "Test" if test else "Actual")
    _add(alert, "msgType", message_type(first.status, follows=bool(act.earlier)))
    if source := _source(first, city):
        _add(alert, "source", source)
    _add(alert, "scope", "Public")
    if first.drill:
        # CAP 1.2, 3.2.1: the exercise's identifier should be in the note.
        _add(
            alert,
            "note",
            f"訓練 / Exercise: {identifier_of(act.earlier[0] if act.earlier else first, city)}",
        )
    if act.earlier:
        refers = [reference_to(notice, city, public_url) for notice in act.earlier]
        _add(alert, "references", " ".join(refers))
    languages = _languages(act.blocks, city)
    outlined = _corners(act.blocks, city) * len(languages) <= MOST_POINTS
    for place, language in enumerate(languages):
        for block in act.blocks:
            if language in block.notice.texts:
                _info(alert, block, language, city, public_url, outlined=outlined or not place)
    return alert


def as_bytes(alert: etree._Element) -> bytes:
    return bytes(etree.tostring(alert, xml_declaration=True, encoding="utf-8"))


def _info(
    alert: etree._Element,
    block: Block,
    language: str,
    city: City,
    public_url: str,
    *,
    outlined: bool,
) -> None:
    notice = block.notice
    _, title, text = notice_words(notice, language)
    info = _add(alert, "info")
    _add(info, "language", language)
    _add(info, "category", category_of(notice.topic))
    _add(info, "event", notice.kind or topic_name(notice.topic, language, city))
    if response := response_type(notice):
        _add(info, "responseType", response)
    gravity = gravity_of(notice)
    _add(info, "urgency", gravity.urgency)
    _add(info, "severity", gravity.severity)
    _add(info, "certainty", gravity.certainty)
    if (expires := _expires(notice)) is not None:
        _add(info, "expires", _moment(expires))
    _add(info, "senderName", name_in(city.name, language))
    _add(
        info, "headline", title if len(title) <= MOST_HEADLINE else f"{title[: MOST_HEADLINE - 1]}…"
    )
    _add(info, "description", text)
    _add(info, "web", notice_url(public_url, notice, language))
    if notice.shown_level:
        _pair(info, "parameter", "JP-ALERT-LEVEL", str(notice.shown_level))
    if notice.intensity:
        _pair(info, "parameter", "JMA-SEISMIC-INTENSITY", notice.intensity)
    for name, districts, codes in _areas(block.areas, city, language):
        area = _add(info, "area")
        _add(area, "areaDesc", name)
        if outlined:
            for ring in _rings(districts):
                _add(area, "polygon", ring)
        for system, value in codes:
            _pair(area, "geocode", system, value)


def _areas(
    areas: Sequence[str], city: City, language: str
) -> Iterator[tuple[str, list[District], list[tuple[str, str]]]]:
    """Yield name, districts and codes of each area; the whole city is one.

    A district has no code of the municipality: a receiver would take it for the whole city.
    """
    own = own_districts(city)
    if not areas:
        code = city.jma.municipality
        codes = [(MUNICIPALITY, code), (LOCAL_GOVERNMENT, municipality_with_check_digit(code[:5]))]
        yield name_in(city.name, language), list(city.districts), codes
    for code in areas:
        # A district that the city does not have any more has a code, and no place.
        district = city.district_by_code.get(code)
        name = name_in(district.names, language) if district is not None else code
        yield name, [district] if district is not None else [], [(own, code)]


def _rings(districts: Iterable[District]) -> Iterator[str]:
    """Yield the outer rings, closed, as ``latitude,longitude`` with spaces between."""
    for district in districts:
        for outer, *_ in district.polygons:
            pairs = [f"{latitude:.6f},{longitude:.6f}" for longitude, latitude in outer]
            if pairs[0] != pairs[-1]:
                pairs.append(pairs[0])
            if len(pairs) >= 4:
                yield " ".join(pairs)


def _corners(blocks: Iterable[Block], city: City) -> int:
    found = 0
    for block in blocks:
        named = [
            city.district_by_code[code] for code in block.areas if code in city.district_by_code
        ]
        for district in named if block.areas else city.districts:
            found += sum(len(outer) for outer, *_ in district.polygons)
    return found


def _languages(blocks: Iterable[Block], city: City) -> list[str]:
    """Return the city's languages in which there are words, Japanese first."""
    spoken = {language for block in blocks for language in block.notice.texts}
    ordered = sorted(city.languages, key=lambda language: language != "ja")
    return [language for language in ordered if language in spoken]


def _expires(notice: Notice) -> datetime | None:
    """Return when it is over by itself; None if a telegram, or nothing, ends it.

    Whoever held a warning for over by the clock would miss that it is in force.
    """
    if notice.status in OVER or group_of(notice) in LIFTED_BY_TELEGRAM:
        return None
    return end_of(notice)


def _source(notice: Notice, city: City) -> str:
    """Return who said it first, if that is not the city."""
    names = next((one.names for one in city.sources if one.code == notice.source), None)
    return name_in(names, "ja") if names else ""


def _moment(moment: datetime) -> str:
    return in_japan(moment).replace(microsecond=0).isoformat()


def _pair(parent: etree._Element, name: str, system: str, value: str) -> None:
    pair = _add(parent, name)
    _add(pair, "valueName", system)
    _add(pair, "value", value)


def _add(parent: etree._Element, name: str, text: str = "") -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if text:
        element.text = xml_text(text)
    return element
