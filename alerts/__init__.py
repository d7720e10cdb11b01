"""Alerts of staff, from draft to release: drafts, checks, follow-ups, sending.

It takes what somebody wrote in the console or the shell, and makes a checked notice with its
delivery and an entry in the audit trail, or it refuses. A refusal is a message with values; the
console and the shell put it into words. Decisions on held notices follow the same rules.
"""
