"""A stand-in for the push service of a browser's maker, with its browsers (RFC 8030).

It takes encrypted messages over HTTP as the real ones do, checks who sends them (RFC 8292),
decrypts them with the browsers' own keys (RFC 8291), and keeps what they would show. No message
leaves the machine.
"""

from simulator.push.server import Browser, Faults, PushService, Shown

__all__ = ["Browser", "Faults", "PushService", "Shown"]
