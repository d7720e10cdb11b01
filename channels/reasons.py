"""Why deliveries wait, stop or fail."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "delivery.paused": "paused by {name}",
            "delivery.stopped": "stopped by {name}",
            "delivery.replaced": "replaced by notice {id}",
            "delivery.corrected": "corrected",
            "delivery.expired": "expired",
            "delivery.quiet-until-end": "quiet hours until it ended",
            "delivery.nobody-left": "nobody follows any more",
            "delivery.fate-unknown": "whether LINE took it was not known within 24 hours",
            "delivery.refused-singly": "LINE refused {n} residents one by one: {error}",
            "delivery.slow": "{n} requests were answered in the last {seconds} seconds",
            "delivery.missing": "There is no delivery {id}.",
            "delivery.not-under-way": "Delivery {id} is not under way.",
            "delivery.not-paused": "Delivery {id} is not paused.",
            "delivery.ended": "Delivery {id} has ended already.",
            "notice.no-words": "Notice '{identity}' has no words.",
            "notice.silent-in": "Notice '{identity}' says nothing in {language}.",
            "notice.real-as-drill": "Notice '{identity}' is real and begins like a drill.",
            "notice.no-topic": "The city has no topic '{topic}'.",
            "quota.unread": "the month's quota cannot be read: {error}",
            "quota.short": "the month's quota has {left} messages left, this needs {needed}",
        }
    }
)
