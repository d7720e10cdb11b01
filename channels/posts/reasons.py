"""Reasons: what a network answered to a post."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "posts.no-answer": "no answer from the network of the account {name}",
            "posts.busy": "the network of the account {name} says that we are too fast",
            "posts.unavailable": "the network of the account {name} has a fault: {code}",
            "posts.token": "the network does not accept the token of the account {name}: {code}",
            "posts.refused": "the network of the account {name} refused the post: {code}",
            "posts.no-account": "the address of the account {name} cannot be read",
            "posts.unknown": "the city has no account {name} any more",
            "posts.no-drills": "no drill is posted by the account {name} (drills = false)",
            "posts.no-address": "the secret address of the account {name} is not set ({key})",
            "posts.fate-unknown": (
                "twice the network did not answer; it is not posted a third time, and may be there"
            ),
            "posts.no-room": "the shortest form of the notice has more than {limit} characters",
        }
    }
)
