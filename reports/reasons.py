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
            "report.changed": "Somebody changed this report meanwhile. Look at it again.",
            "report.needs-reason": "Choose a reason for this state.",
            "report.no-team": "There is no such team.",
            "report.priority": "A priority is a number from 1 to {most}; {normal} is normal.",
            "report.state": "A report cannot go from its state to this one.",
            "report.answer-length": "An answer has between 1 and {most} characters.",
            "report.no-photo": "That is not the name of a photo.",
            "api-key.name": "The name of a key has between 1 and {most} characters.",
            "api-key.taken": "There is a key '{name}' already.",
            "api-key.missing": "There is no key '{name}'.",
        }
    }
)
