"""Recorded days, for trying the service without the network: our own articles and telegrams.

It takes the name of a day and plays it on a local feed server, in the formats that cities
and the Meteorological Agency use. Every time is rewritten to the present.
"""

from __future__ import annotations

from simulator.agency.days import DAYS
from simulator.agency.events import Day
from simulator.agency.server import RecordedDays

__all__ = ["DAYS", "Day", "RecordedDays"]
