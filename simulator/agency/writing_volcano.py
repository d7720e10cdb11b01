"""Write telegrams of volcanoes in the agency's format: alert levels, eruptions, ash."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.agency import form
from simulator.agency.form import Element, Envelope

VOLCANOLOGY = form.BASE + "body/volcanology1/"
VOLCANO_NAMES = "火山名"
LEVELS: dict[str, str] = {
    "11": "レベル１（活火山であることに留意）",
    "12": "レベル２（火口周辺規制）",
    "13": "レベル３（入山規制）",
    "14": "レベル４（高齢者等避難）",
    "15": "レベル５（避難）",
}
NEAR: dict[str, tuple[str, str]] = {
    "11": ("噴火予報", "05"),
    "12": ("火口周辺警報", "02"),
    "13": ("火口周辺警報", "02"),
    "14": ("噴火警報", "01"),
    "15": ("噴火警報", "01"),
}
"""Name and code of a level for the municipalities around."""
ASH_NAMES: dict[str, str] = {
    "70": "降灰",
    "71": "少量の降灰",
    "72": "やや多量の降灰",
    "73": "多量の降灰",
    "75": "小さな噴石の落下",
}
ASH_FORMS: dict[str, tuple[str, str]] = {
    "VFVO53": ("定時", "06"),
    "VFVO54": ("速報", "07"),
    "VFVO55": ("詳細", "08"),
}
"""The name of each kind of ash forecast, and its code for the volcano."""

Area = tuple[str, str]


def alert_level(
    volcano: Area, code: str, last: str, around: Sequence[Area], envelope: Envelope
) -> bytes:
    """噴火警報・予報 (VFVO50): the level ``code`` after the level ``last``."""
    step = "継続" if code == last else "引上げ" if code > last else "引下げ"
    return _report(
        "噴火警報・予報",
        volcano,
        envelope,
        (
            ("噴火警報・予報（対象火山）", (LEVELS[code], code), (LEVELS[last], last), step),
            ("噴火警報・予報（対象市町村等）", NEAR[code], NEAR[last], step),
        ),
        around,
    )


def eruption(volcano: Area, around: Sequence[Area], envelope: Envelope) -> bytes:
    """噴火速報 (VFVO56)."""
    erupted = ("噴火", "52")
    return _report(
        "噴火速報",
        volcano,
        envelope,
        (("噴火速報", erupted, None, ""), ("噴火速報（対象市町村等）", erupted, None, "")),
        around,
    )


def ash(kind: str, volcano: Area, code: str, where: Sequence[Area], envelope: Envelope) -> bytes:
    """降灰予報 (VFVO53 to 55) of one amount of ash in some municipalities."""
    name, number = ASH_FORMS[kind]
    title = f"降灰予報（{name}）"
    return _report(
        title,
        volcano,
        envelope,
        (
            ("降灰予報（対象火山）", (title, number), None, ""),
            ("降灰予報（対象市町村等）", (ASH_NAMES[code], code), None, ""),
        ),
        where,
    )


Part = tuple[str, tuple[str, str], tuple[str, str] | None, str]
"""Type of the VolcanoInfo, its Kind and LastKind (name, code), the Kind's Condition."""


def _report(
    title: str, volcano: Area, envelope: Envelope, parts: Sequence[Part], around: Sequence[Area]
) -> bytes:
    """The first part is about the volcano, the second about the municipalities."""
    body = form.element(VOLCANOLOGY, "Body")
    information = []
    for (name, kind, last, condition), (system, areas) in zip(
        parts, ((VOLCANO_NAMES, [volcano]), (form.MUNICIPALITIES, around)), strict=True
    ):
        information.append(form.information(name, [form.kind(*kind, condition)], system, areas))
        item = form.add(form.add(body, "VolcanoInfo", type=name), "Item")
        _kind(item, "Kind", kind, condition)
        if last is not None:
            _kind(item, "LastKind", last, "")
        form.add_areas(item, system, areas)
    form.add(form.add(body, "VolcanoInfoContent"), "VolcanoHeadline", envelope.headline)
    return form.report(
        title,
        "気象庁本庁",
        f"火山名　{volcano[1]}　{title}",
        (title.partition("（")[0], "1.0_0"),
        envelope,
        information,
        body,
        publisher="気象庁",
    )


def _kind(item: Element, tag: str, kind: tuple[str, str], condition: str) -> None:
    made = form.add(item, tag)
    form.add(made, "Name", kind[0])
    form.add(made, "Code", kind[1])
    if condition:
        form.add(made, "Condition", condition)
