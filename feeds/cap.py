"""Read the Common Alerting Protocol 1.2 (OASIS): what an alert says, where, and until when.

An alert says the same thing in several ``info`` blocks, one sequence for each language; a sequence
of several blocks is about several events or places. Severity is the sender's own judgement and no
evacuation level, so no level is derived from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from lxml import etree

from core.languages import EASY_JAPANESE, match_language
from feeds import limits
from feeds.cap_areas import CapArea, read_area
from feeds.errors import Unreadable
from feeds.policy import is_marked_drill
from feeds.reasons import reason
from feeds.rss import Article, safe_link
from feeds.wording import one_line, plain_text, read_date
from feeds.xml import local_name, read_xml

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
OLDER = ("urn:oasis:names:tc:emergency:cap:1.1", "urn:oasis:names:tc:emergency:cap:1.0")
MAX_INFOS = 200
MAX_AREAS = 200
_LANGUAGE = "en-US"
"""The language of an ``info`` block that names none (CAP 1.2, 3.2.2)."""


class AlertStatus(StrEnum):
    """CAP's status; only ``ACTUAL`` is meant."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


@dataclass(frozen=True, kw_only=True)
class Info:
    """One ``info`` block. ``language`` is one of ours, or the block's tag if it is not."""

    language: str
    event: str
    headline: str
    description: str
    instruction: str
    categories: tuple[str, ...]
    severity: str
    all_clear: bool
    """Whether it says that the danger is over (response type ``AllClear``)."""
    expires: datetime | None
    link: str
    areas: tuple[CapArea, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        return self.headline or self.event

    @property
    def text(self) -> str:
        """The text below the title; places come last."""
        places = "、" if self.language.startswith("ja") else ", "
        named = places.join(dict.fromkeys(area.name for area in self.areas if area.name))
        return "\n".join(filter(None, (self.description, self.instruction, named)))


@dataclass(frozen=True, kw_only=True)
class CapAlert:
    """One CAP message. ``references`` are the identifiers it updates or takes back."""

    identifier: str
    sender: str
    sent: datetime
    status: AlertStatus
    type: MessageType
    public: bool
    references: tuple[str, ...]
    infos: tuple[Info, ...]
    signed: bool
    """Whether it still contains a signature; ``feeds.signatures`` checks and removes one."""

    @property
    def identity(self) -> str:
        """Sender and identifier, by which other messages refer to it."""
        return f"{self.sender},{self.identifier}"

    @property
    def language(self) -> str:
        """The language that is read first: Japanese if it has that."""
        spoken = [info.language for info in self.infos]
        preferred = ("ja", EASY_JAPANESE, "en")
        return next((code for code in preferred if code in spoken), spoken[0] if spoken else "ja")

    @property
    def leading(self) -> tuple[Info, ...]:
        """The blocks of the language it is read in first."""
        return self.in_language(self.language)

    def in_language(self, language: str) -> tuple[Info, ...]:
        return tuple(info for info in self.infos if info.language == language)

    @property
    def headline(self) -> str:
        return next((info.title for info in self.leading if info.title), "")

    @property
    def drill(self) -> bool:
        """An exercise or a test; system messages and drafts are no news either."""
        actual = self.status is AlertStatus.ACTUAL
        return not actual or any(is_marked_drill(info.title, info.text) for info in self.infos)

    @property
    def is_news(self) -> bool:
        """Whether it speaks to the public at all."""
        return self.public and self.type not in {MessageType.ACK, MessageType.ERROR}

    def article(self, infos: Sequence[Info] | None = None) -> Article:
        """Return some of its leading blocks as an article, for the city's rules; all by default."""
        blocks = self.leading if infos is None else infos
        title, summary = block_words(blocks)
        categories = [name for info in blocks for name in (*info.categories, info.event) if name]
        return Article(
            identity=f"cap:{self.identity}"[: limits.MAX_IDENTITY_CHARACTERS],
            title=title,
            summary=summary,
            link=next((info.link for info in blocks if info.link), ""),
            published_at=self.sent,
            categories=tuple(dict.fromkeys(categories)),
        )


def block_words(infos: Sequence[Info]) -> tuple[str, str]:
    """Return title and text of blocks in one language; the first one's title is theirs."""
    title = next((info.title for info in infos if info.title), "")
    said = []
    for info in infos:
        said.append("\n".join(part for part in (info.title, info.text) if part and part != title))
    text = "\n\n".join(dict.fromkeys(filter(None, said)))
    return title, plain_text(text, limits.MAX_SUMMARY_CHARACTERS)


def read_alert(data: bytes) -> CapAlert:
    """Return a CAP message.

    Raises
    ------
    Unreadable
        It is no CAP alert, or a required part is missing.
    """
    root = read_xml(data, limit=limits.MAX_TELEGRAM)
    namespace = etree.QName(root).namespace or ""
    if local_name(root) != "alert" or namespace not in {NAMESPACE, *OLDER}:
        raise Unreadable(reason("cap.no-alert"))
    read = _Reader(namespace)
    sent = read_date(read.text(root, "sent"))
    identifier, sender = read.text(root, "identifier", 200), read.text(root, "sender", 200)
    if sent is None or not identifier or not sender:
        raise Unreadable(reason("cap.lacks"))
    try:
        status, kind = (
            AlertStatus(read.text(root, "status")),
            MessageType(read.text(root, "msgType")),
        )
    except ValueError as error:
        raise Unreadable(reason("cap.unknown-word", error=error)) from error
    elements = root.findall(f"{{{namespace}}}info")
    if len(elements) > MAX_INFOS:
        raise Unreadable(reason("cap.too-many-blocks", limit=MAX_INFOS))
    alert = CapAlert(
        identifier=identifier,
        sender=sender,
        sent=sent,
        status=status,
        type=kind,
        public=read.text(root, "scope") in {"Public", ""},
        references=_references(read.text(root, "references", 20_000)),
        infos=tuple(read.info(element) for element in elements),
        signed=root.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None,
    )
    if alert.is_news and not alert.headline and alert.type is not MessageType.CANCEL:
        raise Unreadable(reason("cap.nothing-public"))
    return alert


class _Reader:
    """Reads the elements of one version of the standard."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{{{namespace}}}"

    def text(self, parent: etree._Element, name: str, limit: int = 500) -> str:
        return plain_text(parent.findtext(f"{self._prefix}{name}") or "", limit)

    def texts(self, parent: etree._Element, name: str, most: int) -> list[str]:
        found = parent.findall(f"{self._prefix}{name}")[:most]
        return [plain_text(element.text or "", 100) for element in found]

    def info(self, element: etree._Element) -> Info:
        tag = self.text(element, "language", 40) or _LANGUAGE
        areas = element.findall(f"{self._prefix}area")
        return Info(
            language=match_language(tag) or tag,
            event=one_line(self.text(element, "event"), 100),
            headline=one_line(self.text(element, "headline"), limits.MAX_TITLE_CHARACTERS),
            description=self.text(element, "description", limits.MAX_SUMMARY_CHARACTERS),
            instruction=self.text(element, "instruction", limits.MAX_SUMMARY_CHARACTERS),
            categories=tuple(self.texts(element, "category", 10)),
            severity=self.text(element, "severity"),
            all_clear=self.texts(element, "responseType", 10) == ["AllClear"],
            expires=read_date(self.text(element, "expires")),
            link=safe_link(self.text(element, "web", 1000), ""),
            areas=tuple(read_area(area, self._prefix) for area in areas[:MAX_AREAS])
            # The part that was cut off could be the city's.
            + ((CapArea(broken=True),) if len(areas) > MAX_AREAS else ()),
        )


def _references(text: str) -> tuple[str, ...]:
    """Return ``sender,identifier`` of each reference; the standard adds the time behind them."""
    parts = (reference.split(",") for reference in text.split())
    return tuple(f"{part[0]},{part[1]}" for part in parts if len(part) >= 2)


def is_alert(data: bytes) -> bool:
    """Whether ``data`` looks like a CAP alert rather than a feed of them."""
    return b"urn:oasis:names:tc:emergency:cap:" in data[:2000] and b"<alert" in data[:5000].replace(
        b"<cap:alert", b"<alert"
    )


def looks_like_alert(url: str) -> bool:
    """Whether a feed's link leads to a CAP document."""
    return urlsplit(url).path.lower().endswith((".cap", ".xml"))
