"""Mail to residents, joined to the service: the relay, the medium, and who reads the mailbox."""

from __future__ import annotations

from dataclasses import dataclass

from channels.email.box import BoxReader
from channels.email.dkim import Signer
from channels.email.medium import EmailMedium, Sending
from channels.email.signup_sender import SignupSender
from channels.email.smtp import Relay
from channels.email.tokens import MailTokens
from channels.rate_leases import shared_limiter
from city.context import Context


@dataclass(frozen=True)
class MailParts:
    """What one process has for mail to residents.

    Parameters
    ----------
    box
        None if no mailbox is read.
    """

    relay: Relay
    medium: EmailMedium
    signups: SignupSender
    box: BoxReader | None


def mail_parts(context: Context) -> MailParts | None:
    """Return them; None where ``TODOKE_SMTP_URL`` is not set.

    Raises
    ------
    BadInput
        The key that signs mail cannot be used.
    """
    settings = context.settings
    if settings.smtp is None:
        return None
    tokens = MailTokens(settings.secret_key, settings.secret_keys_old)
    sending = Sending(settings.smtp, settings.mail_box, tokens, settings.public_url)
    relay, signer = Relay(settings.smtp, context.clock), Signer.of(settings.smtp)
    # The setting is by the minute, the limiter counts seconds.
    rate = None if settings.smtp.a_minute is None else settings.smtp.a_minute // 60
    limiter = shared_limiter(context.database, context.clock, {EmailMedium.name: rate})
    signups = SignupSender(
        context.database,
        context.clock,
        context.queue,
        context.city,
        sending,
        relay,
        signer=signer,
    )
    medium = EmailMedium(
        context.clock, sending, relay, limiter, signer=signer, also=signups.register
    )
    box = None
    if settings.mail_box is not None:
        box = BoxReader(
            context.database,
            context.clock,
            context.queue,
            context.city,
            settings.mail_box,
            tokens,
        )
    return MailParts(relay, medium, signups, box)
