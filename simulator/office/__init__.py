"""A stand-in for another office: an Open311 GeoReport v2 server in memory, with faults."""

from simulator.office.server import KEY, Case, Faults, Office

__all__ = ["KEY", "Case", "Faults", "Office"]
