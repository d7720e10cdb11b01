"""The media that are set up, by the settings and the city's folder.

A new medium adds a line to :func:`media_of`, and one to :func:`senders`.
"""

from __future__ import annotations

from functools import partial

from app.mail_parts import mail_parts
from bot.dialogues.onboarding import language_question
from channels.email.medium import EMAIL
from channels.line.client import LineClient
from channels.line.medium import LINE, LineMedium
from channels.media import Media
from channels.medium import Format, Medium
from channels.posts.medium import BY_POSTS, PostsMedium
from channels.webpush.client import push_session
from channels.webpush.medium import WEB_PUSH, web_push
from city.city import City
from city.context import Context
from core.settings import Settings


def media_of(settings: Settings, city: City) -> Media:
    """Return how messages look by each medium that is set up, in the order of sending.

    For processes that write deliveries and send none. No connection is opened.
    """
    found: list[Format] = [LINE]
    if settings.smtp is not None:
        found.append(EMAIL)
    if settings.push is not None:
        found.append(WEB_PUSH)
    if city.posts:
        found.append(BY_POSTS)
    return Media(found)


def senders(context: Context, line: LineClient) -> list[Medium]:
    """Return the media with which a worker sends; the same ones as :func:`media_of`.

    The caller closes each.
    """
    found: list[Medium] = [
        LineMedium(
            context.database,
            context.city,
            context.clock,
            line,
            question=partial(language_question, context.city),
        ),
    ]
    if (mail := mail_parts(context)) is not None:
        found.append(mail.medium)
    if context.settings.push is not None:
        found.append(web_push(context.settings.push, context.clock, push_session()))
    if context.city.posts:
        # Apprise takes a moment to import, and most processes post nothing.
        from channels.posts.network import post_by

        accounts = {account.name: account for account in context.city.posts}
        found.append(PostsMedium(context.clock, accounts, context.settings.posts, post_by))
    return found
