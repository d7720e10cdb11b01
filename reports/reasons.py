"""Reasons why something cannot be done with a report."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "danger.changed": "Somebody decided on this danger meanwhile. Look at it again.",
            "danger.missing": "This danger is no longer there.",
            "report.no-category": "'{category}' is not a category of this city.",
            "report.missing": "There is no report '{number}'.",
            "report.no-department": "'{department}' is not a department of this city.",
            "report.answer-length": "An answer has between 1 and {most} characters.",
            "report.no-photo": "That is not the name of a photo.",
            "api-key.name": "The name of a key has between 1 and {most} characters.",
            "api-key.taken": "There is a key '{name}' already.",
            "api-key.missing": "There is no key '{name}'.",
        }
    }
)
