"""Reasons: LINE's answers, and why something cannot be sent by LINE."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "unknown.followed": "followed by delivery {id}",
            "quota.used-up": (
                "LINE answered 429, the month's messages are used up: {words}{details}"
            ),
            "line.busy": "LINE answered 429: {words}{details}",
            "line.broken": "the answer was {status}: {words}{details}",
            "line.not-line": "the answer was {status} and not LINE's: {words}{details}",
            "line.refused": "LINE answered {status}: {words}{details}",
            "line.token-refused": "LINE refuses the access token",
            "line.encoded": "the answer was {status}, encoded as {encoding}",
            "line.no-answer": "no answer from LINE: {error}",
            "line.endless-answer": "LINE's answer has more than {limit} bytes",
            "line.not-json": "LINE's answer to {call} is not JSON",
            "line.no-object": "LINE's answer to {call} is not an object",
            "line.no-friends-list": "LINE's list of friends has no ids",
            "line.no-audience-number": "LINE made an audience without a number",
            "line.call-limit": "LINE takes {most} of {endpoint} in {length}",
            "narrowcast.failed": "LINE's narrowcast failed ({code}): {words}",
            "narrowcast.silent": "LINE did not say within an hour what became of it",
            "audience.none": "there is no audience",
            "audience.too-few": "LINE uses no audience of fewer than {least} people",
            "audience.not-ready": "the audience of known residents is not ready yet",
            "audience.status": "LINE says that the audience is {status}",
            "unknown.no-rule": (
                "The city's rules send nothing to friends whom Todoke does not know."
            ),
            "unknown.not-covered": (
                "The city's rules do not send this alert to friends Todoke does not know."
            ),
        }
    }
)
