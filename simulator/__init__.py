"""Stand-ins for the outside: the LINE Platform and the agency's recorded days.

They use only ``core`` and ``city``. The service talks to them over HTTP and does not know the
difference.
"""
