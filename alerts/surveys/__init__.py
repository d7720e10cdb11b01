"""Questions to residents: written, sent by the door of news, answered, counted, closed.

A survey has one message of news (``alerts.news``), which says what it is about, whom it is for and
when it leaves. In come what staff write and what residents answer; out go counts, and free words
without who wrote them.
"""
