"""Reasons: what push services answer, and which addresses are no good."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "push.no-answer": "no answer from the push service {host}: {error}",
            "push.broken": "the push service {host} answered {status}",
            "push.busy": "the push service {host} answered {status}: too many requests",
            "push.waiting": "the push service {host} asked us to wait",
            "push.refused": "the push service {host} answered {status}: {words}",
            "push.key-refused": "the push service {host} refuses our key ({status}): {words}",
            "push.redirect": "the push service {host} redirects, which is never followed",
            "push.gone": "the push service {host} answered {status}: the browser left",
            "push.inner": "the name {host} leads to a private address",
            "push.address": "this is no address of a browser's push service: {fault}",
            "push.service": "{host} is not one of the push services in TODOKE_PUSH_SERVICES",
        }
    }
)
