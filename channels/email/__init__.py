"""E-mail as a medium: how a notice looks as a mail, how it is sent, and what comes back.

In come notices from the engine, and mails from the city's mailbox (returned mails, requests to
follow). Out go mails over the city's SMTP relay, and addresses that no longer exist are ended.
"""
