"""What the city tells the press and the prefecture by L-Alert (Lアラート, 公共情報コモンズ).

Each document says the whole state of one matter. A later one of the same matter has the same
document id and the next revision. docs/lalert.md says what of the format is public.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from city.city import City

_NAMES = uuid.UUID("5f0c2a1e-3d8f-5c2b-9a57-0d1c5b7e44aa")
"""The name space of our document ids, so that the same matter always has the same one."""


class Kind(StrEnum):
    """The kinds of documents, by the name of L-Alert's category."""

    EVACUATION = "EvacuationOrder"
    SHELTERS = "Shelter"
    HEADQUARTERS = "AntidisasterHeadquarter"
    NOTICES = "GeneralInformation"


class Update(StrEnum):
    """EDXL-DE's ``distributionType``: first, again, taken back."""

    REPORT = "Report"
    UPDATE = "Update"
    CANCEL = "Cancel"


SORTS = {5: "緊急安全確保", 4: "避難指示", 3: "高齢者等避難"}
"""The names of evacuation information since the law of May 2021 (災害対策基本法)."""


@dataclass(frozen=True, kw_only=True)
class EvacuationLine:
    """A district and what is said to it. ``issued`` is False where it was lifted (解除)."""

    sort: str
    issued: bool
    area: str
    at: datetime
    households: int | None = None
    people: int | None = None


@dataclass(frozen=True, kw_only=True)
class ShelterLine:
    """An evacuation site as staff say it is: ``sort`` 開設 or 閉鎖, ``status`` 定員一杯 or ""."""

    name: str
    kana: str
    address: str
    phone: str
    longitude: float
    latitude: float
    sort: str
    status: str
    at: datetime
    capacity: int | None
    heads: int | None


@dataclass(frozen=True, kw_only=True)
class Headquarters:
    """The city's headquarters as a person says it is.

    Disaster mode is not the headquarters of the law (災害対策基本法 23条の2), so nothing is taken
    from it. ``sort`` is 対策本部 or 警戒本部.
    """

    sort: str
    name: str
    set_up: datetime
    dissolved: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Information:
    """One notice (お知らせ)."""

    title: str
    text: str
    url: str


Content = tuple[EvacuationLine, ...] | tuple[ShelterLine, ...] | Headquarters | Information


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of L-Alert.

    Parameters
    ----------
    document_id, revision
        The matter, and which word on it this is, from 1.
    first_at, at
        When the matter was first reported, and when this was said.
    headline
        In Japanese; a drill's begins with 【訓練】.
    """

    kind: Kind
    document_id: uuid.UUID
    revision: int
    update: Update
    drill: bool
    first_at: datetime
    at: datetime
    title: str
    headline: str
    content: Content
    valid_until: datetime | None = None

    @property
    def distribution_id(self) -> uuid.UUID:
        """The id of this one message: the same document written again is the same message."""
        return uuid.uuid5(self.document_id, str(self.revision))

    @property
    def file_name(self) -> str:
        world = "drill" if self.drill else "real"
        return f"{world}-{self.kind}-{self.document_id}-{self.revision:03}.xml"


def document_id(city: City, kind: Kind, matter: str, *, drill: bool) -> uuid.UUID:
    """Return the id of a matter. A drill never has the id of the real one."""
    world = "drill" if drill else "real"
    return uuid.uuid5(_NAMES, f"{city.jma.municipality}/{kind}/{world}/{matter}")


def marked(text: str, *, drill: bool) -> str:
    """Return a text in Japanese that says that it is a drill, if it is one (promise 5)."""
    return f"【訓練】{text}" if drill and not text.startswith("【訓練】") else text
