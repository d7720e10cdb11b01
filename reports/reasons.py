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
            "report.join-ended": "Only reports that are open can be joined.",
            "report.join-most": "A case has at most {most} reports.",
            "report.no-owner": "There is no such owner.",
            "report.no-place": "This is not a place on the map.",
            "report.not-joined": "This report is not joined to another one.",
            "report.same-case": "These reports are one case already.",
            "report.answer-length": "An answer has between 1 and {most} characters.",
            "photo.area": "An area is four numbers: left, top, width, height.",
            "photo.areas": "At most {most} areas of a photo can be covered.",
            "photo.changed": "Somebody decided on this photo meanwhile. Look at it again.",
            "photo.gone": "This photo is no longer there.",
            "report.no-photo": "That is not the name of a photo.",
            "forward.missing": "This is no longer there.",
            "forward.no-mail": "No mail server is set (TODOKE_SMTP_URL).",
            "forward.no-office": "A case cannot go to this office in this way.",
            "forward.sent": "It has been sent meanwhile. Look at it again.",
            "forward.settled": "There is nothing to decide on any more.",
            "forward.twice": "This office has the case already, or is just getting it.",
            "forward.words": "The words have at most {most} characters.",
            "office.no-key": "The environment variable {setting} with the office's key is not set.",
            "office.said": "The office answers {status}: {words}",
            "office.status": "The office answers {status}.",
            "office.unreadable": "The office's answer cannot be understood.",
            "outside.no-address": "This is not an address of the web.",
            "outside.no-answer": "No answer came: {error}",
            "outside.not-reached": "It could not be reached: {error}",
            "outside.port": "'{host}' must not be asked on port {port}.",
            "outside.private": "'{host}' is not on the public internet.",
            "outside.too-long": "The address is too long.",
            "outside.user-name": "An address must not have a user name or password in it.",
            "webhook.address": "An address has no spaces and at most {most} characters.",
            "webhook.https": "The address must begin with https://.",
            "webhook.missing": "There is no such webhook.",
            "webhook.name": "The name of a webhook has between 1 and {most} characters.",
            "webhook.status": "It answers {status}.",
            "webhook.taken": "There is a webhook '{name}' already.",
            "webhook.too-many": "There are at most {most} webhooks.",
            "api-key.name": "The name of a key has between 1 and {most} characters.",
            "api-key.taken": "There is a key '{name}' already.",
            "api-key.missing": "There is no key '{name}'.",
        }
    }
)
