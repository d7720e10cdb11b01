"""The state of the simulator: its people, their chats, sent messages and faults.

The control API reads and changes it; the server fills it in when it starts.
"""

from __future__ import annotations

from simulator.line.faults import FaultPlan, Faults
from simulator.line.ledger import Ledger
from simulator.line.limits import RateLimiter
from simulator.line.moments import PlatformTime
from simulator.line.options import SimulatorOptions
from simulator.line.phones import Phones
from simulator.line.photos import ReadyPhotos
from simulator.line.platform import Platform
from simulator.line.richmenus import StoredRichMenus
from simulator.line.users import Users
from simulator.line.webhooks import Webhooks

_NO_MAP = b'{"type":"FeatureCollection","features":[]}'


class SimulatorState:
    """All parts of the simulator except its port."""

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.time = PlatformTime(self.options.clock)
        self.users = Users(any_user=self.options.any_user)
        self.users.add_friends(self.options.friends)
        self.rich_menus = StoredRichMenus()
        self.ledger = Ledger(self.options.ledger)
        self.limiter = RateLimiter(self.options.limits, enabled=self.options.rate_limits)
        self.ready_photos = ReadyPhotos()
        self.map_geojson = _NO_MAP
        self.webhooks: Webhooks
        self.phones: Phones
        self.platform: Platform
        self._faults = Faults(self.options.faults)

    @property
    def faults(self) -> FaultPlan:
        """The current faults; another plan can be assigned at any time."""
        return self._faults.plan

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self._faults.plan = plan

    def max_in_window(self, endpoint: str, seconds: float = 1.0) -> int:
        """The most requests to an endpoint in any window, refused ones among them."""
        return self.limiter.max_in_window(endpoint, seconds)

    def reset(self) -> None:
        """Forget users, messages, menus, retry keys and counts; keep options and faults."""
        self.users.clear()
        self.phones.clear()
        self.rich_menus.clear()
        self.ledger.clear()
        self.limiter.clear()
        self.platform.clear()
