"""Forms that could not be accepted: whose they are, where they came from, and what was typed.

A session ends while somebody writes, or another one begins in the same browser. What was typed
then comes back after signing in (``console.kept``), but only if a page of ours sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from fastapi import Request

from console.kept import KeptForm
from console.sessions import Sessions
from core.web import Form


@dataclass(frozen=True)
class Sent:
    """A request and what is needed to judge its form."""

    request: Request
    sessions: Sessions
    public_url: str
    now: datetime

    @property
    def form(self) -> Form | None:
        """The form that was read; None if there is none."""
        form: Form | None = getattr(self.request.state, "form", None)
        return None if self.request.method == "GET" else form

    def kept(self) -> KeptForm | None:
        """Return the values of a form of ours that could not be accepted."""
        form = self.form
        if form is None or not self.is_ours(form):
            return None
        ended = self.sessions.read_ended(self.request)
        # Only the form's token shows whose page it was: the cookie may be somebody else's.
        known = ended and self.sessions.token_fits(ended.nonce, form.text("csrf"))
        return KeptForm.of(
            self.request.url.path,
            form,
            back=came_from(self.request),
            staff_id=ended.staff_id if ended and known else 0,
            now=self.now,
        )

    def shown(self, language: str) -> list[tuple[str, str]]:
        """Return the values of a refused form in words, so that they can be copied."""
        form: Form | None = getattr(self.request.state, "form", None)
        if form is None or not self.is_ours(form):
            return []
        kept = KeptForm.of(self.request.url.path, form, back="", staff_id=0, now=self.now)
        return kept.shown(language) if kept else []

    def is_ours(self, form: Form) -> bool:
        """Whether a page of this console sent the form, by headers that no other site can set.

        Otherwise a stranger's form, sent through a signed-out browser, would be offered as the
        person's own words.
        """
        headers = self.request.headers
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return site == "same-origin"
        if origin is not None:
            here = {headers.get("host", ""), urlsplit(self.public_url).netloc}
            return _parts(origin).netloc in here - {""}
        ended = self.sessions.read_ended(self.request)
        return ended is not None and self.sessions.token_fits(ended.nonce, form.text("csrf"))


def only_looks(form: Form) -> bool:
    """Whether a form asks to see what would become of it: its words are not stored by that."""
    return form.text("then") == "look"


def came_from(request: Request) -> str:
    """Return the page of the form that was sent, or "" if there is none."""
    if request.method == "GET":
        return ""
    parts = _parts(request.headers.get("referer", ""))
    address = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return address if safe_next(address) else ""


def safe_next(address: str) -> bool:
    """Whether ``address`` is a page of this console, for redirects after signing in."""
    parts = _parts(address)
    return (
        not parts.scheme
        and not parts.netloc
        and parts.path.startswith("/console/")
        and "\\" not in address
        and not parts.path.startswith("/console/sign-")
    )


def _parts(address: str) -> SplitResult:
    """Return the parts of an address that a stranger wrote; empty if it is no address."""
    try:
        return urlsplit(address)
    except ValueError:  # brackets that do not close, or signs that no host has
        return urlsplit("")
