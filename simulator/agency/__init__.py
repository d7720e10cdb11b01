"""Recorded days, for trying the service without the network: our own articles and telegrams.

In comes the name of a day; out comes a local feed server on which it happens, in the formats
that cities and the Meteorological Agency use, with every time rewritten to the present.
"""

from __future__ import annotations

from simulator.agency.days import DAYS
from simulator.agency.events import Day
from simulator.agency.server import RecordedDays

__all__ = ["DAYS", "Day", "RecordedDays"]
