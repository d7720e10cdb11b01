"""Sources: RSS and Atom, JMA telegrams, CAP and mail become notices.

It reads bytes from a source and stores each item once. It makes :class:`feeds.models.Notice` rows
with a decision (send, digest, hold, publish) by a named rule or person. What cannot be read is set
aside for staff, never guessed.
"""
