"""All limits on input from outside, in one place.

Sizes are bytes unless a name says otherwise, times are seconds. They are well above what honest
sources send and well below what hurts the machine.
"""

from __future__ import annotations

# One HTTP exchange.
MAX_TRANSFER = 8 * 1024 * 1024
"""Bytes on the wire; the largest telegram the agency documents is 550 KB."""
MAX_BODY = 16 * 1024 * 1024
"""Bytes after decompression; a bomb is cut off here."""
MAX_GZIP_MEMBERS = 100
MAX_REDIRECTS = 3
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
"""Longest silence in the middle of an answer."""
TOTAL_TIMEOUT = 30.0
"""Longest duration of an answer, so that one byte a second does not block a poll."""
MAX_URL_LENGTH = 2048

# Documents.
MAX_XML_DEPTH = 64
MAX_TELEGRAM = 8 * 1024 * 1024
MAX_FEED_ITEMS = 5_000
MAX_FEED_ITEMS_IN_ALL = 20_000
"""A feed with more is not read at all, because even counting them takes seconds."""
MAX_ATTRIBUTES = 200
"""Of one element; the feed parser looks through all of them for each."""
FEED_SECONDS = 15
"""Of the processor, for one feed."""
FEED_MEMORY = 1024 * 1024 * 1024
MAX_TITLE_CHARACTERS = 200
MAX_SUMMARY_CHARACTERS = 2_000
MAX_IDENTITY_CHARACTERS = 500

# Telegrams of one poll.
MAX_TELEGRAMS_A_POLL = 200
TELEGRAM_CONNECTIONS = 4
TELEGRAM_PATIENCE = 1.0
"""Seconds after which the telegrams that came are acted on without the ones that did not."""
TELEGRAM_ATTEMPTS = 5
"""Tries before a telegram that cannot be fetched is set aside for staff."""

# Mail and webhooks.
MAX_MAIL = 5 * 1024 * 1024
"""The rest is cut off: attachments, which come after the text."""
MAX_MAIL_HEAD = 256 * 1024
MAX_MAIL_FIELD = 4 * 1024
"""One header, and one description of a part."""
MAX_MAIL_PARTS = 200
MAX_MAIL_TEXT = 200_000
MAX_MAILS_A_POLL = 50
MAX_MAIL_A_POLL = 20 * 1024 * 1024
"""Bytes of letters after which the others wait for the next poll."""
MAIL_TIMEOUT = 20.0
MAX_INBOUND_BODY = 256 * 1024
INBOUND_CLOCK_SKEW = 300
"""Seconds that a signed message's timestamp may differ from our clock."""

# Translation.
TRANSLATION_TIMEOUT = 8.0
MAX_TRANSLATION_RATIO = 8.0
"""Longest translation, as a multiple of the Japanese text's length."""
MIN_TRANSLATION_RATIO = 0.25

# Polling.
BACKOFF_BASE = 30.0
BACKOFF_LIMIT = 1800.0
POLL_PAUSE = 0.75
"""Share of its interval for which a source is left alone after a good poll."""
POLL_LEASE = 120.0
"""How long a poller may lock a source before another one takes it over."""

# What policy trusts.
NEWS_AGE_LIMIT_HOURS = {"jma": 6, "cap": 6, "mail": 24, "webhook": 24, "rss": 24 * 7}
"""Something older that only now turns up is published, not pushed."""
FUTURE_TOLERANCE = 600
"""Seconds that a report may lie ahead of our clock before a person looks at it."""
MAX_SENDS_A_POLL = 15
"""More new articles to push than this in one poll is a rebuilt web site, not news."""
