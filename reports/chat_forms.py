"""What an incoming webhook of a chat wants to read, by the chat's own description."""

from __future__ import annotations

from typing import Any

from reports.models import ChatForm


def body(form: ChatForm, title: str, text: str, url: str, link: str, *, key: str) -> dict[str, Any]:
    """Return a message as the chat reads it.

    Chats know no key of a message; ``key``, the same in every attempt, is in our own JSON alone.

    Sources: https://api.slack.com/messaging/webhooks,
    https://developers.mattermost.com/integrate/webhooks/incoming/,
    https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook,
    https://developers.worksmobile.com/jp/docs/incoming-webhook
    """
    whole = "\n".join(part for part in (title, text, url) if part)
    match form:
        case ChatForm.SLACK:
            # Nobody is called by what a resident or a place is named: <!channel>, <@user>, links.
            safe = whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            return {"text": safe}
        case ChatForm.TEAMS:
            lines = [title, *text.split("\n")]
            blocks = [
                {
                    "type": "TextBlock",
                    "text": _plain(line),
                    "wrap": True,
                    "weight": "Bolder" if at == 0 else "Default",
                }
                for at, line in enumerate(lines)
                if line
            ]
            card = {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "actions": [{"type": "Action.OpenUrl", "title": link, "url": url}] if url else [],
            }
            kind = "application/vnd.microsoft.card.adaptive"
            return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
        case ChatForm.LINE_WORKS:
            made: dict[str, Any] = {"title": title, "body": {"text": text or title}}
            if url:
                made["button"] = {"label": link, "url": url}
            return made
        case ChatForm.JSON:
            return {"id": key, "title": title, "text": text, "url": url}


def _plain(line: str) -> str:
    """Return a line whose signs mean nothing in the card's Markdown."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]()#+!>|~" else sign for sign in line)
