"""Residents who talk to a person: one thread a resident, taken by one colleague.

What residents write comes from the conversation, what staff write leaves as a personal delivery.
The desk's hours are the city's (``[chat]`` of ``city.toml``).
"""
