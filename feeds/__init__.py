"""What is new: RSS and Atom, JMA telegrams, CAP, mail and staff alerts become notices.

In come bytes from a source, each kept once; out go :class:`feeds.models.Notice` rows with a
decision (send, digest, hold, publish) that a named rule or person took. What cannot be read
is set aside for staff, never guessed at.
"""
