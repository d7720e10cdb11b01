"""How many browsers may sign up: enough for everybody at an evacuation site, too few for a flood.

An address of the network is not a person: all phones of a carrier may have the same. So a network
may sign up many, and everybody together may sign up more.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from ipaddress import IPv6Address, ip_address, ip_network

from core.clock import Clock

WINDOW_SECONDS = 600.0
MOST_A_NETWORK = 100
MOST_AT_ALL = 2_000
MOST_NETWORKS = 10_000


class SignUpLimit:
    """Counts sign-ups of the last ten minutes, in this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all: deque[float] = deque()
        self._networks: OrderedDict[str, deque[float]] = OrderedDict()

    def allows(self, client: str) -> bool:
        """Whether one more browser may sign up from an address; if so, it counts."""
        now = self._clock.monotonic()
        network = _network(client)
        mine = self._networks.get(network, deque())
        for moments in (self._all, mine):
            while moments and moments[0] <= now - WINDOW_SECONDS:
                moments.popleft()
        if len(mine) >= MOST_A_NETWORK or len(self._all) >= MOST_AT_ALL:
            return False
        mine.append(now)
        self._all.append(now)
        self._networks[network] = mine
        self._networks.move_to_end(network)
        while len(self._networks) > MOST_NETWORKS:
            self._networks.popitem(last=False)
        return True


def _network(client: str) -> str:
    """Return an IPv4 address, or the /64 of an IPv6 address, which one household has whole."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return client[:64]
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
