"""A stand-in for the networks of the city's other accounts: an ntfy server and a Mastodon instance.

It takes what they take over HTTP, checks the token, and keeps what was posted.
"""

from simulator.posts.server import Faults, Networks, Posted

__all__ = ["Faults", "Networks", "Posted"]
