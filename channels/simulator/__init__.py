"""A stand-in for the LINE Platform, so that Todoke can be tried and tested without an account.

In comes what the service says to LINE: replies, pushes, multicasts, rich menus, questions about
followers and content, each checked against LINE's description; and what people do on the phone
page or through the control API. Out go LINE's answers, signed webhooks to the service, and a ledger
of who received what. The service does not know the difference.
"""

from channels.simulator.faults import FaultPlan
from channels.simulator.options import SimulatorOptions
from channels.simulator.server import Simulator, run

__all__ = ["FaultPlan", "Simulator", "SimulatorOptions", "run"]
