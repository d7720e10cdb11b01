"""The Common Alerting Protocol 1.2 (OASIS), read into articles.

An alert is taken in Japanese where it has that language, else in the first it has. Severity is
the sender's own judgement and no evacuation level, so no level follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from lxml import etree

from feeds import limits
from feeds.errors import Unreadable
from feeds.policy import says_drill
from feeds.rss import Article, safe_link
from feeds.wording import clean, one_line, read_date
from feeds.xml import local_name, read_xml

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
OLDER = ("urn:oasis:names:tc:emergency:cap:1.1", "urn:oasis:names:tc:emergency:cap:1.0")


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
class Alert:
    """One CAP message. ``references`` are the identifiers it updates or takes back."""

    identifier: str
    sender: str
    sent: datetime
    status: AlertStatus
    type: MessageType
    public: bool
    references: tuple[str, ...]
    event: str
    headline: str
    description: str
    instruction: str
    area: str
    categories: tuple[str, ...]
    severity: str
    expires: datetime | None
    link: str
    signed: bool
    """Whether a signature is still in it; ``feeds.signatures`` checks one and takes it out."""

    @property
    def drill(self) -> bool:
        """An exercise or a test; a system's own chatter and drafts are likewise no news."""
        article = self.article()
        actual = self.status is AlertStatus.ACTUAL
        return not actual or says_drill(article.title, article.summary)

    @property
    def is_news(self) -> bool:
        """Whether it speaks to the public at all."""
        return self.public and self.type not in {MessageType.ACK, MessageType.ERROR}

    def article(self) -> Article:
        """Return the alert as an article, for the city's rules."""
        parts = (self.description, self.instruction, self.area)
        return Article(
            identity=f"cap:{self.sender},{self.identifier}"[: limits.MAX_IDENTITY_CHARACTERS],
            title=self.headline or self.event,
            summary=clean("\n".join(filter(None, parts)), limits.MAX_SUMMARY_CHARACTERS),
            link=self.link,
            published_at=self.sent,
            categories=(*self.categories, self.event),
        )


def read_alert(data: bytes) -> Alert:
    """Return a CAP message.

    Raises
    ------
    Unreadable
        It is no CAP alert, or lacks what the standard requires.
    """
    root = read_xml(data, limit=limits.MAX_TELEGRAM)
    namespace = etree.QName(root).namespace or ""
    if local_name(root) != "alert" or namespace not in {NAMESPACE, *OLDER}:
        raise Unreadable("This is no CAP alert.")

    def text(parent: etree._Element | None, name: str, limit: int = 500) -> str:
        found = None if parent is None else parent.findtext(f"{{{namespace}}}{name}")
        return clean(found or "", limit)

    sent = read_date(text(root, "sent"))
    identifier, sender = text(root, "identifier", 200), text(root, "sender", 200)
    if sent is None or not identifier or not sender:
        raise Unreadable("The CAP alert lacks its identifier, sender or time.")
    try:
        status, kind = AlertStatus(text(root, "status")), MessageType(text(root, "msgType"))
    except ValueError as error:
        raise Unreadable(f"The CAP alert says what the standard does not know: {error}.") from error
    infos = root.findall(f"{{{namespace}}}info")
    info = next((i for i in infos if text(i, "language").lower().startswith("ja")), None)
    if info is None and infos:
        info = infos[0]
    areas = [] if info is None else info.findall(f"{{{namespace}}}area")
    names = [text(area, "areaDesc", 200) for area in areas[:50]]
    categories = [] if info is None else info.findall(f"{{{namespace}}}category")
    alert = Alert(
        identifier=identifier,
        sender=sender,
        sent=sent,
        status=status,
        type=kind,
        public=text(root, "scope") in {"Public", ""},
        references=_references(text(root, "references", 2000)),
        event=one_line(text(info, "event"), 100),
        headline=one_line(text(info, "headline"), limits.MAX_TITLE_CHARACTERS),
        description=text(info, "description", limits.MAX_SUMMARY_CHARACTERS),
        instruction=text(info, "instruction", limits.MAX_SUMMARY_CHARACTERS),
        area="、".join(filter(None, names)),
        categories=tuple(clean(category.text or "", 40) for category in categories[:10]),
        severity=text(info, "severity"),
        expires=read_date(text(info, "expires")),
        link=safe_link(text(info, "web", 1000), ""),
        signed=root.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None,
    )
    if alert.is_news and not (alert.headline or alert.event):
        if alert.type is MessageType.CANCEL:
            return alert
        raise Unreadable("The CAP alert says nothing to the public.")
    return alert


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
