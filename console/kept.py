"""Keep the values of a form that was sent after the session had ended.

The fields are sealed into the sign-in page and come back with the password, so that the form can be
offered again. No entered value is stored, logged or put into an address. Passwords, codes and the
word or number for sending an alert are never kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from console.words import CATALOGUE, language_name
from core.languages import LANGUAGES, mark
from core.web import Form

HOLDS = timedelta(hours=12)
NEVER = frozenset(
    ("csrf", "then", "typed", "password", "present", "new", "again", "code", "new_code", "offer")
)
"""Secrets, confirmations of sending, and the pressed button."""
NOT_TYPED = frozenset(
    (
        *("version", "kind", "status", "decision", "seen", "look", "preview_language"),
        "sending",
    )
)
"""Technical fields of a form; a form with no others has no entered values."""
NAMES = {
    "answer": mark("Answer to the resident"),
    "note": mark("Note"),
    "reason": mark("Why"),
    "alone_reason": mark("Why"),
    "hazard_reason": mark("Why"),
    "name": mark("Name"),
    "email": mark("E-mail address"),
}
PARTS = {"title": mark("Title"), "text": mark("Text")}
BUTTONS = (
    (r"/console/alerts/\d+", mark("Save (nothing is sent)")),
    (r"/console/alerts/\d+/send", mark("Back to the confirmation page (nothing is sent)")),
    (r"/console/held/\d+", mark("Back to the notice (nothing is sent)")),
    (r"/console/reports/[^/]+", mark("Save, and send the answer if there is one")),
)
"""The label of the button on the page of kept words, by the form's address."""
NO_WORDS = ("/discard", "/sign-out", "/export.csv", "/export.geojson")
"""Ends of addresses of forms without entered words."""
GO_ON = mark("Go on with what was typed")


@dataclass(frozen=True)
class KeptForm:
    """A form that was not accepted. ``staff_id`` is the account of the page, 0 if unknown.

    ``at`` is whole seconds since 1970; ``back`` is the page of the form, or "".
    """

    address: str
    back: str
    staff_id: int
    at: int
    fields: list[tuple[str, str]]

    @classmethod
    def of(
        cls, address: str, form: Form, *, back: str, staff_id: int, now: datetime
    ) -> KeptForm | None:
        """Return the values of a form to keep, or None if nobody entered anything."""
        if address.endswith(NO_WORDS) or address.startswith("/console/account"):
            return None
        fields = [(name, one) for name in form if name not in NEVER for one in form.all(name)]
        if not any(value.strip() for name, value in fields if name not in NOT_TYPED):
            return None
        return cls(address, back, staff_id, int(now.timestamp()), fields)

    def seal(self, secret_key: str) -> str:
        content = [self.address, self.back, self.staff_id, self.at, self.fields]
        return str(_serializer(secret_key).dumps(content))

    @classmethod
    def unseal(cls, sealed: str, secret_key: str, now: datetime) -> KeptForm | None:
        """Return the unsealed form, or None if it is not ours or too old."""
        try:
            address, back, staff_id, at, fields = _serializer(secret_key).loads(sealed)
        except (BadSignature, TypeError, ValueError):
            return None
        if now.timestamp() - at > HOLDS.total_seconds():
            return None
        return cls(address, back, staff_id, at, [(name, value) for name, value in fields])

    def button(self, language: str) -> str:
        """Return the words of the button that sends the form again."""
        found = (words for form, words in BUTTONS if re.fullmatch(form, self.address))
        return CATALOGUE.text(language, next(found, GO_ON))

    def shown(self, language: str) -> list[tuple[str, str]]:
        """Return the entered values as (name of the field, words), for a person to read or copy."""
        return [
            (name, value)
            for field, value in self.fields
            if value.strip() and (name := _name(field, language))
        ]


def _name(field: str, language: str) -> str:
    if field in NAMES:
        return CATALOGUE.text(language, NAMES[field])
    part, _, code = field.partition("-")
    if part not in PARTS or code not in LANGUAGES:
        return ""
    return f"{language_name(code, language)} {CATALOGUE.text(language, PARTS[part])}"


def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="todoke.console.kept")
