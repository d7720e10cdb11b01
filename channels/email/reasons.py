"""Reasons: a mail server's answers, and why an address gets no more mail."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "email.no-answer": "no answer from the mail server: {error}",
            "email.unreached": "the mail server cannot be reached: {error}",
            "email.busy": "the mail server says that we are too fast: {code} {words}",
            "email.later": "the mail server says: not now ({code} {words})",
            "email.refused": "the mail server refused it: {code} {words}",
            "email.refuses-us": "the mail server does not accept us: {code} {words}",
            "email.in-clear": "the mail server offers no encryption, so no password was sent",
            "email.quota": "the mail server's limit is reached: {code} {words}",
            "email.gone": "the address does not exist: {code} {words}",
            "email.full": "the mailbox is full: {code} {words}",
            "email.too-late": "the mail server said 'not now' for {hours} hours: {code} {words}",
            "email.fate-unknown": (
                "twice the mail server took it and did not answer; it is not sent a third time"
            ),
            "email.no-address": "this is not a mail address",
        }
    }
)
